// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#include "tools/sdir/activity.h"

#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace le {
namespace sdir {
namespace {

inspection::proto::Session Client(uint64_t number, uint64_t requests) {
  inspection::proto::Session session;
  session.set_number(number);
  session.mutable_counts()->set_requests(requests);
  session.mutable_counts()->set_messages_in(requests);
  session.mutable_counts()->set_messages_out(2 * requests);
  return session;
}

Snapshot SnapshotAt(int64_t at_ns,
                    std::vector<inspection::proto::Session> sessions) {
  Snapshot snapshot;
  snapshot.at_ns = at_ns;
  snapshot.sessions = std::move(sessions);
  return snapshot;
}

TEST(ActivityTest, IsTheDifferenceOfTwoSnapshots) {
  const Snapshot before = SnapshotAt(0, {Client(1, 100), Client(2, 7)});
  // The third session began after the first snapshot, and the second has ended.
  Snapshot after = SnapshotAt(2'000'000'000, {Client(1, 300), Client(3, 50)});
  *after.service.mutable_ended() = Client(2, 8).counts();
  const ServiceActivity activity = ActivitySince(&before, after);
  EXPECT_EQ(activity.activity.seconds, 2);
  EXPECT_EQ(activity.activity.requests, 251u);
  EXPECT_EQ(activity.activity.messages, 753u);
  ASSERT_EQ(activity.sessions.size(), 2u);
  EXPECT_EQ(activity.sessions[0].activity.requests, 200u);
  EXPECT_EQ(activity.sessions[1].session->number(), 3u);
  EXPECT_EQ(activity.sessions[1].activity.messages, 150u);
}

TEST(ActivityTest, HasNoRatesWithoutASnapshotBefore) {
  InspectedService service{"<a>.s", 7, SnapshotAt(5, {Client(1, 100)})};
  const ServiceActivity activity = ActivitySince(LastSnapshots(), service);
  EXPECT_EQ(activity.activity.seconds, 0);
  EXPECT_EQ(activity.activity.requests, 0u);
  EXPECT_EQ(ActivitySince(ByService({service}), service).activity.requests, 0u);
}

TEST(ActivityTest, HasNoRatesSinceASnapshotWithAProblem) {
  const InspectedService service{"<a>.s", 7, SnapshotAt(5, {Client(1, 100)})};
  InspectedService silent{"<a>.s", 7, Snapshot()};
  silent.snapshot.problem = "does not answer";
  const LastSnapshots last = ByService({silent});
  EXPECT_EQ(ActivitySince(last, service).activity.seconds, 0);
}

TEST(ActivityTest, ASumHasTheLongestQueueAndTheLongestTime) {
  Activity sum;
  Activity session;
  session.unanswered = 2;
  session.unanswered_ns = 30;
  session.max_queued_bytes = 400;
  sum.Add(session);
  sum.Add(session);
  EXPECT_EQ(sum.unanswered, 4u);
  EXPECT_EQ(sum.unanswered_ns, 30u);
  EXPECT_EQ(sum.max_queued_bytes, 400u);
}

// Sessions that have ended still count, so a rate is never too low.
TEST(ActivityTest, CountsSessionsThatHaveEnded) {
  Snapshot snapshot = SnapshotAt(0, {Client(1, 10)});
  snapshot.service.mutable_ended()->set_requests(32);
  EXPECT_EQ(Total(snapshot).requests(), 42u);
}

TEST(ActivityTest, APercentileIsTheEndOfItsBucket) {
  EXPECT_EQ(Percentile({}, 0.5), 0);
  EXPECT_EQ(Percentile({0, 0}, 0.5), 0);
  EXPECT_EQ(Percentile({1}, 0.5), 2);
  EXPECT_EQ(Percentile({98, 0, 0, 2}, 0.5), 2);
  EXPECT_EQ(Percentile({98, 0, 0, 2}, 0.98), 2);
  EXPECT_EQ(Percentile({98, 0, 0, 2}, 0.99), 16);
}

TEST(ActivityTest, AShortTimeHasThreeDigits) {
  EXPECT_EQ(ShortTime(0), "-");
  EXPECT_EQ(ShortTime(999), "999 ns");
  EXPECT_EQ(ShortTime(32768), "32.8 us");
  EXPECT_EQ(ShortTime(999.6e6), "1 s");
  EXPECT_EQ(ShortTime(5e12), "5000 s");
}

}  // namespace
}  // namespace sdir
}  // namespace le
