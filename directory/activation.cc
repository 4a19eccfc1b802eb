// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#include "directory/activation.h"

#include <fcntl.h>

#include <cstdint>
#include <limits>
#include <string>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "event/base/log.h"
#include "event/base/sys.h"

namespace le {
namespace directory {

namespace sys = event::sys;

namespace {

constexpr int kFirstPassed = 3;
constexpr uint32_t kMaxPassed =
    static_cast<uint32_t>(std::numeric_limits<int>::max() - kFirstPassed);

// Parses a decimal number from 1 to `max`.
bool ParseNumber(const std::string& text, uint32_t max, uint32_t* number) {
  return absl::SimpleAtoi(text, number) && *number > 0 && *number <= max;
}

}  // namespace

absl::StatusOr<event::UniqueFd> TakePassedSocket(event::Process* process) {
  const std::string pid = process->GetEnv("LISTEN_PID");
  const std::string fds = process->GetEnv("LISTEN_FDS");
  for (const char* name : {"LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"}) {
    process->UnsetEnv(name);
  }
  if (pid.empty() && fds.empty()) return event::UniqueFd();
  uint32_t owner = 0;
  uint32_t count = 0;
  if (!ParseNumber(pid, std::numeric_limits<int>::max(), &owner) ||
      !ParseNumber(fds, kMaxPassed, &count)) {
    return absl::InvalidArgumentError(
        absl::StrCat("LISTEN_PID is '", pid, "' and LISTEN_FDS is '", fds,
                     "': expected a process and a number of file descriptors"));
  }
  if (static_cast<pid_t>(owner) != process->credentials().pid) {
    event::Log(event::LogLevel::kWarning,
               absl::StrCat("LISTEN_PID names process ", owner,
                            ", not this one: its sockets are not used"));
    return event::UniqueFd();
  }
  // The loop ends at the first file descriptor that is not open. So the loop
  // is short even if LISTEN_FDS is wrong.
  for (uint32_t i = 0; i < count; ++i) {
    const int fd = kFirstPassed + static_cast<int>(i);
    if (sys::Fcntl(fd, F_SETFD, FD_CLOEXEC) != 0) {
      return absl::InvalidArgumentError(absl::StrCat("LISTEN_FDS is ", count,
                                                     ", but file descriptor ",
                                                     fd, " is not open"));
    }
    if (i > 0) sys::Close(fd);
  }
  if (count > 1) {
    event::Log(event::LogLevel::kWarning,
               absl::StrCat("LISTEN_FDS is ", count,
                            ": only the first file descriptor is used"));
  }
  return event::UniqueFd(kFirstPassed);
}

}  // namespace directory
}  // namespace le
