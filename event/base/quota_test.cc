// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#include "event/base/quota.h"

#include <random>
#include <vector>

#include "gtest/gtest.h"

namespace le {
namespace event {
namespace {

using Charges = std::vector<Quota::Charge>;

constexpr auto kAdministration = Quota::Purpose::kAdministration;

// Takes as many units as `user` may have. Returns their number.
size_t TakeAll(Quota* quota, uid_t user, Charges* charges,
               Quota::Purpose purpose = Quota::Purpose::kAny) {
  size_t taken = 0;
  while (Quota::Charge charge = quota->Take(user, purpose)) {
    charges->push_back(std::move(charge));
    ++taken;
  }
  return taken;
}

TEST(QuotaTest, TheLimitOfAUserHoldsWhileUnitsAreFree) {
  Quota quota("things", {1000, 0, 3});
  Charges charges;
  EXPECT_EQ(TakeAll(&quota, 1, &charges), 3u);
  EXPECT_EQ(quota.used_by(1), 3u);
  EXPECT_EQ(TakeAll(&quota, 2, &charges), 3u);
  EXPECT_EQ(quota.used(), 6u);
}

TEST(QuotaTest, EachUserGetsHalfOfTheRest) {
  Quota quota("things", {1000, 0, UINT64_MAX});
  Charges charges;
  EXPECT_EQ(TakeAll(&quota, 1, &charges), 500u);
  EXPECT_EQ(TakeAll(&quota, 2, &charges), 250u);
  EXPECT_EQ(TakeAll(&quota, 3, &charges), 125u);
  EXPECT_EQ(TakeAll(&quota, 1, &charges), 0u);
  charges.clear();
  EXPECT_EQ(quota.used(), 0u);
  EXPECT_TRUE(quota.users().empty());
}

TEST(QuotaTest, TheReserveIsForAdministrationOnly) {
  Quota quota("things", {100, 10, 20});
  Charges charges;
  for (uid_t user = 1; user < 50; ++user) TakeAll(&quota, user, &charges);
  EXPECT_LE(quota.used(), 90u);
  EXPECT_EQ(TakeAll(&quota, 0, &charges), 0u);
  EXPECT_GE(TakeAll(&quota, 0, &charges, kAdministration), 10u);
  EXPECT_EQ(quota.used(), 100u);
  EXPECT_EQ(quota.Discrepancy(), "");
}

TEST(QuotaTest, AUserAtItsLimitMayTakeTheReserve) {
  Quota quota("things", {1000, 10, 20});
  Charges charges;
  EXPECT_EQ(TakeAll(&quota, 0, &charges), 20u);
  EXPECT_EQ(TakeAll(&quota, 0, &charges, kAdministration), 10u);
  EXPECT_EQ(quota.Discrepancy(), "");
}

TEST(QuotaTest, AMovedChargeStaysOneUnit) {
  Quota quota("things", {});
  Quota::Charge one = quota.Take(1);
  Quota::Charge two = quota.Take(1);
  Quota::Charge moved = std::move(one);
  EXPECT_FALSE(one);
  EXPECT_EQ(quota.used(), 2u);
  moved = std::move(two);
  EXPECT_EQ(quota.used(), 1u);
  moved.Release();
  moved.Release();
  EXPECT_EQ(quota.used(), 0u);
}

TEST(QuotaTest, CountsAddUpUnderRandomUse) {
  std::mt19937 random(1);
  Quota quota("things", {200, 8, 60});
  Charges charges;
  for (int step = 0; step < 20000; ++step) {
    if (random() % 3 == 0 && !charges.empty()) {
      std::swap(charges[random() % charges.size()], charges.back());
      charges.pop_back();
    } else if (Quota::Charge charge = quota.Take(
                   random() % 9, random() % 20 == 0 ? kAdministration
                                                    : Quota::Purpose::kAny)) {
      charges.push_back(std::move(charge));
    }
    ASSERT_EQ(quota.Discrepancy(), "");
    ASSERT_EQ(quota.used(), charges.size());
  }
}

TEST(QuotaTest, UnboundedUnitsAreCountedButNeverRefused) {
  Quota quota("things", {10, 2, 4});
  for (int i = 0; i < 20; ++i) {
    EXPECT_TRUE(quota.TakeUncharged(0, Quota::Purpose::kUnbounded));
  }
  EXPECT_FALSE(quota.MayTake(1));
  for (int i = 0; i < 15; ++i) quota.GiveBack(0);
  EXPECT_EQ(quota.used(), 5u);
  EXPECT_TRUE(quota.MayTake(1));
}

}  // namespace
}  // namespace event
}  // namespace le
