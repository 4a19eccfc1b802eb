// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// A kernel, and processes that make calls on command.

#ifndef LE_MESSAGING_TESTS_KERNEL_MACHINE_H_
#define LE_MESSAGING_TESTS_KERNEL_MACHINE_H_

#include <string>
#include <vector>

#include "tests/kernel/call.h"

namespace le {
namespace kernel_test {

class Machine {
 public:
  enum class State { kIdle, kInCall, kDead };

  virtual ~Machine() = default;

  // Starts one process for each uid. No process has a file descriptor, no path
  // exists, and RLIMIT_NOFILE is kInitialLimit.
  virtual void Begin(const std::vector<int>& uids) = 0;
  // Ends all processes.
  virtual void End() = 0;

  // The pid, the uid and the gid of the process. A program's uid 0 is root;
  // other uids have no rights. If the test is not run by root, all processes
  // belong to one user without rights.
  virtual int Pid(int process) = 0;
  virtual unsigned Uid(int process) = 0;
  virtual unsigned Gid(int process) = 0;
  // The folder of the program's socket files.
  virtual const std::string& directory() const = 0;

  // Makes the process do the call, at once or in Settle(). The process must be
  // idle.
  virtual void Issue(int process, const Request& request) = 0;
  // Kills the process by SIGKILL.
  virtual void Kill(int process) = 0;
  // Returns when each process has ended its call or is asleep in it.
  virtual void Settle() = 0;

  virtual State state(int process) = 0;
  // The response to the latest call that has returned in this process.
  virtual const Response& response(int process) = 0;
};

constexpr int kInitialLimit = 200;

// Whether this process is root, has the capabilities that the test needs, and
// may become any user.
bool IsRoot();

}  // namespace kernel_test
}  // namespace le

#endif  // LE_MESSAGING_TESTS_KERNEL_MACHINE_H_
