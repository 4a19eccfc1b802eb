// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// le/internal/deadline.h: a point in time. Not an API.

#ifndef LE_MESSAGING_SERVICES_LE_INTERNAL_DEADLINE_H_
#define LE_MESSAGING_SERVICES_LE_INTERNAL_DEADLINE_H_

#include <algorithm>

#include "absl/time/time.h"
#include "le_clock.h"

namespace le {
namespace internal {

class Deadline {
 public:
  Deadline() = default;  // never
  static Deadline In(absl::Duration time) {
    Deadline deadline;
    if (time != absl::InfiniteDuration()) deadline.at_ = Now() + time;
    return deadline;
  }

  // The time to the deadline. It is not negative.
  absl::Duration remaining() const {
    if (at_ == absl::InfiniteDuration()) return at_;
    return std::max(at_ - Now(), absl::ZeroDuration());
  }
  bool passed() const { return remaining() == absl::ZeroDuration(); }

 private:
  static absl::Duration Now() {
    const le_clk_Time_t now = le_clk_GetRelativeTime();
    return absl::Seconds(now.sec) + absl::Microseconds(now.usec);
  }

  absl::Duration at_ = absl::InfiniteDuration();
};

}  // namespace internal
}  // namespace le

#endif  // LE_MESSAGING_SERVICES_LE_INTERNAL_DEADLINE_H_
