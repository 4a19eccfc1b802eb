// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// The messages that the directory sends to waiting clients.

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "directory/server.h"
#include "directory/testing/small_world.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace le {
namespace directory {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

constexpr uid_t kSelf = SmallWorld::kSelf;
constexpr uid_t kAlice = 1001;
constexpr uid_t kBob = 1002;

class DirectoryServerWaitingTest : public ::testing::Test {
 protected:
  std::unique_ptr<Speaker> NewClient(uid_t uid, const std::string& name,
                                     bool wait = true) {
    auto client = std::make_unique<Speaker>(&world_, uid);
    client->Say(OpenMessage(Interface(name), wait));
    return client;
  }
  void Load(const std::string& bindings) {
    ASSERT_TRUE(world_.server()->Load(bindings, "file").ok());
  }
  std::string Introduced() {
    return absl::StrCat("introduced to pid ",
                        world_.ProcessOf(kSelf)->credentials().pid,
                        " of user 500");
  }
  std::string NotTaken() {
    return absl::StrCat("waiting: service <500>.clock is offered by pid ",
                        world_.ProcessOf(kSelf)->credentials().pid,
                        ", which has not accepted the session");
  }

  SmallWorld world_;
};

TEST_F(DirectoryServerWaitingTest, TellsTheCauseAndEachChange) {
  world_.Run([&] {
    world_.Start();
    Load("");
    auto client = NewClient(kAlice, "shout");
    EXPECT_EQ(client->Hear(), "nothing") << "not at once";
    world_.Advance(kTellWaitingAfter);
    EXPECT_EQ(client->Hear(),
              "waiting: no binding <1001>.shout -> <USER>.shout: add it to the "
              "bindings file of directoryd, or by 'sdir bind'");
    EXPECT_EQ(client->heard().waiting().reason(), proto::WAIT_NO_BINDING);
    EXPECT_EQ(client->heard().version(), 1u);

    Load("<1001>.shout -> <500>.clock");
    world_.Advance(kTellWaitingAfter);
    EXPECT_EQ(client->Hear(), "waiting: service <500>.clock is not offered");
    EXPECT_EQ(client->heard().waiting().reason(), proto::WAIT_NOT_OFFERED);

    world_.Advance(absl::Hours(1));
    EXPECT_EQ(client->Hear(), "nothing") << "the cause has not changed";

    Speaker server(&world_, kSelf);
    server.Say(AdvertiseMessage(Interface("clock")));
    EXPECT_EQ(client->Hear(), Introduced());
    EXPECT_EQ(server.Hear(), "OFFERED: ");
    EXPECT_EQ(server.Hear(), "client");
    world_.Advance(absl::Hours(1));
    EXPECT_EQ(client->Hear(), "nothing")
        << "the directory sends nothing after the introduction";
  });
}

TEST_F(DirectoryServerWaitingTest, ChangesThatUndoEachOtherAreNotSent) {
  world_.Run([&] {
    world_.Start();
    Load("");
    auto client = NewClient(kAlice, "shout");
    world_.Advance(kTellWaitingAfter);
    EXPECT_THAT(client->Hear(), StartsWith("waiting: no binding"));
    for (int i = 0; i < 10; ++i) {
      Load("<1001>.shout -> <500>.clock");
      Load("");
    }
    world_.Advance(absl::Seconds(1));
    EXPECT_EQ(client->Hear(), "nothing");
  });
}

TEST_F(DirectoryServerWaitingTest, AClientThatNeedNotWaitGetsNoCause) {
  world_.Run([&] {
    world_.Start();
    Speaker server(&world_, kSelf);
    server.Say(AdvertiseMessage(Interface("clock")));
    for (bool wait : {false, true}) {
      auto client = NewClient(kAlice, "clock", wait);
      world_.Advance(absl::Seconds(10));
      EXPECT_EQ(client->Hear(), Introduced());
      EXPECT_EQ(client->Hear(), "nothing");
    }
  });
}

// The server receives no introduction. So at the limit of introductions,
// further clients wait in the directory.
TEST_F(DirectoryServerWaitingTest, ABusyServerIsTheCause) {
  world_.Run([&] {
    world_.Start();
    Speaker server(&world_, kSelf);
    server.Say(AdvertiseMessage(Interface("clock")));
    std::vector<std::unique_ptr<Speaker>> clients;
    while (world_.server()->registry().waiting().empty()) {
      ASSERT_LT(clients.size(), 100000u);
      clients.push_back(NewClient(kAlice, "clock"));
    }
    world_.Advance(kTellWaitingAfter);
    EXPECT_EQ(clients.back()->Hear(), NotTaken());
    EXPECT_EQ(clients.back()->heard().waiting().reason(),
              proto::WAIT_NOT_TAKEN);
    server.HangUp();
    world_.Advance(kTellWaitingAfter);
    EXPECT_EQ(clients.back()->Hear(),
              "waiting: service <500>.clock is not offered");
  });
}

TEST_F(DirectoryServerWaitingTest, TheCauseRevealsNothingAboutOtherUsers) {
  world_.Run([&] {
    world_.Start();
    Load("<1002>.secret -> <1002>.hidden\n<1002>.shout -> <1002>.hidden");
    auto client = NewClient(kAlice, "shout");
    auto other = NewClient(kBob, "shout");
    world_.Advance(kTellWaitingAfter);
    const std::string told = client->Hear();
    EXPECT_THAT(told, HasSubstr("<1001>.shout"));
    EXPECT_THAT(told, Not(HasSubstr("hidden")));
    EXPECT_THAT(told, Not(HasSubstr("1002")));
    EXPECT_EQ(other->Hear(), "waiting: service <1002>.hidden is not offered");
  });
}

TEST_F(DirectoryServerWaitingTest, LimitsNotificationsOfATurn) {
  world_.Run([&] {
    world_.Start();
    Load("");
    std::vector<std::unique_ptr<Speaker>> clients;
    for (size_t i = 0; i < 2 * kMaxToldAtOnce + 1; ++i) {
      clients.push_back(NewClient(kAlice, "shout"));
    }
    auto told = [&] {
      size_t count = 0;
      for (auto& client : clients) {
        if (client->Hear() != "nothing") ++count;
      }
      return count;
    };
    world_.Advance(kTellWaitingAfter);
    EXPECT_EQ(told(), kMaxToldAtOnce);
    world_.Advance(kTellWaitingAfter);
    EXPECT_EQ(told(), kMaxToldAtOnce);
    world_.Advance(kTellWaitingAfter);
    EXPECT_EQ(told(), 1u);
  });
}

TEST_F(DirectoryServerWaitingTest, AClientThatDoesNotReadCostsAFewKiB) {
  world_.Run([&] {
    world_.Start();
    auto client = NewClient(kAlice, "shout");
    for (int i = 0; i < 1000; ++i) {
      Load(absl::StrCat("<1001>.shout -> <500>.clock", i));
      world_.Advance(kTellWaitingAfter);
    }
    Load("<1001>.shout -> <500>.clock");
    // The client can still be introduced, although it has read nothing yet.
    Speaker server(&world_, kSelf);
    server.Say(AdvertiseMessage(Interface("clock")));
    EXPECT_EQ(server.Hear(), "OFFERED: ");
    EXPECT_EQ(server.Hear(), "client");
    int told = 0;
    while (client->Hear() != Introduced()) ++told;
    EXPECT_GT(told, 0);
    EXPECT_LT(told, 50);
  });
}

TEST_F(DirectoryServerWaitingTest, AClientThatReadsAgainIsToldTheNextChange) {
  world_.Run([&] {
    world_.Start();
    auto client = NewClient(kAlice, "shout");
    for (int i = 0; i < 100; ++i) {
      Load(absl::StrCat("<1001>.shout -> <500>.clock", i));
      world_.Advance(kTellWaitingAfter);
    }
    while (client->Hear() != "nothing") {
    }
    Load("<1001>.shout -> <500>.last");
    world_.Advance(kTellWaitingAfter);
    EXPECT_EQ(client->Hear(), "waiting: service <500>.last is not offered");
  });
}

// When a server ends, each stand-by may get a new state. So the number of
// stand-bys bounds the messages for a stand-by that does not read.
TEST_F(DirectoryServerWaitingTest, AStandByThatDoesNotReadCostsAFewKiB) {
  world_.Run([&] {
    world_.Start();
    std::vector<std::unique_ptr<Speaker>> servers;
    std::string refused;
    while (refused.empty()) {
      ASSERT_LT(servers.size(), 1000u);
      servers.push_back(std::make_unique<Speaker>(&world_, kSelf));
      servers.back()->Say(AdvertiseMessage(
          Interface("clock", servers.size() % 2 == 0 ? "even" : "odd")));
      if (world_.server()->registry().servers().size() < servers.size()) {
        refused = servers.back()->Hear();
        servers.pop_back();
      }
    }
    EXPECT_THAT(refused, StartsWith("refused LIMIT"));
    Speaker* const last = servers.back().get();
    for (auto& server : servers) {
      if (server.get() != last) server->HangUp();
    }
    world_.Settle();
    size_t bytes = 0;
    size_t changes = 0;
    std::string heard;
    for (std::string next; (next = last->Hear()) != "nothing";) {
      ASSERT_NE(next, "closed");
      heard = next;
      ++changes;
      bytes += last->heard().ByteSizeLong();
    }
    EXPECT_EQ(heard, "OFFERED: ");
    EXPECT_EQ(changes, Limits().stand_bys + 1);
    EXPECT_LT(bytes, 4096u);
  });
}

class CountedUsers final : public Users {
 public:
  absl::StatusOr<uid_t> UidOf(const std::string&) override {
    return absl::NotFoundError("none");
  }
  std::string NameOf(uid_t uid) override {
    ++looked_up;
    return absl::StrCat("user", uid);
  }
  int looked_up = 0;
};

TEST(NameCacheTest, LooksEachNameUpOnce) {
  CountedUsers users;
  NameCache names(&users);
  for (int i = 0; i < 10; ++i) {
    EXPECT_EQ(names.NameOf(1), "user1");
    EXPECT_EQ(names.NameOf(2), "user2");
  }
  EXPECT_EQ(users.looked_up, 2);
  names.Clear();
  EXPECT_EQ(names.NameOf(1), "user1");
  EXPECT_EQ(users.looked_up, 3);
  for (uid_t uid = 0; uid < 100000; ++uid) names.NameOf(uid);
}

}  // namespace
}  // namespace directory
}  // namespace le
