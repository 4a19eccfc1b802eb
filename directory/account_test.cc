// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#include "directory/account.h"

#include <random>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace le {
namespace directory {
namespace {

using ::testing::HasSubstr;

using Charges = std::vector<Quota::Charge>;

constexpr auto kAdministration = Quota::Purpose::kAdministration;

// How many that user gets.
size_t TakeAll(Quota* quota, uid_t user, Charges* charges,
               Quota::Purpose purpose = Quota::Purpose::kAny) {
  size_t taken = 0;
  while (Quota::Charge charge = quota->Take(user, purpose)) {
    charges->push_back(std::move(charge));
    ++taken;
  }
  return taken;
}

TEST(QuotaTest, AUserHasItsOwnLimitHoweverMuchIsLeft) {
  Quota quota("things", {1000, 0, 3});
  Charges charges;
  EXPECT_EQ(TakeAll(&quota, 1, &charges), 3u);
  EXPECT_EQ(quota.used_by(1), 3u);
  EXPECT_EQ(TakeAll(&quota, 2, &charges), 3u);
  EXPECT_EQ(quota.used(), 6u);
}

TEST(QuotaTest, EachUserGetsAHalfOfWhatIsLeft) {
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

TEST(QuotaTest, TheReserveIsThereForAUserAtItsOwnLimitToo) {
  Quota quota("things", {1000, 10, 20});
  Charges charges;
  EXPECT_EQ(TakeAll(&quota, 0, &charges), 20u);
  EXPECT_EQ(TakeAll(&quota, 0, &charges, kAdministration), 10u);
  EXPECT_EQ(quota.Discrepancy(), "");
}

TEST(QuotaTest, AChargeIsOneUnitWhereverItMoves) {
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

TEST(QuotaTest, TheBooksBalanceWhateverHappens) {
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

TEST(AccountsTest, TheTotalsFollowFromTheDescriptors) {
  for (uint64_t descriptors : {1u, 64u, 256u, 1024u, 4096u, 20000u, 1u << 20}) {
    Limits limits;
    limits.descriptors = descriptors;
    const Accounts accounts(limits);
    const uint64_t connections = accounts.connections.bound().total;
    EXPECT_GE(connections, 1u);
    if (descriptors < 64) continue;
    EXPECT_LT(connections + accounts.introductions.bound().total, descriptors);
    EXPECT_LT(accounts.connections.bound().reserve, connections);
    EXPECT_GE(accounts.connections.bound().reserve, 2u);
    EXPECT_LE(accounts.silent.bound().total, connections);
  }
}

TEST(AccountsTest, SaysWhoHasReachedWhat) {
  Limits limits;
  limits.services = 1;
  limits.silent = 1;
  Accounts accounts(limits);
  const Quota::Charge service = accounts.services.Take(7);
  const Quota::Charge silent = accounts.silent.Take(7);
  const Quota::Charge connection = accounts.connections.Take(8);
  EXPECT_EQ(accounts.AtLimit(7),
            "connections that have said nothing, services");
  EXPECT_EQ(accounts.AtLimit(8), "");
  EXPECT_EQ(accounts.Users(), (std::set<uid_t>{7, 8}));
  EXPECT_THAT(accounts.Describe(), HasSubstr("1048576 file descriptors"));
}

}  // namespace
}  // namespace directory
}  // namespace le
