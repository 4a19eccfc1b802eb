// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// le/timer.h: timers on the loop of a thread.

#ifndef LE_MESSAGING_MESSAGING_CPP_LE_TIMER_H_
#define LE_MESSAGING_MESSAGING_CPP_LE_TIMER_H_

#include <algorithm>
#include <cstdint>
#include <utility>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "le/function.h"
#include "le/internal/thread_bound.h"
#include "le/status.h"
#include "le_timer.h"

namespace le {

// Calls a closure when a time has passed. A timer belongs to the thread that
// created it, and its closure runs from the loop of that thread. On another
// thread, or when the timer's thread is ending, or if the timer was moved from,
// running() returns false, and the other methods return FailedPrecondition.
//
// The timer's thread may destroy it at any time, also in its closure. After the
// destructor the closure is not called. Another thread may destroy the timer
// only after the timer's thread has ended; before that, this is fatal. An empty
// closure does nothing. In the steady state, starting a timer allocates
// nothing.
class Timer {
 public:
  explicit Timer(UniqueFunction<void()> closure)
      : core_(new Core(std::move(closure))) {}
  Timer(Timer&&) noexcept = default;
  Timer& operator=(Timer&&) noexcept = default;

  // Calls the closure once, after `delay`. A running timer is restarted.
  absl::Status Start(absl::Duration delay) { return Arm(delay, 1); }
  // Calls the closure after each `interval`. A running timer is restarted.
  //   InvalidArgument  the interval is not positive
  absl::Status StartPeriodic(absl::Duration interval) {
    if (interval <= absl::ZeroDuration()) {
      return absl::InvalidArgumentError("the interval is not positive");
    }
    return Arm(interval, 0);
  }
  // No-op if the timer is not running.
  absl::Status Stop() {
    absl::Status usable = core_.CheckUsable();
    if (usable.ok() && le_timer_IsRunning(core_->timer)) {
      le_timer_Stop(core_->timer);
    }
    return usable;
  }
  // Returns whether the timer has been started and will call its closure.
  bool running() const {
    return core_.CheckUsable().ok() && le_timer_IsRunning(core_->timer);
  }

 private:
  struct Core final : internal::ThreadBound {
    explicit Core(UniqueFunction<void()> function)
        : ThreadBound("le::Timer"), timer(le_timer_Create("le::Timer")) {
      closure.Set(std::move(function));
      le_timer_SetContextPtr(timer, this);
      le_timer_SetHandler(timer, [](le_timer_Ref_t ref) {
        auto* const core = static_cast<Core*>(le_timer_GetContextPtr(ref));
        const internal::Hold hold(core);
        core->closure();
      });
    }
    void Shutdown() override {
      le_timer_Delete(timer);
      closure.Set(nullptr);
    }

    internal::Handler<void()> closure;
    const le_timer_Ref_t timer;
  };

  absl::Status Arm(absl::Duration delay, uint32_t repeat) {
    absl::Status stopped = Stop();
    if (!stopped.ok()) return stopped;
    delay = std::min(std::max(delay, absl::ZeroDuration()),
                     absl::Hours(24 * 365 * 100));
    const int64_t us =
        absl::ToInt64Microseconds(absl::Ceil(delay, absl::Microseconds(1)));
    le_clk_Time_t interval = {};
    interval.sec = static_cast<decltype(interval.sec)>(us / 1000000);
    interval.usec = static_cast<decltype(interval.usec)>(us % 1000000);
    le_timer_SetInterval(core_->timer, interval);
    le_timer_SetRepeat(core_->timer, repeat);
    le_timer_Start(core_->timer);
    return absl::OkStatus();
  }

  internal::CorePtr<Core> core_;
};

}  // namespace le

#endif  // LE_MESSAGING_MESSAGING_CPP_LE_TIMER_H_
