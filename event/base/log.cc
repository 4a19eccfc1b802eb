// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#include "event/base/log.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <atomic>
#include <string>

#include "event/base/die.h"
#include "event/base/sys.h"

namespace le {
namespace event {
namespace {

// Longer messages are cut: a line must go out by one write, and no peer's
// words may fill the log.
constexpr size_t kMaxMessageBytes = 4000;

constexpr int kLevelUnset = -1;
std::atomic<int> g_level{kLevelUnset};
std::atomic<LogSink> g_sink{nullptr};
std::atomic<DieFunction> g_die{nullptr};

LogLevel LevelFromEnvironment() {
  const char* const text = secure_getenv("LE_LOG_LEVEL");
  if (text == nullptr) return LogLevel::kInfo;
  for (int i = 0; i <= static_cast<int>(LogLevel::kEmergency); ++i) {
    const LogLevel level = static_cast<LogLevel>(i);
    if (strcasecmp(text, LogLevelName(level)) == 0) return level;
  }
  return LogLevel::kInfo;
}

int CurrentLevel() {
  int level = g_level.load(std::memory_order_relaxed);
  if (level != kLevelUnset) return level;
  // Does not override a level that is being set meanwhile.
  const int wanted = static_cast<int>(LevelFromEnvironment());
  if (g_level.compare_exchange_strong(level, wanted)) return wanted;
  return level;
}

void WriteToStandardError(LogLevel level, absl::string_view message) {
  const bool cut = message.size() > kMaxMessageBytes;
  std::string line = absl::StrCat(
      LogLevelName(level), " ", program_invocation_short_name, "[", getpid(),
      "]: ", message.substr(0, kMaxMessageBytes), cut ? " [cut]" : "");
  // One message, one line: what a peer said cannot look like a line of ours.
  for (char& c : line) {
    const unsigned char byte = static_cast<unsigned char>(c);
    if (byte < ' ' || byte == 0x7f) c = ' ';
  }
  line.push_back('\n');
  // A log that cannot be written is no reason to do anything else.
  const ssize_t written = sys::Write(STDERR_FILENO, line.data(), line.size());
  static_cast<void>(written);
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

void SetDieFunction(DieFunction die) { g_die.store(die); }

void Fatal(absl::string_view message) {
  Log(LogLevel::kEmergency, message);
  const DieFunction die = g_die.load();
  if (die != nullptr) die(message);
  exit(EXIT_FAILURE);
}

}  // namespace event
}  // namespace le
