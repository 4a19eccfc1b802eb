// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef LE_MESSAGING_EVENT_LOOP_BASE_H_
#define LE_MESSAGING_EVENT_LOOP_BASE_H_

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <utility>

#include "event/hook_list.h"
#include "event/loop.h"
#include "event/task_queue.h"
#include "event/timer_queue.h"

namespace le {
namespace event {

// The common part of all loops: tasks, timers, hooks, nesting, and the order
// within a turn. A subclass waits and fetches events.
//
//   turn:  wait → posted tasks → due timers → fetched events → hooks
//
// Each task, timer and event is one Step(). A task that a handler posts runs in
// the next turn, so tasks cannot starve timers and events.
//
// A nested loop is a complete loop. The outer loop serves it through a Nesting:
// when the Nesting becomes ready, the nested loop runs a turn.
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
  void RunTurnEndHooks() final {
    if (!hooks_.empty()) hooks_.RunAll();
  }
  bool InTurn() const override;
  uint32_t turn() const override { return turn_; }
  void Run() override;
  void Stop() override;
  bool RunTurn(Instant deadline) override;
  void RunUntil(const std::function<void()>& begin, const bool* done) override;
  bool RunStep() override;
  int GetFd() override { return -1; }

 protected:
  // Represents a nested loop in its outer loop.
  class Nesting;

  // `outer` is null for a loop that is not nested.
  explicit LoopBase(LoopBase* outer);

  // ---- Implemented by the subclass ----

  // The current time. A turn reads it only if Now() is called, because that
  // takes time.
  virtual Instant ReadClock() = 0;
  // Like ReadClock(), but faster, and some milliseconds late at most.
  virtual Instant ReadCoarseClock() { return ReadClock(); }
  // Any thread: makes a Wait() that has begun or is about to begin return
  // early, and makes the outer loop serve this one.
  virtual void Wake() = 0;
  // Waits for an event, for Wake(), or until `deadline`, then fetches events.
  // May return early for no reason. Does not wait if HasWork() or stopped(), or
  // with InfinitePast().
  virtual void Wait(Instant deadline) = 0;
  // Handles one event that was fetched. False if none is left.
  virtual bool DispatchEvent() { return false; }
  // Owner's thread. Called when the next deadline may have become earlier.
  virtual void OnTimerStarted() {}
  // Called before the outermost Run(), RunUntil(), RunTurn() or RunStep()
  // returns, but not before a RunStep() that returns true.
  virtual void OnServed() {}

  // ---- For the subclass to use ----

  // For PostQuietly(): posts a task without a wake.
  void Push(Task* task) { tasks_.Push(task); }
  // Whether tasks are posted or hooks listed. Sequentially consistent with
  // Post().
  bool HasWork() const { return !tasks_.empty() || !hooks_.empty(); }
  Instant NextDeadline() const {
    return timers_.empty() ? absl::InfiniteFuture() : timers_.NextDeadline();
  }
  bool stopped() const { return stop_.load(); }
  // Whether Run(), RunUntil(), RunTurn() or RunStep() of this loop is on the
  // stack.
  bool serving() const { return serving_ > 0; }
  // Whether this Wait() is the first since RunStep() returned false, or is
  // called by RunTurn().
  bool new_round() const { return new_round_; }

  LoopBase* outer() const { return outer_; }
  // Null if there is no outer loop. LeaveOuter() destroys it.
  Nesting* nesting() const { return nesting_.get(); }
  void LeaveOuter();
  // For a nested loop: makes the outer loop serve it at `deadline`.
  void ServeAt(Instant deadline);

 private:
  enum class Phase { kIdle, kTasks, kTimers, kEvents };
  class InTurnScope;
  class ServingScope;

  void WaitForTurn(Instant deadline);
  void BeginTurn();
  // The caller must hold an InTurnScope.
  bool Step();
  bool StepInTurn();

  LoopBase* const outer_;
  TaskQueue tasks_;
  TimerQueue timers_;
  HookList hooks_;
  std::unique_ptr<Nesting> nesting_;
  Phase phase_ = Phase::kIdle;
  int serving_ = 0;
  uint32_t turn_ = 0;
  bool new_round_ = true;
  bool now_known_ = false;
  // While each turn has tasks: how many turns may run before events are fetched
  // again, and when they were fetched last.
  int turns_before_wait_ = 0;
  int timers_left_ = 0;       // timers that this turn may still run
  bool just_waited_ = false;  // in the turn before, which had no tasks
  Instant waited_at_;
  Instant now_;
  std::atomic<bool> stop_{false};
  // ThisThread() of the thread that is inside a step. Null if there is none.
  std::atomic<const void*> turn_thread_{nullptr};
};

// The subclass uses some of the four base classes. Each of them runs a turn of
// the nested loop, or its hooks.
class LoopBase::Nesting final : public Task,
                                public Timer,
                                public Watch,
                                public TurnEndHook {
 public:
  explicit Nesting(LoopBase* nested) : nested_(nested) {}

  // Posts this as a task, unless it is posted already. Only for a simulation,
  // where one thread runs at a time.
  void PostTo(Loop* outer) {
    if (!std::exchange(posted_, true)) outer->Post(this);
  }

 private:
  void Run() override {
    posted_ = false;
    nested_->RunTurn(absl::InfinitePast());
  }
  void OnExpiry() override { nested_->RunTurn(absl::InfinitePast()); }
  void OnReady(uint32_t) override { nested_->RunTurn(absl::InfinitePast()); }
  void OnTurnEnd() override { nested_->RunTurnEndHooks(); }

  LoopBase* const nested_;
  bool posted_ = false;
};

}  // namespace event
}  // namespace le

#endif  // LE_MESSAGING_EVENT_LOOP_BASE_H_
