// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#include "event/loop_base.h"

#include <errno.h>

#include <algorithm>

#include "event/base/log.h"
#include "event/base/this_thread.h"

namespace le {
namespace event {
namespace {

// While there are tasks, events are looked for only every so many turns: a task
// costs tens of nanoseconds, a look hundreds.
constexpr int kTurnsPerWait = 8;

}  // namespace

// For as long as it lives, the calling thread stands inside a turn of the loop.
// Restores what was before also when a killed thread of a simulation unwinds.
class LoopBase::InTurnScope {
 public:
  explicit InTurnScope(LoopBase* loop)
      : loop_(loop),
        before_(loop->turn_thread_.load(std::memory_order_relaxed)) {
    loop->turn_thread_.store(ThisThread(), std::memory_order_relaxed);
  }
  ~InTurnScope() {
    loop_->turn_thread_.store(before_, std::memory_order_relaxed);
  }

 private:
  LoopBase* const loop_;
  const void* const before_;
};

class LoopBase::ServingScope {
 public:
  explicit ServingScope(LoopBase* loop) : loop_(loop) { ++loop_->serving_; }
  ~ServingScope() { --loop_->serving_; }

 private:
  LoopBase* const loop_;
};

LoopBase::LoopBase(LoopBase* parent)
    : parent_(parent), tasks_(this), timers_(this) {
  if (parent_ != nullptr) parent_->nested_.push_back(this);
}

LoopBase::~LoopBase() {
  if (parent_ == nullptr) return;
  std::vector<LoopBase*>& siblings = parent_->nested_;
  const auto it = std::find(siblings.begin(), siblings.end(), this);
  const size_t index = static_cast<size_t>(it - siblings.begin());
  siblings.erase(it);
  if (index < parent_->next_nested_) --parent_->next_nested_;
}

void LoopBase::Post(Task* task) {
  tasks_.Push(task);
  Wake();
}

void LoopBase::Cancel(Task* task) { tasks_.Remove(task); }

bool LoopBase::AddWatch(Watch*, int, uint32_t) {
  errno = ENOSYS;
  return false;
}

void LoopBase::AddWatchLater(Watch* watch, int fd, uint32_t interest) {
  if (!AddWatch(watch, fd, interest)) {
    Log(LogLevel::kError, "event loop: it has no descriptors");
  }
}

void LoopBase::SetInterest(Watch*, uint32_t) {}

void LoopBase::RemoveWatch(Watch*) {}

void LoopBase::StartTimer(Timer* timer, Instant deadline) {
  timers_.Start(timer, deadline);
  OnTimerStarted();
}

void LoopBase::StopTimer(Timer* timer) { timers_.Stop(timer); }

Instant LoopBase::Now() {
  if (phase_ == Phase::kIdle) return ReadClock();
  if (!now_known_) {
    now_ = ReadClock();
    now_known_ = true;
  }
  return now_;
}

void LoopBase::AtTurnEnd(TurnEndHook* hook) { hooks_.Add(hook, this); }

void LoopBase::RunTurnEndHooks() {
  if (!hooks_.empty()) hooks_.RunAll();
  for (size_t i = 0; i < nested_.size(); ++i) nested_[i]->RunTurnEndHooks();
}

bool LoopBase::InTurn() const {
  return turn_thread_.load(std::memory_order_relaxed) == ThisThread();
}

void LoopBase::Stop() {
  stop_.store(true);
  Wake();
}

void LoopBase::Run() {
  while (!stopped()) RunTurn(absl::InfiniteFuture());
  stop_.store(false, std::memory_order_relaxed);
}

bool LoopBase::HasWork() const {
  if (HasOwnWork()) return true;
  for (const LoopBase* loop : nested_) {
    if (loop->HasWork()) return true;
  }
  return false;
}

Instant LoopBase::NextDeadline() const {
  Instant deadline = absl::InfiniteFuture();
  if (!timers_.empty()) deadline = timers_.NextDeadline();
  for (const LoopBase* loop : nested_) {
    const Instant nested = loop->NextDeadline();
    if (nested < deadline) deadline = nested;
  }
  return deadline;
}

bool LoopBase::TimerDue() {
  return !timers_.empty() && timers_.NextDeadline() <= Now();
}

void LoopBase::BeginTurn() {
  if (++turn_ == 0) turn_ = 1;
  now_known_ = false;
  begun_as_nested_ = false;
  tasks_.BeginBatch();
  phase_ = Phase::kTasks;
}

bool LoopBase::Step() {
  for (;;) {
    switch (phase_) {
      case Phase::kIdle:
        return false;
      case Phase::kTasks:
        if (Task* task = tasks_.Pop()) {
          task->Run();
          return true;
        }
        timers_.BeginRound();
        phase_ = Phase::kTimers;
        break;
      case Phase::kTimers:
        if (!timers_.empty()) {
          if (Timer* timer = timers_.PopExpired(Now())) {
            timer->OnExpiry();
            return true;
          }
        }
        phase_ = Phase::kEvents;
        break;
      case Phase::kEvents:
        if (DispatchEvent()) return true;
        for (LoopBase* loop : nested_) loop->begun_as_nested_ = false;
        next_nested_ = 0;
        phase_ = Phase::kNested;
        break;
      case Phase::kNested:
        while (next_nested_ < nested_.size()) {
          if (nested_[next_nested_]->StepAsNested()) return true;
          ++next_nested_;
        }
        phase_ = Phase::kIdle;
        break;
    }
  }
}

bool LoopBase::StepInTurn() {
  InTurnScope scope(this);
  return Step();
}

bool LoopBase::StepAsNested() {
  if (phase_ == Phase::kIdle) {
    if (begun_as_nested_) return false;
    const bool events = events_for_nested_ || (may_have_events_ && HasEvents());
    if (!events && !HasWork() && !TimerDue()) return false;
    if (events) {
      events_for_nested_ = false;
      new_round_ = parent_->new_round_;
      NoteEventsAsNested();
    }
    BeginTurn();
    begun_as_nested_ = true;
  }
  if (StepInTurn()) return true;
  RunTurnEndHooks();
  return false;
}

void LoopBase::WaitForTurn(Instant deadline) {
  // Those that were listed outside a turn.
  RunTurnEndHooks();
  new_round_ = true;
  if (!HasWork()) {
    turns_without_wait_ = 0;
    Wait(std::min(deadline, NextDeadline()));
    return;
  }
  // Who runs single turns gets all that is there in each.
  if (deadline == absl::InfiniteFuture() && !tasks_.empty() &&
      ++turns_without_wait_ < kTurnsPerWait) {
    return;
  }
  turns_without_wait_ = 0;
  Wait(absl::InfinitePast());
}

bool LoopBase::RunTurn(Instant deadline) {
  bool ran = false;
  {
    ServingScope scope(this);
    for (;;) {
      if (phase_ == Phase::kIdle) {
        WaitForTurn(deadline);
        BeginTurn();
      }
      {
        InTurnScope scope(this);
        while (Step()) ran = true;
      }
      RunTurnEndHooks();
      if (ran || stopped() || deadline == absl::InfinitePast()) break;
      if (deadline != absl::InfiniteFuture() && ReadClock() >= deadline) break;
    }
  }
  if (!serving()) OnServed();
  return ran;
}

bool LoopBase::RunStep() {
  bool ran;
  {
    ServingScope scope(this);
    ran = StepInTurn();
    if (!ran) {
      RunTurnEndHooks();
      Wait(absl::InfinitePast());
      BeginTurn();
      ran = StepInTurn();
    }
    new_round_ = !ran;
    if (!ran) RunTurnEndHooks();
  }
  if (!ran && !serving()) OnServed();
  return ran;
}

}  // namespace event
}  // namespace le
