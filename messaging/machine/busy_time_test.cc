// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#include "messaging/machine/busy_time.h"

#include "gtest/gtest.h"

namespace le {
namespace messaging {
namespace {

// Runs `turns` turns that take `time`. Returns how many were timed.
int RunTurns(BusyTime* busy, uint32_t turns, absl::Duration time) {
  const absl::Time began = absl::FromUnixSeconds(1000);
  int timed = 0;
  for (uint32_t i = 0; i < turns; ++i) {
    if (!busy->OnTurn()) continue;
    ++timed;
    busy->Begin(began);
    EXPECT_TRUE(busy->is_timing());
    busy->End(began + time);
    EXPECT_FALSE(busy->is_timing());
  }
  return timed;
}

TEST(BusyTimeTest, EachFastTurnIsCountedButFewAreTimed) {
  const absl::Duration fast = BusyTime::kSlow - absl::Nanoseconds(1);
  constexpr uint32_t kTurns = 1 + 10 * BusyTime::kInterval;
  BusyTime busy;
  EXPECT_EQ(RunTurns(&busy, kTurns, fast), 11);
  EXPECT_EQ(busy.total(), kTurns * fast);
}

TEST(BusyTimeTest, EachSlowTurnIsTimed) {
  BusyTime busy;
  EXPECT_EQ(RunTurns(&busy, 10, BusyTime::kSlow), 10);
  EXPECT_EQ(busy.total(), 10 * BusyTime::kSlow);
}

}  // namespace
}  // namespace messaging
}  // namespace le
