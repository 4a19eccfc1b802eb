// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// Process and thread, as interfaces that can be injected.
//
// Code above takes its process and its thread from here, never from the
// operating system. The default process is the operating system's own
// (OsProcess). In a test many simulated processes run in one real one; each
// real thread is bound to a simulated process.
//
//   Process ── has many ── Thread ── has one ── Loop (the user's events)
//      │                     ├────── has one ── control loop, nested in it
//      │                     └────── has one ── Parker (blocks the thread)
//      └── has module state (messaging's runtime, ...), by type

#ifndef LE_MESSAGING_EVENT_PROCESS_H_
#define LE_MESSAGING_EVENT_PROCESS_H_

#include <sys/types.h>

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "event/base/mutex.h"
#include "event/loop.h"

namespace le {
namespace event {

class Process;
class Thread;

// The identity of a process. On sockets it comes from the kernel; in a
// simulation and over loopback it is given. If unknown, it is no user of the
// machine.
struct Credentials {
  pid_t pid = 0;
  uid_t uid = static_cast<uid_t>(-1);
  gid_t gid = static_cast<gid_t>(-1);

  // The user that stands for all users that a user namespace does not map, by
  // its usual number. Nothing may be granted to it.
  static Credentials OfNobody() { return {0, 65534, 65534}; }
};

// Blocks one thread until another one wakes it.
class Parker {
 public:
  virtual ~Parker() = default;
  // The parker's thread only. Returns true once Unpark() has been called since
  // the last Park() returned (at once, if it was called before); false when
  // `deadline` has passed. May also return true for no reason: re-check.
  virtual bool Park(Instant deadline) = 0;
  // Any thread. Legal with a lock held.
  virtual void Unpark() = 0;

  // The same in two steps, see DeferredWakes: returns the wake that is due once
  // the lock has been released, even if the parker is destroyed by then. A null
  // word: no wake is due.
  struct LaterWake {
    void (*wake)(void* word);
    void* word;
  };
  virtual LaterWake UnparkQuietly() {
    Unpark();
    return {nullptr, nullptr};
  }
};

// A thread that has been started by Process::StartThread().
class ThreadHandle {
 public:
  virtual ~ThreadHandle() = default;
  // Waits for the end of the thread. Once at most.
  virtual void Join() = 0;
  virtual void Detach() = 0;
};

// Base of a module's state per process or per thread.
class ModuleState {
 public:
  virtual ~ModuleState() = default;
};

// A few states, found by type.
class ModuleStates {
 public:
  ModuleStates() = default;
  ModuleStates(const ModuleStates&) = delete;
  ModuleStates& operator=(const ModuleStates&) = delete;
  ~ModuleStates() { Clear(); }

  template <typename T>
  T* Find() const {
    for (const auto& state : states_) {
      if (state.first == &kKey<T>) return static_cast<T*>(state.second.get());
    }
    return nullptr;
  }
  template <typename T, typename Make>
  T* Get(Make make) {
    T* state = Find<T>();
    if (state == nullptr) {
      std::unique_ptr<ModuleState> made = make();
      state = static_cast<T*>(made.get());
      states_.emplace_back(&kKey<T>, std::move(made));
    }
    return state;
  }
  // In reverse order of creation. A state is not found while it is destroyed.
  void Clear();

 private:
  // Its address identifies the type.
  template <typename T>
  static inline char kKey = 0;

  std::vector<std::pair<const void*, std::unique_ptr<ModuleState>>> states_;
};

// Run by the thread that ends its process, in exit() or because of a fatal
// error, while other threads go on. It may have interrupted a call of the
// library, so the hook must not wait for a lock.
class ProcessEndHook {
 public:
  virtual void BeforeProcessEnds() = 0;

 protected:
  ~ProcessEndHook() = default;

 private:
  friend class Process;
  ProcessEndHook* next_ = nullptr;
};

class Process {
 public:
  virtual ~Process();

  // The process that the calling thread belongs to. Never null.
  static Process* Current();

  // Ends the process with EXIT_FAILURE, for a reason that the contract calls
  // fatal. `message` has been logged. Never returns.
  [[noreturn]] virtual void Die(absl::string_view message) = 0;

  virtual Credentials credentials() = 0;
  // Whether `uid` stands for every user that this process's user namespace does
  // not map. The kernel gives one number to all of them, so it is equal to no
  // user, not even to itself, and nothing may be granted to it. False for every
  // number where all users are mapped: "nobody" is a user like others there.
  virtual bool IsOverflowUser(uid_t uid) {
    static_cast<void>(uid);
    return false;
  }
  // Whether `uid` is neither root nor this process's user. These two could stop the
  // process by other means. Strangers are bounded, and so is a user that the user
  // namespace does not map.
  bool IsStranger(uid_t uid) {
    return IsOverflowUser(uid) || (uid != 0 && uid != credentials().uid);
  }
  virtual Instant Now() = 0;
  virtual std::unique_ptr<Loop> CreateLoop() = 0;
  virtual std::unique_ptr<Parker> CreateParker() = 0;
  // Runs `body` on a new thread of this process. Null, with a log line, if there
  // is no room for one.
  virtual std::unique_ptr<ThreadHandle> StartThread(
      const std::string& name, std::function<void()> body) = 0;
  // Ends the calling thread at once, as if its body had returned. Thread::End()
  // has run. Never returns.
  [[noreturn]] virtual void ExitThread() = 0;
  // A number that nobody can guess; under simulation from the seed.
  virtual uint64_t Random() = 0;
  // An environment variable of this process, or "" (also if it must not be
  // trusted, as in a set-uid program).
  virtual std::string GetEnv(const char* name) = 0;
  // Lets a simulation switch to another thread. The operating system needs no
  // such hint. Called before every operation that others can observe.
  virtual void YieldPoint() {}
  // Any thread. The hook is never removed: it lives as long as the process.
  void AddEndHook(ProcessEndHook* hook);
  void RunEndHooks();
  // Whether a simulation has killed this process: its threads only unwind, and
  // no code of the user may run in it any more.
  virtual bool killed() const { return false; }

  // The state of type T (derived from ModuleState, made by `make` at first
  // use), destroyed with the process, last made first. Any thread. `make` may
  // ask for other states, but must not wait or yield.
  template <typename T, typename Make>
  T* State(Make make) {
    std::lock_guard<RecursiveMutex> lock(state_mutex_);
    return state_.Get<T>(make);
  }

 protected:
  Process();
  // For a process that ends before its object is destroyed. Destroys all module
  // state.
  void DestroyState();

 private:
  // Recursive: making one state may ask for another.
  RecursiveMutex state_mutex_;
  ModuleStates state_;
  std::atomic<ProcessEndHook*> end_hooks_{nullptr};
};

// One thread, as the library sees it. Threads not started by us are adopted at
// first use.
class Thread {
 public:
  // The calling thread; one that is unknown is adopted. Never null. Fatal in
  // the child of a fork, which may only exec or _exit.
  static Thread* Current();
  // The same, but null if the thread has not been adopted.
  static Thread* CurrentOrNull();
  // Adopts the calling thread under that name; no-op if it has a Thread.
  static void Adopt(std::string name);
  // Ends the calling thread's Thread if it was adopted; it may be adopted
  // again. For a thread that we started, this only runs End().
  static void Release();

  // Makes the calling thread a thread of `process` under `name`; used by
  // the code that starts threads. The Thread dies with the Binding, after
  // End().
  class Binding {
   public:
    Binding(Process* process, std::string name);
    ~Binding();
    Binding(const Binding&) = delete;
    Binding& operator=(const Binding&) = delete;
    Thread* thread() { return thread_.get(); }
    // Ends the binding of the calling thread; the caller keeps the Thread.
    std::unique_ptr<Thread> Release();

   private:
    std::unique_ptr<Thread> thread_;
    Thread* const previous_;
  };
  // For a simulation, which runs several threads on one: makes `thread` the
  // calling one (null: none), and returns the one that was.
  static Thread* SwapCurrent(Thread* thread);

  ~Thread();  // runs End() if it has not run, then destroys the rest

  // Runs the exit hooks, then the destructors. Once; the thread must not use
  // the library after it. In a killed process they do not run. Module state and
  // loops stay until the Thread is destroyed: a handler may end its thread, and
  // still runs inside them.
  void End();
  // Destroys module state, before the Thread goes.
  void DestroyState() { state_.Clear(); }

  // End() has begun.
  bool ending() const { return ended_; }

  Process* process() const { return process_; }
  const std::string& name() const { return name_; }
  // A number that names this thread among all threads anywhere, and that
  // nobody else can guess.
  uint64_t token() const { return token_; }

  // The owner's thread only. Made at first use.
  Loop* loop();
  // Nested in loop(). A blocking call serves this loop alone.
  Loop* control_loop();
  Parker* parker();
  // Any thread, provided that loop() has been called before.
  Loop* loop_if_made() const { return loop_.get(); }

  // The owner's thread. Called before a function of the public API blocks:
  // sends what the turn has gathered.
  void BeforeBlocking();
  // BeforeBlocking() of the calling thread, then the process's end hooks. A second
  // call does nothing, because a hook may end the process.
  // The caller may be a signal handler that has interrupted the library: the hooks
  // must not wait for a lock then, see process_ends().
  static void BeforeProcessEnds();
  // Whether the calling thread ends its process.
  static bool process_ends();

  // Run before anything else of the thread is destroyed, last added first.
  // Those of AddExitHook run before those of AddDestructor, because they are
  // the library's: a thread that ends closes its sessions first.
  void AddExitHook(std::function<void()> hook);
  // Returns a number by which RemoveDestructor() finds it.
  uintptr_t AddDestructor(std::function<void()> destructor);
  void RemoveDestructor(uintptr_t id);

  // As Process::State(), but of this thread and for its own use.
  template <typename T, typename Make>
  T* State(Make make) {
    return state_.Get<T>(make);
  }
  // Null if there is none yet.
  template <typename T>
  T* StateOrNull() const {
    return state_.Find<T>();
  }

 private:
  friend struct ThreadAdoption;
  Thread(Process* process, std::string name);

  Process* const process_;
  const std::string name_;
  const uint64_t token_;
  std::unique_ptr<Loop> loop_;
  std::unique_ptr<Loop> control_loop_;
  std::unique_ptr<Parker> parker_;
  std::vector<std::function<void()>> exit_hooks_;
  // By number. A thread may have very many, and remove them in any order.
  std::map<uintptr_t, std::function<void()>> destructors_;
  uintptr_t next_destructor_ = 1;
  ModuleStates state_;
  bool ended_ = false;
  bool dying_ = false;  // in Fatal() already
};

}  // namespace event
}  // namespace le

#endif  // LE_MESSAGING_EVENT_PROCESS_H_
