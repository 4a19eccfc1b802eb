// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

// The parent's side: starts child processes, sends them commands, and measures
// them from outside. Every wait has a timeout: if a child hangs, its rows fail.

#ifndef LE_MESSAGING_TESTS_BENCHMARKS_CHILD_H_
#define LE_MESSAGING_TESTS_BENCHMARKS_CHILD_H_

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "messaging/testing/processes.h"
#include "tests/benchmarks/party.h"

namespace le {
namespace benchmarks {

using Directory = messaging::testing::DirectoryProcess;
using messaging::testing::FindProgram;

struct ChildSpec {
  std::string program;  // a path
  std::vector<std::string> words;
  int cpu = -1;        // -1: any processor
  int link = -1;       // becomes the child's kLink
  std::string folder;  // of the directory's socket
  uid_t uid = 0;       // 0: this process's user
};

// The resources that a process has used so far, measured from outside.
struct Usage {
  double cpu_ns = 0;
  double voluntary_switches = 0;
  double allocations = 0;
  bool allocations_counted = false;
};

class Child {
 public:
  // Returns null if the process cannot be started, with the reason in `error`.
  static std::unique_ptr<Child> Start(const ChildSpec& spec,
                                      std::string* error);
  // Kills the process.
  ~Child();
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  pid_t pid() const { return pid_; }
  // Returns the next word of the child. Returns "" if the child has died, or
  // has sent no word within `seconds`.
  std::string Hear(double seconds);
  bool HasSpoken() const;
  void Say(const std::string& word);
  Usage Look() const;

 private:
  Child(pid_t pid, int socket, Counters* counters)
      : pid_(pid), socket_(socket), counters_(counters) {}

  pid_t pid_;
  const int socket_;
  Counters* const counters_;
};

// The processor time of a process of this user, and the voluntary switches of
// its main thread.
Usage UsageOf(pid_t pid);
long ResidentKib(pid_t pid);
int ThreadsOf(pid_t pid);

// Returns a function that pins its process to a processor. Null if `cpu` is -1.
std::function<bool()> PinTo(int cpu);

// The processors that this process may run on.
std::vector<int> UsableCpus();

}  // namespace benchmarks
}  // namespace le

#endif  // LE_MESSAGING_TESTS_BENCHMARKS_CHILD_H_
