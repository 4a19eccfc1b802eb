// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#include "directory/client.h"

#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "directory/testing/small_world.h"
#include "event/base/log.h"
#include "event/base/sanitizers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace le {
namespace directory {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Not;
using transports::Connection;
using transports::IncomingFrame;
using transports::IoResult;

constexpr uid_t kSelf = SmallWorld::kSelf;
constexpr uid_t kAlice = 1001;
constexpr uid_t kMallory = 666;

// ---- Back-off --------------------------------------------------------------

// Returns the upper bound of the pause after `tries` failed tries.
absl::Duration Whole(int tries) {
  absl::Duration whole = absl::Milliseconds(10);
  for (int i = 0; i < tries && whole < absl::Seconds(1); ++i) whole *= 2;
  return std::min(whole, absl::Seconds(1));
}

TEST(BackOffTest, IsBetweenAHalfAndTheWholeOfADoublingPause) {
  for (uint64_t random : {uint64_t{0}, uint64_t{1}, uint64_t{511},
                          uint64_t{1023}, uint64_t{1024}, UINT64_MAX}) {
    BackOff back_off;
    for (int tries = 0; tries < 100; ++tries) {
      const absl::Duration wait = back_off.Next(random);
      EXPECT_GE(wait, Whole(tries) / 2) << tries << ", " << random;
      EXPECT_LE(wait, Whole(tries)) << tries << ", " << random;
    }
  }
}

TEST(BackOffTest, SpreadsOverThisWholeRange) {
  BackOff low, high;
  EXPECT_EQ(low.Next(0), absl::Milliseconds(5));
  EXPECT_GT(high.Next(1023), absl::Milliseconds(9.9));
}

TEST(BackOffTest, StaysShortWhileTheBacklogIsFull) {
  BackOff back_off;
  const absl::Status full = absl::AbortedError("full");
  for (int i = 0; i < BackOff::kQuickTriesAtFullBacklog; ++i) {
    EXPECT_EQ(back_off.NextAfter(full, 0), absl::Milliseconds(2));
  }
  for (int ms : {4, 8, 16, 32, 64, 100, 100, 100}) {
    EXPECT_EQ(back_off.NextAfter(full, 0), absl::Milliseconds(ms) / 2);
  }
  const absl::Status nobody = absl::UnavailableError("nobody");
  EXPECT_EQ(back_off.NextAfter(nobody, 0), absl::Milliseconds(5));
  EXPECT_EQ(back_off.NextAfter(nobody, 0), absl::Milliseconds(10));
}

TEST(BackOffTest, IsShortAgainAfterAReset) {
  BackOff back_off;
  for (int i = 0; i < 20; ++i) back_off.Next(0);
  EXPECT_EQ(back_off.Next(0), absl::Milliseconds(500));
  back_off.Reset();
  EXPECT_EQ(back_off.Next(0), absl::Milliseconds(5));
  EXPECT_EQ(back_off.Next(0), absl::Milliseconds(10));
}

// ---- Helpers ---------------------------------------------------------------

// Records how an opening has ended.
class End final : public Opening::Observer {
 public:
  void OnIntroduced(std::unique_ptr<Connection> connection, IncomingFrame first,
                    const Introduced& by) override {
    ++calls;
    introduced = by;
    session = std::move(connection);
    first_frame = std::move(first);
  }
  void OnRefused(const absl::Status& why) override {
    ++calls;
    refusal = why;
  }

  int calls = 0;
  std::unique_ptr<Connection> session;
  IncomingFrame first_frame;
  Introduced introduced;
  absl::Status refusal;
};

// A service that sends each client a frame.
class Greeter final : public Offer::Observer {
 public:
  void OnClient(std::unique_ptr<Connection> connection,
                const transports::Dialect& client) override {
    dialect = client;
    transports::OutgoingFrame greeting;
    greeting.type = 7;
    greeting.attach_credentials = true;
    EXPECT_EQ(connection->Send(greeting), IoResult::kOk);
    clients.push_back(std::move(connection));
    if (ends_with_the_first) offer.reset();
  }

  std::unique_ptr<Offer> offer;
  bool ends_with_the_first = false;
  std::vector<std::unique_ptr<Connection>> clients;
  transports::Dialect dialect;  // of the last client
};

// Records the time of each connect. The next `line_is_full_for` connects fail:
// the backlog is full.
class WatchedTransport final : public transports::Transport {
 public:
  WatchedTransport(SmallWorld* world, uid_t uid)
      : world_(world), transport_(world->TransportOf(uid)) {}
  absl::StatusOr<std::unique_ptr<transports::Acceptor>> Listen(
      const std::string& address) override {
    return transport_->Listen(address);
  }
  absl::StatusOr<std::unique_ptr<Connection>> Connect(
      const std::string& address) override {
    tries.push_back(world_->loop()->Now());
    if (line_is_full_for > 0) {
      --line_is_full_for;
      return absl::AbortedError("the backlog is full");
    }
    return transport_->Connect(address);
  }

  std::vector<event::Instant> tries;
  int line_is_full_for = 0;

 private:
  SmallWorld* const world_;
  transports::Transport* const transport_;
};

// Listens at the directory's address, and sends each client the same answer.
class FalseDirectory final : private transports::Acceptor::Observer {
 public:
  FalseDirectory(SmallWorld* world, std::string answer, uint8_t type)
      : answer_(std::move(answer)), type_(type) {
    acceptor_ = *world->TransportOf(kSelf)->Listen(SmallWorld::kAddress);
    EXPECT_TRUE(acceptor_->Attach(world->loop(), this).ok());
  }

  int asked() const { return static_cast<int>(connections_.size()); }
  // The message of the last client.
  proto::ToDirectory Heard() {
    auto pool = transports::BufferPool::Create(kMaxControlBytes);
    IncomingFrame frame;
    proto::ToDirectory heard;
    EXPECT_EQ(
        connections_.back()->Receive(&frame, pool.get(), absl::InfinitePast()),
        IoResult::kOk);
    EXPECT_TRUE(ParseControl(frame, &heard));
    return heard;
  }

 private:
  void OnAccepted(std::unique_ptr<Connection> connection) override {
    transports::OutgoingFrame frame;
    frame.type = type_;
    frame.payload = absl::MakeConstSpan(
        reinterpret_cast<const uint8_t*>(answer_.data()), answer_.size());
    EXPECT_EQ(connection->Send(frame), IoResult::kOk);
    connections_.push_back(std::move(connection));
  }

  const std::string answer_;
  const uint8_t type_;
  std::unique_ptr<transports::Acceptor> acceptor_;
  std::vector<std::unique_ptr<Connection>> connections_;
};

class DirectoryClientTest : public ::testing::Test {
 protected:
  // Returns a client of the world's directory, in a process of this user.
  std::unique_ptr<DirectoryClient> NewClient(uid_t uid) {
    return std::make_unique<DirectoryClient>(
        world_.ProcessOf(uid), world_.TransportOf(uid), SmallWorld::kAddress);
  }
  // Opens a session in a process of kAlice. Returns the refusal.
  absl::Status Refusal(const InterfaceDescription& interface, bool wait) {
    const auto client = NewClient(kAlice);
    End end;
    const auto opening = client->Open(world_.loop(), interface, wait, &end);
    EXPECT_EQ(end.calls, 0) << "Open() has called the observer";
    world_.Advance(absl::Seconds(10));
    EXPECT_EQ(end.calls, 1);
    EXPECT_EQ(end.session, nullptr);
    return end.refusal;
  }

  SmallWorld world_;
};

// ---- Openings --------------------------------------------------------------

TEST_F(DirectoryClientTest, GivesTheServersFirstFrameAndItsSender) {
  world_.Run([&] {
    world_.Start();
    const auto server = NewClient(kSelf);
    Greeter greeter;
    const auto offer =
        server->Advertise(world_.loop(), Interface("clock"), &greeter);
    for (bool wait : {false, true}) {
      world_.Settle();
      const auto client = NewClient(kAlice);
      End end;
      const auto opening =
          client->Open(world_.loop(), Interface("clock"), wait, &end);
      EXPECT_EQ(end.calls, 0);
      world_.Settle();
      ASSERT_NE(end.session, nullptr);
      EXPECT_EQ(end.first_frame.type, 7);
      ASSERT_TRUE(end.first_frame.sender.has_value());
      EXPECT_EQ(end.first_frame.sender->uid, kSelf);
      EXPECT_EQ(greeter.clients.back()->peer()->uid, kAlice);
      ASSERT_TRUE(end.introduced.server.has_value());
      EXPECT_EQ(end.introduced.server->uid, kSelf);
      EXPECT_EQ(end.introduced.server->pid, end.first_frame.sender->pid);
      world_.Advance(absl::Minutes(1));
      EXPECT_EQ(end.calls, 1);
    }
  });
}

// Each end learns the versions that the library of the other end understands.
TEST_F(DirectoryClientTest, BothEndsLearnTheDialectOfTheOther) {
  world_.Run([&] {
    world_.Start();
    InterfaceDescription of_server = Interface("clock");
    of_server.dialect = {1, 2, 0x8000000000000001};
    InterfaceDescription of_client = Interface("clock");
    of_client.dialect = {2, 5, 6};
    const auto server = NewClient(kSelf);
    Greeter greeter;
    const auto offer = server->Advertise(world_.loop(), of_server, &greeter);
    world_.Settle();
    const auto client = NewClient(kAlice);
    End end;
    const auto opening = client->Open(world_.loop(), of_client, false, &end);
    world_.Settle();
    EXPECT_EQ(greeter.dialect.lowest, 2u);
    EXPECT_EQ(greeter.dialect.highest, 5u);
    EXPECT_EQ(greeter.dialect.capabilities, 6u);
    EXPECT_EQ(end.introduced.dialect.lowest, 1u);
    EXPECT_EQ(end.introduced.dialect.highest, 2u);
    EXPECT_EQ(end.introduced.dialect.capabilities, 0x8000000000000001u);
    of_client.dialect = {3, 5, 0};
    EXPECT_EQ(Refusal(of_client, true).code(),
              absl::StatusCode::kUnimplemented);
    of_client.dialect = {3, 2, 0};
    EXPECT_EQ(Refusal(of_client, true).code(),
              absl::StatusCode::kInvalidArgument);
  });
}

// The client is in another namespace than the directory. In the client's
// namespace, its user has another number than the directory reports.
TEST_F(DirectoryClientTest, NumbersOfAnotherNamespaceAreOfNoUse) {
  world_.Run([&] {
    world_.Start();
    const auto server = NewClient(kSelf);
    Greeter greeter;
    const auto offer =
        server->Advertise(world_.loop(), Interface("clock"), &greeter);
    world_.Settle();
    const auto client = NewClient(kAlice);
    End end;
    const auto opening =
        client->Open(world_.loop(), Interface("clock"), false, &end);
    world_.ProcessOf(kAlice)->SetUser(0);  // in the client's namespace
    world_.Settle();
    ASSERT_NE(end.session, nullptr);
    EXPECT_FALSE(end.introduced.server.has_value());
  });
}

TEST_F(DirectoryClientTest, RefusesAnOpeningThatDoesNotWaitWithAReason) {
  world_.Run([&] {
    const absl::Status none = Refusal(Interface("clock"), false);
    EXPECT_EQ(none.code(), absl::StatusCode::kUnavailable) << none;
    world_.Start();
    const absl::Status not_offered = Refusal(Interface("clock"), false);
    EXPECT_EQ(not_offered.code(), absl::StatusCode::kNotFound) << not_offered;
    ASSERT_TRUE(world_.server()->Load("", "file").ok());
    const absl::Status not_bound = Refusal(Interface("clock"), false);
    EXPECT_EQ(not_bound.code(), absl::StatusCode::kPermissionDenied)
        << not_bound;
  });
}

TEST_F(DirectoryClientTest, RefusesAlsoAnOpeningThatWaits) {
  world_.Run([&] {
    DirectoryServer::Options options;
    options.limits.waiting_clients = 1;
    world_.Start(options);
    const auto server = NewClient(kSelf);
    Greeter greeter;
    const auto offer =
        server->Advertise(world_.loop(), Interface("clock"), &greeter);
    world_.Settle();
    for (bool wait : {false, true}) {
      EXPECT_EQ(Refusal(Interface("clock", "other"), wait).code(),
                absl::StatusCode::kFailedPrecondition);
      EXPECT_EQ(Refusal(Interface("clock", "p", 11), wait).code(),
                absl::StatusCode::kFailedPrecondition);
      EXPECT_EQ(Refusal(Interface("two words"), wait).code(),
                absl::StatusCode::kInvalidArgument);
    }
    const auto client = NewClient(kAlice);
    End end;
    const auto waiting =
        client->Open(world_.loop(), Interface("nobody's"), true, &end);
    world_.Settle();
    const absl::Status limit = Refusal(Interface("nobody's"), true);
    EXPECT_EQ(limit.code(), absl::StatusCode::kResourceExhausted);
    EXPECT_THAT(std::string(limit.message()), HasSubstr("user 1001"));
    EXPECT_EQ(end.calls, 0);
  });
}

TEST_F(DirectoryClientTest, WaitsForBindingAndServiceWithoutPolling) {
  world_.Run([&] {
    world_.Start();
    ASSERT_TRUE(world_.server()->Load("", "file").ok());
    WatchedTransport transport(&world_, kAlice);
    DirectoryClient client(world_.ProcessOf(kAlice), &transport,
                           std::string(SmallWorld::kAddress));
    End end;
    const auto opening =
        client.Open(world_.loop(), Interface("clock"), true, &end);
    world_.Advance(absl::Hours(1));
    ASSERT_TRUE(world_.server()->Load("<1001>.* -> <500>.*", "file").ok());
    world_.Advance(absl::Hours(1));
    EXPECT_EQ(end.calls, 0);
    EXPECT_EQ(transport.tries.size(), 1u);
    const auto server = NewClient(kSelf);
    Greeter greeter;
    const auto offer =
        server->Advertise(world_.loop(), Interface("clock"), &greeter);
    world_.Settle();
    EXPECT_NE(end.session, nullptr);
  });
}

TEST_F(DirectoryClientTest, TriesLessAndLessOftenForADirectory) {
  world_.Run([&] {
    WatchedTransport transport(&world_, kAlice);
    DirectoryClient client(world_.ProcessOf(kAlice), &transport,
                           std::string(SmallWorld::kAddress));
    End end;
    const auto opening =
        client.Open(world_.loop(), Interface("clock"), true, &end);
    world_.Advance(absl::Minutes(1));
    EXPECT_EQ(end.calls, 0);
    ASSERT_GE(transport.tries.size(), 60u);
    for (size_t i = 1; i < transport.tries.size(); ++i) {
      const absl::Duration wait = transport.tries[i] - transport.tries[i - 1];
      EXPECT_GE(wait, Whole(static_cast<int>(i) - 1) / 2) << i;
      EXPECT_LE(wait, Whole(static_cast<int>(i) - 1)) << i;
    }
  });
}

TEST_F(DirectoryClientTest, AFullBacklogIsRetriedOften) {
  world_.Run([&] {
    world_.Start();
    WatchedTransport transport(&world_, kAlice);
    DirectoryClient client(world_.ProcessOf(kAlice), &transport,
                           std::string(SmallWorld::kAddress));
    transport.line_is_full_for = 20;
    End waits;
    const auto waiting =
        client.Open(world_.loop(), Interface("clock"), true, &waits);
    world_.Advance(absl::Seconds(2));
    EXPECT_EQ(transport.line_is_full_for, 0);
    EXPECT_EQ(world_.server()->registry().waiting().size(), 1u);

    transport.line_is_full_for = 10;
    End gets_in;
    const auto late =
        client.Open(world_.loop(), Interface("clock"), false, &gets_in);
    world_.Advance(absl::Seconds(1));
    EXPECT_EQ(gets_in.refusal.code(), absl::StatusCode::kNotFound);

    transport.line_is_full_for = 1000;
    End gives_up;
    const auto never =
        client.Open(world_.loop(), Interface("clock"), false, &gives_up);
    world_.Advance(absl::Seconds(4));
    EXPECT_EQ(gives_up.calls, 0);
    world_.Advance(absl::Seconds(2));
    EXPECT_EQ(gives_up.refusal.code(), absl::StatusCode::kAborted);
    EXPECT_EQ(gives_up.calls, 1);

    // An offer also retries quickly while the backlog is full.
    transport.line_is_full_for = 20;
    WatchedTransport own(&world_, kSelf);
    own.line_is_full_for = 8;
    DirectoryClient server(world_.ProcessOf(kSelf), &own,
                           std::string(SmallWorld::kAddress));
    Greeter greeter;
    const auto offer =
        server.Advertise(world_.loop(), Interface("clock"), &greeter);
    world_.Advance(absl::Milliseconds(300));
    EXPECT_NE(waits.session, nullptr);
  });
}

TEST_F(DirectoryClientTest, WaitingOutlivesTheDirectory) {
  world_.Run([&] {
    world_.Start();
    const auto client = NewClient(kAlice);
    End end;
    const auto opening =
        client->Open(world_.loop(), Interface("clock"), true, &end);
    for (int i = 0; i < 3; ++i) {
      world_.Settle();
      EXPECT_EQ(world_.server()->registry().waiting().size(), 1u);
      world_.Stop();
      world_.Advance(absl::Seconds(30));
      world_.Start();
      world_.Advance(absl::Seconds(1));
      EXPECT_EQ(world_.server()->registry().waiting().size(), 1u);
    }
    EXPECT_EQ(end.calls, 0);
    const auto server = NewClient(kSelf);
    Greeter greeter;
    const auto offer =
        server->Advertise(world_.loop(), Interface("clock"), &greeter);
    world_.Settle();
    EXPECT_NE(end.session, nullptr);
  });
}

TEST_F(DirectoryClientTest, GivingUpLeavesNothingBehind) {
  world_.Run([&] {
    world_.Start();
    const auto client = NewClient(kAlice);
    End end;
    auto opening = client->Open(world_.loop(), Interface("clock"), true, &end);
    world_.Settle();
    EXPECT_EQ(world_.server()->registry().waiting().size(), 1u);
    opening.reset();
    world_.Settle();
    EXPECT_TRUE(world_.server()->registry().waiting().empty());
    EXPECT_EQ(end.calls, 0);
  });
}

TEST_F(DirectoryClientTest, TriesThreeTimesAServerThatDropsItsClients) {
  world_.Run([&] {
    world_.Start();
    Speaker service(&world_, kSelf);
    service.Say(AdvertiseMessage(Interface("clock")));
    EXPECT_EQ(service.Hear(), "OFFERED: ");
    const auto client = NewClient(kAlice);
    End end;
    const auto opening =
        client->Open(world_.loop(), Interface("clock"), false, &end);
    world_.Settle();
    for (int i = 0; i < 3; ++i) {
      EXPECT_EQ(end.calls, 0) << i;
      ASSERT_EQ(service.Hear(), "client") << i;
      service.client().reset();
      world_.Advance(absl::Seconds(1));
    }
    EXPECT_EQ(service.Hear(), "nothing");
    EXPECT_EQ(end.calls, 1);
    EXPECT_EQ(end.refusal.code(), absl::StatusCode::kUnavailable);
  });
}

TEST_F(DirectoryClientTest, TreatsGarbageLikeABrokenConnection) {
  for (const uint8_t type : {kControlFrame, kIntroductionFrame, uint8_t{200}}) {
    for (const std::string& answer :
         {std::string("\xff\xff"), std::string(kMaxControlBytes + 1, 'x')}) {
      SmallWorld world;
      world.Run([&] {
        FalseDirectory directory(&world, answer, type);
        DirectoryClient client(world.ProcessOf(kAlice),
                               world.TransportOf(kAlice),
                               std::string(SmallWorld::kAddress));
        End end;
        auto opening =
            client.Open(world.loop(), Interface("clock"), false, &end);
        world.Advance(absl::Seconds(1));
        EXPECT_EQ(directory.asked(), 3);
        EXPECT_EQ(end.calls, 1);
        EXPECT_EQ(end.refusal.code(), absl::StatusCode::kUnavailable);

        // An opening that waits retries without end, with back-off.
        End waiting_end;
        opening =
            client.Open(world.loop(), Interface("clock"), true, &waiting_end);
        world.Advance(absl::Minutes(1));
        EXPECT_EQ(waiting_end.calls, 0);
        EXPECT_GE(directory.asked(), 60);
        EXPECT_LE(directory.asked(), 140);
      });
    }
  }
}

TEST_F(DirectoryClientTest, IgnoresUnknownMessagesOfALaterDirectory) {
  world_.Run([&] {
    proto::FromDirectory later;
    later.mutable_event()->set_text("something new");
    FalseDirectory directory(&world_, later.SerializeAsString(), kControlFrame);
    const auto client = NewClient(kAlice);
    End end;
    const auto opening =
        client->Open(world_.loop(), Interface("clock", "p", 12), true, &end);
    world_.Advance(absl::Minutes(1));
    EXPECT_EQ(directory.asked(), 1);
    EXPECT_EQ(end.calls, 0);
    const proto::ToDirectory heard = directory.Heard();
    EXPECT_EQ(heard.version(), kControlVersion);
    EXPECT_TRUE(heard.open().wait());
    EXPECT_EQ(heard.open().client().interface_name(), "clock");
    EXPECT_EQ(heard.open().client().protocol_id(), "p");
    EXPECT_EQ(heard.open().client().max_message_size(), 12u);
  });
}

// ---- Offers ----------------------------------------------------------------

TEST_F(DirectoryClientTest, AnOfferComesBackWithTheDirectory) {
  world_.Run([&] {
    const auto server = NewClient(kSelf);
    Greeter greeter;
    auto offer = server->Advertise(world_.loop(), Interface("clock"), &greeter);
    world_.Advance(absl::Seconds(30));
    for (int i = 0; i < 3; ++i) {
      world_.Start();
      world_.Advance(absl::Seconds(1));
      ASSERT_EQ(world_.server()->registry().servers().size(), 1u);
      world_.Stop();
      // The directory had answered, so the back-off was reset, and the service
      // is offered again at once.
      world_.Start();
      world_.Advance(absl::Milliseconds(10));
      ASSERT_EQ(world_.server()->registry().servers().size(), 1u);
      world_.Stop();
      world_.Advance(absl::Seconds(30));
    }
    world_.Start();
    offer.reset();
    world_.Advance(absl::Seconds(2));
    EXPECT_TRUE(world_.server()->registry().servers().empty());
  });
}

TEST_F(DirectoryClientTest, AnOfferMayEndInItsObserversCall) {
  world_.Run([&] {
    world_.Start();
    const auto server = NewClient(kSelf);
    Greeter greeter;
    greeter.ends_with_the_first = true;
    const auto client = NewClient(kAlice);
    End ends[2];
    std::vector<std::unique_ptr<Opening>> openings;
    for (End& end : ends) {
      openings.push_back(
          client->Open(world_.loop(), Interface("clock"), true, &end));
    }
    world_.Settle();
    // The directory introduces both clients at once.
    greeter.offer =
        server->Advertise(world_.loop(), Interface("clock"), &greeter);
    world_.Settle();
    EXPECT_EQ(greeter.clients.size(), 1u);
    EXPECT_EQ(ends[0].calls, 1);
    EXPECT_TRUE(world_.server()->registry().servers().empty());
    // The other client waits for the next server.
    world_.Advance(absl::Seconds(1));
    EXPECT_EQ(ends[1].calls, 0);
    EXPECT_EQ(world_.server()->registry().waiting().size(), 1u);
    greeter.offer =
        server->Advertise(world_.loop(), Interface("clock"), &greeter);
    world_.Settle();
    EXPECT_NE(ends[1].session, nullptr);
  });
}

TEST_F(DirectoryClientTest, AnOfferStandsByAndTakesOver) {
  world_.Run([&] {
    world_.Start();
    const auto server = NewClient(kSelf);
    Greeter first, second;
    auto offer = server->Advertise(world_.loop(), Interface("clock"), &first);
    world_.Settle();
    const auto other =
        server->Advertise(world_.loop(), Interface("clock"), &second);
    world_.Settle();
    const auto client = NewClient(kAlice);
    End ends[2];
    const auto opening =
        client->Open(world_.loop(), Interface("clock"), false, &ends[0]);
    world_.Settle();
    EXPECT_EQ(first.clients.size(), 1u);
    offer.reset();
    world_.Settle();
    const auto later =
        client->Open(world_.loop(), Interface("clock"), false, &ends[1]);
    world_.Settle();
    EXPECT_EQ(second.clients.size(), 1u);
    EXPECT_NE(ends[1].session, nullptr);
  });
}

TEST_F(DirectoryClientTest, ARefusedOfferIsRetriedUntilItIsAccepted) {
  world_.Run([&] {
    DirectoryServer::Options options;
    options.limits.services = 1;
    world_.Start(options);
    const auto server = NewClient(kSelf);
    Greeter greeter;
    auto first = server->Advertise(world_.loop(), Interface("a"), &greeter);
    world_.Settle();
    const auto second =
        server->Advertise(world_.loop(), Interface("b"), &greeter);
    world_.Advance(absl::Minutes(1));
    first.reset();
    world_.Advance(absl::Seconds(1));
    ASSERT_EQ(world_.server()->registry().servers().size(), 1u);
    EXPECT_EQ(world_.server()->registry().servers().begin()->second.key.name,
              "b");
  });
}

TEST_F(DirectoryClientTest, AnOfferSurvivesGarbageAndIntroductionsOfNobody) {
  struct {
    uint8_t type;
    const char* bytes;
    bool is_garbage;
  } const cases[] = {{kControlFrame, "\xff\xff", true},
                     {kIntroductionFrame, "\xff\xff", true},
                     {kIntroductionFrame, "", false},
                     {uint8_t{255}, "\xff\xff", false},  // of a later release
                     {uint8_t{1}, "\xff\xff", true}};
  for (const auto& said : cases) {
    SmallWorld world;
    world.Run([&] {
      DirectoryClient server(world.ProcessOf(kSelf), world.TransportOf(kSelf),
                             std::string(SmallWorld::kAddress));
      Greeter greeter;
      std::unique_ptr<Offer> offer;
      {
        FalseDirectory directory(&world, said.bytes, said.type);
        offer = server.Advertise(world.loop(), Interface("clock"), &greeter);
        world.Advance(absl::Minutes(1));
        if (!said.is_garbage) {
          EXPECT_EQ(directory.asked(), 1);
        } else {
          EXPECT_GE(directory.asked(), 60);
          EXPECT_LE(directory.asked(), 140);
        }
      }
      EXPECT_TRUE(greeter.clients.empty());
      world.Start();
      world.Advance(absl::Seconds(1));
      EXPECT_EQ(world.server()->registry().servers().size(), 1u);
    });
  }
}

std::vector<std::string>* g_log = nullptr;

// A process advertises a service and then changes its user. After a restart of
// the directory, the service belongs to the new user.
TEST_F(DirectoryClientTest, WarnsOfAServiceThatNowBelongsToAnotherUser) {
  std::vector<std::string> log;
  g_log = &log;
  const event::LogSink former =
      event::SetLogSink([](event::LogLevel level, absl::string_view text) {
        if (level == event::LogLevel::kWarning) {
          g_log->push_back(std::string(text));
        }
      });
  world_.Run([&] {
    world_.Start();
    const auto server = NewClient(kSelf);
    Greeter greeter;
    const auto offer =
        server->Advertise(world_.loop(), Interface("clock"), &greeter);
    const auto restart = [&] {
      world_.Stop();
      world_.Settle();
      log.clear();
      world_.Start();
      world_.Advance(absl::Seconds(2));
      EXPECT_GE(world_.server()->registry().servers().size(), 1u);
    };
    const auto warned =
        AllOf(HasSubstr("'clock'"), HasSubstr("it was <500>.clock"),
              HasSubstr("is now <1001>.clock"));
    restart();
    EXPECT_THAT(log, Not(Contains(warned)));
    world_.ProcessOf(kSelf)->SetUser(kAlice);
    restart();
    EXPECT_THAT(log, Contains(warned));
    restart();
    EXPECT_THAT(log, Not(Contains(warned))) << "the user has not changed again";
    // A server that drops its rights before a directory runs.
    world_.ProcessOf(kSelf)->SetUser(kSelf);
    world_.Stop();
    const auto early =
        server->Advertise(world_.loop(), Interface("early"), &greeter);
    world_.ProcessOf(kSelf)->SetUser(kAlice);
    restart();
    EXPECT_THAT(log, Contains(AllOf(HasSubstr("it was <500>.early"),
                                    HasSubstr("is now <1001>.early"))));
  });
  event::SetLogSink(former);
}

// ---- Which directory -------------------------------------------------------

class DirectoryTrustTest : public ::testing::Test {
 protected:
  static constexpr char kFolder[] = "/run/user/1001/le_messaging";

  absl::Status Connect() {
    DirectoryClient client(world_.ProcessOf(kAlice),
                           world_.TransportOf(kAlice));
    return client.Connect().status();
  }
  void StartAs(uid_t uid) {
    world_.Stop();
    world_.Start({}, uid, absl::StrCat(kFolder, "/directory"));
  }
  void SetEnv(const std::string& name, const std::string& value) {
    world_.ProcessOf(kAlice)->SetEnv(name, value);
  }

  const NoSystemFolder no_system_folder_;
  SmallWorld world_;
};

constexpr char DirectoryTrustTest::kFolder[];

TEST_F(DirectoryTrustTest, TrustsRootAndOneselfButNoOther) {
  world_.Run([&] {
    EXPECT_THAT(std::string(Connect().message()),
                HasSubstr("LE_MESSAGING_DIR"));  // there is no place
    SetEnv("XDG_RUNTIME_DIR", "/run/user/1001");
    EXPECT_EQ(Connect().code(), absl::StatusCode::kUnavailable);
    StartAs(0);
    EXPECT_TRUE(Connect().ok()) << Connect();
    StartAs(kAlice);
    EXPECT_TRUE(Connect().ok()) << Connect();
    StartAs(kMallory);
    EXPECT_EQ(Connect().code(), absl::StatusCode::kUnauthenticated);
    EXPECT_THAT(std::string(Connect().message()),
                AllOf(HasSubstr(kFolder), HasSubstr("user 666"),
                      HasSubstr("not trusted"), HasSubstr("LE_MESSAGING_DIR")));
  });
}

// In a user namespace all unmapped users have the same number. It may be the
// number of root, or that of the process's own user.
TEST_F(DirectoryTrustTest, TrustsNoUnmappedUser) {
  world_.Run([&] {
    SetEnv("XDG_RUNTIME_DIR", "/run/user/1001");
    for (uid_t unmapped : {uid_t{0}, kAlice}) {
      StartAs(unmapped);
      EXPECT_TRUE(Connect().ok()) << Connect();
      world_.ProcessOf(kAlice)->SetOverflowUser(unmapped);
      EXPECT_EQ(Connect().code(), absl::StatusCode::kUnauthenticated);
      EXPECT_THAT(std::string(Connect().message()),
                  HasSubstr("does not map and is not trusted"));
    }
    SetEnv("LE_MESSAGING_DIR", kFolder);
    EXPECT_TRUE(Connect().ok()) << Connect();
  });
}

TEST_F(DirectoryTrustTest, TrustsEachDirectoryInANamedFolder) {
  world_.Run([&] {
    SetEnv("LE_MESSAGING_DIR", kFolder);
    StartAs(kMallory);
    EXPECT_TRUE(Connect().ok()) << Connect();
  });
}

TEST_F(DirectoryTrustTest, KeepsTheKindOfPlaceOfItsFirstDirectory) {
  world_.Run([&] {
    SetEnv("XDG_RUNTIME_DIR", "/run/user/1001");
    DirectoryClient client(world_.ProcessOf(kAlice),
                           world_.TransportOf(kAlice));
    // The directory is not trusted, so the kind of its place is not kept.
    StartAs(kMallory);
    EXPECT_FALSE(client.Connect().ok());
    SetEnv("LE_MESSAGING_DIR", "/elsewhere");
    EXPECT_FALSE(client.Connect().ok());
    SetEnv("LE_MESSAGING_DIR", "");
    StartAs(kAlice);
    EXPECT_TRUE(client.Connect().ok());
  });
}

// A process has used a directory in the system's folder. Then the folder
// disappears, and a directory appears in the user's folder. The process waits
// for the system's folder. The test has a /run of its own.
TEST(DirectoryPlaceTest, WaitsForTheSystemsFolderThatItHasUsed) {
#ifdef LE_TSAN
  GTEST_SKIP() << "the child's simulation has threads, which tsan forbids";
#endif
  constexpr int kNotPermitted = 100;
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    if (!EnterEmptyRun()) _exit(kNotPermitted);
    if (mkdir("/run/le_messaging", 0755) != 0) _exit(kNotPermitted);
    int error = 0;
    {  // _exit() runs no destructor
      SmallWorld world;
      world.Run([&] {
        world.Start({}, 0, "/run/le_messaging/directory");
        world.ProcessOf(kAlice)->SetEnv("XDG_RUNTIME_DIR", "/run/user/1001");
        DirectoryClient client(world.ProcessOf(kAlice),
                               world.TransportOf(kAlice));
        if (!client.Connect().ok()) error = 1;
        rmdir("/run/le_messaging");
        world.Stop();
        world.Start({}, kAlice, "/run/user/1001/le_messaging/directory");
        if (client.Connect().ok()) error = 2;
        world.Stop();
        world.Start({}, 0, "/run/le_messaging/directory");
        if (!client.Connect().ok()) error = 3;
      });
    }
    _exit(error);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFEXITED(status));
  if (WEXITSTATUS(status) == kNotPermitted) {
    GTEST_SKIP() << "no mount of our own is permitted here";
  }
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

TEST_F(DirectoryTrustTest, TellsNothingToOneThatIsNotTrusted) {
  world_.Run([&] {
    SetEnv("XDG_RUNTIME_DIR", "/run/user/1001");
    StartAs(kMallory);
    DirectoryClient client(world_.ProcessOf(kAlice),
                           world_.TransportOf(kAlice));
    End refused, waiting;
    const auto opening =
        client.Open(world_.loop(), Interface("clock"), false, &refused);
    const auto patient =
        client.Open(world_.loop(), Interface("clock"), true, &waiting);
    Greeter greeter;
    const auto offer =
        client.Advertise(world_.loop(), Interface("clock"), &greeter);
    world_.Advance(absl::Seconds(10));
    EXPECT_EQ(refused.refusal.code(), absl::StatusCode::kUnauthenticated);
    EXPECT_THAT(std::string(refused.refusal.message()),
                HasSubstr("set LE_MESSAGING_DIR for all programs"));
    EXPECT_EQ(waiting.calls, 0);
    EXPECT_TRUE(world_.server()->registry().waiting().empty());
    EXPECT_TRUE(world_.server()->registry().servers().empty());
    // Each try looks up the place.
    StartAs(0);
    world_.Advance(absl::Seconds(1));
    EXPECT_EQ(world_.server()->registry().waiting().size(), 1u);
    EXPECT_EQ(world_.server()->registry().servers().size(), 1u);
  });
}

}  // namespace
}  // namespace directory
}  // namespace le
