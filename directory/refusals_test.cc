// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#include "directory/refusals.h"

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace le {
namespace directory {
namespace {

using ::testing::ElementsAre;

class RefusalsTest : public ::testing::Test {
 protected:
  absl::optional<uint64_t> Note(uid_t user, const std::string& name,
                                proto::RefusalCode code = proto::NO_BINDING,
                                const std::string& reason = "") {
    proto::Party peer;
    peer.set_uid(user);
    peer.set_interface_name(name);
    return refusals_.Note(peer, code, reason, now_);
  }
  std::vector<std::string> Latest() {
    std::vector<std::string> texts;
    for (const auto& each : refusals_.latest()) {
      texts.push_back(
          absl::StrCat(each.peer.uid(), each.peer.interface_name()));
    }
    return texts;
  }

  Refusals refusals_;
  event::Instant now_ = absl::UnixEpoch();
};

TEST_F(RefusalsTest, CountsByCode) {
  Note(1, "a");
  Note(2, "b");
  Note(1, "a", proto::LIMIT);
  EXPECT_THAT(refusals_.counts(),
              ElementsAre(::testing::Pair(proto::NO_BINDING, 2),
                          ::testing::Pair(proto::LIMIT, 1)));
}

TEST_F(RefusalsTest, TheSameRefusalIsLoggedOnceInAWhile) {
  EXPECT_EQ(Note(1, "a"), 0);
  EXPECT_EQ(Note(1, "a"), absl::nullopt);
  EXPECT_EQ(Note(1, "b"), 0);
  EXPECT_EQ(Note(2, "a"), 0);
  EXPECT_EQ(Note(1, "a", proto::LIMIT), 0);
  now_ += kRefusalLogPause - absl::Nanoseconds(1);
  EXPECT_EQ(Note(1, "a"), absl::nullopt);
  now_ += absl::Nanoseconds(1);
  EXPECT_EQ(Note(1, "a"), 2);
  EXPECT_EQ(Note(1, "a"), absl::nullopt);
}

TEST_F(RefusalsTest, AtTheLimitTheLoggedRefusalsAreForgotten) {
  for (size_t i = 0; i < kMaxLoggedRefusals - 1; ++i) Note(1, absl::StrCat(i));
  EXPECT_EQ(Note(1, "0"), absl::nullopt);
  Note(1, "last");
  EXPECT_EQ(Note(1, "0"), 0);
}

TEST_F(RefusalsTest, OfTheSameRefusalsTheLatestStays) {
  Note(1, "a", proto::NO_BINDING, "first");
  Note(2, "b");
  Note(1, "a", proto::NO_BINDING, "second");
  EXPECT_THAT(Latest(), ElementsAre("2b", "1a"));
  EXPECT_EQ(refusals_.latest().back().reason, "second");
}

TEST_F(RefusalsTest, AUserDisplacesItsOwnRefusals) {
  Note(2, "b");
  for (size_t i = 0; i < kMaxLatestRefusalsOfUser; ++i) {
    Note(1, std::string(1, static_cast<char>('a' + i)));
  }
  EXPECT_THAT(Latest(), ElementsAre("2b", "1a", "1b", "1c", "1d"));
  Note(1, "e");
  EXPECT_THAT(Latest(), ElementsAre("2b", "1b", "1c", "1d", "1e"));
}

TEST_F(RefusalsTest, TheNumberOfTheLatestIsLimited) {
  for (uid_t user = 1; user <= kMaxLatestRefusals; ++user) Note(user, "");
  EXPECT_EQ(refusals_.latest().size(), kMaxLatestRefusals);
  EXPECT_EQ(Latest().front(), "1");
  Note(100, "");
  EXPECT_EQ(refusals_.latest().size(), kMaxLatestRefusals);
  EXPECT_EQ(Latest().front(), "2");
  EXPECT_EQ(Latest().back(), "100");
}

TEST_F(RefusalsTest, ALongReasonIsCut) {
  Note(1, "", proto::INVALID, std::string(kMaxReasonBytes, 'x'));
  EXPECT_EQ(refusals_.latest().back().reason.size(), kMaxReasonBytes);
  Note(1, "", proto::INVALID, std::string(kMaxReasonBytes + 1, 'x'));
  EXPECT_EQ(refusals_.latest().back().reason.size(), kMaxReasonBytes);
}

}  // namespace
}  // namespace directory
}  // namespace le
