// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// The interface of the event loop.
//
// A loop belongs to one thread, its owner. On that thread it runs posted tasks,
// expired timers and handlers of ready file descriptors, one at a time. Each of
// these is a *step*. A *turn* runs the tasks, timers and handlers that are due,
// and then the turn-end hooks. The loop waits only between two turns.
//
// A *nested loop* is a second loop of the same thread (CreateNested()). Its
// *outer loop* serves it. A *foreign loop* is an event loop of another library
// that serves this one (GetFd(), RunStep()).
//
// Tasks, watches, timers and hooks are intrusive: the caller owns the object,
// and the loop only links it. So the hot path does not allocate. The destructor
// of such an object unlinks it.
//
// Only the loop's owner may call the functions of a loop. Exceptions are the
// functions whose comment names "any thread". Run(), RunTurn(), RunUntil() and
// PollAndServe() may wait. The other functions do not wait.

#ifndef LE_MESSAGING_EVENT_LOOP_H_
#define LE_MESSAGING_EVENT_LOOP_H_

#include <poll.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>

#include "absl/time/time.h"

namespace le {
namespace event {

class Loop;

// A monotonic instant. Compare it only with instants of the same process: its
// origin is arbitrary, and a simulation's time is virtual. InfiniteFuture()
// means "no deadline".
using Instant = absl::Time;

// A function that a loop runs once. The poster owns it.
class Task {
 public:
  Task() = default;
  Task(const Task&) = delete;
  Task& operator=(const Task&) = delete;
  // Unlinks the task if it is posted. Only the owner of the loop may destroy a
  // posted task.
  virtual ~Task();

  // The loop's owner calls Run(). The task is not posted any more when Run()
  // begins, so Run() may post the task again or delete it.
  virtual void Run() = 0;

 private:
  friend class TaskQueue;
  Task* next_ = nullptr;
  Task* prev_ = nullptr;
  Loop* loop_ = nullptr;  // the loop that it is posted to, or null
};

// Watches a file descriptor. The watch does not own the file descriptor, which
// must stay open until the watch is removed.
class Watch {
 public:
  // poll() and epoll use the same values.
  static constexpr uint32_t kReadable = 0x1;  // data or end of file
  static constexpr uint32_t kPriority = 0x2;  // urgent data
  static constexpr uint32_t kWritable = 0x4;  // room to write
  static constexpr uint32_t kError = 0x8;     // always reported
  static constexpr uint32_t kHangUp = 0x10;   // always reported
  // The peer has shut down writing.
  static constexpr uint32_t kReadHangUp = 0x2000;

  Watch() : interest_(0), registered_(1) {}
  Watch(const Watch&) = delete;
  Watch& operator=(const Watch&) = delete;
  virtual ~Watch();  // removes itself if added

  // Level-triggered: called again as long as an event is present. `events` is
  // never 0, and has only bits of the current interest, kHangUp and kError.
  // OnReady() may remove or delete the watch.
  virtual void OnReady(uint32_t events) = 0;

  int fd() const { return fd_; }
  bool added() const { return loop_ != nullptr; }

 private:
  friend class EpollLoop;
  Loop* loop_ = nullptr;
  Watch* next_ = nullptr;
  Watch* prev_ = nullptr;
  int fd_ = -1;
  uint32_t interest_ : 31;
  uint32_t registered_ : 1;  // 0: added, but epoll does not have it (yet)
};

// A one-shot timer. To repeat it, start it again, for example in OnExpiry().
class Timer {
 public:
  Timer() = default;
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;
  virtual ~Timer();

  // The timer is stopped when OnExpiry() begins.
  virtual void OnExpiry() = 0;

  bool running() const { return loop_ != nullptr; }
  Instant deadline() const { return deadline_; }

 private:
  friend class TimerQueue;
  Loop* loop_ = nullptr;
  Instant deadline_;
  uint64_t order_ = 0;  // timers of equal deadlines expire in this order
  size_t index_ = 0;    // index in the queue's heap
};

// A function that runs before the loop waits, to send the messages that the
// turn has gathered.
class TurnEndHook {
 public:
  TurnEndHook() = default;
  TurnEndHook(const TurnEndHook&) = delete;
  TurnEndHook& operator=(const TurnEndHook&) = delete;
  virtual ~TurnEndHook();  // unlinks the hook

  // Called once after one or more calls of AtTurnEnd(). Must not call user
  // code. Must not wait for a lock if Thread::process_ends().
  virtual void OnTurnEnd() = 0;

 private:
  friend class HookList;
  TurnEndHook* next_ = nullptr;
  TurnEndHook* prev_ = nullptr;
  Loop* loop_ = nullptr;
};

class Loop {
 public:
  virtual ~Loop() = default;

  // Any thread. Runs `task` in a later step of the loop, after all tasks posted
  // before it. Wakes the loop if it waits. Post() never runs the task itself,
  // so its caller may hold a lock. The task may be posted again once Run() has
  // begun or Cancel() was called. Fatal: the task is posted already.
  virtual void Post(Task* task) = 0;

  // Any thread. Like Post(), but does not wake the loop (see DeferredWakes). If
  // it returns true, the caller must call WakeAfterPost(). The loop's
  // destructor waits for that call.
  virtual bool PostQuietly(Task* task) {
    Post(task);
    return false;
  }
  virtual void WakeAfterPost() {}

  // Removes a posted task. Does nothing if `task` is not posted.
  virtual void Cancel(Task* task) = 0;

  // Starts watching `fd` for `interest` (any of kReadable, kWritable,
  // kPriority, kReadHangUp; may be 0). Returns false and sets errno if the
  // kernel refuses. For example, it lacks memory, the user has too many
  // watches, or the loop already watches `fd`. A regular file is always ready.
  // A simulated loop (SimLoop) has no file descriptors, so it refuses with
  // ENOSYS. Fatal: the watch is added already.
  virtual bool AddWatch(Watch* watch, int fd, uint32_t interest) = 0;
  // Like AddWatch(), but may register the watch with the kernel later. A single
  // new watch is registered before the loop's third fetch of events. Several
  // new watches are registered before the next fetch. If a watch is removed
  // before its registration, it needs no system call of its own. A refusal of
  // the kernel is logged. If the kernel lacks memory or watches, the loop
  // retries until the kernel accepts. Any other refusal is final. A SimLoop
  // logs its refusal at once.
  virtual void AddWatchLater(Watch* watch, int fd, uint32_t interest) = 0;
  // Makes no system call if `interest` is the current one.
  virtual void SetInterest(Watch* watch, uint32_t interest) = 0;
  // OnReady() is not called any more, even for an event that was already
  // fetched.
  virtual void RemoveWatch(Watch* watch) = 0;

  // Starts or restarts the timer. If the deadline has passed, the timer expires
  // in this turn or a later one. Timers expire in the order of their deadlines.
  // Fatal: the timer runs in another loop.
  virtual void StartTimer(Timer* timer, Instant deadline) = 0;
  virtual void StopTimer(Timer* timer) = 0;

  // Inside a turn, returns the turn's time, which does not advance while
  // handlers run. Outside a turn, returns the current time.
  virtual Instant Now() = 0;

  // Runs `hook` once, before the loop next waits. Does nothing if the hook is
  // listed already. A hook that is listed outside a turn runs before the next
  // turn.
  virtual void AtTurnEnd(TurnEndHook* hook) = 0;
  // Runs the listed hooks now, also those of nested loops. Code inside a turn
  // calls it before it blocks or ends the process.
  virtual void RunTurnEndHooks() = 0;
  // Any thread. Whether the calling thread is the owner and is inside a step of
  // this loop. A step of a nested loop counts only if a turn of this loop runs
  // the nested loop.
  virtual bool InTurn() const = 0;
  // The number of the current or last turn. It is 0 only before the first turn.
  // Each turn increments it. It wraps from UINT32_MAX to 1.
  virtual uint32_t turn() const = 0;

  // Runs turns until Stop(). Not reentrant.
  virtual void Run() = 0;
  // Any thread. Makes Run() return after the current turn. If Run() is not
  // running, its next call returns at once. Wakes the loop once, even if
  // RunStep() then has nothing to do.
  virtual void Stop() = 0;

  // Runs turns until one has run a step, until `deadline`, or until Stop().
  // Waits while there is nothing to do, but not if the deadline is in the past.
  // Returns whether a step was run.
  virtual bool RunTurn(Instant deadline) = 0;

  // For a blocking call. Calls `begin`, then runs turns until `*done` is true.
  // Until then no outer or foreign loop serves this loop. So the tasks and
  // watches that `begin` adds are not announced to an outer or foreign loop.
  virtual void RunUntil(const std::function<void()>& begin,
                        const bool* done) = 0;

  // For foreign loops. Runs at most one step, which may be a whole turn of a
  // nested loop. Never waits. Returns false if nothing was ready. The turn has
  // then ended, and its hooks have run.
  virtual bool RunStep() = 0;
  // For foreign loops. Returns a file descriptor, or -1 if this loop is nested
  // or has no file descriptors. Once RunStep() has returned false, the file
  // descriptor becomes readable as soon as RunStep() has something to do. Its
  // number never changes. Fatal: no file descriptor is free for the loop's
  // timer.
  virtual int GetFd() = 0;

  // Creates a complete loop that is nested in this one and has the same owner.
  // Turns of this loop also serve the nested loop. A blocking call runs the
  // nested loop alone, and this loop's events are then not served. The nested
  // loop must be destroyed before this loop. A nested EpollLoop uses two more
  // file descriptors. Fatal: no file descriptor is free.
  virtual std::unique_ptr<Loop> CreateNested() = 0;
  // Returns the loop nested in this one, or this loop if none is nested. Any
  // thread may call it, except while a nested loop is created or destroyed.
  virtual Loop* innermost() = 0;

  // For a blocking call, which must run this loop if it has output to send.
  // Whether tasks are posted, or a watch waits for kWritable.
  virtual bool HasOutput() const = 0;
  // For a call that blocks on a file descriptor. Waits, with poll(), for
  // `polled` or an event of this loop. Then runs one turn if there is
  // something to do. Returns the result of poll() for `polled` alone. This
  // result may be 0 before the deadline. A loop without file descriptors
  // returns -1 and sets ENOSYS.
  virtual int PollAndServe(struct pollfd* polled, Instant deadline) = 0;
};

}  // namespace event
}  // namespace le

#endif  // LE_MESSAGING_EVENT_LOOP_H_
