// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// What must hold of a process that has been through something.

#ifndef LE_MESSAGING_TESTS_ENDURANCE_SURVIVOR_H_
#define LE_MESSAGING_TESTS_ENDURANCE_SURVIVOR_H_

#include <sys/types.h>

#include <string>

#include "tests/endurance/child.h"

namespace le {
namespace endurance {

// How many file descriptors a process has once what it was just doing is over:
// the least of many looks.
int SettledDescriptors(pid_t pid);

// Looks at a survivor again and again, when all is at rest: it must have these
// descriptors and no others, and the memory that it has once warm must stay.
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

// Fails if a process that has nothing to do but to wait turns in circles
// instead. It is watched for as long as it takes this process to spend so much
// of its own time on looking: one that spins gets as much as we do, on however
// slow a machine; one that waits gets next to nothing.
void ExpectRest(const char* what, pid_t pid);

}  // namespace endurance
}  // namespace le

#endif  // LE_MESSAGING_TESTS_ENDURANCE_SURVIVOR_H_
