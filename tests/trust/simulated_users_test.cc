// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// The C API with a directory that is not trusted. Try-open fails, waiting
// clients keep waiting, and nothing is sent to that directory. The users and
// the time are simulated, so an hour of waiting takes no time.

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "directory/client.h"
#include "directory/server.h"
#include "directory/testing/numbered_users.h"
#include "directory/testing/small_world.h"
#include "event/base/log.h"
#include "event/process.h"
#include "event/testing/sim.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "le_messaging_ext.h"
#include "legato.h"
#include "messaging/session/runtime.h"
#include "transports/loopback/loopback.h"

namespace le {
namespace messaging {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::HasSubstr;

constexpr uid_t kRoot = 0;
constexpr uid_t kAlice = 1001;
constexpr uid_t kMallory = 666;
constexpr char kRuntime[] = "/run/user/1001";
constexpr char kFolder[] = "/run/user/1001/le_messaging";
constexpr absl::Duration kHour = absl::Hours(1);
// A client retries at least once a second.
constexpr absl::Duration kSoon = absl::Seconds(2);

std::vector<std::string>* g_log = nullptr;

class SimulatedUsersTest : public ::testing::Test {
 protected:
  SimulatedUsersTest() {
    g_log = &log_;
    event::SetLogSink([](event::LogLevel level, absl::string_view text) {
      g_log->push_back(absl::StrCat(event::LogLevelName(level), " ", text));
    });
  }
  ~SimulatedUsersTest() override { event::SetLogSink(nullptr); }

  // Runs `body` as Alice. Mallory runs a directory in Alice's folder.
  void Run(std::function<void()> body) {
    event::SimProcess* const alice =
        sim_.AddProcess("alice", {0, kAlice, kAlice});
    alice->SetEnv("XDG_RUNTIME_DIR", kRuntime);
    auto way = std::make_shared<Way>(&network_, alice);
    alice->OnExit([way] { way->transport.CloseAll(); });
    Runtime::Parts parts;
    parts.introducer =
        std::shared_ptr<directory::Introducer>(way, &way->client);
    Runtime::Install(alice, std::move(parts));
    StartAs(kMallory);
    sim_.Spawn(alice, "main", [this, body = std::move(body)] {
      Let(absl::Milliseconds(1));  // the directory begins to listen
      body();
      sim_.Kill(directory_);
    });
    EXPECT_EQ(static_cast<int>(sim_.Run()),
              static_cast<int>(event::Simulation::Outcome::kEnded))
        << sim_.Report();
  }

  // Replaces the directory by one of user `uid`.
  void StartAs(uid_t uid) {
    if (directory_ != nullptr) sim_.Kill(directory_);
    directory_ =
        sim_.AddProcess(absl::StrCat("directory of ", uid), {0, uid, uid});
    auto transport =
        std::make_shared<transports::LoopbackTransport>(&network_, directory_);
    directory_->OnExit([transport] { transport->CloseAll(); });
    sim_.Spawn(directory_, "main", [this, transport] {
      event::Loop* const loop = event::Thread::Current()->loop();
      directory::NumberedUsers users;
      directory::DirectoryServer server(event::Process::Current(), loop, &users,
                                        {});
      EXPECT_TRUE(
          server.Load(absl::StrCat("<*>.* -> <", kAlice, ">.*"), "bindings")
              .ok());
      EXPECT_TRUE(
          server.Listen(transport.get(), absl::StrCat(kFolder, "/directory"))
              .ok());
      server_ = &server;
      loop->Run();
    });
  }

  // Calls StartAs() after `time`. The caller may block until then.
  void StartLaterAs(uid_t uid, absl::Duration time) {
    sim_.Spawn(sim_.AddProcess("starter", {0, kRoot, kRoot}), "main",
               [this, uid, time] {
                 Let(time);
                 StartAs(uid);
               });
  }

  // Runs the calling thread's loop for `time`.
  void Let(absl::Duration time) {
    event::Loop* const loop = event::Thread::Current()->loop();
    const event::Instant end = loop->Now() + time;
    while (loop->Now() < end) loop->RunTurn(end);
  }

  // Checks that the present directory knows no waiting client and no server.
  void ExpectToldNothing() {
    EXPECT_TRUE(server_->registry().waiting().empty());
    EXPECT_TRUE(server_->registry().servers().empty());
  }

  static le_msg_ProtocolRef_t Protocol() {
    return le_msg_GetProtocolRef("trust", 8);
  }
  static le_msg_SessionRef_t NewSession() {
    return le_msg_CreateSession(Protocol(), "clock");
  }
  static void Offer() {
    le_msg_AdvertiseService(le_msg_CreateService(Protocol(), "clock"));
  }
  static auto Distrust(const char* begin) {
    return AllOf(HasSubstr(begin), HasSubstr(kFolder),
                 HasSubstr("runs as user 666, which is not trusted"),
                 HasSubstr("set LE_MESSAGING_DIR for all programs"));
  }

  void ExpectLoggedOnce(const char* begin) {
    int lines = 0;
    for (const std::string& line : log_) {
      if (::testing::Matches(Distrust(begin))(line)) ++lines;
    }
    EXPECT_EQ(lines, 1) << begin;
  }

  std::vector<std::string> log_;
  event::Simulation sim_{1};
  event::SimProcess* directory_ = nullptr;
  directory::DirectoryServer* server_ = nullptr;

 private:
  struct Way {
    Way(transports::LoopbackNetwork* network, event::Process* process)
        : transport(network, process), client(process, &transport) {}
    transports::LoopbackTransport transport;
    directory::DirectoryClient client;
  };

  transports::LoopbackNetwork network_;
  const directory::NoSystemFolder no_system_folder_;
};

TEST_F(SimulatedUsersTest, TryOpenFails) {
  Run([this] {
    const le_msg_SessionRef_t session = NewSession();
    EXPECT_EQ(le_msg_TryOpenSessionSync(session), LE_COMM_ERROR);
    EXPECT_THAT(
        log_,
        Contains(Distrust("WARNING interface 'clock': cannot open a session")));
    EXPECT_EQ(le_msg_TryOpenSessionSyncTimed(session, 1000), LE_COMM_ERROR);
    ExpectToldNothing();
    // The session stays usable.
    StartAs(kRoot);
    Let(kSoon);
    EXPECT_EQ(le_msg_TryOpenSessionSync(session), LE_NOT_FOUND);
    Offer();
    EXPECT_EQ(le_msg_TryOpenSessionSync(session), LE_OK);
  });
}

TEST_F(SimulatedUsersTest, AnOpeningWaitsForATrustedDirectory) {
  Run([this] {
    bool is_open = false;
    le_msg_OpenSession(
        NewSession(),
        [](le_msg_SessionRef_t, void* is_open) {
          *static_cast<bool*>(is_open) = true;
        },
        &is_open);
    Let(kHour);
    EXPECT_FALSE(is_open);
    ExpectToldNothing();
    ExpectLoggedOnce("WARNING interface 'clock': waiting: the directory at");
    StartAs(kRoot);
    Let(kSoon);
    EXPECT_EQ(server_->registry().waiting().size(), 1u);
    Offer();
    Let(kSoon);
    EXPECT_TRUE(is_open);
  });
}

TEST_F(SimulatedUsersTest, ABlockedOpeningWaitsForATrustedDirectory) {
  Run([this] {
    const le_msg_SessionRef_t session = NewSession();
    EXPECT_EQ(le_msg_OpenSessionSyncTimed(session, 3600 * 1000), LE_TIMEOUT);
    ExpectToldNothing();
    ExpectLoggedOnce("WARNING interface 'clock': waiting: the directory at");
    const event::Instant start = sim_.Now();
    Offer();
    StartLaterAs(kAlice, kHour);
    le_msg_OpenSessionSync(session);
    EXPECT_GE(sim_.Now() - start, kHour);
    EXPECT_LE(sim_.Now() - start, kHour + kSoon);
  });
}

TEST_F(SimulatedUsersTest, AServiceWaitsForATrustedDirectory) {
  Run([this] {
    Offer();
    Let(kHour);
    ExpectToldNothing();
    ExpectLoggedOnce("WARNING service 'clock': cannot be advertised for now");
    StartAs(kAlice);
    Let(kSoon);
    EXPECT_EQ(server_->registry().servers().size(), 1u);
    le_msg_OpenSessionSync(NewSession());
  });
}

}  // namespace
}  // namespace messaging
}  // namespace le
