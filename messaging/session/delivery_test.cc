// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#include "messaging/session/delivery.h"

#include <utility>
#include <vector>

#include "gtest/gtest.h"

namespace le {
namespace messaging {
namespace {

// The one that is number `order`.
Delivery Numbered(uint64_t order) {
  Delivery delivery{Delivery::Kind::kCompletion};
  delivery.completion.order = order;
  return delivery;
}

TEST(InboxTest, GivesInOrderHoweverMuchIsTakenMeanwhile) {
  Inbox inbox;
  uint64_t pushed = 0, popped = 0;
  // It is never empty, and is taken from nearly as much as it is given to.
  for (int round = 0; round < 1000; ++round) {
    for (int i = 0; i < 4; ++i) inbox.Push(Numbered(pushed++));
    for (int i = 0; i < (round % 2 == 0 ? 3 : 4); ++i) {
      ASSERT_EQ(inbox.Pop().completion.order, popped++);
    }
    ASSERT_EQ(inbox.size(), pushed - popped);
    ASSERT_FALSE(inbox.empty());
  }
  while (!inbox.empty()) ASSERT_EQ(inbox.Pop().completion.order, popped++);
  EXPECT_EQ(popped, pushed);
  EXPECT_EQ(inbox.size(), 0u);
}

TEST(InboxTest, GivesAllThatIsLeft) {
  Inbox inbox;
  EXPECT_TRUE(inbox.TakeAll().empty());
  for (uint64_t i = 0; i < 3; ++i) inbox.Push(Numbered(i));
  inbox.Pop();
  const std::vector<Delivery> left = inbox.TakeAll();
  ASSERT_EQ(left.size(), 2u);
  EXPECT_EQ(left[0].completion.order, 1u);
  EXPECT_EQ(left[1].completion.order, 2u);
  EXPECT_TRUE(inbox.empty());
}

TEST(InboxTest, AClosePushedBeforeStaysLast) {
  Inbox inbox;
  inbox.Push(Numbered(1));
  inbox.Push(Delivery{Delivery::Kind::kFarEndClosed});
  inbox.PushBeforeClose(Numbered(2));
  EXPECT_EQ(inbox.Pop().completion.order, 1u);
  EXPECT_EQ(inbox.Pop().completion.order, 2u);
  EXPECT_EQ(inbox.Pop().kind, Delivery::Kind::kFarEndClosed);
  EXPECT_TRUE(inbox.empty());
}

}  // namespace
}  // namespace messaging
}  // namespace le
