// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#include "event/base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <string>

#include "absl/strings/match.h"
#include "event/base/die.h"
#include "event/base/sys.h"
#include "event/base/unique_fd.h"

namespace le {
namespace event {
namespace {

// Longer messages are cut off. A write of at most PIPE_BUF bytes to a pipe is
// atomic, so lines of several writers do not mix. One write may have two lines:
// the message, and the number of dropped lines. Both lines together fit into
// PIPE_BUF.
constexpr size_t kMaxMessageBytes = 3600;
constexpr size_t kMaxNameBytes = 100;
static_assert(kMaxMessageBytes + 4 * kMaxNameBytes <= PIPE_BUF, "");

constexpr int kLevelUnset = -1;
std::atomic<int> g_level{kLevelUnset};
std::atomic<LogSink> g_sink{nullptr};
std::atomic<DieFunction> g_die{nullptr};

LogLevel LevelFromEnvironment() {
  const char* const text = secure_getenv("LE_LOG_LEVEL");
  LogLevel level = LogLevel::kInfo;
  if (text != nullptr) ParseLogLevel(text, &level);
  return level;
}

int CurrentLevel() {
  int level = g_level.load(std::memory_order_relaxed);
  if (level != kLevelUnset) return level;
  // Do not override a level that another thread sets meanwhile.
  const int wanted = static_cast<int>(LevelFromEnvironment());
  if (g_level.compare_exchange_strong(level, wanted)) return wanted;
  return level;
}

// Blocks SIGPIPE and SIGXFSZ for the calling thread while it writes, because
// the kernel sends both signals to the writing thread. The process's signal
// actions belong to the program, so the library does not change them.
class SignalGuard {
 public:
  SignalGuard() {
    sigemptyset(&signals_);
    sigaddset(&signals_, SIGPIPE);
    sigaddset(&signals_, SIGXFSZ);
    sigemptyset(&pending_);
    blocked_ = sys::SigPending(&pending_) == 0 &&
               sys::SigMask(SIG_BLOCK, &signals_, &old_mask_) == 0;
  }
  ~SignalGuard() {
    if (!blocked_) return;
    // A signal that was already pending has another cause, so it stays pending.
    for (const int signal : {SIGPIPE, SIGXFSZ}) {
      if (sigismember(&pending_, signal) != 0) sigdelset(&signals_, signal);
    }
    const struct timespec now = {};
    while (sys::SigTimedWait(&signals_, &now) > 0) {
    }
    sys::SigMask(SIG_SETMASK, &old_mask_, nullptr);
  }
  SignalGuard(const SignalGuard&) = delete;
  SignalGuard& operator=(const SignalGuard&) = delete;

  // If it returns false, do not write: a signal could end the process.
  bool blocked() const { return blocked_; }

 private:
  sigset_t signals_;
  sigset_t pending_;
  sigset_t old_mask_;
  bool blocked_;
};

// Writes to standard error while it has room. poll() reports a terminal as
// writable if it has room for one byte. A line is dropped if another thread
// writes one: a lock could be held by code that a signal has interrupted.
ssize_t WriteByteByByte(absl::string_view text) {
  static std::atomic<bool> is_writing{false};
  static bool was_cut = false;  // only while is_writing
  if (is_writing.exchange(true, std::memory_order_acquire)) return -1;
  const std::string bytes = absl::StrCat(was_cut ? "\n" : "", text);
  size_t written = 0;
  for (const char& byte : bytes) {
    struct pollfd room = {STDERR_FILENO, POLLOUT, 0};
    if (sys::Poll(&room, 1, 0) <= 0) break;
    if (sys::Write(STDERR_FILENO, &byte, 1) != 1) break;
    ++written;
  }
  const bool is_whole = written == bytes.size();
  if (written > 0) was_cut = !is_whole;
  is_writing.store(false, std::memory_order_release);
  return is_whole ? static_cast<ssize_t>(text.size()) : -1;
}

// Writes to standard error without waiting. O_NONBLOCK must not be set on
// standard error itself, because other processes share the open file and its
// flags.
ssize_t WriteWithoutWaiting(absl::string_view text) {
  constexpr int kFd = STDERR_FILENO;
  struct stat info;
  if (sys::Fstat(kFd, &info) < 0) return -1;
  if (S_ISSOCK(info.st_mode)) {
    return sys::Send(kFd, text.data(), text.size(),
                     MSG_DONTWAIT | MSG_NOSIGNAL);
  }
  const SignalGuard guard;
  if (!guard.blocked()) return -1;
  if (S_ISREG(info.st_mode)) {  // never blocks
    return sys::Write(kFd, text.data(), text.size());
  }
  // Open the pipe or terminal again: the new open file has its own flags.
  constexpr int kFlags = O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
  UniqueFd own(sys::Open("/proc/self/fd/2", kFlags, 0));
  if (!own && errno == ENXIO) return -1;  // a pipe without a reader
  pid_t session = 0;
  if (!own && sys::Ioctl(kFd, TIOCGSID, &session) == 0) {
    // A terminal of another user, as after `sudo -u`. Since the call succeeded,
    // it is the controlling terminal, which has a name that any user may open.
    own.reset(sys::Open("/dev/tty", kFlags, 0));
  }
  if (own) return sys::Write(own.get(), text.data(), text.size());
  // Standard error could not be opened again (no /proc, or no permission).
  // poll() reports a pipe as writable only if it has room for PIPE_BUF bytes.
  // So the write blocks only if another writer fills the pipe first.
  if (!S_ISFIFO(info.st_mode)) return WriteByteByByte(text);
  struct pollfd room = {kFd, POLLOUT, 0};
  if (sys::Poll(&room, 1, 0) <= 0) return -1;
  return sys::Write(kFd, text.data(), text.size());
}

// Whether standard error is systemd's journal (systemd.exec(5)).
bool WritesToJournal() {
  static const std::string* const stream = [] {
    const char* const text = secure_getenv("JOURNAL_STREAM");
    return new std::string(text != nullptr ? text : "");
  }();
  struct stat info;
  return !stream->empty() && sys::Fstat(STDERR_FILENO, &info) == 0 &&
         *stream == absl::StrCat(info.st_dev, ":", info.st_ino);
}

// The priority of a line in the journal (sd-daemon(3)).
const char* JournalPriority(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug:
      return "<7>";
    case LogLevel::kInfo:
      return "<6>";
    case LogLevel::kWarning:
      return "<4>";
    case LogLevel::kError:
      return "<3>";
    case LogLevel::kCritical:
    case LogLevel::kEmergency:
      break;  // systemd shows "<0>" to all users of the machine
  }
  return "<2>";
}

std::string Line(LogLevel level, absl::string_view message) {
  const bool cut = message.size() > kMaxMessageBytes;
  std::string line = absl::StrCat(
      WritesToJournal() ? JournalPriority(level) : "", LogLevelName(level), " ",
      absl::string_view(program_invocation_short_name).substr(0, kMaxNameBytes),
      "[", getpid(), "]: ", message.substr(0, kMaxMessageBytes),
      cut ? " [cut]" : "");
  // Replace control characters, so that a message is one line and a peer's text
  // cannot look like a line of this process.
  for (char& c : line) {
    const unsigned char byte = static_cast<unsigned char>(c);
    if (byte < ' ' || byte == 0x7f) c = ' ';
  }
  line.push_back('\n');
  return line;
}

void WriteToStandardError(LogLevel level, absl::string_view message) {
  static std::atomic<uint64_t> dropped_lines{0};
  const uint64_t dropped = dropped_lines.exchange(0);
  std::string text;
  if (dropped > 0) {
    text = Line(LogLevel::kWarning,
                absl::StrCat(dropped, " log lines could not be written"));
  }
  text += Line(level, message);
  if (WriteWithoutWaiting(text) != static_cast<ssize_t>(text.size())) {
    dropped_lines.fetch_add(dropped + 1);
  }
}

}  // namespace

const char* LogLevelName(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug:
      return "DEBUG";
    case LogLevel::kInfo:
      return "INFO";
    case LogLevel::kWarning:
      return "WARNING";
    case LogLevel::kError:
      return "ERROR";
    case LogLevel::kCritical:
      return "CRITICAL";
    case LogLevel::kEmergency:
      return "EMERGENCY";
  }
  return "UNKNOWN";
}

bool ParseLogLevel(absl::string_view name, LogLevel* level) {
  for (int i = 0; i <= static_cast<int>(LogLevel::kEmergency); ++i) {
    const LogLevel candidate = static_cast<LogLevel>(i);
    // Compare in ASCII. strcasecmp() obeys the locale: in Turkish 'i' is not
    // 'I'.
    if (absl::EqualsIgnoreCase(name, LogLevelName(candidate))) {
      *level = candidate;
      return true;
    }
  }
  return false;
}

bool LogEnabled(LogLevel level) {
  return static_cast<int>(level) >= CurrentLevel();
}

void SetLogLevel(LogLevel level) {
  g_level.store(static_cast<int>(level), std::memory_order_relaxed);
}

LogSink SetLogSink(LogSink sink) { return g_sink.exchange(sink); }

void Log(LogLevel level, absl::string_view message) {
  if (!LogEnabled(level)) return;
  const int saved_errno = errno;
  const LogSink sink = g_sink.load();
  (sink != nullptr ? sink : &WriteToStandardError)(level, message);
  errno = saved_errno;
}

bool AbortsOnFatal() {
  const char* const text = secure_getenv("LE_ABORT_ON_FATAL");
  return text != nullptr && *text != '\0' && absl::string_view(text) != "0";
}

void SetDieFunction(DieFunction die) { g_die.store(die); }

void Fatal(absl::string_view message) {
  Log(LogLevel::kEmergency, message);
  const DieFunction die = g_die.load();
  if (die != nullptr) die(message);
  if (AbortsOnFatal()) abort();
  exit(EXIT_FAILURE);
}

}  // namespace event
}  // namespace le
