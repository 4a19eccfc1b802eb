// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

// Counts the system calls of processes by tracing. Tracing makes the processes
// slow, so times must be measured in other runs.

#ifndef LE_MESSAGING_TESTS_BENCHMARKS_SYSTEM_CALLS_H_
#define LE_MESSAGING_TESTS_BENCHMARKS_SYSTEM_CALLS_H_

#include <sys/types.h>

#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace le {
namespace benchmarks {

// The key is the number of the system call. For instructions it is the index of
// the process in Attach().
using CallCounts = std::map<long, double>;

class SystemCallCounter {
 public:
  enum class What { kCalls, kInstructions };

  // Traces single-threaded children of this process from now on, until they
  // die. Returns false if that is not permitted.
  bool Attach(const std::vector<pid_t>& pids, What what);
  // Counts until `done` returns true, and then until no process makes calls.
  // Returns false if this takes longer than `seconds`.
  bool CountUntil(const std::function<bool()>& done, double seconds);
  // Returns the counts since the last call of this function.
  CallCounts TakeCounts() { return std::exchange(counts_, {}); }

 private:
  // Handles the stops of all processes. Returns whether there was a stop.
  bool HandleStops();

  What what_ = What::kCalls;
  std::vector<pid_t> pids_;
  CallCounts counts_;
};

// (more - fewer) / operations.
CallCounts PerOperation(const CallCounts& fewer, const CallCounts& more,
                        double operations);
double Sum(const CallCounts& counts);
// "sendmsg 2.00, recvmsg 2.00"; the most frequent first.
std::string Describe(const CallCounts& counts);

}  // namespace benchmarks
}  // namespace le

#endif  // LE_MESSAGING_TESTS_BENCHMARKS_SYSTEM_CALLS_H_
