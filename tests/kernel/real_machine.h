// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef LE_MESSAGING_TESTS_KERNEL_REAL_MACHINE_H_
#define LE_MESSAGING_TESTS_KERNEL_REAL_MACHINE_H_

#include <sys/types.h>

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "tests/kernel/machine.h"

namespace le {
namespace kernel_test {

// The operating system's uid and gid for a uid in a program (program.h).
unsigned UidOf(int uid);
unsigned GidOf(int uid);

// The operating system, and real processes. A process makes the calls of many
// programs, one program after the other. The processes have only the file
// descriptors that the program creates, since requests and responses pass
// through shared memory.
//
// All processes run on one processor, and use SCHED_FIFO if that is allowed.
// With SCHED_FIFO, a process that a call wakes does not run before the call has
// returned.
class RealMachine final : public Machine {
 public:
  RealMachine();
  ~RealMachine() override;

  void Begin(const std::vector<int>& uids) override;
  void End() override;
  int Pid(int process) override;
  unsigned Uid(int process) override;
  unsigned Gid(int process) override;
  const std::string& directory() const override { return directory_; }
  void Issue(int process, const Request& request) override;
  void Kill(int process) override;
  void Settle() override;
  State state(int process) override;
  const Response& response(int process) override;

 private:
  struct Slot;  // shared with a process
  struct Worker {
    Slot* slot = nullptr;
    pid_t pid = -1;
    unsigned uid = 0;
    unsigned gid = 0;
    int stat_fd = -1;  // /proc/PID/stat
    State state = State::kDead;
  };

  Worker* WorkerOf(int process) { return workers_[process]; }
  void Start(Worker* worker);
  void Stop(Worker* worker);
  void Bury(Worker* worker);
  void Submit(Worker* worker, const Request& request);
  // Returns whether the worker's call has returned or the worker has died.
  bool Look(Worker* worker, bool* asleep);
  void SettleWorkers(const std::vector<Worker*>& workers);

  std::string directory_;
  std::vector<Slot*> free_slots_;
  // The keys: the index of the process, and its uid in the program.
  std::map<std::pair<int, int>, std::unique_ptr<Worker>> pool_;
  std::vector<Worker*> workers_;  // the processes of the current program
};

// Whether the operating system has this option of SOL_SOCKET on Unix sockets.
bool HasSocketOption(int option);

}  // namespace kernel_test
}  // namespace le

#endif  // LE_MESSAGING_TESTS_KERNEL_REAL_MACHINE_H_
