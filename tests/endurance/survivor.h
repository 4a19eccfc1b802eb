// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// Checks of the processes that are not killed.

#ifndef LE_MESSAGING_TESTS_ENDURANCE_SURVIVOR_H_
#define LE_MESSAGING_TESTS_ENDURANCE_SURVIVOR_H_

#include <sys/types.h>

#include <string>

#include "tests/endurance/child.h"

namespace le {
namespace endurance {

// Counts the file descriptors of a process many times, and returns the smallest
// count. That is the count of the process at rest.
int SettledDescriptors(pid_t pid);

// Checks a process repeatedly, each time at rest. The process must have exactly
// `descriptors` file descriptors. After the first check its memory may grow by
// 2 MiB. With AddressSanitizer and ThreadSanitizer the memory is not checked.
class Survivor {
 public:
  Survivor(const char* what, pid_t pid, int descriptors)
      : what_(what), pid_(pid), descriptors_(descriptors) {}
  void Look();
  std::string Report() const;
  pid_t pid() const { return pid_; }

 private:
  const char* const what_;
  const pid_t pid_;
  const int descriptors_;
  int looks_ = 0;
  Usage first_, last_;
};

// Fails if the process `pid` spins although it only has to wait. Observes `pid`
// until the calling process has used a fixed amount of processor time. In this
// time a process that spins uses about as much as the caller, on any machine. A
// process that waits uses almost none.
void ExpectRest(const char* what, pid_t pid);

}  // namespace endurance
}  // namespace le

#endif  // LE_MESSAGING_TESTS_ENDURANCE_SURVIVOR_H_
