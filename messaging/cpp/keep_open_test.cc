// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// A client that keeps its session open, in every setting of the test kit.

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "event/process.h"
#include "gtest/gtest.h"
#include "le/messaging.h"
#include "messaging/cpp/testing/echo.h"
#include "messaging/testing/scenario.h"

namespace le {
namespace {

using messaging::testing::AllSettings;
using messaging::testing::KillingSettings;
using messaging::testing::Party;
using messaging::testing::RunScenario;
using messaging::testing::Scenario;
using messaging::testing::Setting;
using messaging::testing::SettingName;

class CppKeepOpenTest : public ::testing::TestWithParam<Setting> {};
INSTANTIATE_TEST_SUITE_P(Everywhere, CppKeepOpenTest, AllSettings(),
                         SettingName);
class CppKillTest : public ::testing::TestWithParam<Setting> {};
INSTANTIATE_TEST_SUITE_P(Everywhere, CppKillTest, KillingSettings(),
                         SettingName);

TEST_P(CppKeepOpenTest, AServerClosesASessionAndTheClientReopensIt) {
  Scenario scenario;
  scenario.Add("server", [](Party* party) {
    EchoServer server;
    int opened = 0;
    int closed = 0;
    EXPECT_TRUE(server.service
                    .OnSessionOpened([&](const Session& session) {
                      EXPECT_TRUE(session.peer().ok());
                      ++opened;
                    })
                    .ok());
    EXPECT_TRUE(server.service
                    .OnSessionClosed([&](const Session& session) {
                      // The third session closes when the client ends. This
                      // server may end earlier.
                      EXPECT_EQ(session.close_reason(),
                                ++closed <= 2 ? LE_MSG_CLOSE_BY_CALLER
                                              : LE_MSG_CLOSE_BY_PEER);
                    })
                    .ok());
    party->RunLoopUntil("done");
    EXPECT_EQ(opened, 3);
    EXPECT_GE(closed, 2);
  });
  scenario.Add("client", [](Party* party) {
    Client client = Must(Client::Open("echo", kText));
    std::vector<CloseReason> closes;
    int reopened = 0;
    EXPECT_TRUE(
        client.OnClosed([&](CloseReason reason) { closes.push_back(reason); })
            .ok());
    EXPECT_TRUE(client
                    .KeepOpen([&](absl::Status status) {
                      EXPECT_TRUE(status.ok()) << status;
                      ++reopened;
                    })
                    .ok());
    for (int i = 1; i <= 2; ++i) {
      EXPECT_TRUE(Text(client, "close").Send().ok());
      party->RunLoopUntil([&] { return reopened == i; });
      EXPECT_EQ(Ask(&client, "x"), "x");
    }
    EXPECT_EQ(closes.size(), 2U);
    EXPECT_EQ(closes[0], LE_MSG_CLOSE_BY_PEER);
    party->Signal("done");
  });
  RunScenario(scenario, GetParam());
}

// On a message, hides the service and closes the session. On the signal
// "offer", offers the service again.
void HidingBody(Party* party) {
  EchoServer server;
  EXPECT_TRUE(server.service
                  .OnMessage([&](Message message) {
                    EXPECT_TRUE(server.service.Hide().ok());
                    EXPECT_TRUE(Session::Of(message).Close().ok());
                  })
                  .ok());
  party->RunLoopUntil("offer");
  EXPECT_TRUE(server.service.Advertise().ok());
  party->RunLoopUntil("done");
}

// Expects that no opening is in progress: then OpenAsync() succeeds, and only
// its closure is called.
void ExpectToStayClosed(Party* party, Client* client) {
  EXPECT_FALSE(client->is_open());
  EXPECT_NE(client->close_reason(), LE_MSG_CLOSE_NONE);
  bool opened = false;
  EXPECT_TRUE(client
                  ->OpenAsync(absl::InfiniteDuration(),
                              [&](absl::Status status) {
                                EXPECT_TRUE(status.ok()) << status;
                                opened = true;
                              })
                  .ok());
  party->Signal("offer");
  party->RunLoopUntil([&] { return opened; });
  party->Signal("done");
}

TEST_P(CppKeepOpenTest, CloseEndsAnOpeningThatWaits) {
  Scenario scenario;
  scenario.Add("server", HidingBody);
  scenario.Add("client", [](Party* party) {
    Client client = Must(Client::Open("echo", kText));
    int closed = 0;
    auto owned = std::make_shared<int>(1);
    const std::weak_ptr<int> watch = owned;
    EXPECT_TRUE(client.OnClosed([&](CloseReason) { ++closed; }).ok());
    EXPECT_TRUE(client
                    .KeepOpen([owned = std::move(owned)](absl::Status) {
                      ADD_FAILURE() << "reopened";
                    })
                    .ok());
    EXPECT_TRUE(Text(client, "hide").Send().ok());
    party->RunLoopUntil([&] { return closed == 1; });
    EXPECT_EQ(client.Open().code(), absl::StatusCode::kFailedPrecondition);
    EXPECT_TRUE(client.Close().ok());
    EXPECT_TRUE(watch.expired());
    ExpectToStayClosed(party, &client);
    EXPECT_EQ(closed, 1);
  });
  RunScenario(scenario, GetParam());
}

TEST_P(CppKeepOpenTest, AClientThatIsClosedInOnClosedDoesNotReopen) {
  Scenario scenario;
  scenario.Add("server", HidingBody);
  scenario.Add("client", [](Party* party) {
    Client client = Must(Client::Open("echo", kText));
    int closed = 0;
    EXPECT_TRUE(client
                    .OnClosed([&](CloseReason) {
                      ++closed;
                      EXPECT_TRUE(client.Close().ok());
                    })
                    .ok());
    EXPECT_TRUE(
        client.KeepOpen([](absl::Status) { ADD_FAILURE() << "reopened"; })
            .ok());
    EXPECT_TRUE(Text(client, "hide").Send().ok());
    party->RunLoopUntil([&] { return closed == 1; });
    ExpectToStayClosed(party, &client);
  });
  RunScenario(scenario, GetParam());
}

TEST_P(CppKeepOpenTest, ASessionOpensNowOrAfterAnOpeningThatFails) {
  Scenario scenario;
  scenario.Add("server", [](Party* party) {
    party->Await("two clients wait");
    EchoBody(party);
  });
  scenario.Add("client", [](Party* party) {
    Client now = Must(Client::Create("echo", kText));
    Client later = Must(Client::Create("echo", kText));
    int opened_now = 0;
    int opened_later = 0;
    absl::Status failed;
    EXPECT_TRUE(later
                    .OpenAsync(absl::Milliseconds(1),
                               [&](absl::Status status) { failed = status; })
                    .ok());
    EXPECT_TRUE(later
                    .KeepOpen([&](absl::Status status) {
                      EXPECT_TRUE(status.ok()) << status;
                      ++opened_later;
                    })
                    .ok());
    EXPECT_TRUE(now.KeepOpen([](absl::Status) {
                     ADD_FAILURE() << "a replaced closure is called";
                   })
                    .ok());
    EXPECT_TRUE(now.KeepOpen([&](absl::Status) { ++opened_now; }).ok());
    EXPECT_EQ(now.Open().code(), absl::StatusCode::kFailedPrecondition);
    EXPECT_EQ(now.TryOpen().code(), absl::StatusCode::kFailedPrecondition);
    party->RunLoopUntil([&] { return !failed.ok(); });
    EXPECT_TRUE(absl::IsDeadlineExceeded(failed)) << failed;
    party->Signal("two clients wait");
    party->RunLoopUntil([&] { return opened_now > 0 && opened_later > 0; });
    EXPECT_EQ(Ask(&now, "x"), "x");
    EXPECT_EQ(Ask(&later, "x"), "x");
    EXPECT_EQ(opened_now, 1);
    EXPECT_EQ(opened_later, 1);
    party->Signal("done");
  });
  RunScenario(scenario, GetParam());
}

// Offers "echo" with another protocol until the signal "update".
void OtherProtocolBody(Party* party) {
  {
    Service other = Must(Service::Create("echo", {"other", 256}));
    EXPECT_TRUE(other.Advertise().ok());
    party->RunLoopUntil("update");
  }
  EchoBody(party);
}

TEST_P(CppKeepOpenTest, AClientWaitsUntilItsServerIsUpdated) {
  Scenario scenario;
  scenario.Add("server", OtherProtocolBody);
  scenario.Add("client", [](Party* party) {
    Client client = Must(Client::Create("echo", kText));
    int refused = 0;
    bool opened = false;
    EXPECT_TRUE(client
                    .KeepOpen([&](absl::Status status) {
                      opened = status.ok();
                      if (opened) return;
                      EXPECT_TRUE(absl::IsFailedPrecondition(status)) << status;
                      // A request has the reason, too.
                      const absl::Status failed =
                          client.Request(Text(client, "x")).status();
                      EXPECT_TRUE(absl::IsUnavailable(failed));
                      EXPECT_NE(failed.message().find("protocol"),
                                absl::string_view::npos)
                          << failed;
                      if (++refused == 3) party->Signal("update");
                    })
                    .ok());
    party->RunLoopUntil([&] { return opened; });
    EXPECT_GE(refused, 3);
    EXPECT_EQ(Ask(&client, "x"), "x");
    party->Signal("done");
  });
  RunScenario(scenario, GetParam());
}

TEST_P(CppKeepOpenTest, AClientThatIsClosedWhenItIsRefusedStaysClosed) {
  Scenario scenario;
  scenario.Add("server", OtherProtocolBody);
  scenario.Add("client", [](Party* party) {
    Client client = Must(Client::Create("echo", kText));
    int refused = 0;
    EXPECT_TRUE(client
                    .KeepOpen([&](absl::Status) {
                      ++refused;
                      EXPECT_TRUE(client.Close().ok());
                    })
                    .ok());
    party->RunLoopUntil([&] { return refused == 1; });
    absl::Status opened;
    EXPECT_TRUE(client
                    .OpenAsync(absl::InfiniteDuration(),
                               [&](absl::Status status) { opened = status; })
                    .ok());
    party->RunLoopUntil([&] { return !opened.ok(); });
    EXPECT_TRUE(absl::IsFailedPrecondition(opened)) << opened;
    EXPECT_EQ(refused, 1);
    party->Signal("update");
    party->Signal("done");
  });
  RunScenario(scenario, GetParam());
}

// In the simulation, because the test reads the clock.
TEST(BackOffTest, AServerThatClosesAtOnceIsNotAskedAgainAtOnce) {
  Scenario scenario;
  scenario.Add("server", EchoBody);
  scenario.Add("client", [](Party* party) {
    // The simulated network and scheduler take some of this time.
    constexpr absl::Duration kSlack = absl::Milliseconds(5);
    const absl::Duration kLong = internal::BackOff::kLongLife + kSlack;
    const absl::Duration kShort = internal::BackOff::kLongLife - kSlack;
    // How long a session lives, and the delay until the next one.
    struct Session {
      absl::Duration life;
      int delay_ms;
    };
    std::vector<Session> sessions = {{kLong, 0}};
    for (int delay = 10; delay < 5000; delay *= 2) {
      sessions.push_back({absl::ZeroDuration(), delay});
    }
    sessions.insert(sessions.end(), {{absl::ZeroDuration(), 5000},
                                     {kShort, 5000},
                                     {kLong, 0},
                                     {absl::ZeroDuration(), 10},
                                     {absl::ZeroDuration(), 20}});

    Client client = Must(Client::Create("echo", kText));
    Timer close([&] { EXPECT_TRUE(Text(client, "close").Send().ok()); });
    size_t number = 0;
    event::Instant closed_at;
    EXPECT_TRUE(client
                    .OnClosed([&](CloseReason) {
                      closed_at = event::Process::Current()->Now();
                      ++number;
                    })
                    .ok());
    EXPECT_TRUE(client
                    .KeepOpen([&](absl::Status status) {
                      EXPECT_TRUE(status.ok()) << status;
                      if (number > 0) {
                        const absl::Duration delay =
                            event::Process::Current()->Now() - closed_at;
                        const absl::Duration expected =
                            absl::Milliseconds(sessions[number - 1].delay_ms);
                        EXPECT_GE(delay, expected) << number;
                        EXPECT_LT(delay, expected + kSlack) << number;
                      }
                      if (number < sessions.size()) {
                        EXPECT_TRUE(close.Start(sessions[number].life).ok());
                      } else {
                        party->Signal("done");
                      }
                    })
                    .ok());
    party->RunLoopUntil("done");
  });
  RunScenario(scenario, Setting::kSimulated);
}

// The back-off has reached several seconds when the client closes the session.
// Expected: the next KeepOpen() opens at once.
TEST(CppKeepOpenTimeTest, CloseEndsTheBackOff) {
  Scenario scenario;
  scenario.Add("server", EchoBody);
  scenario.Add("client", [](Party* party) {
    Client client = Must(Client::Create("echo", kText));
    int openings = 0;
    const auto reopen = [&](absl::Status) {
      ++openings;
      EXPECT_TRUE(Text(client, "close").Send().ok());
    };
    EXPECT_TRUE(client.KeepOpen(reopen).ok());
    party->RunLoopUntil([&] { return openings == 12; });
    EXPECT_TRUE(client.Close().ok());
    const event::Instant closed_at = event::Process::Current()->Now();
    EXPECT_TRUE(client.KeepOpen(reopen).ok());
    party->RunLoopUntil([&] { return openings == 13; });
    EXPECT_LT(event::Process::Current()->Now() - closed_at, absl::Seconds(1));
    party->Signal("done");
  });
  RunScenario(scenario, Setting::kSimulated);
}

// The timer that resets the back-off expires. Before its handler runs, a
// blocking request notices a close. Expected: the close is reported before the
// session is opened again.
TEST(CppKeepOpenTimeTest, ACloseThatABlockingCallNoticesIsReported) {
  Scenario scenario;
  scenario.Add("server", EchoBody);
  scenario.Add("client", [](Party* party) {
    Client client = Must(Client::Create("echo", kText));
    int openings = 0;
    int closes = 0;
    EXPECT_TRUE(client.OnClosed([&](CloseReason) { ++closes; }).ok());
    EXPECT_TRUE(client.KeepOpen([&](absl::Status) { ++openings; }).ok());
    party->RunLoopUntil([&] { return openings == 1; });
    // Run this in a task: the expired timer's handler then runs after the task,
    // but before the close is reported.
    Loop loop;
    const auto task = [&] {
      event::Thread::Current()->parker()->Park(
          event::Process::Current()->Now() + internal::BackOff::kLongLife +
          absl::Milliseconds(1));
      EXPECT_FALSE(client.Request(Text(client, "close")).ok());
      EXPECT_EQ(closes, 0);
    };
    EXPECT_TRUE(loop.Post(task).ok());
    party->RunLoopUntil([&] { return openings == 2; });
    EXPECT_EQ(closes, 1);
    party->Signal("done");
  });
  RunScenario(scenario, Setting::kSimulated);
}

TEST_P(CppKillTest, AClientOutlivesItsServer) {
  Scenario scenario;
  scenario.Add("server", EchoBody);
  scenario.Add("client", [](Party* party) {
    Client client = Must(Client::Open("echo", kText));
    bool reopened = false;
    std::string waiting;
    EXPECT_TRUE(client
                    .KeepOpen([&](absl::Status status) {
                      EXPECT_TRUE(status.ok()) << status;
                      reopened = true;
                    })
                    .ok());
    Call call = client.RequestAsync(
        Text(client, "keep"), absl::InfiniteDuration(),
        [&](absl::StatusOr<Message> response) {
          waiting = absl::StatusCodeToString(response.status().code());
        });
    EXPECT_EQ(Ask(&client, "x"), "x");
    party->Kill("server");
    party->Start("server");
    party->RunLoopUntil([&] { return reopened; });
    EXPECT_EQ(waiting, "UNAVAILABLE");
    EXPECT_EQ(Ask(&client, "y"), "y");
    party->Signal("done");
  });
  RunScenario(scenario, GetParam());
}

}  // namespace
}  // namespace le
