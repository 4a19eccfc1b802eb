// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// Process and thread, as notions that can be injected.
//
// Everything above takes the process it lives in, and the thread it runs on,
// from here, and never from the operating system. The default process is the
// operating system's own (OsProcess). Under test many simulated ones live in
// one real one: each real thread is bound to the simulated process that it
// plays.
//
//   Process ── has many ── Thread ── has one ── Loop (the user's events)
//      │                     ├────── has one ── control loop, nested in it
//      │                     └────── has one ── Parker (blocks the thread)
//      └── has module state (messaging's runtime, ...), by type

#ifndef LE_MESSAGING_EVENT_PROCESS_H_
#define LE_MESSAGING_EVENT_PROCESS_H_

#include <sys/types.h>

#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <typeindex>
#include <unordered_map>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "event/loop.h"

namespace le {
namespace event {

class Process;
class Thread;

// Who a process is. On sockets the kernel says so; in simulation and in
// loopback it is given.
struct Credentials {
  pid_t pid = 0;
  uid_t uid = 0;
  gid_t gid = 0;
};

// Blocks one thread until another one wakes it.
class Parker {
 public:
  virtual ~Parker() = default;
  // The parker's thread only. Returns true once Unpark() has been called since
  // the last Park() returned (at once, if it was called before); false when
  // `deadline` has passed. May also return true for no reason: re-check.
  virtual bool Park(Instant deadline) = 0;
  // Any thread.
  virtual void Unpark() = 0;
};

// A thread that has been started by Process::StartThread().
class ThreadHandle {
 public:
  virtual ~ThreadHandle() = default;
  // Waits for the end of the thread. Once at most.
  virtual void Join() = 0;
  virtual void Detach() = 0;
};

// Base of whatever a module keeps per process or per thread.
class ModuleState {
 public:
  virtual ~ModuleState() = default;
};

class Process {
 public:
  virtual ~Process();

  // The process that the calling thread belongs to. Never null.
  static Process* Current();

  // Ends the process, for the reasons that the contract calls fatal, with
  // EXIT_FAILURE. `message` has been logged. Never returns.
  [[noreturn]] virtual void Die(absl::string_view message) = 0;

  virtual Credentials credentials() = 0;
  virtual Instant Now() = 0;
  virtual std::unique_ptr<Loop> CreateLoop() = 0;
  virtual std::unique_ptr<Parker> CreateParker() = 0;
  // Runs `body` on a new thread of this process.
  virtual std::unique_ptr<ThreadHandle> StartThread(
      const std::string& name, std::function<void()> body) = 0;
  // A number that nobody can guess; under simulation from the seed.
  virtual uint64_t Random() = 0;
  // An environment variable of this process, or "" (also if it must not be
  // trusted, as in a set-uid program).
  virtual std::string GetEnv(const char* name) = 0;
  // Lets a simulation switch to another thread. The operating system needs no
  // such hint. Called before every operation that others can observe.
  virtual void YieldPoint() {}

  // The state of type T (derived from ModuleState, made by `make` at first
  // use), destroyed with the process. Any thread.
  template <typename T, typename Make>
  T* State(Make make) {
    std::lock_guard<std::recursive_mutex> lock(state_mutex_);
    std::unique_ptr<ModuleState>& slot = state_[std::type_index(typeid(T))];
    if (slot == nullptr) slot = make();
    return static_cast<T*>(slot.get());
  }

 protected:
  Process();
  // For a process that ends before its object does. Destroys all module state.
  void DestroyState();

 private:
  std::recursive_mutex state_mutex_;
  std::unordered_map<std::type_index, std::unique_ptr<ModuleState>> state_;
};

// One thread, as the library sees it. Threads not started by us are adopted at
// first use.
class Thread {
 public:
  // The calling thread. Never null.
  static Thread* Current();
  // The same, but null if the thread has not been adopted.
  static Thread* CurrentOrNull();

  // Makes the calling thread a thread of `process` under `name`; used by
  // whoever starts threads. The Thread dies with the Binding: at that point,
  // destructors run (last added first), then module state is destroyed, then
  // the loops.
  class Binding {
   public:
    Binding(Process* process, std::string name);
    ~Binding();
    Binding(const Binding&) = delete;
    Binding& operator=(const Binding&) = delete;
    Thread* thread() { return thread_.get(); }

   private:
    std::unique_ptr<Thread> thread_;
    Thread* previous_;
  };

  ~Thread();

  Process* process() const { return process_; }
  const std::string& name() const { return name_; }
  // A number that names this thread among all threads anywhere, and that
  // nobody else can guess.
  uint64_t token() const { return token_; }

  // The owner's thread only. Made at first use.
  Loop* loop();
  // Nested in loop(): what a blocking call must be able to serve alone.
  Loop* control_loop();
  Parker* parker();
  // Any thread, provided that loop() has been called before.
  Loop* loop_if_made() const { return loop_.get(); }

  // Before anything else of the thread is taken down. Called last added first.
  // `AddExitHook` ones run before those of `AddDestructor`: they are the
  // library's ("a thread that ends while it owns sessions closes them first").
  void AddExitHook(std::function<void()> hook);
  // Returns a number by which RemoveDestructor() finds it.
  int AddDestructor(std::function<void()> destructor);
  void RemoveDestructor(int id);

  template <typename T, typename Make>
  T* State(Make make) {
    std::unique_ptr<ModuleState>& slot = state_[std::type_index(typeid(T))];
    if (slot == nullptr) slot = make();
    return static_cast<T*>(slot.get());
  }
  // Null if there is none yet.
  template <typename T>
  T* StateOrNull() const {
    auto it = state_.find(std::type_index(typeid(T)));
    return it == state_.end() ? nullptr : static_cast<T*>(it->second.get());
  }

 private:
  Thread(Process* process, std::string name);

  Process* const process_;
  const std::string name_;
  const uint64_t token_;
  std::unique_ptr<Loop> loop_;
  std::unique_ptr<Loop> control_loop_;
  std::unique_ptr<Parker> parker_;
  std::vector<std::function<void()>> exit_hooks_;
  std::vector<std::pair<int, std::function<void()>>> destructors_;
  int next_destructor_ = 1;
  std::unordered_map<std::type_index, std::unique_ptr<ModuleState>> state_;
};

}  // namespace event
}  // namespace le

#endif  // LE_MESSAGING_EVENT_PROCESS_H_
