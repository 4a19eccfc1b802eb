// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#include "tests/benchmarks/system_calls.h"

#include <errno.h>
#include <linux/ptrace.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <utility>

#include "absl/strings/str_cat.h"
#include "tests/benchmarks/party.h"

namespace le {
namespace benchmarks {
namespace {

// The C library's header for ptrace() conflicts with the kernel's.
long Trace(int request, pid_t pid, uintptr_t address, uintptr_t data) {
  return syscall(SYS_ptrace, request, pid, address, data);
}

const char* NameOf(long number) {
  static const std::map<long, const char*> names = {
      {SYS_sendto, "sendto"},
      {SYS_recvfrom, "recvfrom"},
      {SYS_sendmsg, "sendmsg"},
      {SYS_recvmsg, "recvmsg"},
      {SYS_sendmmsg, "sendmmsg"},
      {SYS_recvmmsg, "recvmmsg"},
      {SYS_read, "read"},
      {SYS_write, "write"},
      {SYS_readv, "readv"},
      {SYS_writev, "writev"},
      {SYS_close, "close"},
      {SYS_socket, "socket"},
      {SYS_connect, "connect"},
      {SYS_accept4, "accept4"},
      {SYS_getsockopt, "getsockopt"},
      {SYS_setsockopt, "setsockopt"},
      {SYS_getsockname, "getsockname"},
      {SYS_getpeername, "getpeername"},
      {SYS_shutdown, "shutdown"},
      {SYS_fcntl, "fcntl"},
      {SYS_ioctl, "ioctl"},
      {SYS_futex, "futex"},
      {SYS_epoll_ctl, "epoll_ctl"},
#ifdef SYS_epoll_wait
      {SYS_epoll_wait, "epoll_wait"},
#endif
      {SYS_epoll_pwait, "epoll_pwait"},
#ifdef SYS_epoll_pwait2
      {SYS_epoll_pwait2, "epoll_pwait2"},
#endif
#ifdef SYS_poll
      {SYS_poll, "poll"},
#endif
      {SYS_ppoll, "ppoll"},
      {SYS_brk, "brk"},
      {SYS_mmap, "mmap"},
      {SYS_munmap, "munmap"},
      {SYS_madvise, "madvise"},
      {SYS_getrandom, "getrandom"},
      {SYS_getuid, "getuid"},
      {SYS_geteuid, "geteuid"},
      {SYS_getegid, "getegid"},
      {SYS_prlimit64, "prlimit64"},
      {SYS_getpid, "getpid"},
      {SYS_clock_gettime, "clock_gettime"},
      {SYS_restart_syscall, "restart_syscall"},
  };
  const auto found = names.find(number);
  return found == names.end() ? nullptr : found->second;
}

}  // namespace

bool SystemCallCounter::Attach(const std::vector<pid_t>& pids, What what) {
  what_ = what;
  // Blocks SIGCHLD, so that sigtimedwait() can wait for a stop with a timeout.
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGCHLD);
  sigprocmask(SIG_BLOCK, &signals, nullptr);
  for (pid_t pid : pids) {
    if (Trace(PTRACE_SEIZE, pid, 0, PTRACE_O_TRACESYSGOOD) != 0 ||
        Trace(PTRACE_INTERRUPT, pid, 0, 0) != 0) {
      return false;
    }
    pids_.push_back(pid);
  }
  return true;
}

bool SystemCallCounter::HandleStops() {
  bool any = false;
  for (size_t i = 0; i < pids_.size(); ++i) {
    const pid_t pid = pids_[i];
    int status = 0;
    if (waitpid(pid, &status, __WALL | WNOHANG) != pid) continue;
    any = true;
    if (!WIFSTOPPED(status)) continue;
    const int signal = WSTOPSIG(status);
    uintptr_t deliver = 0;
    if (signal == (SIGTRAP | 0x80)) {
      struct ptrace_syscall_info info;
      if (Trace(PTRACE_GET_SYSCALL_INFO, pid, sizeof(info),
                reinterpret_cast<uintptr_t>(&info)) > 0 &&
          info.op == PTRACE_SYSCALL_INFO_ENTRY) {
        counts_[static_cast<long>(info.entry.nr)] += 1;
      }
    } else if (what_ == What::kInstructions && signal == SIGTRAP &&
               status >> 16 == 0) {
      counts_[static_cast<long>(i)] += 1;
    } else if (status >> 16 == 0) {
      deliver = static_cast<uintptr_t>(signal);
    }
    Trace(what_ == What::kCalls ? PTRACE_SYSCALL : PTRACE_SINGLESTEP, pid, 0,
          deliver);
  }
  return any;
}

bool SystemCallCounter::CountUntil(const std::function<bool()>& done,
                                   double seconds) {
  const int64_t deadline = Nanoseconds() + static_cast<int64_t>(seconds * 1e9);
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGCHLD);
  // A process that makes no call for this time is quiet.
  const struct timespec quiet = {0, 20000000};
  for (bool was_done = false;;) {
    if (HandleStops()) continue;
    const bool is_done = was_done || done();
    if (sigtimedwait(&signals, nullptr, &quiet) < 0 && errno == EAGAIN &&
        was_done && !HandleStops()) {
      return true;
    }
    was_done = is_done;
    if (Nanoseconds() > deadline) return false;
  }
}

CallCounts PerOperation(const CallCounts& fewer, const CallCounts& more,
                        double operations) {
  CallCounts each;
  for (const auto& count : more) {
    const auto found = fewer.find(count.first);
    const double before = found == fewer.end() ? 0 : found->second;
    if (count.second != before) {
      each[count.first] = (count.second - before) / operations;
    }
  }
  return each;
}

double Sum(const CallCounts& counts) {
  double sum = 0;
  for (const auto& count : counts) sum += count.second;
  return sum;
}

std::string Describe(const CallCounts& counts) {
  std::vector<std::pair<double, long>> ordered;
  for (const auto& count : counts) {
    ordered.push_back({-count.second, count.first});
  }
  std::sort(ordered.begin(), ordered.end());
  std::string text;
  for (const auto& count : ordered) {
    const char* const name = NameOf(count.second);
    char number[32];
    std::snprintf(number, sizeof(number), "%.2f", -count.first);
    if (-count.first < 0.005) continue;
    absl::StrAppend(&text, text.empty() ? "" : ", ",
                    name != nullptr ? name : absl::StrCat("#", count.second),
                    " ", number);
  }
  return text;
}

}  // namespace benchmarks
}  // namespace le
