// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#include "messaging/machine/transaction_table.h"

#include <map>
#include <random>

#include "gtest/gtest.h"

namespace le {
namespace messaging {
namespace {

Completion Named(int name) {
  Completion completion;
  completion.context = reinterpret_cast<void*>(static_cast<intptr_t>(name));
  return completion;
}

int NameOf(const Completion& completion) {
  return static_cast<int>(reinterpret_cast<intptr_t>(completion.context));
}

const absl::Time kNever = absl::InfiniteFuture();

TEST(TransactionTableTest, AnswerFindsItsRequestOnce) {
  TransactionTable table(10);
  const uint64_t id = table.Add(Named(7), kNever);
  EXPECT_NE(id, 0u);
  Completion completion;
  EXPECT_EQ(table.Complete(id, &completion), TransactionTable::Found::kWaiting);
  EXPECT_EQ(NameOf(completion), 7);
  EXPECT_EQ(table.Complete(id, &completion), TransactionTable::Found::kUnknown);
  EXPECT_EQ(table.size(), 0u);
}

TEST(TransactionTableTest, UnknownIdsFindNothing) {
  TransactionTable table(10);
  Completion completion;
  for (uint64_t id :
       {uint64_t{0}, uint64_t{1}, UINT64_MAX, uint64_t{1} << 32}) {
    EXPECT_EQ(table.Complete(id, &completion),
              TransactionTable::Found::kUnknown);
  }
  const uint64_t id = table.Add(Named(1), kNever);
  EXPECT_EQ(table.Complete(id + (uint64_t{1} << 32), &completion),
            TransactionTable::Found::kUnknown);
  EXPECT_EQ(table.Complete(id + 1, &completion),
            TransactionTable::Found::kUnknown);
  EXPECT_EQ(table.size(), 1u);
}

TEST(TransactionTableTest, ASlotUsedAgainHasAnotherId) {
  TransactionTable table(1);
  const uint64_t first = table.Add(Named(1), kNever);
  Completion completion;
  table.Complete(first, &completion);
  const uint64_t second = table.Add(Named(2), kNever);
  EXPECT_NE(first, second);
  EXPECT_EQ(table.Complete(first, &completion),
            TransactionTable::Found::kUnknown);
}

TEST(TransactionTableTest, TakesAsManyAsItsLimit) {
  TransactionTable table(3);
  for (int i = 0; i < 3; ++i) EXPECT_NE(table.Add(Named(i), kNever), 0u);
  EXPECT_EQ(table.Add(Named(3), kNever), 0u);
}

TEST(TransactionTableTest, AnAbandonedRequestKeepsItsSlotUntilItsAnswer) {
  TransactionTable table(1);
  const uint64_t id = table.Add(Named(1), kNever);
  Completion completion;
  EXPECT_TRUE(table.Abandon(id, &completion));
  EXPECT_EQ(NameOf(completion), 1);
  EXPECT_FALSE(table.Abandon(id, &completion));
  EXPECT_EQ(table.Add(Named(2), kNever), 0u) << "its slot is not free yet";
  EXPECT_EQ(table.Complete(id, &completion),
            TransactionTable::Found::kAbandoned);
  EXPECT_NE(table.Add(Named(2), kNever), 0u);
}

TEST(TransactionTableTest, WaitingRequestsAreTakenInOrder) {
  TransactionTable table(10);
  uint64_t ids[5];
  for (int i = 0; i < 5; ++i) ids[i] = table.Add(Named(i), kNever);
  Completion completion;
  table.Complete(ids[1], &completion);
  table.Abandon(ids[3], &completion);
  table.Add(Named(5), kNever);  // reuses the slot of 1
  std::vector<int> names;
  while (auto c = table.TakeFirst()) names.push_back(NameOf(*c));
  EXPECT_EQ(names, (std::vector<int>{0, 2, 4, 5}));
  EXPECT_EQ(table.size(), 0u);
  EXPECT_EQ(table.Complete(ids[3], &completion),
            TransactionTable::Found::kUnknown);
}

TEST(TransactionTableTest, ExpiresInOrderOfDeadlines) {
  TransactionTable table(10);
  const absl::Time start = absl::UnixEpoch();
  table.Add(Named(3), start + absl::Seconds(3));
  table.Add(Named(0), kNever);
  table.Add(Named(1), start + absl::Seconds(1));
  EXPECT_EQ(table.NextDeadline(), start + absl::Seconds(1));
  EXPECT_FALSE(table.Expire(start).has_value());
  EXPECT_EQ(NameOf(*table.Expire(start + absl::Seconds(5))), 1);
  EXPECT_EQ(NameOf(*table.Expire(start + absl::Seconds(5))), 3);
  EXPECT_FALSE(table.Expire(start + absl::Seconds(5)).has_value());
  EXPECT_EQ(table.NextDeadline(), kNever);
}

TEST(TransactionTableTest, EqualDeadlinesExpireInTheOrderOfTheRequests) {
  TransactionTable table(10);
  const absl::Time due = absl::UnixEpoch();
  uint64_t ids[4];
  for (int i = 0; i < 4; ++i) ids[i] = table.Add(Named(i), due);
  Completion completion;
  table.Complete(ids[1], &completion);
  table.Add(Named(4), due);  // reuses the slot of 1
  for (int name : {0, 2, 3, 4}) EXPECT_EQ(NameOf(*table.Expire(due)), name);
}

TEST(TransactionTableTest, TheNextDeadlineIsOfAWaitingRequest) {
  TransactionTable table(10);
  const absl::Time start = absl::UnixEpoch();
  const uint64_t first = table.Add(Named(1), start + absl::Seconds(1));
  const uint64_t second = table.Add(Named(2), start + absl::Seconds(2));
  const uint64_t third = table.Add(Named(3), start + absl::Seconds(3));
  Completion completion;
  table.Complete(second, &completion);
  EXPECT_EQ(table.NextDeadline(), start + absl::Seconds(1));
  table.Abandon(first, &completion);
  EXPECT_EQ(table.NextDeadline(), start + absl::Seconds(3));
  table.Complete(third, &completion);
  EXPECT_EQ(table.NextDeadline(), kNever);
  table.Add(Named(4), start + absl::Seconds(4));
  while (table.TakeFirst().has_value()) {
  }
  EXPECT_EQ(table.NextDeadline(), kNever);
}

// The comparisons per request grow only with the logarithm of the number of
// requests.
TEST(TransactionTableTest, DeadlinesCostNoPassOverAllRequests) {
  constexpr int kMany = 65536;
  constexpr uint64_t kLimit = uint64_t{kMany} * 3 * 16;
  const absl::Time start = absl::UnixEpoch();
  TransactionTable table(kMany);
  for (int i = 0; i < kMany; ++i) {
    table.Add(Named(i), start + absl::Seconds(i * 7919 % kMany));
  }
  int expired = 0;
  for (; table.Expire(start + absl::Seconds(kMany)).has_value(); ++expired) {
    EXPECT_NE(table.NextDeadline(), absl::InfinitePast());
  }
  EXPECT_EQ(expired, kMany);
  EXPECT_LT(table.comparisons(), kLimit);

  // The bound is the same if requests are answered before their deadlines, in
  // any order.
  TransactionTable answered(kMany);
  std::vector<uint64_t> ids;
  for (int i = 0; i < kMany; ++i) {
    ids.push_back(answered.Add(Named(i), start + absl::Seconds(i)));
  }
  Completion completion;
  for (int i = 0; i < kMany; ++i) {
    answered.Complete(ids[i * 7919 % kMany], &completion);
  }
  EXPECT_EQ(answered.NextDeadline(), kNever);
  EXPECT_LT(answered.comparisons(), kLimit);
}

// Compares the table with a simple model.
TEST(TransactionTableTest, AgreesWithAMap) {
  std::mt19937_64 random(1);
  TransactionTable table(50);
  std::map<uint64_t, std::pair<int, bool>> model;  // id -> name, waiting
  std::map<uint64_t, absl::Time> deadlines;        // of ids, used or not
  std::vector<uint64_t> order;
  const auto first_due = [&] {
    auto first = model.end();
    for (auto it = model.begin(); it != model.end(); ++it) {
      if (it->second.second && deadlines[it->first] != kNever &&
          (first == model.end() ||
           std::make_pair(deadlines[it->first], it->second.first) <
               std::make_pair(deadlines[first->first], first->second.first))) {
        first = it;
      }
    }
    return first;
  };
  for (int step = 0; step < 20000; ++step) {
    uint64_t id = 0;
    if (!model.empty()) {
      id = std::next(model.begin(), random() % model.size())->first;
    }
    Completion completion;
    switch (random() % 5) {
      case 0:
      case 1: {
        const absl::Time deadline =
            random() % 2 == 0 ? kNever
                              : absl::UnixEpoch() + absl::Seconds(random() % 9);
        const uint64_t added = table.Add(Named(step), deadline);
        EXPECT_EQ(added == 0, model.size() == 50);
        if (added == 0) break;
        EXPECT_TRUE(model.emplace(added, std::make_pair(step, true)).second);
        deadlines[added] = deadline;
        order.push_back(added);
        break;
      }
      case 2: {
        const auto found = table.Complete(id, &completion);
        if (model.empty()) {
          EXPECT_EQ(found, TransactionTable::Found::kUnknown);
          break;
        }
        EXPECT_EQ(found, model[id].second
                             ? TransactionTable::Found::kWaiting
                             : TransactionTable::Found::kAbandoned);
        if (model[id].second) {
          EXPECT_EQ(NameOf(completion), model[id].first);
        }
        model.erase(id);
        break;
      }
      case 3:
        if (model.empty()) break;
        EXPECT_EQ(table.Abandon(id, &completion), model[id].second);
        model[id].second = false;
        break;
      case 4: {
        const auto due = first_due();
        ASSERT_EQ(table.NextDeadline(),
                  due == model.end() ? kNever : deadlines[due->first]);
        if (due == model.end()) break;
        const absl::Time at = deadlines[due->first];
        EXPECT_FALSE(table.Expire(at - absl::Nanoseconds(1)).has_value());
        EXPECT_EQ(NameOf(*table.Expire(at)), due->second.first);
        due->second.second = false;
        break;
      }
    }
    ASSERT_EQ(table.size(), model.size());
  }
  std::vector<int> expected;
  for (uint64_t id : order) {
    auto it = model.find(id);
    if (it != model.end() && it->second.second) {
      expected.push_back(it->second.first);
    }
  }
  std::vector<int> names;
  while (auto c = table.TakeFirst()) names.push_back(NameOf(*c));
  EXPECT_EQ(names, expected);
}

}  // namespace
}  // namespace messaging
}  // namespace le
