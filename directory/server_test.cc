// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#include "directory/server.h"

#include <algorithm>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "directory/testing/small_world.h"
#include "event/base/log.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace le {
namespace directory {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::StartsWith;

constexpr uid_t kSelf = SmallWorld::kSelf;
constexpr uid_t kAlice = 1001;
constexpr uid_t kBob = 1002;

class DirectoryServerTest : public ::testing::Test {
 protected:
  std::unique_ptr<Speaker> NewPeer(uid_t uid) {
    return std::make_unique<Speaker>(&world_, uid);
  }
  // A client that waits for a service that no server offers.
  std::unique_ptr<Speaker> NewWaiting(uid_t uid) {
    auto peer = NewPeer(uid);
    peer->Say(OpenMessage(Interface("nobody's"), true));
    return peer;
  }
  std::unique_ptr<Speaker> NewService(uid_t uid, const std::string& name) {
    auto peer = NewPeer(uid);
    peer->Say(AdvertiseMessage(Interface(name)));
    return peer;
  }

  SmallWorld world_;
};

// ---- Messages --------------------------------------------------------------

TEST_F(DirectoryServerTest, PassesAClientOnAndForgetsIt) {
  world_.Run([&] {
    world_.Start();
    Speaker service(&world_, kSelf);
    EXPECT_EQ(service.Ask(AdvertiseMessage(Interface("clock"))), "OFFERED: ");
    Speaker client(&world_, kAlice);
    EXPECT_THAT(client.Ask(OpenMessage(Interface("clock"), false)),
                StartsWith("introduced"));
    ASSERT_EQ(service.Hear(), "client");
    EXPECT_EQ(service.client()->peer()->uid, kAlice);
    world_.Stop();

    transports::OutgoingFrame first;
    first.type = 7;
    EXPECT_EQ(service.client()->Send(first), transports::IoResult::kOk);
    EXPECT_EQ(client.Hear(), "frame 7");
    EXPECT_EQ(client.Hear(), "nothing");
  });
}

// A directory takes over the socket of a former one.
TEST_F(DirectoryServerTest, AfterATakeOverATryOpenWaitsForTheServicesReturn) {
  constexpr absl::Duration kTime = absl::Seconds(1);
  constexpr auto kShort = absl::Milliseconds(1);
  DirectoryServer::Options options;
  options.take_over_time = kTime;
  const proto::ToDirectory try_clock = OpenMessage(Interface("clock"), false);
  world_.Run([&] {
    world_.Start(options);
    Speaker returns(&world_, kAlice);
    Speaker gone(&world_, kAlice);
    EXPECT_EQ(returns.Ask(try_clock), "nothing");
    EXPECT_EQ(gone.Ask(OpenMessage(Interface("calendar"), false)), "nothing");
    Speaker ends(&world_, kAlice);
    ends.Say(try_clock);
    ends.HangUp();
    world_.Advance(kTime - kShort);
    Speaker service(&world_, kSelf);
    EXPECT_EQ(service.Ask(AdvertiseMessage(Interface("clock"))), "OFFERED: ");
    std::string heard;
    do {
      heard = returns.Hear();
    } while (absl::StartsWith(heard, "waiting: "));
    EXPECT_THAT(heard, StartsWith("introduced"));
    EXPECT_THAT(gone.Hear(), StartsWith("waiting: "));
    EXPECT_EQ(gone.Hear(), "nothing");
    world_.Advance(kShort);
    EXPECT_THAT(gone.Hear(), StartsWith("refused NOT_OFFERED"));
    // From now on the answer is sent at once.
    EXPECT_THAT(NewPeer(kAlice)->Ask(OpenMessage(Interface("calendar"), false)),
                StartsWith("refused NOT_OFFERED"));
    EXPECT_EQ(world_.server()->Discrepancy(), "");
  });
}

TEST_F(DirectoryServerTest, AfterATakeOverManyAreRefusedInSlices) {
  DirectoryServer::Options options;
  options.take_over_time = absl::Seconds(1);
  world_.Run([&] {
    world_.Start(options);
    std::vector<std::unique_ptr<Speaker>> clients;
    for (size_t i = 0; i < kMaxActionsAtOnce + 1; ++i) {
      clients.push_back(NewPeer(kAlice));
      clients.back()->Say(OpenMessage(Interface("calendar"), false));
    }
    EXPECT_EQ(world_.server()->registry().waiting().size(),
              kMaxActionsAtOnce + 1);
    size_t before = kMaxActionsAtOnce + 1;
    size_t largest = 0;
    while (before > 0) {
      world_.loop()->RunTurn(absl::InfiniteFuture());
      const size_t now = world_.server()->registry().waiting().size();
      largest = std::max(largest, before - now);
      before = now;
    }
    EXPECT_EQ(largest, kMaxActionsAtOnce);
  });
}

// A client is refused at once if the service has another protocol, or if the
// client has no binding.
TEST_F(DirectoryServerTest, AfterATakeOverOtherRefusalsAreAtOnce) {
  DirectoryServer::Options options;
  options.take_over_time = absl::Seconds(1);
  world_.Run([&] {
    world_.Start(options);
    const auto service = NewService(kSelf, "clock");
    EXPECT_THAT(
        NewPeer(kAlice)->Ask(OpenMessage(Interface("clock", "other"), false)),
        StartsWith("refused OTHER_PROTOCOL"));
    ASSERT_TRUE(world_.server()->Load("", "file").ok());
    EXPECT_THAT(NewPeer(kAlice)->Ask(OpenMessage(Interface("clock"), false)),
                StartsWith("refused NO_BINDING"));
  });
}

TEST_F(DirectoryServerTest, AnotherVersionIsRefused) {
  world_.Run([&] {
    world_.Start();
    for (uint32_t version : {0u, kControlVersion + 1}) {
      Speaker peer(&world_, kSelf);
      proto::ToDirectory message = ListMessage();
      message.set_version(version);
      peer.SayBytes(message.SerializeAsString());
      EXPECT_EQ(
          peer.Hear(),
          absl::StrCat("refused OTHER_VERSION: a request of version ", version,
                       " came to a directory that understands version 1: "
                       "update the program that ",
                       version == 0 ? "sent" : "received", " it"));
      EXPECT_EQ(peer.Hear(), "closed");
    }
  });
}

TEST_F(DirectoryServerTest, AnUnknownRequestIsRefused) {
  world_.Run([&] {
    world_.Start();
    Speaker peer(&world_, kSelf);
    EXPECT_THAT(peer.Ask(proto::ToDirectory()), StartsWith("refused INVALID"));
    EXPECT_EQ(peer.Hear(), "closed");
  });
}

TEST_F(DirectoryServerTest, ClosesAPeerThatSendsGarbage) {
  world_.Run([&] {
    world_.Start();
    const std::string good = [] {
      proto::ToDirectory message = ListMessage();
      message.set_version(kControlVersion);
      return message.SerializeAsString();
    }();
    Speaker malformed(&world_, kSelf);
    malformed.SayBytes("\xff\xff\xff");
    EXPECT_EQ(malformed.Hear(), "closed");
    Speaker other_frame(&world_, kSelf);
    other_frame.SayBytes(good, /*type=*/1);
    EXPECT_EQ(other_frame.Hear(), "closed");
    Speaker introducing(&world_, kSelf);
    introducing.SayBytes(good, kIntroductionFrame);
    EXPECT_EQ(introducing.Hear(), "closed");
    Speaker empty(&world_, kSelf);
    empty.SayBytes("");
    EXPECT_THAT(empty.Hear(), StartsWith("refused OTHER_VERSION"));
    EXPECT_EQ(empty.Hear(), "closed");
    // The same user may send a correct message.
    Speaker sound(&world_, kSelf);
    sound.SayBytes(good);
    EXPECT_EQ(sound.Hear(), "list");
  });
}

TEST_F(DirectoryServerTest, AFewStandByAndTheRestAreRefused) {
  world_.Run([&] {
    world_.Start();
    std::vector<std::unique_ptr<Speaker>> services;
    for (uint32_t i = 0; i < 1 + Limits().stand_bys; ++i) {
      services.push_back(NewService(kBob, "clock"));
      EXPECT_THAT(services.back()->Hear(),
                  StartsWith(i == 0 ? "OFFERED" : "STANDING_BY"));
    }
    EXPECT_EQ(
        NewService(kBob, "clock")->Hear(),
        "refused LIMIT: 64 servers already stand by for this service: the "
        "maximum");
    EXPECT_EQ(NewService(kBob, "other")->Hear(), "OFFERED: ");
    EXPECT_EQ(NewService(kAlice, "clock")->Hear(), "OFFERED: ");
    services[0]->HangUp();
    EXPECT_EQ(services[1]->Hear(), "OFFERED: ");
    EXPECT_THAT(NewService(kBob, "clock")->Hear(), StartsWith("STANDING_BY"));
  });
}

// ---- Log lines -------------------------------------------------------------

std::vector<std::string>* g_log = nullptr;

class DirectoryServerLogTest : public DirectoryServerTest {
 protected:
  DirectoryServerLogTest() {
    g_log = &log_;
    former_ = event::SetLogSink([](event::LogLevel, absl::string_view text) {
      g_log->push_back(std::string(text));
    });
  }
  ~DirectoryServerLogTest() override { event::SetLogSink(former_); }

  int LinesOf(uid_t uid) const {
    int lines = 0;
    for (const std::string& line : log_) {
      if (absl::StrContains(line, absl::StrCat("user ", uid))) ++lines;
    }
    return lines;
  }

  std::vector<std::string> log_;
  event::LogSink former_ = nullptr;
};

// New peers of one user make the same error 1,000 times. Expected: the number
// of log lines is bounded, and errors of other users are still logged.
TEST_F(DirectoryServerLogTest, RepeatedErrorsDoNotFillTheLog) {
  world_.Run([&] {
    DirectoryServer::Options options;
    options.limits.connections = 1;
    world_.Start(options);
    std::vector<std::function<void()>> wrongs;
    wrongs.push_back([&] { NewPeer(kBob)->SayBytes("\xff\xff\xff"); });
    wrongs.push_back([&] {
      auto peer = NewWaiting(kBob);
      peer->Say(OpenMessage(Interface("clock"), true));
    });
    wrongs.push_back([&] {
      auto peer = NewPeer(kBob);
      auto turned_away = NewPeer(kBob);
    });
    wrongs.push_back([&] {
      auto silent = NewPeer(kBob);
      world_.Advance(kHalfOpenTime);
    });
    for (const auto& wrong : wrongs) {
      world_.Advance(absl::Hours(1));
      log_.clear();
      const event::Instant start = world_.loop()->Now();
      for (int i = 0; i < 1000; ++i) wrong();
      const auto seconds = absl::ToInt64Seconds(world_.loop()->Now() - start);
      const auto minutes = seconds / 60;
      EXPECT_GE(LinesOf(kBob), 1);
      EXPECT_LE(LinesOf(kBob), 1 + minutes);
      // Lines about other users are still logged.
      NewPeer(kAlice)->SayBytes("\xff\xff\xff");
      EXPECT_EQ(LinesOf(kAlice), 1);
      world_.Advance(kRefusalLogPause);
      const int before = LinesOf(kBob);
      wrong();
      EXPECT_EQ(LinesOf(kBob), before + 1);
      if (seconds == 0) {
        EXPECT_THAT(log_.back(), HasSubstr("(and 999 times before)"));
      }
    }
  });
}

// A look-up of a user's name may take seconds, or never end. So only a request
// of an administrator may cause a look-up.
TEST_F(DirectoryServerTest, OnlyAdministratorsMakeItAskForNames) {
  class CountingUsers final : public Users {
   public:
    absl::StatusOr<uid_t> UidOf(const std::string& name) override {
      ++asked;
      return absl::NotFoundError(name);
    }
    std::string NameOf(uid_t uid) override {
      ++asked;
      return absl::StrCat("user", uid);
    }
    int asked = 0;
  } users;
  world_.Run([&] {
    DirectoryServer::Options options;
    options.limits.connections = 5;
    DirectoryServer server(world_.ProcessOf(kSelf), world_.loop(), &users,
                           options);
    ASSERT_TRUE(server.Load("<*>.* -> <500>.*", "bindings").ok());
    ASSERT_TRUE(
        server.Listen(world_.TransportOf(kSelf), SmallWorld::kAddress).ok());
    Speaker monitor(&world_, 0);
    monitor.Say(MonitorMessage());
    users.asked = 0;
    NewPeer(kBob)->SayBytes("\xff\xff\xff");
    NewWaiting(kBob)->Say(OpenMessage(Interface("clock"), true));
    NewPeer(kBob)->Say(OpenMessage(Interface("unbound"), false));
    NewPeer(kBob)->Say(ListMessage());
    NewService(kBob, "clock");
    auto service = NewService(kSelf, "clock");
    auto same = NewService(kSelf, "clock");
    auto client = NewPeer(kBob);
    client->Say(OpenMessage(Interface("clock"), false));
    EXPECT_EQ(service->Hear(), "OFFERED: ");
    EXPECT_EQ(service->Hear(), "client");
    service.reset();
    std::vector<std::unique_ptr<Speaker>> many;
    for (int i = 0; i < 10; ++i) many.push_back(NewPeer(kBob));
    EXPECT_EQ(users.asked, 0);
  });
}

TEST_F(DirectoryServerTest, TakesAMessageOfTheLargestSizeButNoLarger) {
  world_.Run([&] {
    world_.Start();
    auto message_of = [](size_t size) {
      proto::ToDirectory message = LoadMessage("", true);
      message.set_version(kControlVersion);
      message.mutable_load()->set_check_only(true);
      std::string text = "#";
      for (;;) {
        message.mutable_load()->set_text(text);
        const size_t now = message.ByteSizeLong();
        if (now >= size) return message.SerializeAsString();
        text.append(size - now > 16 ? size - now - 16 : 1, 'x');
      }
    };
    Speaker largest(&world_, kSelf);
    ASSERT_EQ(message_of(kMaxControlBytes).size(), kMaxControlBytes);
    largest.SayBytes(message_of(kMaxControlBytes));
    EXPECT_THAT(largest.Hear(), StartsWith("done: "));
    ASSERT_EQ(message_of(kMaxControlBytes + 1).size(), kMaxControlBytes + 1);
    largest.SayBytes(message_of(kMaxControlBytes + 1));
    EXPECT_EQ(largest.Hear(), "closed");
  });
}

TEST_F(DirectoryServerTest, InvalidDescriptionsAreRefused) {
  world_.Run([&] {
    world_.Start();
    const std::vector<InterfaceDescription> bad = {
        Interface(""), Interface("two words"), Interface("clock", ""),
        Interface("clock", "p", transports::kMaxPayloadBytes + 1)};
    for (const InterfaceDescription& interface : bad) {
      Speaker client(&world_, kAlice);
      EXPECT_THAT(client.Ask(OpenMessage(interface, true)),
                  StartsWith("refused INVALID"));
      EXPECT_EQ(client.Hear(), "closed");
      Speaker service(&world_, kSelf);
      EXPECT_THAT(service.Ask(AdvertiseMessage(interface)),
                  StartsWith("refused INVALID"));
      EXPECT_EQ(service.Hear(), "closed");
    }
    EXPECT_TRUE(world_.server()->registry().servers().empty());
    EXPECT_TRUE(world_.server()->registry().waiting().empty());
  });
}

TEST_F(DirectoryServerTest, AProtocolIdMayBeAnyBytes) {
  world_.Run([&] {
    world_.Start();
    const std::string id = "p\"\n\xff\xc3";
    Speaker service(&world_, kSelf);
    EXPECT_EQ(service.Ask(AdvertiseMessage(Interface("clock", id))),
              "OFFERED: ");
    Speaker other(&world_, kSelf);
    EXPECT_THAT(other.Ask(AdvertiseMessage(Interface("clock", "\xfe"))),
                StartsWith("OFFERED_WITH_OTHER_PROTOCOL"));
    Speaker client(&world_, kAlice);
    EXPECT_THAT(client.Ask(OpenMessage(Interface("clock", "\xfe"), true)),
                StartsWith("refused OTHER_PROTOCOL"));
    Speaker same(&world_, kAlice);
    same.Say(OpenMessage(Interface("clock", id), true));
    EXPECT_EQ(service.Hear(), "client");

    Speaker admin(&world_, kSelf);
    ASSERT_EQ(admin.Ask(ListMessage()), "list");
    ASSERT_EQ(admin.heard().list().services_size(), 2);
    EXPECT_EQ(admin.heard().list().services(0).protocol_id(), id);
  });
}

// ---- Out of turn -----------------------------------------------------------

TEST_F(DirectoryServerTest, AMessageOutOfTurnClosesTheConnection) {
  const std::vector<proto::ToDirectory> words = {
      OpenMessage(Interface("nobody's"), true),
      AdvertiseMessage(Interface("clock")), ListMessage()};
  for (size_t first = 0; first < words.size(); ++first) {
    for (size_t second = 0; second < words.size(); ++second) {
      SmallWorld world;
      world.Run([&] {
        world.Start();
        Speaker peer(&world, kSelf);
        peer.Say(words[first]);
        while (peer.Hear() != "nothing") {
        }
        peer.Say(words[second]);
        const bool both_administer = first == 2 && second == 2;
        EXPECT_EQ(peer.Hear(), both_administer
                                   ? "list"
                                   : "refused INVALID: the peer has sent more "
                                     "than its role allows")
            << first << " then " << second;
        EXPECT_EQ(peer.Hear(), both_administer ? "nothing" : "closed");
        EXPECT_TRUE(world.server()->registry().servers().empty());
        EXPECT_TRUE(world.server()->registry().waiting().empty());
      });
    }
  }
}

TEST_F(DirectoryServerTest, RefusesAClientThatSendsASecondMessage) {
  world_.Run([&] {
    world_.Start();
    auto service = NewService(kSelf, "clock");
    EXPECT_EQ(service->Hear(), "OFFERED: ");
    // Both messages have arrived before the directory reads the first.
    Speaker client(&world_, kAlice);
    const proto::ToDirectory open = OpenMessage(Interface("clock"), true);
    SendControl(client.connection(), open);
    client.Say(open);
    EXPECT_EQ(client.Hear(),
              "refused INVALID: the peer has sent more than its role allows");
    EXPECT_EQ(client.Hear(), "closed");
    EXPECT_EQ(service->Hear(), "nothing");
    EXPECT_TRUE(world_.server()->registry().waiting().empty());
  });
}

// ---- Silent connections ----------------------------------------------------

TEST_F(DirectoryServerTest, ASilentConnectionIsClosedAtItsTimeout) {
  world_.Run([&] {
    world_.Start();
    Speaker silent(&world_, kAlice);
    auto waiting = NewWaiting(kAlice);
    auto service = NewService(kAlice, "clock");
    EXPECT_EQ(service->Hear(), "OFFERED: ");
    Speaker admin(&world_, kSelf);
    EXPECT_EQ(admin.Ask(ListMessage()), "list");

    world_.Advance(kHalfOpenTime - absl::Nanoseconds(1));
    EXPECT_EQ(silent.Hear(), "nothing");
    world_.Advance(absl::Nanoseconds(1));
    EXPECT_EQ(silent.Hear(), "closed");

    // A peer that has sent a request stays.
    world_.Advance(10 * kHalfOpenTime);
    EXPECT_THAT(waiting->Hear(), StartsWith("waiting: "));
    EXPECT_EQ(waiting->Hear(), "nothing");
    EXPECT_EQ(service->Hear(), "nothing");
    EXPECT_EQ(admin.Hear(), "nothing");
  });
}

TEST_F(DirectoryServerTest, TheTimeOfASilentConnectionCanBeSet) {
  world_.Run([&] {
    DirectoryServer::Options options;
    options.half_open_time = absl::Seconds(2);
    world_.Start(options);
    Speaker silent(&world_, kAlice);
    world_.Advance(absl::Seconds(2) - absl::Nanoseconds(1));
    EXPECT_EQ(silent.Hear(), "nothing");
    world_.Advance(absl::Nanoseconds(1));
    EXPECT_EQ(silent.Hear(), "closed");
  });
}

TEST_F(DirectoryServerTest, LimitsSilentConnectionsOfAUser) {
  world_.Run([&] {
    DirectoryServer::Options options;
    options.limits.silent = 2;
    world_.Start(options);
    auto first = NewPeer(kAlice);
    Speaker second(&world_, kAlice);
    EXPECT_EQ(second.Hear(), "nothing");
    Speaker third(&world_, kAlice);
    EXPECT_THAT(third.Hear(),
                AllOf(StartsWith("refused LIMIT"), HasSubstr("user 1001"),
                      HasSubstr("connections that have sent nothing")));
    EXPECT_EQ(third.Hear(), "closed");
    Speaker other(&world_, kBob);
    EXPECT_EQ(other.Hear(), "nothing");

    // A peer that sends a request makes room, and so does one that closes.
    second.Say(OpenMessage(Interface("nobody's"), true));
    auto fourth = NewPeer(kAlice);
    EXPECT_EQ(fourth->Hear(), "nothing");
    EXPECT_THAT(NewPeer(kAlice)->Hear(), StartsWith("refused LIMIT"));
    first->HangUp();
    EXPECT_EQ(NewPeer(kAlice)->Hear(), "nothing");

    // A peer that is closed because it sent nothing also makes room.
    world_.Settle();
    first = NewPeer(kAlice);
    world_.Advance(kHalfOpenTime);
    EXPECT_EQ(first->Hear(), "closed");
    EXPECT_EQ(fourth->Hear(), "closed");
    first = NewPeer(kAlice);
    fourth = NewPeer(kAlice);
    EXPECT_EQ(first->Hear(), "nothing");
    EXPECT_EQ(fourth->Hear(), "nothing");
    EXPECT_THAT(NewPeer(kAlice)->Hear(), StartsWith("refused LIMIT"));
  });
}

// ---- Limits ----------------------------------------------------------------

TEST_F(DirectoryServerTest, TheListNamesEachUserAtALimitAndTheLimit) {
  world_.Run([&] {
    DirectoryServer::Options options;
    options.limits.connections = 6;
    options.limits.silent = 2;
    options.limits.waiting_clients = 2;
    options.limits.services = 2;
    world_.Start(options);
    std::vector<std::unique_ptr<Speaker>> peers;
    for (int i = 0; i < 2; ++i) {
      peers.push_back(NewPeer(kAlice));
      peers.push_back(NewWaiting(kBob));
      peers.push_back(NewService(kBob + 1, absl::StrCat("s", i)));
      // The user kBob + 2 reaches several limits.
      peers.push_back(NewWaiting(kBob + 2));
      peers.push_back(NewService(kBob + 2, absl::StrCat("s", i)));
    }
    for (int i = 0; i < 2; ++i) peers.push_back(NewPeer(kBob + 2));
    peers.push_back(NewPeer(kBob + 3));
    Speaker admin(&world_, kSelf);
    ASSERT_EQ(admin.Ask(ListMessage()), "list");
    std::vector<std::string> told;
    for (const auto& user : admin.heard().list().users()) {
      told.push_back(absl::StrCat(user.user(), ": ", user.at_limit()));
    }
    EXPECT_EQ(told, (std::vector<std::string>{
                        "500: ",
                        "1001: connections that have sent nothing",
                        "1002: waiting clients",
                        "1003: services",
                        "1004: connections, connections that have sent "
                        "nothing, waiting clients, services",
                        "1005: ",
                    }));
  });
}

TEST_F(DirectoryServerTest, LimitsConnectionsOfAUser) {
  world_.Run([&] {
    DirectoryServer::Options options;
    options.limits.connections = 3;
    world_.Start(options);
    auto waiting = NewWaiting(kAlice);
    auto service = NewService(kAlice, "clock");
    EXPECT_EQ(service->Hear(), "OFFERED: ");
    Speaker silent(&world_, kAlice);
    EXPECT_EQ(silent.Hear(), "nothing");
    Speaker fourth(&world_, kAlice);
    EXPECT_EQ(fourth.Hear(),
              "refused LIMIT: user 1001 has reached its limit of connections");
    EXPECT_EQ(fourth.Hear(), "closed");

    auto other = NewWaiting(kBob);
    EXPECT_EQ(other->Hear(), "nothing");
    Speaker admin(&world_, kSelf);
    ASSERT_EQ(admin.Ask(ListMessage()), "list");
    ASSERT_EQ(admin.heard().list().users_size(), 3);
    EXPECT_EQ(admin.heard().list().users(0).at_limit(), "");
    EXPECT_EQ(admin.heard().list().users(1).user(), "1001");
    EXPECT_EQ(admin.heard().list().users(1).at_limit(), "connections");
    EXPECT_EQ(admin.heard().list().users(2).at_limit(), "");

    waiting->HangUp();
    EXPECT_EQ(NewPeer(kAlice)->Hear(), "nothing");
  });
}

TEST_F(DirectoryServerTest, LimitsWaitingClientsOfAUser) {
  world_.Run([&] {
    DirectoryServer::Options options;
    options.limits.waiting_clients = 2;
    world_.Start(options);
    auto service = NewService(kSelf, "clock");
    EXPECT_EQ(service->Hear(), "OFFERED: ");
    auto first = NewWaiting(kAlice);
    auto second = NewWaiting(kAlice);
    EXPECT_EQ(first->Hear(), "nothing");
    EXPECT_EQ(second->Hear(), "nothing");
    auto third = NewWaiting(kAlice);
    EXPECT_THAT(third->Hear(),
                AllOf(StartsWith("refused LIMIT"), HasSubstr("user 1001"),
                      HasSubstr("2 clients that wait")));
    EXPECT_EQ(third->Hear(), "closed");

    auto other = NewWaiting(kBob);
    EXPECT_EQ(other->Hear(), "nothing");
    // The limit does not count a client that need not wait.
    Speaker served(&world_, kAlice);
    EXPECT_THAT(served.Ask(OpenMessage(Interface("clock"), true)),
                StartsWith("introduced"));
    EXPECT_EQ(service->Hear(), "client");
    first->HangUp();
    EXPECT_EQ(NewWaiting(kAlice)->Hear(), "nothing");
  });
}

TEST_F(DirectoryServerTest, LimitsServicesOfAUser) {
  world_.Run([&] {
    DirectoryServer::Options options;
    options.limits.services = 2;
    world_.Start(options);
    Speaker monitor(&world_, kSelf);
    EXPECT_EQ(monitor.Ask(MonitorMessage()), "done: ");
    auto first = NewService(kAlice, "a");
    auto standing_by = NewService(kAlice, "a");
    EXPECT_EQ(first->Hear(), "OFFERED: ");
    EXPECT_THAT(standing_by->Hear(), StartsWith("STANDING_BY: pid "));
    while (monitor.Hear() != "nothing") {
    }
    auto third = NewService(kAlice, "c");
    EXPECT_THAT(third->Hear(),
                AllOf(StartsWith("refused LIMIT"), HasSubstr("user 1001"),
                      HasSubstr("2 services")));
    EXPECT_EQ(third->Hear(), "closed");
    EXPECT_THAT(monitor.Hear(), StartsWith("event: refused: 'c' of pid "));
    // The service was not advertised, so nothing is withdrawn.
    EXPECT_EQ(monitor.Hear(), "nothing");

    auto other = NewService(kBob, "c");
    EXPECT_EQ(other->Hear(), "OFFERED: ");
    first->HangUp();
    EXPECT_EQ(standing_by->Hear(), "OFFERED: ");
    EXPECT_EQ(NewService(kAlice, "c")->Hear(), "OFFERED: ");
  });
}

TEST_F(DirectoryServerTest, ClientsOfAServiceThatDoesNotReadWaitInLine) {
  world_.Run([&] {
    world_.Start();
    auto service = NewService(kSelf, "clock");
    std::vector<std::unique_ptr<Speaker>> clients;
    while (world_.server()->registry().waiting().empty()) {
      clients.push_back(NewPeer(kAlice));
      clients.back()->Say(OpenMessage(Interface("clock"), true));
      ASSERT_LT(clients.size(), Limits().connections);
    }
    // The queue is served in order when the service reads.
    for (int i = 0; i < 3; ++i) {
      clients.push_back(NewPeer(kAlice));
      clients.back()->Say(OpenMessage(Interface("clock"), true));
    }
    EXPECT_EQ(world_.server()->registry().waiting().size(), 4u);
    EXPECT_EQ(service->Hear(), "OFFERED: ");
    for (size_t i = 0; i < clients.size(); ++i) {
      world_.Settle();
      ASSERT_EQ(service->Hear(), "client") << i;
      transports::OutgoingFrame first;
      first.type = 7;
      ASSERT_EQ(service->client()->Send(first), transports::IoResult::kOk);
      ASSERT_THAT(clients[i]->Hear(), StartsWith("introduced")) << i;
      ASSERT_EQ(clients[i]->Hear(), "frame 7") << i;
    }
    EXPECT_EQ(service->Hear(), "nothing");
  });
}

}  // namespace
}  // namespace directory
}  // namespace le
