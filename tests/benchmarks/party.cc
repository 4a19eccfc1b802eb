// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#include "tests/benchmarks/party.h"

#include <fcntl.h>
#include <malloc.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cinttypes>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <limits>

// A sanitizer has its own malloc(), so allocations cannot be counted.
#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define LE_COUNT_ALLOCATIONS 0
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || \
    !defined(__GLIBC__)
#define LE_COUNT_ALLOCATIONS 0
#endif
#ifndef LE_COUNT_ALLOCATIONS
#define LE_COUNT_ALLOCATIONS 1
#endif

namespace le {
namespace benchmarks {
namespace {

Counters g_own_counters;
Counters* g_counters = &g_own_counters;

}  // namespace

#if LE_COUNT_ALLOCATIONS
void CountAllocation() {
  g_counters->allocations.fetch_add(1, std::memory_order_relaxed);
}
#endif

void BeParty() {
  for (int fd : {kParent, kCounters, kLink}) fcntl(fd, F_SETFD, FD_CLOEXEC);
  void* const page = mmap(nullptr, sizeof(Counters), PROT_READ | PROT_WRITE,
                          MAP_SHARED, kCounters, 0);
  if (page == MAP_FAILED) _exit(1);
  g_counters = static_cast<Counters*>(page);
  g_counters->counted = LE_COUNT_ALLOCATIONS;
  // Some roles have thousands of sessions, each with a file descriptor.
  struct rlimit limit;
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
  if (const char* const user = std::getenv(kUser)) {
    const uid_t uid = static_cast<uid_t>(std::atol(user));
    // The kernel clears the parent-death signal when the user changes.
    if (setresgid(uid, uid, uid) != 0 || setresuid(uid, uid, uid) != 0 ||
        prctl(PR_SET_PDEATHSIG, SIGKILL) != 0) {
      _exit(1);
    }
  }
}

void KeepFreedMemory() {
#if defined(__GLIBC__)
  mallopt(M_TRIM_THRESHOLD, 64 << 20);
  mallopt(M_MMAP_THRESHOLD, 16 << 20);
#endif
}

void Say(const std::string& word) {
  if (send(kParent, word.data(), word.size(), MSG_NOSIGNAL) < 0) _exit(1);
}

bool Command::Is(const char* other) const {
  return std::strcmp(kind, other) == 0;
}

Command ParseCommand(const char* word) {
  Command command;
  if (std::sscanf(word, "%31s %zu %" SCNd64, command.kind, &command.size,
                  &command.operations) != 3) {
    _exit(2);
  }
  return command;
}

Command NextCommand() {
  char word[256] = "";
  ssize_t size;
  do {
    size = recv(kParent, word, sizeof(word) - 1, 0);
  } while (size < 0 && errno == EINTR);
  if (size <= 0) _exit(0);
  return ParseCommand(word);
}

int64_t Nanoseconds() {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return int64_t{now.tv_sec} * 1000000000 + now.tv_nsec;
}

Stopwatch::Stopwatch(const Command& command, int64_t lap)
    : operations_(command.operations),
      all_operations_(command.operations + command.warm_up()),
      operations_per_lap_(lap),
      // Allocated here, so that Lap() causes no page fault while measuring.
      laps_(lap > 0 ? static_cast<size_t>(command.operations / lap) : 0, 1) {}

void Stopwatch::Start() {
  allocations_ = g_counters->allocations;
  start_ = last_ = Nanoseconds();
}

void Stopwatch::Lap() {
  if (lap_ == laps_.size()) return;
  const int64_t now = Nanoseconds();
  laps_[lap_++] = static_cast<uint32_t>(std::min<int64_t>(
      now - last_, int64_t{std::numeric_limits<uint32_t>::max()}));
  last_ = now;
}

void Stopwatch::Stop() {
  total_ = Nanoseconds() - start_;
  allocations_ = g_counters->allocations - allocations_;
}

std::string Stopwatch::Report() {
  double each = static_cast<double>(total_) / static_cast<double>(operations_);
  if (lap_ > 0) {
    const auto middle = laps_.begin() + static_cast<ptrdiff_t>(lap_ / 2);
    std::nth_element(laps_.begin(), middle,
                     laps_.begin() + static_cast<ptrdiff_t>(lap_));
    each =
        static_cast<double>(*middle) / static_cast<double>(operations_per_lap_);
  }
  const uint32_t longest =
      lap_ > 0 ? *std::max_element(laps_.begin(), laps_.end()) : 0;
  char text[128];
  std::snprintf(text, sizeof(text), "%.3f %" PRIu64 " %" PRId64 " %" PRIu32,
                each, allocations_, all_operations_, longest);
  return text;
}

// ---- Pipes -----------------------------------------------------------------

namespace {

bool EchoOne(Pipe* pipe, size_t size) {
  return pipe->Send(kEcho, size) && pipe->Receive(size);
}

std::string Pipelined(Pipe* pipe, const Command& command) {
  Stopwatch watch(command, 0);
  const int64_t all = command.warm_up() + command.operations;
  int64_t sent = 0;
  for (int64_t received = 0; received < all; ++received) {
    if (received == command.warm_up()) watch.Start();
    for (; sent < all && sent - received < kOutstanding; ++sent) {
      if (!pipe->Send(kEcho, command.size)) return "failed";
    }
    if (!pipe->Receive(command.size)) return "failed";
  }
  watch.Stop();
  return watch.Report();
}

// The last message asks for a response, which shows that the server has
// received all messages.
bool SendMany(Pipe* pipe, int64_t messages, size_t size) {
  for (; messages > 1; --messages) {
    if (!pipe->Send(kOneWay, size)) return false;
  }
  return EchoOne(pipe, size);
}

std::string OneWay(Pipe* pipe, const Command& command) {
  Stopwatch watch(command, 0);
  if (!SendMany(pipe, command.warm_up(), command.size)) return "failed";
  watch.Start();
  if (!SendMany(pipe, command.operations, command.size)) return "failed";
  watch.Stop();
  return watch.Report();
}

}  // namespace

void ObeyCommands(Pipe* pipe) {
  Say("ready");
  for (;;) {
    const Command command = NextCommand();
    if (command.Is("sync")) {
      Say(TimeEach(command, [&] { return EchoOne(pipe, command.size); }));
    } else if (command.Is("pipelined")) {
      Say(Pipelined(pipe, command));
    } else if (command.Is("one_way")) {
      Say(OneWay(pipe, command));
    } else {
      _exit(2);
    }
  }
}

}  // namespace benchmarks
}  // namespace le

#if LE_COUNT_ALLOCATIONS
// These functions replace the C library's. operator new calls them too.
extern "C" {
void* __libc_malloc(size_t size);
void* __libc_calloc(size_t count, size_t size);
void* __libc_realloc(void* old, size_t size);
void* __libc_memalign(size_t alignment, size_t size);

void* malloc(size_t size) noexcept {
  le::benchmarks::CountAllocation();
  return __libc_malloc(size);
}
void* calloc(size_t count, size_t size) noexcept {
  le::benchmarks::CountAllocation();
  return __libc_calloc(count, size);
}
void* realloc(void* old, size_t size) noexcept {
  le::benchmarks::CountAllocation();
  return __libc_realloc(old, size);
}
void* memalign(size_t alignment, size_t size) noexcept {
  le::benchmarks::CountAllocation();
  return __libc_memalign(alignment, size);
}
void* aligned_alloc(size_t alignment, size_t size) noexcept {
  le::benchmarks::CountAllocation();
  return __libc_memalign(alignment, size);
}
int posix_memalign(void** memory, size_t alignment, size_t size) noexcept {
  le::benchmarks::CountAllocation();
  *memory = __libc_memalign(alignment, size);
  return *memory == nullptr ? ENOMEM : 0;
}
}
#endif
