// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#include "transports/stall_clock.h"

#include "absl/time/time.h"
#include "gtest/gtest.h"

namespace le {
namespace transports {
namespace {

event::Instant At(int seconds) { return absl::FromUnixSeconds(seconds); }

TEST(StallClockTest, RunsWhileNothingIsReceived) {
  StallClock clock;
  EXPECT_EQ(clock.Since(At(1), 300), At(1));
  EXPECT_EQ(clock.Since(At(2), 300), At(1));
  EXPECT_EQ(clock.Since(At(3), 200), At(3)) << "a packet was received";
  clock.OnTaken();
  EXPECT_EQ(clock.Since(At(4), 400), At(4)) << "a frame has left the queue";
  EXPECT_EQ(clock.Since(At(5), 400), At(4));
}

// The far end may have received a packet before or after the refusal.
TEST(StallClockTest, ARefusalOfTheKernelIsNotAStall) {
  StallClock clock;
  EXPECT_EQ(clock.Since(At(1), 300), At(1));
  EXPECT_EQ(clock.Since(At(2), absl::nullopt), At(2));
  EXPECT_EQ(clock.Since(At(3), 200), At(3));
  EXPECT_EQ(clock.Since(At(4), 200), At(3));
}

}  // namespace
}  // namespace transports
}  // namespace le
