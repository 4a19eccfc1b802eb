// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#include "event/os_process.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "event/base/die.h"
#include "event/base/log.h"
#include "event/base/sys.h"
#include "event/base/this_thread.h"
#include "event/base/unique_fd.h"
#include "event/epoll_loop.h"
#include "event/futex_parker.h"
#include "event/peer_log.h"

namespace le {
namespace event {
namespace {

// The kernel's limit for a thread's name, without the terminator.
constexpr size_t kMaxThreadName = 15;

// The process ID. It is cached, because each opening of a session needs it.
// Only a fork changes it. 0 means that it has not been read yet.
std::atomic<pid_t> g_pid{0};

pid_t Pid() {
  pid_t pid = g_pid.load(std::memory_order_relaxed);
  if (pid == 0) {
    pid = getpid();
    g_pid.store(pid, std::memory_order_relaxed);
  }
  return pid;
}

class PosixThread final : public ThreadHandle {
 public:
  explicit PosixThread(pthread_t thread) : thread_(thread) {}
  ~PosixThread() override {
    if (owned_) Detach();
  }
  void Join() override {
    owned_ = false;
    pthread_join(thread_, nullptr);
  }
  void Detach() override {
    owned_ = false;
    pthread_detach(thread_);
  }

 private:
  const pthread_t thread_;
  bool owned_ = true;
};

struct Start {
  std::string name;
  std::function<void()> body;
};

void* RunThread(void* argument) {
  const std::unique_ptr<Start> start(static_cast<Start*>(argument));
  pthread_setname_np(pthread_self(),
                     start->name.substr(0, kMaxThreadName).c_str());
  Thread::Binding binding(OsProcess::Get(), start->name);
  start->body();
  return nullptr;
}

// Used if getrandom() fails, in a test or because of a system call filter.
// Mixes a counter with the secret bytes that the kernel passed at the start of
// the process.
uint64_t FallbackRandom() {
  static std::atomic<uint64_t> count{0};
  uint64_t secret[2] = {0x9e3779b97f4a7c15, 0xbf58476d1ce4e5b9};
  const void* const bytes = reinterpret_cast<const void*>(getauxval(AT_RANDOM));
  if (bytes != nullptr) memcpy(secret, bytes, sizeof(secret));
  uint64_t x = secret[0] + count.fetch_add(1) * 0x9e3779b97f4a7c15;
  for (int round = 0; round < 4; ++round) {
    x ^= x >> 31;
    x *= 0x94d049bb133111eb;
    x += secret[1];
    x ^= x >> 29;
  }
  return x;
}

// The kernel's default for kernel.overflowuid.
constexpr uid_t kUsualOverflowUser = 65534;

// Reads a file of /proc. Returns false and sets errno if it cannot be read.
bool ReadProcFile(const char* name, std::string* text) {
  const UniqueFd file(sys::Open(name, O_RDONLY | O_CLOEXEC, 0));
  if (!file) return false;
  char part[4096];
  for (;;) {
    const ssize_t size = sys::Read(file.get(), part, sizeof(part));
    if (size == 0) return true;
    if (size > 0) {
      text->append(part, static_cast<size_t>(size));
    } else if (errno != EINTR) {
      return false;
    }
  }
}

uid_t OverflowUser() {
  // Cached, because administrators do not change this setting while programs
  // run.
  static const uid_t user = [] {
    std::string text;
    uint32_t number = 0;
    return ReadProcFile("/proc/sys/kernel/overflowuid", &text) &&
                   absl::SimpleAtoi(text, &number)
               ? uid_t{number}
               : kUsualOverflowUser;
  }();
  return user;
}

// Not cached: a process may enter a namespace, and a namespace may get its map
// later.
bool AllUsersAreMapped() {
  std::string map;
  if (!ReadProcFile("/proc/self/uid_map", &map)) {
    // A kernel without user namespaces has no uid_map, and maps all users. If
    // /proc is not mounted, assume that some users are not mapped.
    struct stat self;
    return errno == ENOENT && sys::Stat("/proc/self", &self) == 0;
  }
  // Each line is a range of user IDs: the first ID inside the namespace, the
  // first ID outside, and the length. The ranges do not overlap. UINT32_MAX is
  // not a user ID.
  uint64_t mapped = 0;
  for (absl::string_view line : absl::StrSplit(map, '\n')) {
    const std::vector<absl::string_view> words =
        absl::StrSplit(line, ' ', absl::SkipEmpty());
    uint64_t count = 0;
    if (words.size() == 3 && absl::SimpleAtoi(words[2], &count)) {
      mapped += count;
    }
  }
  return mapped >= UINT32_MAX;
}

}  // namespace

OsProcess::OsProcess() {
  pthread_atfork(nullptr, nullptr, [] {
    forked_.store(true);
    g_pid.store(0);
  });
}

OsProcess* OsProcess::Get() {
  // It is never destroyed, because threads may use it while the process exits.
  static OsProcess* const process = new OsProcess;
  return process;
}

std::atomic<bool> OsProcess::forked_{false};

void OsProcess::Die(absl::string_view) {
  if (AbortsOnFatal()) abort();
  // The child of a fork must not run its parent's exit handlers or flush its
  // buffers.
  if (forked()) _exit(EXIT_FAILURE);
  static std::atomic<const void*> dying{nullptr};
  const void* who = nullptr;
  if (!dying.compare_exchange_strong(who, ThisThread())) {
    if (who == ThisThread()) _exit(EXIT_FAILURE);
    for (;;) pause();
  }
  exit(EXIT_FAILURE);
}

Credentials OsProcess::credentials() {
  Credentials credentials;
  credentials.pid = Pid();
  credentials.uid = geteuid();
  credentials.gid = getegid();
  return credentials;
}

bool OsProcess::IsOverflowUser(uid_t uid) {
  return uid == OverflowUser() && !AllUsersAreMapped();
}

Instant OsProcess::Now() { return MonotonicNow(); }

std::unique_ptr<Loop> OsProcess::CreateLoop() {
  return std::unique_ptr<Loop>(new EpollLoop);
}

std::unique_ptr<Parker> OsProcess::CreateParker() {
  return std::unique_ptr<Parker>(new FutexParker);
}

std::unique_ptr<ThreadHandle> OsProcess::StartThread(
    const std::string& name, std::function<void()> body) {
  std::unique_ptr<Start> start(new Start{name, std::move(body)});
  pthread_t thread;
  const int error = pthread_create(&thread, nullptr, &RunThread, start.get());
  if (error != 0) {
    // Strangers may cause this failure (transports/closer.h), so limit the log
    // lines.
    LogForPeer(
        LogLevel::kError, kUnknownPeer,
        absl::StrCat("thread \"", name, "\" cannot start: ", strerror(error)));
    return nullptr;
  }
  (void)start.release();  // The new thread owns it.
  return std::unique_ptr<ThreadHandle>(new PosixThread(thread));
}

void OsProcess::ExitThread() { pthread_exit(nullptr); }

uint64_t OsProcess::Random() {
  uint64_t value;
  ssize_t count;
  do {
    count = sys::GetRandom(&value, sizeof(value), 0);
  } while (count < 0 && errno == EINTR);
  return count == static_cast<ssize_t>(sizeof(value)) ? value
                                                      : FallbackRandom();
}

std::string OsProcess::GetEnv(const char* name) {
  const char* const value = secure_getenv(name);
  return value != nullptr ? value : "";
}

void OsProcess::UnsetEnv(const char* name) { unsetenv(name); }

}  // namespace event
}  // namespace le
