// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#include "directory/wait_log.h"

#include <string>

#include "gtest/gtest.h"

namespace le {
namespace directory {
namespace {

const absl::Time kStart = absl::UnixEpoch();

absl::Time At(double seconds) { return kStart + absl::Seconds(seconds); }

WaitCause Cause(WaitReason reason, const std::string& text = "why") {
  return WaitCause{reason, text};
}

TEST(WaitLogTest, LogsTheCauseAfterASecond) {
  WaitLog log;
  log.Begin(kStart);
  EXPECT_EQ(log.next(), At(1));
  EXPECT_FALSE(log.Update(At(0.5), Cause(WaitReason::kNoBinding)));
  EXPECT_FALSE(log.said());
  EXPECT_EQ(log.next(), At(1));
  EXPECT_TRUE(log.Update(At(1), Cause(WaitReason::kNoBinding)));
  EXPECT_TRUE(log.said());
  EXPECT_EQ(log.next(), absl::InfiniteFuture());
  EXPECT_EQ(log.Waited(At(3)), absl::Seconds(3));
}

TEST(WaitLogTest, LogsEachCauseOnce) {
  WaitLog log;
  log.Begin(kStart);
  EXPECT_TRUE(log.Update(At(1), Cause(WaitReason::kNoBinding)));
  EXPECT_FALSE(log.Update(At(5), Cause(WaitReason::kNoBinding)));
  EXPECT_EQ(log.next(), absl::InfiniteFuture());
  EXPECT_FALSE(log.Update(At(6), Cause(WaitReason::kNotOffered)));
  EXPECT_EQ(log.next(), At(6) + WaitLog::kMoment);
  EXPECT_TRUE(log.Update(log.next(), Cause(WaitReason::kNotOffered)));
  EXPECT_FALSE(log.Update(At(8), Cause(WaitReason::kNotOffered, "another")));
  EXPECT_TRUE(
      log.Update(log.next(), Cause(WaitReason::kNotOffered, "another")));
}

TEST(WaitLogTest, AChangeThatIsUndoneWithinAMomentIsNotLogged) {
  WaitLog log;
  log.Begin(kStart);
  EXPECT_TRUE(log.Update(At(1), Cause(WaitReason::kNotOffered)));
  EXPECT_FALSE(log.Update(At(5), Cause(WaitReason::kNotTaken)));
  EXPECT_FALSE(log.Update(At(5.1), Cause(WaitReason::kNotOffered)));
  EXPECT_FALSE(log.Update(At(5.3), Cause(WaitReason::kNotTaken)));
  EXPECT_EQ(log.next(), At(5.3) + WaitLog::kMoment);
}

TEST(WaitLogTest, ChangesEachMillisecondMakeOneLineASecond) {
  WaitLog log;
  log.Begin(kStart);
  int lines = 0;
  for (int ms = 1; ms <= 10000; ++ms) {
    const WaitCause cause = Cause(WaitReason::kNotOffered, std::to_string(ms));
    if (log.Update(At(ms / 1000.0), cause)) ++lines;
  }
  EXPECT_GE(lines, 5);
  EXPECT_LE(lines, 10);
}

TEST(WaitLogTest, TheLastOfManyChangesIsLoggedLater) {
  WaitLog log;
  log.Begin(kStart);
  EXPECT_TRUE(log.Update(At(1), Cause(WaitReason::kNoBinding)));
  EXPECT_FALSE(log.Update(At(1.1), Cause(WaitReason::kNotOffered)));
  EXPECT_FALSE(log.Update(At(1.2), Cause(WaitReason::kNotTaken)));
  EXPECT_EQ(log.next(), At(2));
  EXPECT_TRUE(log.Update(At(2), Cause(WaitReason::kNotTaken)));
}

TEST(WaitLogTest, ACauseThatReturnsIsNotLoggedAgain) {
  WaitLog log;
  log.Begin(kStart);
  EXPECT_TRUE(log.Update(At(1), Cause(WaitReason::kNotOffered)));
  EXPECT_FALSE(log.Update(At(1.1), Cause(WaitReason::kNotTaken)));
  EXPECT_FALSE(log.Update(At(1.2), Cause(WaitReason::kNotOffered)));
  EXPECT_EQ(log.next(), absl::InfiniteFuture());
}

TEST(WaitLogTest, AnUnknownCauseIsCheckedAgain) {
  WaitLog log;
  log.Begin(kStart);
  EXPECT_FALSE(log.Update(At(1), WaitCause()));
  EXPECT_EQ(log.next(), At(2));
  EXPECT_TRUE(log.Update(At(2), Cause(WaitReason::kNoAnswer)));
}

TEST(WaitLogTest, BeginsAnew) {
  WaitLog log;
  log.Begin(kStart);
  EXPECT_TRUE(log.Update(At(1), Cause(WaitReason::kNoBinding)));
  log.Begin(At(10));
  EXPECT_FALSE(log.said());
  EXPECT_FALSE(log.Update(At(10.5), Cause(WaitReason::kNoBinding)));
  EXPECT_TRUE(log.Update(At(11), Cause(WaitReason::kNoBinding)));
}

}  // namespace
}  // namespace directory
}  // namespace le
