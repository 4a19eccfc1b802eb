// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// Tests of a server's session: the resources that are charged to a client of
// another user, the limits of its sessions, and inspections.

#include "messaging/session/server_session.h"

#include <fcntl.h>
#include <sys/resource.h>

#include <algorithm>
#include <cstdlib>
#include <functional>
#include <memory>
#include <new>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "directory/inspection_frame.h"
#include "event/base/log.h"
#include "event/process.h"
#include "event/testing/sim.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "messaging/machine/wire.h"
#include "messaging/message/message.h"
#include "messaging/session/fake_connection.h"
#include "messaging/session/runtime.h"
#include "messaging/session/service.h"

namespace {
bool g_no_memory_for_messages = false;
}  // namespace

// Only messages use this form: they are aligned to a cache line.
void* operator new(size_t size, std::align_val_t alignment) {
  if (g_no_memory_for_messages) throw std::bad_alloc();
  void* const block = std::aligned_alloc(static_cast<size_t>(alignment), size);
  if (block == nullptr) throw std::bad_alloc();
  return block;
}
void operator delete(void* block, std::align_val_t) noexcept {
  std::free(block);
}
void operator delete(void* block, size_t, std::align_val_t) noexcept {
  std::free(block);
}

namespace le {
namespace messaging {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using transports::IncomingFrame;
using transports::IoResult;

constexpr uid_t kOwner = 1000;
constexpr uint8_t kIgnorableFrame = 48;
constexpr size_t kMessageBytes = 8;

using Client = FarEnd;

class FakeIntroducer final : public directory::Introducer {
 public:
  std::unique_ptr<directory::Opening> Open(
      event::Loop*, const directory::InterfaceDescription&, bool,
      directory::Opening::Observer*) override {
    return nullptr;
  }
  std::unique_ptr<directory::Offer> Advertise(
      event::Loop*, const directory::InterfaceDescription&,
      directory::Offer::Observer* observer) override {
    observer_ = observer;
    return nullptr;
  }
  directory::Offer::Observer* observer_ = nullptr;
};

class KeepingHandler final : public ServiceHandler {
 public:
  void OnOpen(ServerSession* session) override {
    newest = session;
    user = event::Ref<ServiceUser>::Share(session->user());
  }
  void OnMessage(ServerSession*, event::Ref<Message> message) override {
    messages.push_back(std::move(message));
    if (takes == absl::ZeroDuration()) return;
    event::Process* const process = event::Process::Current();
    process->CreateParker()->Park(process->Now() + takes);
  }
  void OnClose(ServerSession* session) override {
    ++closes;
    reason = session->close_reason();
  }
  void OnRoom(ServerSession*) override {}
  bool WantsCloses() const override { return false; }

  ServerSession* newest = nullptr;
  event::Ref<ServiceUser> user;  // of the last session
  std::vector<event::Ref<Message>> messages;
  absl::Duration takes;  // how long OnMessage() takes
  int closes = 0;
  CloseReason reason = CloseReason::kNone;  // of the last close
};

std::vector<std::string>* g_log = nullptr;

class ServerSessionTest : public ::testing::Test {
 protected:
  ServerSessionTest() {
    g_log = &log_;
    event::SetLogSink([](event::LogLevel, absl::string_view line) {
      g_log->emplace_back(line);
    });
  }
  ~ServerSessionTest() override { event::SetLogSink(nullptr); }
  // Runs `body` on the thread of a service that has limits for its users.
  void Run(std::function<void()> body) {
    event::SimProcess* const process =
        sim_.AddProcess("server", {0, kOwner, kOwner});
    Runtime::Parts parts;
    parts.introducer = introducer_;
    Runtime::Install(process, std::move(parts));
    sim_.Spawn(process, "main", [&] {
      Service* const service = NewService("s", &handler_);
      service_ = service;
      ServiceLimits limits;
      limits.user.descriptors = 2;
      service->SetLimits(limits);
      body();
      handler_->messages.clear();
      handler_->user = {};
      service->Delete();
      Turns();
    });
    EXPECT_EQ(static_cast<int>(sim_.Run()),
              static_cast<int>(event::Simulation::Outcome::kEnded))
        << sim_.Report();
  }
  // Open() opens sessions of the newest service.
  Service* NewService(const char* name, KeepingHandler** handler,
                      size_t message_bytes = kMessageBytes) {
    Runtime* const runtime = Runtime::Current();
    auto handles = std::make_unique<KeepingHandler>();
    *handler = handles.get();
    auto* const service =
        new Service(runtime, {name, *runtime->GetProtocol(name, message_bytes)},
                    introducer_.get(), std::move(handles));
    service->Advertise();
    return service;
  }
  // Opens a session. `same_turn` is called before the loop's next turn.
  void Open(
      Client* client, const std::function<void()>& same_turn = [] {}) {
    introducer_->observer_->OnClient(std::make_unique<FakeConnection>(client),
                                     transports::Dialect());
    same_turn();
    Turns(absl::Milliseconds(40));  // a full service tries for 30 ms
  }
  void Leave(Client* client) {
    client->gone = true;
    client->observer->OnReadable();
    Turns();
  }
  // Queues a frame, by default with a file descriptor, for the session.
  static void Send(Client* client, uint8_t type, bool with_descriptor = true) {
    IncomingFrame frame;
    frame.type = type;
    frame.id = PlainType(type) == kRequestFrame ? 7 : 0;
    if (with_descriptor) frame.descriptor.reset(fcntl(0, F_DUPFD_CLOEXEC, 3));
    client->frames.push_back(std::move(frame));
  }
  // Queues more bytes for the client than may be gathered, and releases one of
  // its requests.
  void OweTooMuch(Client* client) {
    client->on_send = [](const transports::OutgoingFrame& frame) {
      return frame.room == transports::Room::kGathered ? IoResult::kWouldBlock
                                                       : IoResult::kOk;
    };
    client->queued_bytes = 2 * kDefaultGatheredBytes;
    Send(client, kRequestFrame, /*with_descriptor=*/false);
    client->observer->OnReadable();
    handler_->messages.clear();
    Turns();
    EXPECT_EQ(handler_->closes, 0);
  }
  // Runs the loop for `time`. Other threads run during this time.
  static void Turns(absl::Duration time = absl::Milliseconds(10)) {
    event::Loop* const loop = event::Thread::Current()->loop();
    const event::Instant end = loop->Now() + time;
    while (loop->Now() < end) loop->RunTurn(end);
  }

  event::Simulation sim_{1};
  const std::shared_ptr<FakeIntroducer> introducer_ =
      std::make_shared<FakeIntroducer>();
  KeepingHandler* handler_ = nullptr;
  Service* service_ = nullptr;
  std::vector<std::string> log_;
};

// The next session of the snapshot ends between two parts.
TEST_F(ServerSessionTest, ASnapshotIsSentOnePartATurn) {
  Run([this] {
    constexpr size_t kPart = Inspector::kSessionsOfAPart;
    std::vector<Client> clients(2 * kPart + 1);
    for (Client& client : clients) Open(&client);
    Send(&clients[0], kRequestFrame, /*with_descriptor=*/false);
    clients[0].observer->OnReadable();
    Client inspector;
    std::vector<inspection::proto::Snapshot> parts;
    inspector.on_send = [&](const transports::OutgoingFrame& frame) {
      inspection::proto::Answer answer;
      EXPECT_TRUE(answer.ParseFromArray(
          frame.payload.data(), static_cast<int>(frame.payload.size())));
      parts.push_back(answer.snapshot());
      return IoResult::kOk;
    };
    introducer_->observer_->OnInspector(
        std::make_unique<FakeConnection>(&inspector));
    inspection::proto::Request request;
    request.mutable_snapshot();
    const std::string bytes = request.SerializeAsString();
    const auto pool = transports::BufferPool::Create(64);
    IncomingFrame frame;
    frame.type = inspection::kInspectionFrame;
    frame.payload = pool->Allocate();
    frame.payload.Assign(reinterpret_cast<const uint8_t*>(bytes.data()),
                         bytes.size());
    inspector.frames.push_back(std::move(frame));
    inspector.observer->OnReadable();
    event::Loop* const loop = event::Thread::Current()->loop();
    loop->RunTurn(absl::InfinitePast());
    ASSERT_EQ(parts.size(), 1u);
    EXPECT_EQ(parts[0].service().sessions(), clients.size());
    ASSERT_EQ(parts[0].sessions_size(), static_cast<int>(kPart));
    EXPECT_EQ(parts[0].sessions(0).number(), 2 * kPart + 1);
    EXPECT_FALSE(parts[0].last());
    clients[kPart].gone = true;
    clients[kPart].observer->OnReadable();
    loop->RunTurn(absl::InfinitePast());
    ASSERT_EQ(parts.size(), 2u);
    ASSERT_EQ(parts[1].sessions_size(), static_cast<int>(kPart));
    EXPECT_EQ(parts[1].sessions(0).number(), kPart);
    EXPECT_TRUE(parts[1].last());
    const auto& first = parts[1].sessions(static_cast<int>(kPart) - 1);
    EXPECT_EQ(first.number(), 1u);
    EXPECT_EQ(first.uid(), Client::kUser);
    EXPECT_EQ(first.counts().requests(), 1u);
    EXPECT_EQ(first.unanswered(), 1u);
    EXPECT_EQ(first.counts().messages_out(), 0u);
    inspector.gone = true;
    inspector.observer->OnReadable();
    for (Client& client : clients) {
      if (!client.gone) Leave(&client);
    }
  });
}

// With a second session, the time of the user is bounded, and so measured in
// another way.
TEST_F(ServerSessionTest, ASessionCountsTheTimeOfItsHandlers) {
  Run([this] {
    Client clients[2];
    ServerSession* sessions[2];
    for (int i = 0; i < 2; ++i) {
      Open(&clients[i]);
      sessions[i] = handler_->newest;
      for (const absl::Duration time : {absl::Seconds(2), absl::Seconds(1)}) {
        handler_->takes = time;
        Send(&clients[i], kMessageFrame, /*with_descriptor=*/false);
        clients[i].observer->OnReadable();
        Turns();
      }
      EXPECT_EQ(sessions[i]->counts().busy_ns, 3'000'000'000u) << i;
    }
    EXPECT_EQ(sessions[0]->counts().busy_ns, 3'000'000'000u);
    for (Client& client : clients) Leave(&client);
  });
}

// If the time before a fault were not counted, a client could use the loop and
// leave no trace.
TEST_F(ServerSessionTest, ASessionThatEndsForAFaultCountsItsTime) {
  Run([this] {
    Client client;
    Open(&client);
    handler_->takes = absl::Seconds(2);
    Send(&client, kMessageFrame, /*with_descriptor=*/false);
    Send(&client, kHelloFrame, /*with_descriptor=*/false);  // a fault here
    client.observer->OnReadable();
    Turns();
    EXPECT_EQ(handler_->closes, 1);
    inspection::proto::Snapshot snapshot;
    service_->Describe(&snapshot);
    EXPECT_EQ(snapshot.service().ended().messages_in(), 1u);
    EXPECT_EQ(snapshot.service().ended().busy_ns(), 2'000'000'000u);
  });
}

// The service ends while it is inspected.
TEST_F(ServerSessionTest, AnInspectionEndsWithItsService) {
  Run([this] {
    KeepingHandler* handler;
    Service* const other = NewService("other", &handler);
    Client inspector;
    introducer_->observer_->OnInspector(
        std::make_unique<FakeConnection>(&inspector));
    other->Delete();
    Turns();
  });
}

const char kHasAll[] =
    "service 's': user 4321 has 2 file descriptors in messages that were "
    "neither fetched nor released, and may have no more (maxFdsPerUser): ";

// The session has ended, but another thread has not closed its socket yet.
TEST_F(ServerSessionTest, ASessionIsCountedUntilItsSocketIsClosed) {
  Run([this] {
    const auto free_sessions = [] {
      ClientAccounts* const accounts =
          Runtime::Current()->client_accounts().get();
      int taken = 0;
      while (accounts->TakeSession(Client::kUser)) ++taken;
      for (int i = 0; i < taken; ++i) accounts->ReturnSession(Client::kUser);
      return taken;
    };
    const int before = free_sessions();
    Client client;
    client.closes_late = true;
    Open(&client);
    Leave(&client);
    EXPECT_EQ(handler_->closes, 1);
    EXPECT_EQ(free_sessions(), before - 1);
    client.held.reset();
    EXPECT_EQ(free_sessions(), before);
  });
}

// The frames of the directory may fill the queue of a connection that was
// passed on.
TEST_F(ServerSessionTest, TheHelloIsSentThoughTheQueueIsFull) {
  Run([this] {
    Client client;
    int hellos = 0;
    client.on_send = [&](const transports::OutgoingFrame& frame) {
      if (frame.room != transports::Room::kOwed) return IoResult::kWouldBlock;
      hellos += frame.type == kHelloFrame;
      return IoResult::kOk;
    };
    Open(&client);
    EXPECT_EQ(hellos, 1);
    Leave(&client);
  });
}

// The first session spends the user's share of the turn, so nothing is received
// from the second session. Until the next turn the loop does not watch the
// second session: otherwise the loop would report this session in each turn.
TEST_F(ServerSessionTest, TheSessionsOfAUserShareTheTimeOfATurn) {
  Run([this] {
    Client first, second;
    Open(&first);
    Open(&second);
    handler_->takes = absl::Milliseconds(1);
    Send(&first, kMessageFrame, /*with_descriptor=*/false);
    Send(&second, kMessageFrame, /*with_descriptor=*/false);
    first.observer->OnReadable();
    second.observer->OnReadable();
    EXPECT_EQ(handler_->messages.size(), 1u);
    EXPECT_EQ(second.frames.size(), 1u);
    EXPECT_TRUE(first.is_read);
    EXPECT_FALSE(second.is_read);
    Turns();
    EXPECT_TRUE(second.frames.empty());
    EXPECT_TRUE(second.is_read);
    Leave(&first);
    Leave(&second);
  });
}

// The number of sessions in a turn is limited even if they take no time.
// Otherwise their events would fill the next turn.
TEST_F(ServerSessionTest, ATurnServesALimitedNumberOfAUsersSessions) {
  Run([this] {
    std::vector<Client> clients(2 * TurnShare::kSessions + 1);
    for (Client& client : clients) {
      Open(&client);
      Send(&client, kMessageFrame, /*with_descriptor=*/false);
    }
    const auto served = [&] {
      return std::count_if(clients.begin(), clients.end(), [](Client& client) {
        return client.frames.empty();
      });
    };
    const auto watched = [&] {
      return std::count_if(clients.begin(), clients.end(),
                           [](Client& client) { return client.is_read; });
    };
    for (Client& client : clients) client.observer->OnReadable();
    EXPECT_EQ(served(), TurnShare::kSessions);
    EXPECT_EQ(watched(), TurnShare::kSessions);
    event::Loop* const loop = event::Thread::Current()->loop();
    // In the turn after an addition to the queue, no session of the queue
    // receives: further sessions of the user may have input.
    loop->RunTurn(absl::InfinitePast());
    EXPECT_EQ(served(), TurnShare::kSessions);
    // Each session is read twice: the second read finds nothing.
    loop->RunTurn(absl::InfinitePast());
    EXPECT_EQ(watched(), TurnShare::kSessions);
    loop->RunTurn(absl::InfinitePast());
    EXPECT_EQ(watched(), 2 * TurnShare::kSessions);
    Turns();
    EXPECT_EQ(watched(), 2 * TurnShare::kSessions + 1);
    EXPECT_EQ(served(), watched());
    for (Client& client : clients) Leave(&client);
  });
}

TEST_F(ServerSessionTest, TheSessionsOfAUserTakeTurns) {
  Run([this] {
    constexpr int kClients = 4;
    std::vector<Client> clients(kClients);
    for (Client& client : clients) {
      Open(&client);
      for (int i = 0; i < 64; ++i) {
        Send(&client, kMessageFrame, /*with_descriptor=*/false);
      }
    }
    handler_->takes = absl::Milliseconds(1);
    for (Client& client : clients) client.observer->OnReadable();
    size_t before = 0;
    while (!clients[1].frames.empty()) {
      event::Thread::Current()->loop()->RunTurn(absl::InfinitePast());
      size_t least = 64, most = 0;
      for (int i = 1; i < kClients; ++i) {
        least = std::min(least, clients[i].frames.size());
        most = std::max(most, clients[i].frames.size());
      }
      EXPECT_LE(most - least, 2u);  // the frames of one session in a turn
      const size_t received = handler_->messages.size();
      EXPECT_LE(received - before, 2u);
      before = received;
    }
    handler_->takes = absl::ZeroDuration();
    Turns();
    for (Client& client : clients) Leave(&client);
  });
}

// The loop may report a waiting session again in each turn, for example because
// of a hang-up. Expected: the session still gets its turn.
TEST_F(ServerSessionTest, AWaitingSessionMayBeReportedAgain) {
  Run([this] {
    std::vector<Client> clients(2);
    for (Client& client : clients) {
      Open(&client);
      Send(&client, kMessageFrame, /*with_descriptor=*/false);
    }
    handler_->takes = absl::Milliseconds(1);
    for (Client& client : clients) client.observer->OnReadable();
    EXPECT_EQ(handler_->messages.size(), 1u);
    for (int i = 0; i < 4; ++i) {
      clients[1].observer->OnReadable();
      event::Thread::Current()->loop()->RunTurn(absl::InfinitePast());
    }
    EXPECT_EQ(handler_->messages.size(), 2u);
    for (Client& client : clients) Leave(&client);
  });
}

// A session ends while it waits for its turn: the client or the service closes
// it.
TEST_F(ServerSessionTest, ASessionMayEndBeforeItsTurn) {
  Run([this] {
    std::vector<Client> clients(4);
    for (Client& client : clients) Open(&client);
    ServerSession* const newest = handler_->newest;
    handler_->takes = absl::Milliseconds(1);
    for (Client& client : clients) {
      Send(&client, kMessageFrame, /*with_descriptor=*/false);
      client.observer->OnReadable();
    }
    EXPECT_EQ(handler_->messages.size(), 1u);
    clients[1].gone = true;
    clients[1].observer->OnHangUp();
    EXPECT_FALSE(clients[1].is_read);
    newest->Close(CloseReason::kByPeer);
    Turns();
    EXPECT_EQ(handler_->closes, 2);
    EXPECT_EQ(handler_->messages.size(), 3u);
    EXPECT_TRUE(clients[2].frames.empty());
    Leave(&clients[0]);
    Leave(&clients[2]);
    EXPECT_EQ(handler_->closes, 4);
  });
}

// The time of a session in a turn is limited even if its user has no limits.
// Otherwise a session with slow handlers would make each turn long.
TEST_F(ServerSessionTest, ASessionHasLimitedTimeInATurn) {
  Run([this] {
    Client client;
    client.user = kOwner;
    Open(&client);
    const auto send = [&] {
      for (int i = 0; i < 20; ++i) {
        Send(&client, kMessageFrame, /*with_descriptor=*/false);
      }
    };
    send();
    client.observer->OnReadable();
    EXPECT_TRUE(client.frames.empty()) << "fast handlers";
    send();
    handler_->takes = absl::Milliseconds(1);
    client.observer->OnReadable();
    EXPECT_EQ(client.frames.size(), 18u);
    while (!client.frames.empty()) client.observer->OnReadable();
    Leave(&client);
  });
}

TEST_F(ServerSessionTest, AUserAtItsLimitOfDescriptorsIsReceivedFromLater) {
  Run([this] {
    Client client;
    Open(&client);
    for (int i = 0; i < 3; ++i) Send(&client, kMessageFrame);
    client.observer->OnReadable();
    EXPECT_EQ(handler_->messages.size(), 2u);
    Turns();
    EXPECT_EQ(client.frames.size(), 1u);
    EXPECT_EQ(handler_->closes, 0);
    EXPECT_FALSE(client.is_read);
    EXPECT_THAT(log_, ElementsAre(absl::StrCat(
                          kHasAll, "nothing more is received from it")));
    // Nothing is received from a session that the user opens now, either.
    Client second;
    Open(&second);
    second.observer->OnReadable();
    EXPECT_FALSE(second.is_read);
    handler_->messages.pop_back();
    Turns();
    EXPECT_TRUE(client.is_read);
    client.observer->OnReadable();
    EXPECT_EQ(handler_->messages.size(), 2u);
    EXPECT_EQ(handler_->user->descriptors(), 2u);
    client.observer->OnReadable();
    EXPECT_EQ(log_.size(), 1u) << "once";
    handler_->messages.clear();
    Turns();
    for (int i = 0; i < 3; ++i) Send(&client, kMessageFrame);
    client.observer->OnReadable();
    EXPECT_EQ(log_.size(), 2u)
        << "logged again, because the user had none in between";
  });
}

// The program may release its file descriptors only after the close handler.
TEST_F(ServerSessionTest, AllMessagesOfAClosedClientAreReceived) {
  Run([this] {
    Client client;
    Open(&client);
    for (int i = 0; i < 3; ++i) Send(&client, kMessageFrame);
    Send(&client, kMessageFrame, /*with_descriptor=*/false);
    client.observer->OnReadable();
    EXPECT_EQ(handler_->messages.size(), 2u);
    client.gone = true;
    client.observer->OnHangUp();
    client.observer->OnReadable();
    Leave(&client);
    ASSERT_EQ(handler_->messages.size(), 4u);
    EXPECT_TRUE(handler_->messages[1]->has_received_descriptor());
    EXPECT_FALSE(handler_->messages[2]->has_received_descriptor());
    EXPECT_EQ(handler_->user->descriptors(), 2u);
    EXPECT_EQ(handler_->closes, 1);
    EXPECT_EQ(handler_->reason, CloseReason::kByPeer);
    ASSERT_EQ(log_.size(), 2u);
    EXPECT_EQ(log_[1], absl::StrCat(kHasAll,
                                    "a message of a client that has closed is "
                                    "delivered without its file descriptor"));
  });
}

// If a process may have 1,024 open files, a user may have 64 received file
// descriptors at all services of the process together.
TEST_F(ServerSessionTest, ADescriptorReturnedAtAnotherServiceIsWaitedFor) {
  struct rlimit before;
  getrlimit(RLIMIT_NOFILE, &before);
  const struct rlimit limit = {1024, before.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &limit), 0);
  Run([this] {
    Client client, other;
    Open(&client);
    KeepingHandler* other_handler = nullptr;
    Service* const other_service = NewService("t", &other_handler);
    Open(&other);
    for (int i = 0; i < 63; ++i) Send(&other, kMessageFrame);
    while (!other.frames.empty()) other.observer->OnReadable();
    EXPECT_EQ(other_handler->messages.size(), 63u);
    for (int i = 0; i < 2; ++i) Send(&client, kMessageFrame);
    client.observer->OnReadable();
    Turns();
    EXPECT_EQ(handler_->messages.size(), 1u);
    EXPECT_FALSE(client.is_read);
    EXPECT_THAT(log_, Contains(HasSubstr("(its part of RLIMIT_NOFILE")));
    other_handler->messages.clear();
    Turns();
    EXPECT_TRUE(client.is_read);
    other_handler->user = {};
    other_service->Delete();
  });
  setrlimit(RLIMIT_NOFILE, &before);
}

// A full service keeps clients for a while. Each occupies a file descriptor.
TEST_F(ServerSessionTest, AFullServiceKeepsSixteenClientsForAWhile) {
  Run([this] {
    Client first, others[17];
    int turned_away = 0;
    for (Client& client : others) {
      client.on_send = [&](const transports::OutgoingFrame& frame) {
        if (frame.type == kTurnedAwayFrame) ++turned_away;
        return transports::IoResult::kOk;
      };
    }
    ServiceLimits limits;
    limits.sessions = 1;
    service_->SetLimits(limits);
    Open(&first);
    for (int i = 0; i < 17; ++i) {
      EXPECT_EQ(turned_away, 0);
      introducer_->observer_->OnClient(
          std::make_unique<FakeConnection>(&others[i]), transports::Dialect());
    }
    EXPECT_EQ(turned_away, 1);
    Turns(absl::Milliseconds(40));
    EXPECT_EQ(turned_away, 17);
    Leave(&first);
  });
}

// A client may close its session and open another at once. The end of the first
// session may arrive in the same turn.
TEST_F(ServerSessionTest, AFullServiceReceivesEndsBeforeItTurnsAClientAway) {
  Run([this] {
    Client clients[3];
    std::vector<int> frames[3];
    for (int i = 0; i < 3; ++i) {
      clients[i].on_send = [&, i](const transports::OutgoingFrame& frame) {
        frames[i].push_back(frame.type);
        return transports::IoResult::kOk;
      };
    }
    ServiceLimits limits;
    limits.sessions = 1;
    service_->SetLimits(limits);
    Open(&clients[0]);
    EXPECT_THAT(frames[0], ElementsAre(kHelloFrame));
    Open(&clients[1], [&] { Leave(&clients[0]); });
    EXPECT_THAT(frames[1], ElementsAre(kHelloFrame));
    Open(&clients[2]);
    EXPECT_THAT(frames[2], ElementsAre(kTurnedAwayFrame));
    // If the service is hidden, a client that waits for a session loses its
    // connection. It then asks the directory again.
    frames[2].clear();
    Open(&clients[2], [&] { service_->Hide(); });
    EXPECT_THAT(frames[2], IsEmpty());
  });
}

TEST_F(ServerSessionTest, AnIgnoredFramesDescriptorCountsUntilItIsClosed) {
  Run([this] {
    Client client;
    Open(&client);
    Send(&client, kMessageFrame);
    Send(&client, kIgnorableFrame);
    Send(&client, kIgnorableFrame);
    client.observer->OnReadable();
    EXPECT_EQ(client.frames.size(), 1u);
    Turns();
    EXPECT_EQ(handler_->user->descriptors(), 1u);
    EXPECT_EQ(handler_->closes, 0);
  });
}

TEST_F(ServerSessionTest, AUserIsKnownUntilItsLastDescriptorIsClosed) {
  Run([this] {
    Client first, second, third, fourth;
    Open(&first);
    Send(&first, kMessageFrame);
    first.observer->OnReadable();
    const event::Ref<ServiceUser> user = handler_->user;
    Leave(&first);
    EXPECT_EQ(handler_->closes, 1);
    Open(&second);
    EXPECT_EQ(handler_->user.get(), user.get());
    Leave(&second);
    handler_->messages.clear();
    Turns();
    EXPECT_EQ(user->descriptors(), 0u);
    Open(&third);
    Leave(&third);
    Open(&fourth);
    EXPECT_NE(handler_->user.get(), user.get());
  });
}

// Pushes are gathered for a client that was reading until a moment ago.
TEST_F(ServerSessionTest, AClientThatReadsNoPushesLosesItsSession) {
  Run([this] {
    Client client;
    Open(&client);
    client.on_send = [](const transports::OutgoingFrame& frame) {
      return frame.room == transports::Room::kGathered
                 ? transports::IoResult::kOk
                 : transports::IoResult::kWouldBlock;
    };
    client.queued_bytes = 1;
    const auto push = [this] {
      return handler_->newest->Send(handler_->newest->NewMessage(),
                                    absl::InfiniteFuture());
    };
    EXPECT_EQ(push(), Result::kOk);
    Turns(kSlowReaderPatience - absl::Milliseconds(20));
    EXPECT_EQ(push(), Result::kOk);
    client.stall_clock.OnTaken();
    EXPECT_EQ(push(), Result::kOk);
    Turns(kSlowReaderPatience - absl::Milliseconds(20));
    EXPECT_EQ(push(), Result::kOk);
    EXPECT_THAT(log_, IsEmpty());
    Turns(absl::Milliseconds(20));
    EXPECT_EQ(push(), Result::kClosed);
    Turns();
    EXPECT_EQ(handler_->closes, 1);
    EXPECT_EQ(handler_->reason, CloseReason::kSlowReader);
    EXPECT_THAT(log_, ElementsAre(HasSubstr(
                          "1 bytes are queued for it, and it has read nothing "
                          "for 1s")));
  });
}

TEST_F(ServerSessionTest, AClientThatReadsNoAnswersLosesItsSession) {
  Run([this] {
    Client client;
    Open(&client);
    OweTooMuch(&client);
    // A response is queued in the meantime.
    client.queued_bytes += 1;
    Turns(kOwedPatience);
    EXPECT_EQ(handler_->closes, 1);
    EXPECT_EQ(handler_->reason, CloseReason::kSlowReader);
  });
}

TEST_F(ServerSessionTest, AClientThatReadsKeepsItsSessionWhileItReads) {
  Run([this] {
    Client client;
    Open(&client);
    OweTooMuch(&client);
    for (int i = 0; i < 10; ++i) {
      // The client reads packets, but too few to make room for a message.
      client.stall_clock.OnTaken();
      Turns(kOwedPatience);
    }
    EXPECT_EQ(handler_->closes, 0);
    Turns(kOwedPatience);
    EXPECT_EQ(handler_->closes, 1);
    EXPECT_EQ(handler_->reason, CloseReason::kSlowReader);
  });
}

TEST_F(ServerSessionTest, AClientThatHasReadEnoughKeepsItsSession) {
  Run([this] {
    Client client;
    Open(&client);
    OweTooMuch(&client);
    client.queued_bytes = kDefaultGatheredBytes;
    Turns(10 * kOwedPatience);
    EXPECT_EQ(handler_->closes, 0);
    Leave(&client);
  });
}

// A kept request must not occupy more memory than its session is charged for.
TEST_F(ServerSessionTest, ARequestThatIsWrittenToIsChargedForItsBuffer) {
  constexpr size_t kLargeBytes = size_t{1} << 20;
  const std::string text = "request";
  // The charge of two requests, one of which was written to.
  constexpr size_t kCharge = 2 * (7 + kRequestOverheadBytes) + kLargeBytes;
  for (const size_t limit : {kCharge, kCharge + 1}) {
    SCOPED_TRACE(limit);
    Run([&] {
      KeepingHandler* handler = nullptr;
      Service* const service = NewService("large", &handler, kLargeBytes);
      ServiceLimits limits;
      limits.session.request_bytes = limit;
      service->SetLimits(limits);
      transports::BufferPool* const pool = service->pool()->buffers();
      pool->Reserve(70);  // now it is a large pool
      Client client;
      Open(&client);
      const auto send = [&] {
        Send(&client, kRequestFrame | kLengthWasSet, /*with_descriptor=*/false);
        client.frames.back().payload = pool->Allocate();
        client.frames.back().payload.Assign(
            reinterpret_cast<const uint8_t*>(text.data()), text.size());
        client.observer->OnReadable();
      };
      send();
      send();
      ASSERT_EQ(handler->messages.size(), 2u);
      Message* const message = handler->messages.front().get();
      const auto* const read =
          static_cast<const char*>(message->PayloadForReading());
      EXPECT_EQ(std::string(read, message->size()), text);
      EXPECT_EQ(message->charged_bytes(), text.size());
      EXPECT_EQ(pool->buffers_in_use(), 0u);
      auto* const written = static_cast<char*>(message->payload());
      EXPECT_EQ(std::string(written, text.size()), text);
      EXPECT_EQ(written[kLargeBytes - 1], 0);
      written[0] = 'R';
      EXPECT_EQ(std::string(read, text.size()), text)
          << "the pointer stays valid";
      EXPECT_EQ(message->PayloadForReading(), written);
      EXPECT_EQ(message->charged_bytes(), text.size() + kLargeBytes);
      client.observer->OnReadable();
      EXPECT_EQ(client.is_read, limit > kCharge);
      handler->messages.clear();
      Turns();
      EXPECT_TRUE(client.is_read);
      Leave(&client);
      handler->user = {};
      service->Delete();
    });
  }
}

// The parts of messages and the kept requests of all sessions of a user count
// together.
TEST_F(ServerSessionTest, ThePartialMessagesOfAUserAreBounded) {
  constexpr size_t kLargeBytes = size_t{1} << 20;
  for (const size_t limit : {2 * kLargeBytes, 2 * kLargeBytes + 1}) {
    SCOPED_TRACE(limit);
    log_.clear();
    Run([&] {
      KeepingHandler* handler = nullptr;
      Service* const service = NewService("large", &handler, kLargeBytes);
      ServiceLimits limits;
      limits.user.bytes = limit;
      service->SetLimits(limits);
      Client first, second, third;
      for (Client* const client : {&first, &second, &third}) Open(client);
      const auto user = handler->user;
      for (Client* const client : {&first, &second}) {
        client->has_partial = true;
        client->observer->OnReadable();
        client->observer->OnReadable();
        EXPECT_TRUE(client->is_read);
      }
      EXPECT_EQ(user->bytes(), 2 * kLargeBytes);
      Send(&third, kMessageFrame, /*with_descriptor=*/false);
      third.observer->OnReadable();
      const bool is_full = user->bytes() >= limit;
      EXPECT_EQ(third.is_read, !is_full);
      EXPECT_EQ(handler->messages.size(), is_full ? 0u : 1u);
      EXPECT_EQ(log_.size(), is_full ? 1u : 0u);
      // A partial message is completed even if the user has reached its limit.
      first.has_partial = false;
      Send(&first, kRequestFrame, /*with_descriptor=*/false);
      first.observer->OnReadable();
      EXPECT_EQ(handler->messages.size(), is_full ? 1u : 2u);
      EXPECT_EQ(user->bytes(), kLargeBytes + kRequestOverheadBytes);
      Turns();
      EXPECT_EQ(third.is_read, !is_full);
      Leave(&second);
      EXPECT_EQ(user->bytes(), kRequestOverheadBytes);
      EXPECT_TRUE(third.is_read);
      third.observer->OnReadable();
      EXPECT_EQ(handler->messages.size(), 2u);
      Leave(&first);
      EXPECT_EQ(user->bytes(), kRequestOverheadBytes)
          << "the request is still kept";
      handler->messages.clear();
      EXPECT_EQ(user->bytes(), 0u);
      Leave(&third);
      handler->user = {};
      service->Delete();
    });
  }
}

TEST_F(ServerSessionTest, WithoutMemoryForAMessageNothingStaysCharged) {
  Run([this] {
    Client client;
    Open(&client);
    Send(&client, kRequestFrame);
    g_no_memory_for_messages = true;
    client.observer->OnReadable();
    g_no_memory_for_messages = false;
    Turns();
    EXPECT_EQ(handler_->closes, 1);
    EXPECT_TRUE(handler_->messages.empty());
    EXPECT_EQ(handler_->user->descriptors(), 0u);
  });
}

}  // namespace
}  // namespace messaging
}  // namespace le
