// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// Only the source files of SimKernel include this file.

#ifndef LE_MESSAGING_EVENT_TESTING_SIM_KERNEL_IMPL_H_
#define LE_MESSAGING_EVENT_TESTING_SIM_KERNEL_IMPL_H_

#include <errno.h>
#include <sys/resource.h>

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/types/span.h"
#include "event/testing/sim.h"
#include "event/testing/sim_file.h"
#include "event/testing/sim_file_system.h"
#include "event/testing/sim_kernel.h"
#include "event/testing/sim_socket.h"
#include "event/testing/sim_thread.h"

namespace le {
namespace event {

inline uint64_t SignalBit(int signal) { return uint64_t{1} << (signal - 1); }

struct SimKernelProcess;

// Keeps the files of a waiting call open. After
// Simulation::AbandonKilledProcesses(), the destructor does not run if the
// process is killed. Then OnProcessEnded() releases the files.
class SimHold {
 public:
  explicit SimHold(SimKernelProcess* process);
  ~SimHold();
  SimHold(const SimHold&) = delete;
  SimHold& operator=(const SimHold&) = delete;

  std::vector<SimFileRef> files;
  SimHold* next = nullptr;

 private:
  SimHold** link_;
};

// The kernel's state of a process.
struct SimKernelProcess {
  struct Entry {
    SimFileRef file;
    bool close_on_exec = false;
  };

  SimProcess* process = nullptr;
  Credentials who;
  std::vector<Entry> table;
  struct rlimit files = {1024, 4096};
  uint64_t pending_signals = 0;
  SimHold* holds = nullptr;

  bool privileged() const { return who.uid == 0; }
  // Null if `fd` is not open.
  SimFile* Get(int fd) const {
    return fd >= 0 && static_cast<size_t>(fd) < table.size()
               ? table[static_cast<size_t>(fd)].file.get()
               : nullptr;
  }
  // Installs `file` at the lowest free number that is at least `from`. Returns
  // the number, or -EMFILE if none is free.
  int Install(SimFileRef file, bool close_on_exec, int from = 0);
  bool HasRoomFor(int count) const;
  size_t count() const;
};

class SimKernel::Impl final : public Simulation::Alarms {
 public:
  explicit Impl(Simulation* sim) : sim(sim) { sockets.files = &files; }

  Instant NextAlarm() override;
  void Ring() override;

  // A system call begins with Enter() if its result may depend on other
  // threads. Other threads may run before Enter() returns.
  SimKernelProcess* Enter();
  SimThread* Me() const { return sim->Me(); }
  static SimKernelProcess* PartOf(const SimProcess* process) {
    return static_cast<SimKernelProcess*>(process->kernel_part_);
  }

  // Waits until `ready()` returns true, or until the deadline. The files in
  // `held` stay open meanwhile. Returns the last result of `ready()`.
  template <typename Ready>
  bool Wait(SimKernelProcess* process, const char* what, Instant deadline,
            absl::Span<SimFile* const> held, Ready ready) {
    if (ready()) return true;
    if (deadline <= sim->Now()) return false;
    SimHold hold(process);
    for (SimFile* file : held) {
      if (file != nullptr) hold.files.push_back(SimFileRef::Share(file));
    }
    return sim->BlockUntil(
        what, deadline,
        [](void* context) { return (*static_cast<Ready*>(context))(); },
        &ready);
  }

  // Calls `attempt` until the result is not -EAGAIN. Before each further call,
  // waits until `file` wakes its waiters. If `wait` is false, calls `attempt`
  // only once.
  template <typename Attempt>
  ssize_t Do(SimKernelProcess* process, SimFile* file, const char* what,
             bool wait, Attempt attempt) {
    for (;;) {
      const ssize_t result = attempt();
      if (result != -EAGAIN || !wait) return result;
      const uint64_t wakes = file->wakes();
      Wait(process, what, absl::InfiniteFuture(), {file},
           [file, wakes] { return file->wakes() != wakes; });
    }
  }

  // Whether a process with that pid runs. Zombies are not modelled.
  bool HasProcess(pid_t pid) const;
  SimSock* SocketAt(const SimKernelProcess* process, int fd, int* error);
  ssize_t Send(SimKernelProcess* process, int fd, const struct msghdr* message,
               int flags);
  ssize_t Receive(SimKernelProcess* process, int fd, struct msghdr* message,
                  int flags);
  // Sends a signal to the calling thread.
  void Raise(SimKernelProcess* process, int signal);
  void OnProcessEnded(SimKernelProcess* process);
  // Closes the files that no process can reach: only unread packets of
  // unreachable sockets refer to them.
  void CollectGarbage();

  int Return(ssize_t result) { return static_cast<int>(ReturnSize(result)); }
  static ssize_t ReturnSize(ssize_t result) {
    if (result >= 0) return result;
    errno = static_cast<int>(-result);
    return -1;
  }

  struct FutexWaiter {
    SimKernelProcess* process;
    const uint32_t* word;
    bool woken;
  };

  Simulation* const sim;
  SimFiles files;
  std::vector<std::unique_ptr<SimKernelProcess>> processes;
  std::vector<SimTimerFd*> timers;
  std::vector<FutexWaiter*> futexes;
  SimSockets sockets;
  SimFileSystem file_system;
  rlim_t descriptor_limit = 1024;
  std::function<void(const std::string& thread)> on_slow_close;
};

}  // namespace event
}  // namespace le

#endif  // LE_MESSAGING_EVENT_TESTING_SIM_KERNEL_IMPL_H_
