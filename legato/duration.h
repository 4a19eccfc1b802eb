// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// Conversions of the times of le_clock.h. Both directions saturate.

#ifndef LE_MESSAGING_LEGATO_DURATION_H_
#define LE_MESSAGING_LEGATO_DURATION_H_

#include <algorithm>
#include <ctime>
#include <limits>

#include "absl/time/time.h"
#include "le_clock.h"

namespace le {
namespace legato {

inline absl::Duration ToDuration(le_clk_Time_t time) {
  return absl::Seconds(time.sec) + absl::Microseconds(time.usec);
}

// The microseconds of the result are from 0 to 999,999.
inline le_clk_Time_t ToTime(absl::Duration duration) {
  using Limits = std::numeric_limits<time_t>;
  duration =
      std::min(std::max(duration, absl::Seconds(Limits::min())),
               absl::Seconds(Limits::max()) + absl::Microseconds(999999));
  const absl::Duration seconds = absl::Floor(duration, absl::Seconds(1));
  le_clk_Time_t time;
  time.sec = static_cast<time_t>(absl::ToInt64Seconds(seconds));
  time.usec = static_cast<long>(absl::ToInt64Microseconds(duration - seconds));
  return time;
}

}  // namespace legato
}  // namespace le

#endif  // LE_MESSAGING_LEGATO_DURATION_H_
