// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// The event loop, as everything above it sees it.
//
// A loop belongs to one thread, its owner. It runs, one at a time and on that
// thread: posted tasks, handlers of ready descriptors, expired timers and, as
// the last thing before it waits, turn-end hooks. A *turn* is what a loop does
// between two waits.
//
// Everything that is handed to a loop is intrusive: the caller owns the Task,
// Watch, Timer or Hook, the loop only links it. So nothing on the hot path
// allocates, and an object that dies takes its registrations along (each
// destructor unlinks). Unless said otherwise a function is for the owner's
// thread only and does not block.

#ifndef LE_MESSAGING_EVENT_LOOP_H_
#define LE_MESSAGING_EVENT_LOOP_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>

#include "absl/time/time.h"

namespace le {
namespace event {

class Loop;

// A monotonic instant. The origin is arbitrary (under test it is virtual):
// compare it only with instants of the same process. InfiniteFuture() means
// "no deadline".
using Instant = absl::Time;

// Something to be run once by a loop. Owned by whoever posts it.
class Task {
 public:
  Task() = default;
  Task(const Task&) = delete;
  Task& operator=(const Task&) = delete;
  // Unlinks if posted. May only be destroyed on the thread of the loop it is
  // posted to, or when it is not posted.
  virtual ~Task();

  // Called by the loop's owner. The task is no longer posted when Run() begins:
  // it may post itself again or delete itself.
  virtual void Run() = 0;

 private:
  friend class TaskQueue;
  Task* next_ = nullptr;
  Task* prev_ = nullptr;
  Loop* loop_ = nullptr;  // not null: posted there
};

// A descriptor to be watched. The descriptor is not owned, and must stay open
// until the watch has been removed.
class Watch {
 public:
  // The values are those of poll() and epoll.
  static constexpr uint32_t kReadable = 0x1;  // data or end of file
  static constexpr uint32_t kPriority = 0x2;  // urgent data
  static constexpr uint32_t kWritable = 0x4;  // room
  static constexpr uint32_t kError = 0x8;     // always reported
  static constexpr uint32_t kHangUp = 0x10;   // always reported
  // The peer has shut down writing.
  static constexpr uint32_t kReadHangUp = 0x2000;

  Watch() : interest_(0), registered_(1) {}
  Watch(const Watch&) = delete;
  Watch& operator=(const Watch&) = delete;
  virtual ~Watch();  // removes itself if added

  // Level-triggered: called again each turn for as long as the condition holds.
  // `events` is never empty, and holds only what is of interest at the time of
  // the call, besides kHangUp and kError. May remove or delete the watch.
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
  uint32_t registered_ : 1;  // the kernel has been told
};

// A one-shot timer. Start it again, from OnExpiry() or elsewhere, to repeat.
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
  uint64_t order_ = 0;  // ties are broken by the order of starting
  size_t index_ = 0;    // place in the queue's heap
};

// Something to be done before the loop waits, for what a turn has gathered.
class TurnEndHook {
 public:
  TurnEndHook() = default;
  TurnEndHook(const TurnEndHook&) = delete;
  TurnEndHook& operator=(const TurnEndHook&) = delete;
  virtual ~TurnEndHook();  // unlinks

  // Runs once per AtTurnEnd(). Must not call user code, nor wait for a lock if
  // Thread::process_ends().
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
  // before it. The task must not be posted already (fatal). Wakes the loop if
  // it waits. Never runs the task inside Post(). Legal with a lock held. Posts of
  // one task must be ordered with its Run() by the caller.
  virtual void Post(Task* task) = 0;

  // The same in two steps, see DeferredWakes. True: WakeAfterPost() must follow,
  // and the loop will not go before that.
  virtual bool PostQuietly(Task* task) {
    Post(task);
    return false;
  }
  virtual void WakeAfterPost() {}

  // Owner's thread. Takes a posted task back; harmless if it is not posted.
  virtual void Cancel(Task* task) = 0;

  // Starts watching `fd` for `interest` (any of kReadable, kWritable,
  // kPriority, kReadHangUp; may be 0). False, with errno, if the kernel refuses
  // (out of memory or watches). A regular file counts as always ready. A loop
  // without descriptors (loopback under simulation) refuses with ENOSYS.
  virtual bool AddWatch(Watch* watch, int fd, uint32_t interest) = 0;
  // The same, but the kernel is told later: when the loop looks for events for the
  // second time, or for the first time if several watches are new. What is removed
  // before costs no system call of its own. If the kernel then refuses, the log
  // says so. For want of memory or watches, the loop tries again by itself
  // until the kernel accepts; any other refusal is final. A loop without
  // descriptors refuses at once, and finally.
  virtual void AddWatchLater(Watch* watch, int fd, uint32_t interest) = 0;
  // Costs nothing if that is its interest already.
  virtual void SetInterest(Watch* watch, uint32_t interest) = 0;
  // After this OnReady() is not called, not even for an event already fetched.
  virtual void RemoveWatch(Watch* watch) = 0;

  // Starts, or starts anew. A deadline in the past expires in the next step.
  // Timers expire in order of their deadlines.
  virtual void StartTimer(Timer* timer, Instant deadline) = 0;
  virtual void StopTimer(Timer* timer) = 0;

  // The time of this turn: it does not advance while handlers run. Outside a
  // turn, the time now.
  virtual Instant Now() = 0;

  // Runs `hook` before the loop next waits, once; no-op if it is listed
  // already. Outside a turn it runs with the next turn.
  virtual void AtTurnEnd(TurnEndHook* hook) = 0;
  // Runs the listed hooks now, those of nested loops too: for a call that is
  // about to block or to end the process inside a turn.
  virtual void RunTurnEndHooks() = 0;
  // Any thread. Whether the calling thread is the owner and stands inside a
  // handler or task that this loop runs (for an outer loop: or that a loop
  // nested in it runs in its turn).
  virtual bool InTurn() const = 0;
  // Inside a turn: its number, never 0, another for each turn until it wraps.
  virtual uint32_t turn() const = 0;

  // Runs turns until Stop(). Not reentrant.
  virtual void Run() = 0;
  // Any thread: makes Run() return after the current turn. Wakes the loop once:
  // RunStep() has nothing to do because of it.
  virtual void Stop() = 0;

  // Waits until there is something to do or `deadline` has come, then runs one
  // turn. With an instant in the past: only what is ready. True if anything was
  // run.
  virtual bool RunTurn(Instant deadline) = 0;

  // For a call that blocks: calls `begin`, then runs turns until `*done`. What
  // `begin` adds to the loop is not announced to an outer or foreign loop: none
  // serves this loop before the call ends.
  virtual void RunUntil(const std::function<void()>& begin,
                        const bool* done) = 0;

  // For foreign loops. Runs at most one task or handler that is ready, or one
  // turn of a nested loop. Never waits; false if there was none (the turn has
  // then ended: its hooks have run).
  virtual bool RunStep() = 0;
  // For foreign loops: a descriptor that, once RunStep() has returned false,
  // becomes readable as soon as RunStep() has something to do again. -1 if this
  // loop has none. Constant for the loop's life.
  virtual int GetFd() = 0;

  // A loop of its own inside this one, same owner: its events are served by
  // this loop's turns, and it can also be run alone (RunTurn) while this one
  // stands still. A blocking call runs it to serve what must go on meanwhile.
  // Must be destroyed before this loop. An EpollLoop takes two descriptors for
  // it.
  virtual std::unique_ptr<Loop> CreateNested() = 0;
};

}  // namespace event
}  // namespace le

#endif  // LE_MESSAGING_EVENT_LOOP_H_
