// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#include "messaging/session/client_accounts.h"

#include <sys/resource.h>
#include <unistd.h>

#include <set>
#include <utility>

#include "gtest/gtest.h"

namespace le {
namespace messaging {
namespace {

constexpr uid_t kUser = 4321;
constexpr uid_t kOther = 4322;
constexpr uid_t kRoot = 0;
constexpr size_t kMessageBytes = 1000;

class ClientAccountsTest : public ::testing::Test {
 protected:
  ClientAccountsTest() {
    getrlimit(RLIMIT_NOFILE, &before_);
    LimitFiles(1024);
  }
  ~ClientAccountsTest() override { setrlimit(RLIMIT_NOFILE, &before_); }

  void LimitFiles(rlim_t files) {
    const struct rlimit limit = {files, before_.rlim_max};
    setrlimit(RLIMIT_NOFILE, &limit);
  }
  int TakeSessions(uid_t user) {
    int taken = 0;
    while (taken < 5000 && accounts_.TakeSession(user)) ++taken;
    return taken;
  }
  event::Ref<ServiceUser> NewUser(uid_t uid) {
    return event::Ref<ServiceUser>::Adopt(
        new ServiceUser(uid, shared_, owner_.get(),
                        [this](ServiceUser* user) { told_.insert(user); }));
  }
  // Runs a turn of the loop. Returns the users for which `on_return` was
  // called.
  std::set<ServiceUser*> Told() {
    event::Loop* const loop = event::Thread::Current()->loop();
    loop->RunTurn(loop->Now());
    return std::exchange(told_, {});
  }

  struct rlimit before_;
  const std::shared_ptr<ClientAccounts> shared_ =
      std::make_shared<ClientAccounts>(event::Process::Current());
  ClientAccounts& accounts_ = *shared_;
  const event::Ref<Owner> owner_ = Owner::OfCurrentThread();
  std::set<ServiceUser*> told_;
};

TEST_F(ClientAccountsTest, NoUserTakesAllSessions) {
  // Of 1,024 files, 768 are for sessions, and 64 of these are reserved.
  EXPECT_EQ(TakeSessions(kUser), 352);
  EXPECT_EQ(TakeSessions(kOther), 176);
  for (uid_t user = 5000; user < 5100; ++user) TakeSessions(user);
  EXPECT_FALSE(accounts_.TakeSession(kUser));
  accounts_.ReturnSession(kOther);
  EXPECT_TRUE(accounts_.TakeSession(6000));
}

TEST_F(ClientAccountsTest, RootAndTheOwnUserAreNotRefused) {
  TakeSessions(kUser);
  for (int i = 0; i < 2000; ++i) {
    ASSERT_TRUE(accounts_.TakeSession(kRoot));
    ASSERT_TRUE(accounts_.TakeSession(getuid()));
  }
  EXPECT_FALSE(accounts_.TakeSession(kOther));
}

TEST_F(ClientAccountsTest, TheProgramMayRaiseItsLimit) {
  LimitFiles(64);
  const int few = TakeSessions(kUser);
  EXPECT_LT(few, 32);
  LimitFiles(1024);
  EXPECT_EQ(few + TakeSessions(kUser), 352);
}

TEST_F(ClientAccountsTest, AUserHasFewerDescriptorsThanAreLeft) {
  const auto user = NewUser(kUser);
  user->SetLimits(UserLimits(), SessionLimits());
  int taken = 0;
  while (user->TakeDescriptor()) ++taken;
  EXPECT_EQ(taken, 64);
  EXPECT_TRUE(accounts_.TakeDescriptor(kOther));
  user->ReturnDescriptor();
  EXPECT_TRUE(user->TakeDescriptor());
  UserLimits limits;
  limits.descriptors = 10;
  user->SetLimits(limits, SessionLimits());
  user->ReturnDescriptor();
  EXPECT_FALSE(user->TakeDescriptor());
}

TEST_F(ClientAccountsTest, RootsDescriptorsTakeNothingFromOthers) {
  const auto root = NewUser(kRoot);
  const auto user = NewUser(kUser);
  root->SetLimits(UserLimits(), SessionLimits());
  user->SetLimits(UserLimits(), SessionLimits());
  for (int i = 0; i < 500; ++i) ASSERT_TRUE(root->TakeDescriptor());
  EXPECT_FALSE(root->AwaitsDescriptor());
  int taken = 0;
  while (user->TakeDescriptor()) ++taken;
  EXPECT_EQ(taken, 64);
  for (int i = 0; i < 500; ++i) root->ReturnDescriptor();
}

TEST_F(ClientAccountsTest, AReturnWakesAWaitingUser) {
  const auto user = NewUser(kUser);
  user->Add();
  UserLimits limits;
  limits.descriptors = 2;
  user->SetLimits(limits, SessionLimits());
  ASSERT_TRUE(user->TakeDescriptor());
  EXPECT_FALSE(user->AwaitsDescriptor());
  ASSERT_TRUE(user->TakeDescriptor());
  EXPECT_TRUE(user->AwaitsDescriptor());
  EXPECT_TRUE(user->AwaitsDescriptor());
  EXPECT_TRUE(Told().empty());
  user->ReturnDescriptor();
  EXPECT_FALSE(user->AwaitsDescriptor());
  EXPECT_EQ(Told().size(), 1u);
  user->ReturnDescriptor();
  EXPECT_TRUE(Told().empty());
}

// A user waits. The same user at another service, or another user, returns a
// file descriptor.
TEST_F(ClientAccountsTest, TheShareOfTheProcessIsAwaited) {
  const auto user = NewUser(kUser);
  const auto elsewhere = NewUser(kUser);
  const auto other = NewUser(kOther);
  for (const auto& each : {user, elsewhere, other}) {
    each->Add();
    each->SetLimits(UserLimits(), SessionLimits());
  }
  for (int i = 0; i < 2; ++i) ASSERT_TRUE(other->TakeDescriptor());
  ASSERT_TRUE(user->TakeDescriptor());
  while (elsewhere->TakeDescriptor()) {
  }
  EXPECT_TRUE(user->AwaitsDescriptor());
  elsewhere->ReturnDescriptor();
  EXPECT_FALSE(user->AwaitsDescriptor());
  EXPECT_EQ(Told(), std::set<ServiceUser*>{user.get()});
  ASSERT_TRUE(user->TakeDescriptor());
  EXPECT_TRUE(user->AwaitsDescriptor());
  EXPECT_TRUE(elsewhere->AwaitsDescriptor());
  other->ReturnDescriptor();
  EXPECT_EQ(Told(), (std::set<ServiceUser*>{user.get(), elsewhere.get()}));
  while (elsewhere->descriptors() > 0) elsewhere->ReturnDescriptor();
  // A user that has all its file descriptors at another service does not wait
  // here.
  while (user->TakeDescriptor()) {
  }
  EXPECT_FALSE(elsewhere->AwaitsDescriptor());
  EXPECT_TRUE(user->AwaitsDescriptor());
  // `on_return` is not called for a user without sessions.
  user->Remove();
  while (user->descriptors() > 0) user->ReturnDescriptor();
  EXPECT_TRUE(Told().empty());
}

TEST_F(ClientAccountsTest, BytesAreAwaitedUntilLessThanHalfIsInUse) {
  const auto user = NewUser(kUser);
  user->Add();
  UserLimits limits;
  limits.bytes = 1000;
  user->SetLimits(limits, SessionLimits());
  user->TakeBytes(999);
  EXPECT_FALSE(user->AwaitsBytes());
  user->TakeBytes(1);
  EXPECT_TRUE(user->AwaitsBytes());
  user->ReturnBytes(500);
  EXPECT_TRUE(user->AwaitsBytes());
  EXPECT_TRUE(Told().empty());
  user->ReturnBytes(1);
  EXPECT_EQ(Told(), std::set<ServiceUser*>{user.get()});
  EXPECT_FALSE(user->AwaitsBytes());
  user->TakeBytes(500);
  EXPECT_FALSE(user->AwaitsBytes());
  user->TakeBytes(1);
  EXPECT_TRUE(user->AwaitsBytes());
  // `on_return` is not called for a user without sessions.
  user->Remove();
  EXPECT_TRUE(user->is_in_use());
  user->ReturnBytes(1000);
  EXPECT_FALSE(user->is_in_use());
  EXPECT_TRUE(Told().empty());
  // While nothing is charged to the user, one message is received from it,
  // however low the limit is.
  limits.bytes = 1;
  user->SetLimits(limits, SessionLimits());
  EXPECT_FALSE(user->AwaitsBytes());
  user->TakeBytes(2);
  EXPECT_TRUE(user->AwaitsBytes());
  user->ReturnBytes(2);
  EXPECT_FALSE(user->AwaitsBytes());
}

TEST_F(ClientAccountsTest, RootsBytesAreNotCounted) {
  const auto root = NewUser(kRoot);
  UserLimits limits;
  limits.bytes = 1;
  root->SetLimits(limits, SessionLimits());
  root->TakeBytes(2);
  EXPECT_FALSE(root->AwaitsBytes());
  EXPECT_EQ(root->bytes(), 0u);
}

TEST_F(ClientAccountsTest, AUserHasFewerSessionsThanAreLeftOfTheDefault) {
  const auto user = NewUser(kUser);
  UserLimits limits;
  limits.sessions = 3;
  user->SetLimits(limits, SessionLimits());
  const auto may_add = [&](uint32_t left) {
    return user->MayAdd(kDefaultMaxSessions, kDefaultMaxSessions - left);
  };
  EXPECT_TRUE(may_add(1));
  user->Add();
  EXPECT_FALSE(may_add(1));
  EXPECT_TRUE(may_add(2));
  user->Add();
  user->Add();
  EXPECT_FALSE(may_add(1000));
  user->Remove();
  EXPECT_TRUE(may_add(1000));
  const auto root = NewUser(kRoot);
  root->SetLimits(limits, SessionLimits());
  for (int i = 0; i < 10; ++i) root->Add();
  EXPECT_TRUE(root->MayAdd(kDefaultMaxSessions, kDefaultMaxSessions - 1));
}

TEST_F(ClientAccountsTest, OneUserMayHaveAllSessionsOfASetMaximum) {
  const auto user = NewUser(kUser);
  user->SetLimits(UserLimits(), SessionLimits());
  EXPECT_TRUE(user->MayAdd(2, 0));
  user->Add();
  EXPECT_TRUE(user->MayAdd(2, 1));
  user->Add();
  EXPECT_TRUE(user->MayAdd(3, 2));
  UserLimits limits;
  limits.sessions = 2;
  user->SetLimits(limits, SessionLimits());
  EXPECT_FALSE(user->MayAdd(100, 2));
}

// Up to 2,000 sessions of a user together have no more bytes than the user's
// limit. Each session has at least 64 KiB to send and one file descriptor.
TEST_F(ClientAccountsTest, TheSessionsOfAUserShareItsBytes) {
  const auto user = NewUser(kUser);
  const UserLimits limits;
  const SessionLimits session;
  user->SetLimits(limits, session);
  const transports::SendLimits one = session.ToSend(kMessageBytes);
  int changes = 0;
  for (uint32_t n = 1; n <= 2000; ++n) {
    changes += user->Add() ? 1 : 0;
    const transports::SendLimits each = user->ToSend(kMessageBytes);
    ASSERT_LE(each.gathered_bytes * n, limits.bytes);
    ASSERT_LE(user->max_request_bytes() * n, limits.bytes);
    if (n <= limits.descriptors) {
      ASSERT_LE(each.descriptors * n, limits.descriptors);
    }
    if (n > 4) continue;
    EXPECT_EQ(each.bytes, one.bytes);
    EXPECT_EQ(each.gathered_bytes, one.gathered_bytes);
    EXPECT_EQ(user->max_request_bytes(), kDefaultRequestBytes);
  }
  EXPECT_EQ(changes, 11);  // powers of two
  EXPECT_GE(user->ToSend(kMessageBytes).bytes, size_t{64} << 10);
  EXPECT_EQ(user->ToSend(kMessageBytes).descriptors, 1u);
  // The limits are divided into parts, and the number of parts shrinks late: at
  // 1,024 sessions there are still 2,048 parts. So one session more or less
  // changes nothing.
  while (user->sessions() > 1024) user->Remove();
  for (int i = 0; i < 10; ++i) {
    EXPECT_FALSE(user->Add());
    EXPECT_FALSE(user->Remove());
  }
  while (user->sessions() > 1) user->Remove();
  EXPECT_EQ(user->ToSend(kMessageBytes).gathered_bytes, one.gathered_bytes);
}

TEST_F(ClientAccountsTest, RootKeepsTheLimitsOfASession) {
  const auto root = NewUser(kRoot);
  root->SetLimits(UserLimits(), SessionLimits());
  for (int i = 0; i < 500; ++i) EXPECT_FALSE(root->Add());
  EXPECT_EQ(root->ToSend(kMessageBytes).gathered_bytes,
            SessionLimits().ToSend(kMessageBytes).gathered_bytes);
}

}  // namespace
}  // namespace messaging
}  // namespace le
