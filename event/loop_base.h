// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef LE_MESSAGING_EVENT_LOOP_BASE_H_
#define LE_MESSAGING_EVENT_LOOP_BASE_H_

#include <atomic>
#include <cstddef>
#include <memory>
#include <vector>

#include "event/hook_list.h"
#include "event/loop.h"
#include "event/task_queue.h"
#include "event/timer_queue.h"

namespace le {
namespace event {

// What all loops have in common: tasks, timers, hooks, nesting and the order of
// things within a turn. How to wait, and what else can happen besides, is the
// subclass's.
//
//   turn:  (wait) → tasks that are there → due timers → fetched events
//          → the same for each nested loop → hooks
//
// Each of these is one Step(). Whatever a handler posts belongs to the next
// turn, so nothing can starve the rest.
class LoopBase : public Loop {
 public:
  ~LoopBase() override;

  void Post(Task* task) override;
  void Cancel(Task* task) override;
  bool AddWatch(Watch* watch, int fd, uint32_t interest) override;
  void AddWatchLater(Watch* watch, int fd, uint32_t interest) override;
  void SetInterest(Watch* watch, uint32_t interest) override;
  void RemoveWatch(Watch* watch) override;
  void StartTimer(Timer* timer, Instant deadline) override;
  void StopTimer(Timer* timer) override;
  Instant Now() override;
  void AtTurnEnd(TurnEndHook* hook) override;
  void RunTurnEndHooks() override;
  bool InTurn() const override;
  uint32_t turn() const override { return turn_; }
  void Run() override;
  void Stop() override;
  bool RunTurn(Instant deadline) override;
  bool RunStep() override;
  int GetFd() override { return -1; }

 protected:
  // `parent` is null for a loop of its own.
  explicit LoopBase(LoopBase* parent);

  // ---- For the subclass to say ----

  // The time now. Not called in vain: a clock costs.
  virtual Instant ReadClock() = 0;
  // Any thread: makes a Wait() of this loop, or of the one it is nested in,
  // return early if there is one or if one is about to begin.
  virtual void Wake() = 0;
  // Waits until an event is there, or Wake(), or `deadline`; may return early
  // for no reason. Then takes note of events (not of tasks and timers). With
  // InfinitePast() only takes note. Calls PrepareToWait() before it sleeps.
  virtual void Wait(Instant deadline) = 0;
  // For a nested loop whose turn begins within that of its outer loop: takes
  // note of events, as far as the outer one's Wait() has not done so for it.
  virtual void NoteEventsAsNested() { Wait(absl::InfinitePast()); }
  // Handles one event that was noted. False if none is left.
  virtual bool DispatchEvent() { return false; }
  // Whether events have been noted, or are there without waiting. Asked only of
  // a loop that has said that it may have such.
  virtual bool HasEvents() const { return false; }
  // For PostQuietly(): a task, without a wake.
  void Push(Task* task) { tasks_.Push(task); }
  // Owner's thread: the earliest deadline may have come nearer.
  virtual void OnTimerStarted() {}
  // The outermost RunTurn() or RunStep() is about to return. After a RunStep()
  // that returns true, it is not called.
  virtual void OnServed() {}

  // ---- For the subclass to use ----

  // Whether tasks, events or hooks are there, here or in a nested loop, or
  // Stop() has been called.
  bool HasWork() const;
  // Of timers, nested loops' too.
  Instant NextDeadline() const;
  bool stopped() const { return stop_.load(); }
  LoopBase* parent() const { return parent_; }
  const std::vector<LoopBase*>& nested() const { return nested_; }
  // Whether RunTurn() or RunStep() of this very loop is on the stack.
  bool serving() const { return serving_ > 0; }
  // Whether this is the first Wait() since RunStep() has returned false, or one
  // of RunTurn().
  bool new_round() const { return new_round_; }
  void MayHaveEvents() { may_have_events_ = true; }
  // For a nested loop: its outer loop has noted an event of it.
  void HasEventsAsNested() { events_for_nested_ = true; }

 private:
  enum class Phase { kIdle, kTasks, kTimers, kEvents, kNested };
  class InTurnScope;
  class ServingScope;

  // Of this loop alone.
  bool HasOwnWork() const {
    return !tasks_.empty() || !hooks_.empty() || stopped() ||
           (may_have_events_ && HasEvents());
  }
  void WaitForTurn(Instant deadline);
  void BeginTurn();
  // Within an InTurnScope.
  bool Step();
  bool StepInTurn();
  // A step on behalf of the outer loop's turn.
  bool StepAsNested();
  bool TimerDue();

  LoopBase* const parent_;
  TaskQueue tasks_;
  TimerQueue timers_;
  HookList hooks_;
  std::vector<LoopBase*> nested_;
  size_t next_nested_ = 0;
  Phase phase_ = Phase::kIdle;
  int serving_ = 0;
  int turns_without_wait_ = 0;
  uint32_t turn_ = 0;
  bool new_round_ = true;
  bool begun_as_nested_ = false;
  bool may_have_events_ = false;
  bool events_for_nested_ = false;
  bool now_known_ = false;
  Instant now_;
  std::atomic<bool> stop_{false};
  // The thread inside a step, by the address of something of its own. Null if
  // none is.
  std::atomic<const void*> turn_thread_{nullptr};
};

}  // namespace event
}  // namespace le

#endif  // LE_MESSAGING_EVENT_LOOP_BASE_H_
