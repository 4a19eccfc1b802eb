// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// Process and thread, as interfaces that a test can replace.
//
// Library code above this folder gets its process and thread from here, not
// from the operating system. (Exceptions: le/signal.h and legato/thread.cc call
// getpid().) The default is the operating system's process (OsProcess).
// A simulation runs many simulated processes in one real process. Each thread
// is bound to one simulated process.
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

// A process, its user and its group. For a socket, the kernel reports the
// credentials of the far end. In the loopback transport (connections inside one
// real process), they are Process::credentials() of the far end. The default
// uid and gid, -1, mean no user and no group.
struct Credentials {
  pid_t pid = 0;
  uid_t uid = static_cast<uid_t>(-1);
  gid_t gid = static_cast<gid_t>(-1);

  // The credentials of the overflow user, usually 65534. The kernel reports
  // this user in place of each user that has no number in this user namespace.
  // So the overflow user must get no permission.
  static Credentials OfNobody() { return {0, 65534, 65534}; }
};

// Blocks one thread until another one wakes it.
class Parker {
 public:
  virtual ~Parker() = default;
  // Only the parker's thread may call it. Waits for a call of Unpark(), or
  // returns at once if Unpark() was called since the last Park(). Returns false
  // if `deadline` passes without such a call. May return true without a reason,
  // so the caller must check again what it waits for.
  virtual bool Park(Instant deadline) = 0;
  // Any thread. May be called with a lock held.
  virtual void Unpark() = 0;

  // UnparkQuietly() is like Unpark(), but does not wake the thread. The caller
  // must call `wake(word)` after it has released its lock (see DeferredWakes).
  // The parker may be destroyed before the call of `wake`. If `word` is null,
  // no call is needed.
  struct LaterWake {
    void (*wake)(void* word);
    void* word;
  };
  virtual LaterWake UnparkQuietly() {
    Unpark();
    return {nullptr, nullptr};
  }
};

// A thread that Process::StartThread() has started. The destructor detaches a
// thread that was not joined.
class ThreadHandle {
 public:
  virtual ~ThreadHandle() = default;
  // Waits until the thread ends. Call it at most once.
  virtual void Join() = 0;
  virtual void Detach() = 0;
};

// The base class of the state that a module keeps for a process or a thread.
class ModuleState {
 public:
  virtual ~ModuleState() = default;
};

// A list of module states, found by type.
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
  // Destroys the states in reverse order of creation. While a state is
  // destroyed, Find() does not return it.
  void Clear();

 private:
  // Its address identifies the type.
  template <typename T>
  static inline char kKey = 0;

  std::vector<std::pair<const void*, std::unique_ptr<ModuleState>>> states_;
};

// A hook that runs when the process ends, in exit() or after a fatal error. The
// thread that ends the process calls it; other threads still run. A signal
// handler may end the process while its thread holds a lock of the library. So
// the hook must not wait for a lock.
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

  // Ends the process with EXIT_FAILURE after a fatal error. The caller has
  // logged `message`. Never returns.
  [[noreturn]] virtual void Die(absl::string_view message) = 0;

  virtual Credentials credentials() = 0;
  // Whether `uid` is the overflow user in a user namespace that does not map
  // all users. The kernel reports this number for every unmapped user. So the
  // number does not identify a user, and must get no permission. If the
  // namespace maps all users, the result is always false.
  virtual bool IsOverflowUser(uid_t uid) {
    static_cast<void>(uid);
    return false;
  }
  // Whether `uid` is neither root nor this process's user. The resources of a
  // stranger are limited. Root and this process's user are not limited, because
  // they can stop the process anyway. The overflow user is a stranger.
  bool IsStranger(uid_t uid) {
    return IsOverflowUser(uid) || (uid != 0 && uid != credentials().uid);
  }
  virtual Instant Now() = 0;
  virtual std::unique_ptr<Loop> CreateLoop() = 0;
  virtual std::unique_ptr<Parker> CreateParker() = 0;
  // Runs `body` on a new thread of this process. Logs and returns null if the
  // thread cannot be started.
  virtual std::unique_ptr<ThreadHandle> StartThread(
      const std::string& name, std::function<void()> body) = 0;
  // Ends the calling thread at once, as if its body had returned. Call
  // Thread::End() before. Never returns.
  [[noreturn]] virtual void ExitThread() = 0;
  // A number that no other process can guess. In a simulation it depends on the
  // seed.
  virtual uint64_t Random() = 0;
  // Returns an environment variable of this process. Returns "" if it is not
  // set, or if the environment must not be trusted. For example, a set-uid
  // program must not trust it.
  virtual std::string GetEnv(const char* name) = 0;
  // Removes an environment variable of this process. Call it only while no
  // other thread runs.
  virtual void UnsetEnv(const char* name) { static_cast<void>(name); }
  // Lets a simulation switch to another thread; does nothing on the operating
  // system. Call it before every operation that other threads can observe.
  virtual void YieldPoint() {}
  // Any thread. The hook is never removed, so it must live as long as the
  // process.
  void AddEndHook(ProcessEndHook* hook);
  void RunEndHooks();
  // Whether a simulation has killed this process. Its threads unwind, at the
  // latest from their next wait. Thread::End() runs no exit hooks and no
  // destructors in it.
  virtual bool killed() const { return false; }

  // Any thread. Returns the state of type T, which derives from ModuleState.
  // The first call creates it by `make`. The states are destroyed with the
  // process, in reverse order of creation. `make` may call State() for other
  // types, but must not wait or yield.
  template <typename T, typename Make>
  T* State(Make make) {
    std::lock_guard<RecursiveMutex> lock(state_mutex_);
    return state_.Get<T>(make);
  }

 protected:
  Process();
  // Destroys all module states. For a process that ends before its Process is
  // destroyed.
  void DestroyState();

 private:
  // Recursive, because `make` may call State().
  RecursiveMutex state_mutex_;
  ModuleStates state_;
  std::atomic<ProcessEndHook*> end_hooks_{nullptr};
};

// The library's object for a thread. A thread that the library did not start is
// adopted (gets its Thread) at first use.
class Thread {
 public:
  // The Thread of the calling thread. Adopts the thread if it has none. Never
  // null. Fatal in the child of a fork, which may only exec or _exit.
  static Thread* Current();
  // Null if the calling thread has no Thread.
  static Thread* CurrentOrNull();
  // Adopts the calling thread and names it. Does nothing if it has a Thread.
  static void Adopt(std::string name);
  // If the calling thread was adopted, destroys its Thread; the thread may be
  // adopted again. On a thread that the library started, only runs End().
  static void Release();

  // Makes the calling thread a thread of `process`. For code that starts
  // threads. The Binding's destructor destroys the Thread, which runs End().
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
  // For a simulation, which runs several threads on one real thread. Makes
  // `thread` the Thread of the calling thread, and returns the former one.
  // `thread` may be null.
  static Thread* SwapCurrent(Thread* thread);

  ~Thread();  // runs End() unless it has run before

  // Runs the exit hooks, then the destructors. A further call does nothing. The
  // thread must not use the library afterwards. In a killed process neither the
  // hooks nor the destructors run. End() does not destroy module states and
  // loops: its caller may be a handler of such a loop.
  void End();
  // Destroys the module states. Call it only before destroying the Thread.
  void DestroyState() { state_.Clear(); }

  // Whether End() has begun.
  bool ending() const { return ended_; }

  Process* process() const { return process_; }
  const std::string& name() const { return name_; }
  // A random number that identifies this thread among the threads of all
  // processes. No other process can guess it.
  uint64_t token() const { return token_; }

  // Only this thread may call loop(), control_loop() and parker(). The first
  // call of each creates its object.
  Loop* loop();
  // This loop is nested in loop(). A blocking call serves only this loop.
  Loop* control_loop();
  Parker* parker();
  // Only this thread may call it. Null if control_loop() was never called.
  Loop* control_loop_if_made() const { return control_loop_.get(); }
  // Null if loop() was never called. Another thread may call it only after
  // loop() has returned.
  Loop* loop_if_made() const { return loop_.get(); }

  // Sends the messages that the turn has gathered. This thread must call it
  // before it blocks, even outside a handler: a turn may last for several calls
  // of Loop::RunStep().
  void BeforeBlocking();
  // Calls BeforeBlocking() for the calling thread, then the process's end
  // hooks.
  //  - A hook may end the process. Then this function is called again. So a
  //    second call on the same Thread does nothing.
  //  - If the calling thread has no Thread, a second call runs the hooks again.
  //  - In the child of a fork, a call does nothing.
  //  - The caller may be a signal handler that has interrupted the library. So
  //    hooks must not wait for a lock while process_ends() is true.
  static void BeforeProcessEnds();
  // Whether the calling thread is inside BeforeProcessEnds() or has called it.
  // False if the calling thread has no Thread.
  static bool process_ends();

  // Exit hooks belong to the library, and destructors belong to the program.
  // End() runs the exit hooks first, so that sessions are closed before the
  // destructors run. It runs each of the two kinds in reverse order of adding,
  // before any other part of the Thread is destroyed.
  void AddExitHook(std::function<void()> hook);
  // Returns a number for RemoveDestructor().
  uintptr_t AddDestructor(std::function<void()> destructor);
  void RemoveDestructor(uintptr_t id);

  // Like Process::State(), but for this thread. Only this thread may call it.
  template <typename T, typename Make>
  T* State(Make make) {
    return state_.Get<T>(make);
  }
  // Null if the state of type T has not been created.
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
  // A map, because a thread may have very many destructors and may remove them
  // in any order.
  std::map<uintptr_t, std::function<void()>> destructors_;
  uintptr_t next_destructor_ = 1;
  ModuleStates state_;
  bool ended_ = false;
  bool dying_ = false;  // BeforeProcessEnds() has been called
};

}  // namespace event
}  // namespace le

#endif  // LE_MESSAGING_EVENT_PROCESS_H_
