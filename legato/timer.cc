// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// The C API: timers on the loop.

#include <algorithm>
#include <cstdint>
#include <memory>

#include "absl/time/time.h"
#include "event/base/log.h"
#include "event/os_process.h"
#include "event/process.h"
#include "event/user_code.h"
#include "le_timer.h"
#include "legato/duration.h"
#include "legato/refs.h"

using le::event::CheckNotForked;
using le::event::Instant;
using le::event::Thread;
using le::legato::ToDuration;
using le::legato::ToTime;

struct le_timer {};

namespace {

class CTimer final : private le::event::Timer {
 public:
  CTimer() : owner_(Thread::Current()) {}

  using Timer::running;

  void Start() {
    begin_ = owner_->process()->Now();
    owner_->loop()->StartTimer(this, begin_ + interval_);
    expiries_ = 0;
  }
  void Stop() {
    if (running()) owner_->loop()->StopTimer(this);
  }
  uint32_t expiries() const { return expiries_; }

  absl::Duration interval() const { return interval_; }
  // If the timer is running, also changes the length of its current period. The
  // end of the period may then be in the past.
  void SetInterval(absl::Duration interval) {
    interval_ = interval;
    if (!running()) return;
    owner_->loop()->StopTimer(this);
    owner_->loop()->StartTimer(this, begin_ + interval_);
  }
  absl::Duration remaining() const {
    if (!running()) return absl::ZeroDuration();
    return std::max(deadline() - owner_->process()->Now(),
                    absl::ZeroDuration());
  }

  uint32_t repeat = 1;
  le_timer_ExpiryHandler_t handler = nullptr;
  void* context = nullptr;
  le_timer_Ref_t ref = nullptr;
  std::weak_ptr<CTimer> self;

 private:
  void OnExpiry() override {
    // The handler may delete this timer.
    const std::shared_ptr<CTimer> keep = self.lock();
    ++expiries_;
    if (repeat == 0 || expiries_ < repeat) {
      // The next period begins at the deadline, not now. So a late turn of the
      // loop does not delay later expiries. But if that period is over already,
      // the next period begins now.
      begin_ = deadline();
      const Instant now = owner_->loop()->Now();
      if (begin_ + interval_ <= now) begin_ = now;
      owner_->loop()->StartTimer(this, begin_ + interval_);
    }
    if (handler == nullptr) return;
    le::event::CallUser("the handler of a timer", [this] { handler(ref); });
  }

  Thread* const owner_;
  absl::Duration interval_;
  Instant begin_;  // of the current period
  uint32_t expiries_ = 0;
};

using Timers = le::legato::ThreadRefs<CTimer, le_timer_Ref_t>;

uint32_t ToMs(absl::Duration duration) {
  return static_cast<uint32_t>(
      std::min<int64_t>(absl::ToInt64Milliseconds(duration), UINT32_MAX));
}

}  // namespace

le_timer_Ref_t le_timer_Create(const char*) {
  CheckNotForked(__func__);
  auto timer = std::make_shared<CTimer>();
  timer->self = timer;
  timer->ref = Timers::OfCurrentThread()->Add(timer);
  return timer->ref;
}

void le_timer_Delete(le_timer_Ref_t timerRef) {
  Timers::Get(__func__, timerRef)->Stop();
  Timers::OfCurrentThread()->Remove(timerRef);
}

le_result_t le_timer_SetHandler(le_timer_Ref_t timerRef,
                                le_timer_ExpiryHandler_t handlerFunc) {
  const auto timer = Timers::Get(__func__, timerRef);
  if (timer->running()) return LE_BUSY;
  timer->handler = handlerFunc;
  return LE_OK;
}

le_result_t le_timer_SetInterval(le_timer_Ref_t timerRef,
                                 le_clk_Time_t interval) {
  Timers::Get(__func__, timerRef)->SetInterval(ToDuration(interval));
  return LE_OK;
}

le_clk_Time_t le_timer_GetInterval(le_timer_Ref_t timerRef) {
  return ToTime(Timers::Get(__func__, timerRef)->interval());
}

le_result_t le_timer_SetMsInterval(le_timer_Ref_t timerRef, uint32_t interval) {
  Timers::Get(__func__, timerRef)->SetInterval(absl::Milliseconds(interval));
  return LE_OK;
}

uint32_t le_timer_GetMsInterval(le_timer_Ref_t timerRef) {
  return ToMs(Timers::Get(__func__, timerRef)->interval());
}

le_result_t le_timer_SetRepeat(le_timer_Ref_t timerRef, uint32_t repeatCount) {
  const auto timer = Timers::Get(__func__, timerRef);
  if (timer->running()) return LE_BUSY;
  timer->repeat = repeatCount;
  return LE_OK;
}

le_result_t le_timer_SetWakeup(le_timer_Ref_t timerRef, bool) {
  return Timers::Get(__func__, timerRef)->running() ? LE_BUSY : LE_OK;
}

le_result_t le_timer_SetContextPtr(le_timer_Ref_t timerRef, void* contextPtr) {
  const auto timer = Timers::Get(__func__, timerRef);
  if (timer->running()) return LE_BUSY;
  timer->context = contextPtr;
  return LE_OK;
}

void* le_timer_GetContextPtr(le_timer_Ref_t timerRef) {
  return Timers::Get(__func__, timerRef)->context;
}

uint32_t le_timer_GetExpiryCount(le_timer_Ref_t timerRef) {
  return Timers::Get(__func__, timerRef)->expiries();
}

le_clk_Time_t le_timer_GetTimeRemaining(le_timer_Ref_t timerRef) {
  return ToTime(Timers::Get(__func__, timerRef)->remaining());
}

uint32_t le_timer_GetMsTimeRemaining(le_timer_Ref_t timerRef) {
  return ToMs(Timers::Get(__func__, timerRef)->remaining());
}

le_result_t le_timer_Start(le_timer_Ref_t timerRef) {
  const auto timer = Timers::Get(__func__, timerRef);
  if (timer->running()) return LE_BUSY;
  timer->Start();
  return LE_OK;
}

le_result_t le_timer_Stop(le_timer_Ref_t timerRef) {
  const auto timer = Timers::Get(__func__, timerRef);
  if (!timer->running()) return LE_FAULT;
  timer->Stop();
  return LE_OK;
}

void le_timer_Restart(le_timer_Ref_t timerRef) {
  const auto timer = Timers::Get(__func__, timerRef);
  timer->Stop();
  timer->Start();
}

bool le_timer_IsRunning(le_timer_Ref_t timerRef) {
  return Timers::Get(__func__, timerRef)->running();
}
