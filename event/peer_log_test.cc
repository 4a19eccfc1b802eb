// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#include "event/peer_log.h"

#include "gtest/gtest.h"

namespace le {
namespace event {
namespace {

constexpr uid_t kAlice = 1001;
constexpr uid_t kMallory = 666;
constexpr int kAtOnce = static_cast<int>(PeerLogLimiter::kLinesAtOnce);

const Instant kStart = absl::UnixEpoch() + absl::Hours(1);

// Logs `lines` lines, and returns how many are shown.
int Flood(PeerLogLimiter* limiter, uid_t user, int lines, Instant now) {
  int shown = 0;
  for (int i = 0; i < lines; ++i) {
    if (limiter->Admit(user, now).has_value()) ++shown;
  }
  return shown;
}

TEST(PeerLogLimiterTest, ShowsAFewLinesAtOnceAndThenOneASecond) {
  PeerLogLimiter limiter;
  EXPECT_EQ(Flood(&limiter, kMallory, 10000, kStart), kAtOnce);
  EXPECT_EQ(Flood(&limiter, kMallory, 10, kStart + absl::Milliseconds(990)), 0);
  EXPECT_EQ(Flood(&limiter, kMallory, 10, kStart + absl::Seconds(1)), 1);
  EXPECT_EQ(Flood(&limiter, kMallory, 10, kStart + absl::Seconds(4)), 3);
  EXPECT_EQ(Flood(&limiter, kMallory, 10000, kStart + absl::Hours(1)), kAtOnce);
}

TEST(PeerLogLimiterTest, EachUserHasItsOwnBucket) {
  PeerLogLimiter limiter;
  Flood(&limiter, kMallory, 10000, kStart);
  EXPECT_EQ(limiter.Admit(kAlice, kStart), 0u);
}

TEST(PeerLogLimiterTest, ReportsTheNumberOfHiddenLines) {
  PeerLogLimiter limiter;
  Flood(&limiter, kMallory, kAtOnce + 123, kStart);
  EXPECT_EQ(limiter.Admit(kMallory, kStart + absl::Seconds(1)), 123u);
  EXPECT_EQ(limiter.Admit(kMallory, kStart + absl::Seconds(2)), 0u);
}

TEST(PeerLogLimiterTest, UsersWithoutABucketShareOne) {
  PeerLogLimiter limiter;
  constexpr uid_t kMany = PeerLogLimiter::kMaxUsers + 1000;
  int shown = 0;
  for (uid_t user = 0; user < kMany; ++user) {
    shown += Flood(&limiter, user, kAtOnce, kStart);
  }
  EXPECT_EQ(shown, static_cast<int>(PeerLogLimiter::kMaxUsers + 1) * kAtOnce);
  // After a long time the buckets of all these users are full, so they are
  // removed. New users then get buckets of their own.
  EXPECT_EQ(Flood(&limiter, kMany, kAtOnce, kStart + absl::Hours(1)), kAtOnce);
  EXPECT_EQ(Flood(&limiter, kMany + 1, kAtOnce, kStart + absl::Hours(1)),
            kAtOnce);
}

// One person may have very many user IDs, and cause a hidden line with each.
TEST(PeerLogLimiterTest, BucketsWithHiddenLinesAreRemovedToo) {
  PeerLogLimiter limiter;
  constexpr uid_t kMany = PeerLogLimiter::kMaxUsers;
  for (uid_t user = 0; user < kMany; ++user) {
    Flood(&limiter, user, kAtOnce + 2, kStart);
  }
  const Instant later = kStart + absl::Hours(1);
  EXPECT_EQ(Flood(&limiter, kMany, kAtOnce + 1, later), kAtOnce);
  EXPECT_EQ(Flood(&limiter, kMany + 1, kAtOnce + 1, later), kAtOnce);
  // Later lines report the hidden lines of the removed buckets.
  uint64_t hidden = 0;
  for (uid_t user = kMany + 2; user < 2 * kMany; ++user) {
    hidden += limiter.Admit(user, later).value_or(0);
  }
  EXPECT_EQ(hidden, 2 * kMany);
}

}  // namespace
}  // namespace event
}  // namespace le
