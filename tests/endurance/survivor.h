// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// Checks of a process that has survived something.

#ifndef LE_MESSAGING_TESTS_ENDURANCE_SURVIVOR_H_
#define LE_MESSAGING_TESTS_ENDURANCE_SURVIVOR_H_

#include <sys/types.h>

#include <string>

#include "tests/endurance/child.h"

namespace le {
namespace endurance {

// The number of file descriptors of a process at rest: the least of many looks.
int SettledDescriptors(pid_t pid);

// Looks at a survivor again and again, when all is at rest. It must have
// exactly these descriptors, and its memory must not grow once it is warm.
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

// Fails if a process that only has to wait spins. It is watched until this
// process has used so much processor time itself: on any machine one that spins
// gets as much, and one that waits gets next to nothing.
void ExpectRest(const char* what, pid_t pid);

}  // namespace endurance
}  // namespace le

#endif  // LE_MESSAGING_TESTS_ENDURANCE_SURVIVOR_H_
