// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// What a waiting Opening reports as its cause, and what a waiting Offer logs.

#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <memory>
#include <new>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "directory/client.h"
#include "directory/testing/small_world.h"
#include "event/base/log.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "transports/unix_socket/unix_socket.h"

namespace le {
namespace directory {
namespace {

using ::testing::Contains;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;
using transports::Connection;

constexpr uid_t kSelf = SmallWorld::kSelf;
constexpr uid_t kAlice = 1001;
constexpr uid_t kMallory = 666;

// Listens, and accepts no connection until Read().
class Mute final : public transports::Acceptor::Observer {
 public:
  explicit Mute(std::unique_ptr<transports::Acceptor> acceptor)
      : acceptor_(std::move(acceptor)) {}
  // Accepts connections from now on. Reads at most one frame of each, and sends
  // no answer.
  void Read(event::Loop* loop) {
    EXPECT_TRUE(acceptor_->Attach(loop, this).ok());
  }
  void OnAccepted(std::unique_ptr<Connection> connection) override {
    auto pool = transports::BufferPool::Create(kMaxControlBytes);
    transports::IncomingFrame frame;
    connection->Receive(&frame, pool.get(), absl::InfinitePast());
    connections.push_back(std::move(connection));
  }
  std::vector<std::unique_ptr<Connection>> connections;

 private:
  const std::unique_ptr<transports::Acceptor> acceptor_;
};

class Waiting final : public Opening::Observer {
 public:
  void OnIntroduced(std::unique_ptr<Connection>, transports::IncomingFrame,
                    const Introduced&) override {
    ended = true;
  }
  void OnRefused(const absl::Status& why) override {
    ended = true;
    refusal = why;
  }
  void OnCauseChanged() override { ++changes; }

  bool ended = false;
  absl::Status refusal;
  int changes = 0;
};

class Ignoring final : public Offer::Observer {
 public:
  void OnClient(std::unique_ptr<Connection> connection,
                const transports::Dialect&) override {
    clients.push_back(std::move(connection));
  }
  std::vector<std::unique_ptr<Connection>> clients;
};

std::vector<std::string>* g_log = nullptr;

class ClientWaitTest : public ::testing::Test {
 protected:
  static constexpr char kFolder[] = "/run/user/1001/le_messaging";

  ClientWaitTest() {
    g_log = &log_;
    event::SetLogSink([](event::LogLevel level, absl::string_view line) {
      g_log->push_back(absl::StrCat(event::LogLevelName(level), " ", line));
    });
  }
  ~ClientWaitTest() override { event::SetLogSink(nullptr); }

  void SetPlace() {
    world_.ProcessOf(kAlice)->SetEnv("XDG_RUNTIME_DIR", "/run/user/1001");
  }
  void StartAs(uid_t uid) {
    world_.Start({}, uid, absl::StrCat(kFolder, "/directory"));
  }
  std::unique_ptr<DirectoryClient> NewClient(uid_t uid) {
    return std::make_unique<DirectoryClient>(
        world_.ProcessOf(uid), world_.TransportOf(uid), SmallWorld::kAddress);
  }
  std::unique_ptr<Opening> Open(DirectoryClient* client, bool wait = true) {
    return client->Open(world_.loop(), Interface("clock"), wait, &waiting_);
  }
  std::unique_ptr<Mute> NewMute() {
    return std::make_unique<Mute>(
        *world_.TransportOf(kSelf)->Listen(SmallWorld::kAddress));
  }

  const NoSystemFolder no_system_folder_;
  SmallWorld world_;
  Waiting waiting_;
  std::vector<std::string> log_;
};

constexpr char ClientWaitTest::kFolder[];

TEST_F(ClientWaitTest, TheCauseFollowsTheStateOfTheDirectory) {
  world_.Run([&] {
    DirectoryClient client(world_.ProcessOf(kAlice),
                           world_.TransportOf(kAlice));
    const auto opening = Open(&client);
    EXPECT_EQ(opening->cause().reason, WaitReason::kNoPlace);
    EXPECT_THAT(opening->cause().text, HasSubstr("LE_MESSAGING_DIR"));
    world_.Advance(absl::Minutes(1));
    EXPECT_EQ(waiting_.changes, 0);

    SetPlace();
    world_.Advance(absl::Seconds(2));
    EXPECT_EQ(waiting_.changes, 1);
    EXPECT_EQ(opening->cause().reason, WaitReason::kNoDirectory);
    EXPECT_THAT(opening->cause().text, HasSubstr("no directory"));
    EXPECT_THAT(opening->cause().text, HasSubstr(kFolder));

    StartAs(kMallory);
    world_.Advance(absl::Seconds(2));
    EXPECT_EQ(waiting_.changes, 2);
    EXPECT_EQ(opening->cause().reason, WaitReason::kNotTrusted);
    EXPECT_THAT(opening->cause().text, HasSubstr("user 666"));

    world_.Stop();
    StartAs(0);
    world_.Advance(absl::Seconds(2));
    EXPECT_EQ(waiting_.changes, 3);
    EXPECT_EQ(opening->cause().reason, WaitReason::kNotOffered);
  });
}

TEST_F(ClientWaitTest, HasTheCauseThatTheDirectoryReports) {
  world_.Run([&] {
    world_.Start();
    ASSERT_TRUE(world_.server()->Load("", "file").ok());
    const auto client = NewClient(kAlice);
    const auto opening = Open(client.get());
    world_.Advance(kTellWaitingAfter);
    EXPECT_EQ(opening->cause().reason, WaitReason::kNoBinding);
    EXPECT_THAT(opening->cause().text,
                StartsWith("no binding <1001>.clock -> <USER>.clock: add it"));
    ASSERT_TRUE(world_.server()->Load("<1001>.* -> <500>.*", "file").ok());
    world_.Advance(kTellWaitingAfter);
    EXPECT_EQ(opening->cause().reason, WaitReason::kNotOffered);
    EXPECT_EQ(opening->cause().text, "service <500>.clock is not offered");
    Speaker server(&world_, kSelf);
    server.Say(AdvertiseMessage(Interface("clock")));
    EXPECT_EQ(opening->cause().reason, WaitReason::kNotTaken);
    EXPECT_THAT(opening->cause().text,
                AllOf(HasSubstr("of user 500"), HasSubstr("has not accepted")));
    EXPECT_EQ(waiting_.changes, 3);
    // The server closes its connection to the directory. The client's
    // connection is still in it, and closes too. So the opening tries again.
    server.HangUp();
    world_.Advance(absl::Seconds(1));
    EXPECT_EQ(opening->cause().reason, WaitReason::kNotOffered);
    EXPECT_FALSE(waiting_.ended);
  });
}

TEST_F(ClientWaitTest, ADirectoryThatChangesAServicesStateWithoutEnd) {
  world_.Run([&] {
    const auto mute = NewMute();
    mute->Read(world_.loop());
    const auto client = NewClient(kSelf);
    Ignoring clients;
    const auto offer =
        client->Advertise(world_.loop(), Interface("clock"), &clients);
    world_.Settle();
    ASSERT_EQ(mute->connections.size(), 1u);
    for (int i = 0; i < 100; ++i) {
      for (const proto::OfferState state :
           {proto::STANDING_BY, proto::OFFERED_WITH_OTHER_PROTOCOL,
            proto::OFFERED}) {
        proto::FromDirectory message;
        message.mutable_advertise_state()->set_state(state);
        message.mutable_advertise_state()->set_text(absl::StrCat(i));
        SendControl(mute->connections[0].get(), message);
        world_.Settle();
      }
    }
    EXPECT_THAT(log_, Contains(HasSubstr("standing by: 0")));
    EXPECT_LE(log_.size(), 20u);
  });
}

TEST_F(ClientWaitTest, AServerThatDoesNotAcceptTheSession) {
  world_.Run([&] {
    world_.Start();
    Speaker server(&world_, kSelf);
    server.Say(AdvertiseMessage(Interface("clock")));
    const auto client = NewClient(kAlice);
    for (bool wait : {false, true}) {
      const auto opening = Open(client.get(), wait);
      world_.Advance(absl::Minutes(1));
      EXPECT_EQ(opening->cause().reason, WaitReason::kNotTaken);
      EXPECT_THAT(opening->cause().text, HasSubstr("of user 500"));
      EXPECT_THAT(opening->cause().text, HasSubstr("no file descriptor left"));
      EXPECT_FALSE(waiting_.ended);
    }
  });
}

TEST_F(ClientWaitTest, ADirectoryThatIsStopped) {
  world_.Run([&] {
    const auto mute = NewMute();
    const auto client = NewClient(kAlice);
    const auto opening = Open(client.get());
    world_.Advance(absl::Minutes(1));
    EXPECT_EQ(opening->cause().reason, WaitReason::kNoAnswer);
    // Now the directory reads the request, but does not answer.
    mute->Read(world_.loop());
    world_.Settle();
    EXPECT_EQ(opening->cause().reason, WaitReason::kNoAnswer);
    mute->connections.clear();
    world_.Settle();
    EXPECT_EQ(opening->cause().reason, WaitReason::kNoAnswer);
    EXPECT_THAT(opening->cause().text,
                StartsWith("the connection to the directory broke"));
  });
}

// After a new try, the cause stays the same until the directory has had time
// for an answer.
TEST_F(ClientWaitTest, ANewTryDoesNotChangeTheCause) {
  world_.Run([&] {
    world_.Start();
    const auto client = NewClient(kAlice);
    const auto opening = Open(client.get());
    world_.Advance(kTellWaitingAfter);
    EXPECT_EQ(opening->cause().reason, WaitReason::kNotOffered);
    world_.Stop();
    world_.Start();
    for (int i = 0; i < 100; ++i) {
      world_.Advance(absl::Milliseconds(2));
      EXPECT_EQ(opening->cause().reason, WaitReason::kNotOffered) << i;
    }
  });
}

// A client is introduced. Then the server sends it a frame of a directory.
// Expected: the client does not use the frame, and the opening fails.
TEST_F(ClientWaitTest, ADirectoryFrameFromAServerIsRefused) {
  world_.Run([&] {
    world_.Start({}, 0);
    Speaker server(&world_, kSelf);
    server.Say(AdvertiseMessage(Interface("clock")));
    const auto client = NewClient(kAlice);
    for (bool refusal : {false, true}) {
      waiting_ = Waiting();
      const auto opening = Open(client.get());
      world_.Settle();
      while (server.Hear() != "client") {
      }
      proto::FromDirectory lie;
      if (refusal) {
        lie.mutable_refusal()->set_code(proto::OTHER_PROTOCOL);
      } else {
        lie.mutable_waiting()->set_reason(proto::WAIT_NO_BINDING);
      }
      const std::string bytes = lie.SerializeAsString();
      transports::OutgoingFrame frame;
      frame.type = kControlFrame;
      frame.attach_credentials = true;  // over Unix sockets, the kernel does so
      frame.payload = absl::MakeConstSpan(
          reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size());
      ASSERT_EQ(server.client()->Send(frame), transports::IoResult::kOk);
      world_.Settle();
      EXPECT_TRUE(waiting_.ended);
      EXPECT_EQ(
          waiting_.refusal,
          absl::DataLossError(absl::StrCat(
              "the server, pid ", world_.ProcessOf(kSelf)->credentials().pid,
              " of user 500, has sent a frame that only a directory "
              "sends")));
    }
  });
}

// Over Unix sockets, the text of the cause has the system's error.
TEST(UnixClientWaitTest, TheCauseHasTheSystemsError) {
  char folder[] = "/tmp/le_waitXXXXXX";
  ASSERT_NE(mkdtemp(folder), nullptr);
  const std::string path = absl::StrCat(folder, "/directory");
  event::Process* const process = event::Process::Current();
  transports::UnixTransport transport(process);
  auto cause_at = [&](const std::string& address) {
    DirectoryClient client(process, &transport, address);
    Waiting waiting;
    return client
        .Open(event::Thread::Current()->loop(), Interface("clock"), true,
              &waiting)
        ->cause();
  };
  WaitCause cause = cause_at(path);
  EXPECT_EQ(cause.reason, WaitReason::kNoDirectory);
  EXPECT_EQ(cause.text, absl::StrCat("no directory at '", path,
                                     "': No such file or directory (is "
                                     "directoryd running?)"));
  setenv("LE_MESSAGING_DIR", folder, 1);
  EXPECT_THAT(cause_at(path).text,
              HasSubstr("(is directoryd running, with the same "
                        "LE_MESSAGING_DIR?)"));
  unsetenv("LE_MESSAGING_DIR");
  cause = cause_at(absl::StrCat(folder, "/", std::string(200, 'x')));
  EXPECT_EQ(cause.reason, WaitReason::kNoDirectory);
  EXPECT_THAT(cause.text, HasSubstr("choose a shorter folder"));
  {
    auto listening = transport.Listen(path);
    ASSERT_TRUE(listening.ok());
    EXPECT_EQ(cause_at(path).reason, WaitReason::kNoAnswer)
        << "the directory accepts nothing";
    if (getuid() != 0) {
      ASSERT_EQ(chmod(folder, 0), 0);
      cause = cause_at(path);
      EXPECT_EQ(cause.reason, WaitReason::kNoDirectory);
      EXPECT_EQ(cause.text, absl::StrCat("no directory at '", path,
                                         "': Permission denied (may this user "
                                         "enter the folder, and write to the "
                                         "socket?)"));
      ASSERT_EQ(chmod(folder, 0700), 0);
    }
  }
  rmdir(folder);
}

// ---- Offers ----------------------------------------------------------------

TEST_F(ClientWaitTest, AnOfferLogsWhyItWaitsAndThatItIsAdvertised) {
  world_.Run([&] {
    DirectoryClient client(world_.ProcessOf(kAlice),
                           world_.TransportOf(kAlice));
    Ignoring observer;
    const auto offer =
        client.Advertise(world_.loop(), Interface("clock"), &observer);
    world_.Advance(absl::Milliseconds(900));
    EXPECT_THAT(log_, IsEmpty());
    world_.Advance(absl::Minutes(1));
    SetPlace();
    world_.Advance(absl::Minutes(1));
    StartAs(0);
    world_.Advance(absl::Minutes(1));
    const std::string begin =
        "WARNING service 'clock': cannot be advertised for now: ";
    EXPECT_THAT(log_,
                ElementsAre(HasSubstr(absl::StrCat(begin, "no place")),
                            HasSubstr(absl::StrCat(begin, "no directory")),
                            "INFO service 'clock': advertised"));
    // A restart within a second is not logged.
    world_.Stop();
    StartAs(0);
    world_.Advance(absl::Minutes(1));
    EXPECT_EQ(log_.size(), 3u);
    world_.Stop();
    world_.Advance(absl::Seconds(2));
    EXPECT_EQ(log_.size(), 4u);
  });
}

TEST_F(ClientWaitTest, AnOfferIsRefusedOrNotAnswered) {
  world_.Run([&] {
    Ignoring observer;
    const auto server = NewClient(kSelf);
    {
      const auto mute = NewMute();
      const auto offer =
          server->Advertise(world_.loop(), Interface("a"), &observer);
      world_.Advance(absl::Seconds(10));
      EXPECT_THAT(log_, ElementsAre(HasSubstr("has not answered")));
    }
    log_.clear();
    DirectoryServer::Options options;
    options.limits.services = 1;
    world_.Start(options);
    auto first = server->Advertise(world_.loop(), Interface("a"), &observer);
    world_.Settle();
    const auto second =
        server->Advertise(world_.loop(), Interface("b"), &observer);
    world_.Advance(absl::Minutes(1));
    first.reset();
    world_.Advance(absl::Seconds(2));
    EXPECT_THAT(log_,
                ElementsAre(HasSubstr("refused: 'b' of pid "),
                            HasSubstr("'b': cannot be advertised for now: "
                                      "refused by the directory: user 500"),
                            "INFO service 'b': advertised"));
  });
}

// ---- Lack of memory --------------------------------------------------------

// Once `fails` is set, the next call that receives finds no memory.
class NoMemoryToReceive final : public event::sys::Interceptor {
 public:
  NoMemoryToReceive() { event::sys::SetInterceptor(this); }
  ~NoMemoryToReceive() override { event::sys::SetInterceptor(nullptr); }
  int FailCall(const event::sys::Call& call) override {
    const absl::string_view name = call.name;
    if (!fails || (name != "Recv" && name != "RecvMsg")) return 0;
    fails = false;
    throw std::bad_alloc();
  }
  bool fails = false;
};

// A process has no memory to receive a message of the directory. Expected: the
// connection is closed, and the process makes another one.
TEST(UnixClientWaitTest, WithoutMemoryTheDirectoryIsAskedAgain) {
  char folder[] = "/tmp/le_waitXXXXXX";
  ASSERT_NE(mkdtemp(folder), nullptr);
  const std::string path = absl::StrCat(folder, "/directory");
  std::vector<std::string> log;
  g_log = &log;
  event::SetLogSink([](event::LogLevel, absl::string_view line) {
    g_log->emplace_back(line);
  });
  event::Loop* const loop = event::Thread::Current()->loop();
  transports::UnixTransport transport(event::Process::Current());
  {
    Mute directory(*transport.Listen(path));
    directory.Read(loop);
    DirectoryClient client(event::Process::Current(), &transport, path);
    const auto connected = [&](size_t connections) {
      while (directory.connections.size() < connections) {
        loop->RunTurn(absl::InfiniteFuture());
      }
    };
    const auto answer = [&] {
      proto::FromDirectory message;
      message.mutable_advertise_state();
      EXPECT_EQ(SendControl(directory.connections.back().get(), message),
                transports::IoResult::kOk);
    };
    NoMemoryToReceive memory;
    const auto lack = [&] {
      answer();
      memory.fails = true;
      while (memory.fails) loop->RunTurn(absl::InfiniteFuture());
    };
    Ignoring observer;
    auto offer = client.Advertise(loop, Interface("clock"), &observer);
    connected(1);
    lack();
    EXPECT_THAT(
        log,
        Contains("service 'clock': no memory to talk to the "
                 "directory; the library connects to the directory again"));
    connected(2);
    offer.reset();
    log.clear();
    Waiting waiting;
    auto opening =
        client.Open(loop, Interface("clock"), /*wait=*/true, &waiting);
    connected(3);
    lack();
    EXPECT_THAT(log, ElementsAre("interface 'clock': no memory to talk to the "
                                 "directory; the library connects to the "
                                 "directory again"));
    EXPECT_EQ(opening->cause().reason, WaitReason::kSystem);
    EXPECT_FALSE(waiting.ended);
    connected(4);
    // An opening that does not wait tries three times.
    opening = client.Open(loop, Interface("clock"), /*wait=*/false, &waiting);
    for (size_t connections = 5; connections <= 7; ++connections) {
      connected(connections);
      lack();
      EXPECT_EQ(waiting.ended, connections == 7);
    }
    EXPECT_EQ(waiting.refusal,
              absl::UnavailableError("no memory to talk to the directory"));
  }
  event::SetLogSink(nullptr);
  rmdir(folder);
}

// A server has no free file descriptor. Expected: its clients wait until one is
// free.
TEST(UnixClientWaitTest, AnOfferLogsEachShortageOfDescriptorsOnce) {
  char folder[] = "/tmp/le_waitXXXXXX";
  ASSERT_NE(mkdtemp(folder), nullptr);
  const std::string path = absl::StrCat(folder, "/directory");
  std::vector<std::string> log;
  g_log = &log;
  event::SetLogSink([](event::LogLevel, absl::string_view line) {
    if (absl::StrContains(line, "RLIMIT_NOFILE")) g_log->emplace_back(line);
  });
  event::Loop* const loop = event::Thread::Current()->loop();
  transports::UnixTransport transport(event::Process::Current());
  Mute directory(*transport.Listen(path));
  directory.Read(loop);
  DirectoryClient server(event::Process::Current(), &transport, path);
  Ignoring observer;
  const auto offer = server.Advertise(loop, Interface("clock"), &observer);
  while (directory.connections.empty()) loop->RunTurn(absl::InfiniteFuture());
  struct rlimit old;
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &old), 0);
  for (size_t shortage = 1; shortage <= 2; ++shortage) {
    std::vector<std::unique_ptr<Connection>> clients;
    for (int i = 0; i < 2; ++i) clients.push_back(*transport.Connect(path));
    while (directory.connections.size() < 1 + 2 * shortage) {
      loop->RunTurn(absl::InfiniteFuture());
    }
    for (auto& client : clients) {
      transports::OutgoingFrame introduction;
      introduction.type = kIntroductionFrame;
      introduction.connection = &client;
      ASSERT_EQ(directory.connections[0]->Send(introduction),
                transports::IoResult::kOk);
    }
    struct rlimit none = old;
    none.rlim_cur = 1;
    ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &none), 0);
    for (int turn = 0; turn < 4; ++turn) loop->RunTurn(absl::InfiniteFuture());
    ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &old), 0);
    EXPECT_EQ(log.size(), shortage);
    EXPECT_THAT(log, Each("service 'clock': no file descriptor is left "
                          "(RLIMIT_NOFILE is 1): new clients wait until one is "
                          "free"));
    while (observer.clients.size() < 2 * shortage) {
      loop->RunTurn(absl::InfiniteFuture());
    }
  }
  EXPECT_EQ(log.size(), 2u);
  event::SetLogSink(nullptr);
  rmdir(folder);
}

}  // namespace
}  // namespace directory
}  // namespace le
