// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// A run's knowledge of its processes and files, from its calls and their
// results.

#ifndef LE_MESSAGING_TESTS_KERNEL_WORLD_H_
#define LE_MESSAGING_TESTS_KERNEL_WORLD_H_

#include <array>
#include <map>
#include <set>
#include <vector>

#include "tests/kernel/call.h"
#include "tests/kernel/machine.h"
#include "tests/kernel/program.h"

namespace le {
namespace kernel_test {

enum class Kind {
  kUnknown,
  kSocket,
  kListener,
  kEpoll,
  kEventFd,
  kTimerFd,
  kPipe
};

struct File {
  Kind kind = Kind::kUnknown;
  // Tags; -1: unknown.
  int peer = -1;
  int listener = -1;  // of a socket that is not accepted yet
  // Sockets that have connected to this listener and are not accepted.
  std::vector<int> pending;
  // Files that were sent to this socket or, for a listener, to one that it
  // holds. Never taken out.
  std::set<int> holds;
  // The files that an epoll has watched.
  std::set<int> watches;
};

struct ProcessView {
  bool dead = false;
  bool blocked = false;
  Step step;  // that it is blocked in
  int step_index = -1;
  bool limited = false;      // it has set its limit of descriptors
  std::map<int, int> files;  // number to tag
};

class World {
 public:
  // `own_users`: nobody else has descriptors in flight that count.
  World(const Program& program, bool own_users);

  int process_count() const { return static_cast<int>(processes_.size()); }
  ProcessView& process(int i) { return processes_[i]; }
  const ProcessView& process(int i) const { return processes_[i]; }
  // The number that the variable stands for in this process; -1: none.
  int FdOf(int process, int variable) const;
  // The file; 0: none.
  int TagOf(int process, int variable) const;
  const File& file(int tag) const;
  // The variable by which an idle process other than `except` can use the file;
  // -1: there is none.
  int VariableOf(int tag, int* process, int except = -1) const;
  // Whether a process other than the step's may end its sleep.
  bool CanBeWoken(const Step& step) const;
  // The path at which the file was bound last; -1: none.
  int PathOfFile(int tag) const;
  // How many files a program may make.
  bool HasTags() const { return next_tag_ + 1 < kTagEnd; }
  int variables() const { return static_cast<int>(variables_.size()); }

  // Whether the result of the step is certain. It is not if one event may wake
  // two sleeping processes that affect each other, nor if the kernel collects
  // sockets that hold each other, which it does at a time of its own.
  bool IsCertain(const Step& step) const;

  // Before and after the call.
  void Begin(int index, const Step& step, Request* request);
  void End(const Step& step, const Response& response);

 private:
  // Valid signal numbers, as F_SETSIG keeps the tag.
  static constexpr int kTagEnd = 65;

  struct Variable {
    int process = -1;
    int fd = -1;
  };

  std::set<int> Watched(int process, const Step& step) const;
  void AddWatched(int tag, std::set<int>* watched) const;
  std::set<int> Touched(int process, const Step& step) const;
  bool MayBothSleep(int a, const Step& of_a, int b, const Step& of_b) const;
  bool Reaches(int from, int to) const;
  int ReceiverOf(int tag) const;

  const bool own_users_;
  std::vector<ProcessView> processes_;
  std::vector<Variable> variables_;
  std::array<File, kTagEnd> files_;
  std::array<int, kPathCount> bound_;  // tags
  int next_tag_ = 1;
};

// Which path, from 0 to kPathCount - 1, for the steps that take one.
int PathOf(const Step& step);
// Whether the call may sleep, as far as its arguments say.
bool MaySleep(const Step& step);

}  // namespace kernel_test
}  // namespace le

#endif  // LE_MESSAGING_TESTS_KERNEL_WORLD_H_
