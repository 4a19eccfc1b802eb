// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#include "directory/account.h"

#include <memory>
#include <thread>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace le {
namespace directory {
namespace {

using ::testing::ElementsAre;

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

TEST(AccountsTest, NamesTheLimitsThatAUserHasReached) {
  Limits limits;
  limits.services = 1;
  limits.silent = 1;
  Accounts accounts(limits);
  const Quota::Charge service = accounts.services.Take(7);
  const Quota::Charge silent = accounts.silent.Take(7);
  const Quota::Charge connection = accounts.connections.Take(8);
  EXPECT_EQ(accounts.AtLimit(7),
            "connections that have sent nothing, services");
  EXPECT_EQ(accounts.AtLimit(8), "");
  EXPECT_EQ(accounts.UserAfter(absl::nullopt), 7u);
  EXPECT_EQ(accounts.UserAfter(7), 8u);
  EXPECT_EQ(accounts.UserAfter(8), absl::nullopt);
  EXPECT_THAT(
      accounts.Describe(),
      ElementsAre("with 1048576 open files: up to 917472 connections, 64 of "
                  "them for administration only",
                  "up to 458736 connections that have sent nothing, and 131072 "
                  "introductions not received",
                  "up to 131072 introductions that closed servers have left",
                  "up to 14335 MiB in the queues of all connections"));
}

// The other thread stands for the thread that closes a connection.
TEST(AccountsTest, AnyThreadMayEndASharedCharge) {
  constexpr auto kAny = Quota::Purpose::kAny;
  Quota quota("things", {4, 0, UINT64_MAX});
  event::HeldRef last;
  {
    SharedCharges charges(&quota);
    event::HeldRef one = charges.Take(1, kAny);
    event::HeldRef two = charges.Take(1, kAny);
    ASSERT_TRUE(two);
    EXPECT_FALSE(charges.Take(1, kAny));
    std::thread([&] { one.reset(); }).join();
    EXPECT_EQ(quota.used_by(1), 2u);
    charges.Settle();
    EXPECT_EQ(quota.used_by(1), 1u);
    last = charges.Take(1, kAny);
    EXPECT_TRUE(last);
  }
  last.reset();  // a charge may outlive `charges`
}

}  // namespace
}  // namespace directory
}  // namespace le
