// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// The state of the processes and files in a run, as far as the calls and their
// results show it.

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
  kPipe,
  kPidFd
};

struct File {
  Kind kind = Kind::kUnknown;
  // Tags of other files; -1: unknown.
  int peer = -1;
  int listener = -1;  // for a socket that is not accepted yet
  // For a listener: sockets that have connected and are not accepted yet.
  std::vector<int> pending;
  // The files that were sent to this socket or, for a listener, to a socket
  // that is not accepted yet. No file is ever removed from this set.
  std::set<int> holds;
  // The files that an epoll has watched.
  std::set<int> watches;
  // The socket may have an unread empty packet. For a listener: a socket that
  // is not accepted yet may have one.
  bool may_have_empty = false;
};

struct ProcessView {
  bool dead = false;
  bool blocked = false;
  Step step;  // the step in which the process is blocked
  int step_index = -1;
  bool limited = false;      // the process has set RLIMIT_NOFILE
  std::map<int, int> files;  // number to tag
};

class World {
 public:
  // `own_users`: no process outside the program belongs to the program's users.
  World(const Program& program, bool own_users);

  int process_count() const { return static_cast<int>(processes_.size()); }
  ProcessView& process(int i) { return processes_[i]; }
  const ProcessView& process(int i) const { return processes_[i]; }
  // The number of the variable's file descriptor in this process, or -1.
  int FdOf(int process, int variable) const;
  // The tag of the variable's file, or 0.
  int TagOf(int process, int variable) const;
  const File& file(int tag) const;
  // Finds an idle process other than `except` that can use the file. Sets
  // *process, and returns the process's variable for the file, or -1.
  int VariableOf(int tag, int* process, int except = -1) const;
  // Whether another process may end the sleep of the step's process.
  bool CanBeWoken(const Step& step) const;
  // The path to which the file was bound. -1 if there is none, or if another
  // file was bound to this path later.
  int PathOfFile(int tag) const;
  // Whether the program may create another two files.
  bool HasTags() const { return next_tag_ + 1 < kTagEnd; }
  int variables() const { return static_cast<int>(variables_.size()); }

  // Whether the real kernel always gives the same result for the step. False,
  // for example, if one event may wake two sleeping processes that affect each
  // other. DESIGN.md lists all cases.
  bool IsCertain(const Step& step) const;

  // Call Begin() before the system call, and End() after it.
  void Begin(int index, const Step& step, Request* request);
  void End(const Step& step, const Response& response);

 private:
  // Tags are valid signal numbers, since F_SETSIG stores them.
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
  bool MayEndWithEmpty(const Step& step) const;
  bool IsPidFdAwaited() const;

  const bool own_users_;
  std::vector<ProcessView> processes_;
  std::vector<Variable> variables_;
  std::array<File, kTagEnd> files_;
  std::array<int, kPathCount> bound_;  // tags
  int next_tag_ = 1;
};

// The path of a step that has one: from 0 to kPathCount - 1.
int PathOf(const Step& step);
// Whether the call may sleep, judged by its arguments only.
bool MaySleep(const Step& step);

}  // namespace kernel_test
}  // namespace le

#endif  // LE_MESSAGING_TESTS_KERNEL_WORLD_H_
