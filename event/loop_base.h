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
  Loop* innermost() override { return inner_ != nullptr ? inner_ : this; }
  bool HasOutput() const override { return !tasks_.empty(); }
  int PollAndServe(struct pollfd* polled, Instant deadline) override;

 protected:
  // Represents a nested loop in its outer loop.
  class Nesting;

  // `outer` is null for a loop that is not nested.
  explicit LoopBase(LoopBase* outer);

  // ---- Implemented by the subclass ----

  // The current time. Called only when the time is needed, because reading the
  // clock takes time.
  virtual Instant ReadClock() = 0;
  // Like ReadClock(), but faster. The result may be some milliseconds old.
  virtual Instant ReadCoarseClock() { return ReadClock(); }
  // Any thread. If a Wait() has begun or is about to begin, makes it return
  // early. Also makes the outer or foreign loop serve this loop.
  virtual void Wake() = 0;
  // Waits for an event, for Wake(), or until `deadline`, then fetches events.
  // May return early without a reason. Does not wait if HasWork(), if
  // stopped(), or if the deadline is InfinitePast().
  virtual void Wait(Instant deadline) = 0;
  // Handles one fetched event. Returns false if there was none.
  virtual bool DispatchEvent() { return false; }
  // Called on the owner's thread when the next deadline may have become
  // earlier.
  virtual void OnTimerStarted() {}
  // Called when the outermost Run(), RunUntil() or RunTurn() is about to
  // return, or when the outermost RunStep() is about to return false.
  virtual void OnServed() {}

  // ---- For the subclass to use ----

  // Posts a task without a wake. For PostQuietly().
  void Push(Task* task) { tasks_.Push(task); }
  // Whether any task is posted or any hook is listed. Sequentially consistent
  // with Post() (see TaskQueue::empty()).
  bool HasWork() const { return !tasks_.empty() || !hooks_.empty(); }
  Instant NextDeadline() const {
    return timers_.empty() ? absl::InfiniteFuture() : timers_.NextDeadline();
  }
  bool stopped() const { return stop_.load(); }
  // Whether Run(), RunUntil(), RunTurn() or RunStep() of this loop is on the
  // stack.
  bool serving() const { return serving_ > 0; }
  // Only inside Wait(). Whether this Wait() begins a round. A round is one turn
  // of RunTurn(), or all calls of RunStep() until one returns false.
  bool new_round() const { return new_round_; }

  LoopBase* outer() const { return outer_; }
  // Null if there is no outer loop. LeaveOuter() destroys the Nesting.
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
  LoopBase* inner_ = nullptr;  // the nested loop
  TaskQueue tasks_;
  TimerQueue timers_;
  HookList hooks_;
  std::unique_ptr<Nesting> nesting_;
  Phase phase_ = Phase::kIdle;
  int serving_ = 0;
  uint32_t turn_ = 0;
  bool new_round_ = true;
  bool now_known_ = false;
  // If each turn begins with posted tasks, several turns share one fetch of
  // events. turns_before_wait_ is how many more such turns may run before the
  // next fetch. waited_at_ is the coarse time of the fetch that they share.
  int turns_before_wait_ = 0;
  int timers_left_ = 0;       // how many timers this turn may still run
  bool just_waited_ = false;  // the last turn waited, for lack of tasks
  Instant waited_at_;
  Instant tasks_end_;            // this turn runs no further task after it
  bool tasks_are_late_ = false;  // tasks_end_ has passed
  Instant now_;
  std::atomic<bool> stop_{false};
  // ThisThread() of the thread that is inside a step. Null if there is none.
  std::atomic<const void*> turn_thread_{nullptr};
};

// The outer loop serves a Nesting as a Task, Timer, Watch or TurnEndHook. As a
// Task, Timer or Watch, the Nesting runs a turn of the nested loop. As a
// TurnEndHook, it runs the nested loop's hooks. AtTurnEnd() of the nested loop
// adds the Nesting to the outer loop's hooks. Each subclass of LoopBase
// registers the Task, Timer or Watch that it needs.
class LoopBase::Nesting final : public Task,
                                public Timer,
                                public Watch,
                                public TurnEndHook {
 public:
  explicit Nesting(LoopBase* nested) : nested_(nested) {}

  // Posts this as a task, unless it is posted already. Not thread-safe: only
  // for a simulation, where one thread runs at a time.
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
