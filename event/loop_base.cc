// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#include "event/loop_base.h"

#include <errno.h>
#include <string.h>

#include <algorithm>

#include "absl/base/attributes.h"
#include "absl/strings/str_cat.h"
#include "event/base/log.h"
#include "event/base/this_thread.h"

namespace le {
namespace event {
namespace {

// While each turn has tasks, this many turns share one fetch of events, as long
// as the coarse clock has not moved. A short task and a read of that clock take
// tens of nanoseconds each. A fetch takes hundreds of nanoseconds.
constexpr int kMaxTurnsPerWait = 8;

// After this time, a turn runs no further task. It is short enough that timers
// and file descriptors are not noticeably late, and longer than many short
// tasks take.
constexpr absl::Duration kMaxTaskTime = absl::Milliseconds(10);

// The most timers that expire in one turn. Further timers expire in the next
// turn.
constexpr int kMaxTimersPerTurn = 256;

}  // namespace

// Marks the calling thread as inside a turn of the loop. The destructor also
// runs when a killed thread of a simulation unwinds.
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

LoopBase::LoopBase(LoopBase* outer)
    : outer_(outer), tasks_(this), timers_(this) {
  if (outer_ == nullptr) return;
  nesting_ = std::make_unique<Nesting>(this);
  outer_->inner_ = this;
}

LoopBase::~LoopBase() {
  if (outer_ != nullptr && outer_->inner_ == this) outer_->inner_ = nullptr;
}

void LoopBase::LeaveOuter() { nesting_.reset(); }

void LoopBase::ServeAt(Instant deadline) {
  Timer* const timer = nesting_.get();
  if (deadline == absl::InfiniteFuture()) {
    outer_->StopTimer(timer);
  } else if (!timer->running() || timer->deadline() != deadline) {
    outer_->StartTimer(timer, deadline);
  }
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
    Log(LogLevel::kError,
        absl::StrCat("event loop: cannot watch file descriptor ", fd, ": ",
                     strerror(errno)));
  }
}

void LoopBase::SetInterest(Watch*, uint32_t) {}

void LoopBase::RemoveWatch(Watch*) {}

int LoopBase::PollAndServe(struct pollfd*, Instant) {
  errno = ENOSYS;
  return -1;
}

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

void LoopBase::AtTurnEnd(TurnEndHook* hook) {
  hooks_.Add(hook, this);
  if (outer_ != nullptr) outer_->AtTurnEnd(nesting_.get());
}

bool LoopBase::InTurn() const {
  return turn_thread_.load(std::memory_order_relaxed) == ThisThread();
}

void LoopBase::Stop() {
  stop_.store(true);
  Wake();
}

void LoopBase::Run() {
  {
    ServingScope scope(this);
    while (!stopped()) RunTurn(absl::InfiniteFuture());
    stop_.store(false, std::memory_order_relaxed);
  }
  if (!serving()) OnServed();
}

void LoopBase::RunUntil(const std::function<void()>& begin, const bool* done) {
  {
    ServingScope scope(this);
    begin();
    while (!*done) RunTurn(absl::InfiniteFuture());
  }
  if (!serving()) OnServed();
}

bool LoopBase::RunTurn(Instant deadline) {
  bool ran = false;
  {
    ServingScope scope(this);
    do {
      // If the phase is not kIdle, a handler of the current turn has called
      // RunTurn() to block. Finish the rest of that turn first.
      if (phase_ == Phase::kIdle) {
        WaitForTurn(deadline);
        BeginTurn();
      }
      {
        InTurnScope in_turn(this);
        while (Step()) ran = true;
      }
      RunTurnEndHooks();
    } while (!ran && !stopped() && deadline != absl::InfinitePast() &&
             (deadline == absl::InfiniteFuture() || ReadClock() < deadline));
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

void LoopBase::WaitForTurn(Instant deadline) {
  // Run the hooks that were listed outside a turn.
  RunTurnEndHooks();
  new_round_ = true;
  if (tasks_.empty()) {
    turns_before_wait_ = 0;
    Wait(timers_.empty() ? deadline
                         : std::min(deadline, timers_.NextDeadline()));
    just_waited_ = true;
    return;
  }
  // A caller with a deadline perhaps runs no further turn. So this turn always
  // fetches events.
  const bool may_skip = deadline == absl::InfiniteFuture();
  // The last turn has fetched events, and tasks were posted after the fetch.
  // Run these tasks before the next fetch.
  if (std::exchange(just_waited_, false) && may_skip && !tasks_are_late_)
    return;
  if (may_skip && turns_before_wait_ > 0 && ReadCoarseClock() == waited_at_) {
    --turns_before_wait_;
    return;
  }
  Wait(absl::InfinitePast());
  turns_before_wait_ = may_skip ? kMaxTurnsPerWait - 1 : 0;
  if (may_skip) waited_at_ = ReadCoarseClock();
}

void LoopBase::BeginTurn() {
  if (++turn_ == 0) turn_ = 1;
  now_known_ = false;
  tasks_are_late_ = false;
  tasks_.BeginBatch();
  if (!tasks_.empty()) tasks_end_ = ReadCoarseClock() + kMaxTaskTime;
  phase_ = Phase::kTasks;
}

bool LoopBase::StepInTurn() {
  InTurnScope scope(this);
  return Step();
}

bool LoopBase::Step() {
  switch (phase_) {
    case Phase::kTasks:
      // If the tasks take long, timers and events come first. The rest of the
      // tasks run in the next turn.
      if (Task* task = tasks_are_late_ ? nullptr : tasks_.Pop()) {
        task->Run();
        tasks_are_late_ = ReadCoarseClock() >= tasks_end_;
        return true;
      }
      timers_.BeginRound();
      timers_left_ = kMaxTimersPerTurn;
      phase_ = Phase::kTimers;
      ABSL_FALLTHROUGH_INTENDED;
    case Phase::kTimers:
      if (!timers_.empty() && timers_left_ > 0) {
        if (Timer* timer = timers_.PopExpired(Now())) {
          --timers_left_;
          timer->OnExpiry();
          return true;
        }
      }
      phase_ = Phase::kEvents;
      ABSL_FALLTHROUGH_INTENDED;
    case Phase::kEvents:
      if (DispatchEvent()) return true;
      phase_ = Phase::kIdle;
      ABSL_FALLTHROUGH_INTENDED;
    case Phase::kIdle:
      return false;
  }
  return false;
}

}  // namespace event
}  // namespace le
