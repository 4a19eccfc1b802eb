// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// The directory's resources: the limits of each user. No user may have all of a
// resource.

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
using ::testing::StartsWith;

constexpr uid_t kSelf = SmallWorld::kSelf;
constexpr uid_t kAlice = 1001;
constexpr uid_t kBob = 1002;

class DirectoryAccountTest : public ::testing::Test {
 protected:
  std::unique_ptr<Speaker> NewClient(uid_t uid, const std::string& name) {
    auto client = std::make_unique<Speaker>(&world_, uid);
    client->Say(OpenMessage(Interface(name), true));
    return client;
  }
  std::unique_ptr<Speaker> NewService(uid_t uid, const std::string& name) {
    auto service = std::make_unique<Speaker>(&world_, uid);
    EXPECT_EQ(service->Ask(AdvertiseMessage(Interface(name))), "OFFERED: ");
    return service;
  }
  const Accounts& accounts() { return world_.server()->accounts(); }
  void ExpectBalance() { EXPECT_EQ(world_.server()->Discrepancy(), ""); }

  SmallWorld world_;
};

TEST_F(DirectoryAccountTest, AServerThatReadsNothingCostsItsClientsOnly) {
  world_.Run([&] {
    world_.Start();
    const uint32_t most = Limits().introductions;
    auto deaf = NewService(kSelf, "deaf");
    auto service = NewService(kSelf, "clock");
    std::vector<std::unique_ptr<Speaker>> clients;
    for (uint32_t i = 0; i < most + 10; ++i) {
      clients.push_back(NewClient(kAlice, "deaf"));
    }
    EXPECT_EQ(accounts().introductions.used_by(kAlice), most);
    EXPECT_EQ(accounts().waiting.used_by(kAlice), 10u);
    EXPECT_EQ(accounts().connections.used_by(kAlice), 10u);
    ExpectBalance();
    // The introduction stays charged after its client has closed.
    clients.front().reset();
    world_.Settle();
    EXPECT_EQ(accounts().introductions.used_by(kAlice), most);

    auto other = NewClient(kBob, "clock");
    EXPECT_EQ(service->Hear(), "client");
    auto same = NewClient(kAlice, "clock");
    EXPECT_EQ(service->Hear(), "client");

    // The server receives half of its introductions, and gets new ones.
    for (uint32_t i = 0; i < most / 2; ++i) EXPECT_EQ(deaf->Hear(), "client");
    world_.Settle();
    EXPECT_EQ(accounts().waiting.used_by(kAlice), 0u);
    ExpectBalance();
    deaf->HangUp();
    EXPECT_LE(accounts().introductions.used_by(kAlice), 1u);
    ExpectBalance();
  });
}

// Clients wait, and then their server connects. Its request arrives before the
// directory accepts the connection. Expected: all clients are introduced.
TEST_F(DirectoryAccountTest, AQueueThatIsOlderThanItsServerIsServedCompletely) {
  world_.Run([&] {
    world_.Start();
    const uint32_t most = Limits().introductions;
    std::vector<std::unique_ptr<Speaker>> clients;
    for (uint32_t i = 0; i < 3 * most; ++i) {
      clients.push_back(NewClient(kAlice, "clock"));
    }
    auto connected = world_.TransportOf(kSelf)->Connect(SmallWorld::kAddress);
    ASSERT_TRUE(connected.ok());
    SendControl(connected->get(), AdvertiseMessage(Interface("clock")));
    const auto pool = transports::BufferPool::Create(kMaxControlBytes);
    uint32_t introduced = 0;
    for (bool heard = true; heard;) {
      world_.Settle();
      transports::IncomingFrame frame;
      heard = (*connected)->Receive(&frame, pool.get(), absl::InfinitePast()) ==
              transports::IoResult::kOk;
      if (heard && frame.type == kIntroductionFrame) ++introduced;
    }
    EXPECT_EQ(introduced, 3 * most);
    ExpectBalance();
  });
}

TEST_F(DirectoryAccountTest, AUsersShareOfIntroductionsIsForAllItsServers) {
  world_.Run([&] {
    DirectoryServer::Options options;
    options.limits.descriptors = 400;  // 50 introductions
    world_.Start(options);
    std::vector<std::unique_ptr<Speaker>> deaf, clients;
    for (int i = 0; i < 4; ++i) {
      deaf.push_back(NewService(kSelf, absl::StrCat("s", i)));
    }
    auto service = NewService(kSelf, "clock");
    for (int i = 0; i < 60; ++i) {
      clients.push_back(NewClient(kAlice, absl::StrCat("s", i % 4)));
      world_.Settle();
    }
    EXPECT_EQ(accounts().introductions.used_by(kAlice), 25u);
    // A client that waits learns the reason. Then its connection is closed
    // without a refusal, so that the client asks again.
    EXPECT_THAT(clients.back()->Hear(),
                StartsWith("waiting: user 1001 has 25 introductions"));
    EXPECT_EQ(clients.back()->Hear(), "closed");
    Speaker impatient(&world_, kAlice);
    EXPECT_THAT(impatient.Ask(OpenMessage(Interface("s1"), false)),
                StartsWith("refused LIMIT: user 1001 has 25 introductions"));
    auto other = NewClient(kBob, "clock");
    EXPECT_EQ(service->Hear(), "client");
    // When a user's share is used up, the directory checks which introductions
    // the servers have received.
    for (auto& server : deaf) {
      while (server->Hear() == "client") {
      }
    }
    NewClient(kAlice, "clock");
    world_.Settle();
    EXPECT_LE(accounts().introductions.used(), 1u);
    auto again = NewClient(kAlice, "clock");
    EXPECT_EQ(service->Hear(), "client");
    ExpectBalance();
  });
}

// Only administrators may send a large message. Large buffers for all
// connections would need too much memory.
TEST_F(DirectoryAccountTest, AStrangersMessageIsSmall) {
  world_.Run([&] {
    world_.Start();
    Speaker stranger(&world_, kAlice), admin(&world_, 0);
    proto::ToDirectory message = LoadMessage(std::string(9000, '#'), true);
    EXPECT_EQ(stranger.Ask(message), "closed");
    EXPECT_THAT(admin.Ask(message), StartsWith("done: "));
  });
}

TEST_F(DirectoryAccountTest, NoUserTakesAllConnections) {
  world_.Run([&] {
    DirectoryServer::Options options;
    options.limits.descriptors = 200;
    world_.Start(options);
    const uint64_t total = accounts().connections.bound().total;
    std::vector<std::unique_ptr<Speaker>> clients;
    for (uint64_t i = 0; i < total; ++i) {
      clients.push_back(NewClient(kAlice, "nobody's"));
    }
    EXPECT_LE(accounts().connections.used_by(kAlice), total / 2);
    EXPECT_THAT(clients.back()->Hear(),
                StartsWith("refused LIMIT: user 1001 has reached its limit of "
                           "connections"));
    for (int i = 0; i < 10; ++i) {
      clients.push_back(NewClient(kBob, "nobody's"));
      EXPECT_EQ(clients.back()->Hear(), "nothing");
    }
    ExpectBalance();
    clients.clear();
    world_.Settle();
    EXPECT_EQ(accounts().connections.used(), 0u);
  });
}

TEST_F(DirectoryAccountTest, ThereIsAReserveForAdministration) {
  world_.Run([&] {
    DirectoryServer::Options options;
    options.limits.silent = 3;
    world_.Start(options);
    std::vector<std::unique_ptr<Speaker>> silent;
    for (int i = 0; i < 3; ++i) {
      silent.push_back(std::make_unique<Speaker>(&world_, 0));
    }
    Speaker admin(&world_, 0);
    EXPECT_EQ(admin.Ask(ListMessage()), "list");
    EXPECT_EQ(admin.heard().list().users(0).at_limit(),
              "connections that have sent nothing");
    Speaker client(&world_, 0);
    EXPECT_THAT(client.Ask(OpenMessage(Interface("clock"), true)),
                StartsWith("refused LIMIT: user 0 has reached a limit"));
    // A connection of the reserve has less time.
    Speaker idle(&world_, 0);
    world_.Advance(kReservedHalfOpenTime);
    EXPECT_EQ(idle.Hear(), "closed");
    EXPECT_EQ(silent[0]->Hear(), "nothing");
    ExpectBalance();
  });
}

TEST_F(DirectoryAccountTest, TheListHasTheTotalsOfAllUsers) {
  world_.Run([&] {
    DirectoryServer::Options options;
    options.limits.descriptors = 1024;
    world_.Start(options);
    auto waiting = NewClient(kAlice, "nobody's");
    Speaker admin(&world_, kSelf);
    ASSERT_EQ(admin.Ask(ListMessage()), "list");
    const auto& resources = admin.heard().list().resources();
    ASSERT_EQ(resources.size(), 6);
    EXPECT_EQ(resources[0].name(), "connections");
    EXPECT_EQ(resources[0].used(), 2u);
    EXPECT_EQ(resources[0].total(), 1024u - 128 - 32);
    EXPECT_EQ(resources[0].reserve(), 64u);
    EXPECT_EQ(resources[2].name(), "waiting clients");
    EXPECT_EQ(resources[2].used(), 1u);
    EXPECT_EQ(resources[4].total(), 128u);
    EXPECT_THAT(accounts().Describe().front(), HasSubstr("864 connections"));
  });
}

// A list is sent in many turns of the loop, so that other peers are served
// between the parts.
TEST_F(DirectoryAccountTest, AListIsOnePartATurn) {
  world_.Run([&] {
    world_.Start();
    std::string text;
    for (int i = 0; i < 20000; ++i) {
      absl::StrAppend(&text, "<1001>.client", i, " -> <500>.service", i, "\n");
    }
    ASSERT_TRUE(world_.server()->Load(text, "file").ok());
    Speaker admin(&world_, kSelf);
    SendControl(admin.connection(), ListMessage());
    int parts = 0;
    bool last = false;
    while (!last) {
      ASSERT_TRUE(world_.loop()->RunTurn(absl::InfinitePast()));
      int in_this_turn = 0;
      while (admin.Hear() == "list") {
        ++in_this_turn;
        last = admin.heard().list().last();
      }
      ASSERT_LE(in_this_turn, 1);
      parts += in_this_turn;
    }
    EXPECT_GT(parts, 10);
  });
}

TEST_F(DirectoryAccountTest, AListPausesWhileItIsNotRead) {
  world_.Run([&] {
    world_.Start();
    std::string text;
    for (int i = 0; i < 40000; ++i) {
      absl::StrAppend(&text, "<1001>.client", i, " -> <500>.service", i, "\n");
    }
    ASSERT_TRUE(world_.server()->Load(text, "file").ok());
    Speaker admin(&world_, kSelf);
    admin.Say(ListMessage());
    int parts = 0;
    while (admin.Hear() == "list") ++parts;
    EXPECT_GT(parts, 1);
    EXPECT_LT(parts, 10);
    // A second request, before the first list is read, closes the connection.
    world_.Settle();
    admin.Say(ListMessage());
    while (admin.Hear() == "list") {
    }
    EXPECT_EQ(admin.Hear(), "closed");
    ExpectBalance();
  });
}

// Many clients wait for a service, and then a server offers it with another
// protocol. Expected: each client gets its refusal, a bounded number in each
// turn.
TEST_F(DirectoryAccountTest, ALongQueueWithAnotherProtocolIsRefusedInSlices) {
  world_.Run([&] {
    world_.Start();
    std::vector<std::unique_ptr<Speaker>> clients;
    for (size_t i = 0; i < 2 * kMaxActionsAtOnce; ++i) {
      clients.push_back(NewClient(kAlice, "clock"));
    }
    Speaker service(&world_, kSelf);
    SendControl(service.connection(),
                AdvertiseMessage(Interface("clock", "another")));
    size_t refused = 0;
    for (size_t before = 0; refused < clients.size(); before = refused) {
      ASSERT_TRUE(world_.loop()->RunTurn(absl::InfinitePast()));
      refused = clients.size() - accounts().connections.used_by(kAlice);
      ASSERT_LE(refused - before, kMaxActionsAtOnce);
    }
    for (auto& client : clients) {
      ASSERT_THAT(client->Hear(), StartsWith("refused OTHER_PROTOCOL"));
    }
    ExpectBalance();
  });
}

// kMaxActionsAtOnce + 1 clients ask in one turn, and each causes one action.
// Expected: the turn carries out only kMaxActionsAtOnce actions.
TEST_F(DirectoryAccountTest, ActionsOfManyPeersAreDoneInSlices) {
  world_.Run([&] {
    world_.Start();
    auto service = NewService(kSelf, "clock");
    std::vector<std::unique_ptr<Speaker>> clients;
    for (size_t i = 0; i <= kMaxActionsAtOnce; ++i) {
      clients.push_back(std::make_unique<Speaker>(&world_, kAlice));
    }
    for (auto& client : clients) {
      SendControl(client->connection(),
                  OpenMessage(Interface("clock", "another"), true));
    }
    while (accounts().connections.used_by(kAlice) == clients.size()) {
      ASSERT_TRUE(world_.loop()->RunTurn(absl::InfinitePast()));
    }
    EXPECT_EQ(accounts().connections.used_by(kAlice), 1u);
    ASSERT_TRUE(world_.loop()->RunTurn(absl::InfinitePast()));
    EXPECT_EQ(accounts().connections.used_by(kAlice), 0u);
    ExpectBalance();
  });
}

}  // namespace
}  // namespace directory
}  // namespace le
