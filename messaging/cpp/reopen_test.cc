// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// A client that opens its session again after a close, in every setting of the
// test kit.

#include <memory>
#include <string>
#include <utility>
#include <vector>

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

class CppReopenTest : public ::testing::TestWithParam<Setting> {};
INSTANTIATE_TEST_SUITE_P(Everywhere, CppReopenTest, AllSettings(), SettingName);
class CppKillTest : public ::testing::TestWithParam<Setting> {};
INSTANTIATE_TEST_SUITE_P(Everywhere, CppKillTest, KillingSettings(),
                         SettingName);

TEST_P(CppReopenTest, AServerClosesASessionAndTheClientReopensIt) {
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
                      // The third close is the end of the client. This server
                      // may end before it.
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
                    .ReopenAfterClose([&](absl::Status status) {
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

TEST_P(CppReopenTest, StayClosedEndsAReopeningThatWaits) {
  Scenario scenario;
  scenario.Add("server", HidingBody);
  scenario.Add("client", [](Party* party) {
    Client client = Must(Client::Open("echo", kText));
    int closed = 0;
    auto owned = std::make_shared<int>(1);
    const std::weak_ptr<int> watch = owned;
    EXPECT_TRUE(client.OnClosed([&](CloseReason) { ++closed; }).ok());
    EXPECT_TRUE(client
                    .ReopenAfterClose([owned = std::move(owned)](absl::Status) {
                      ADD_FAILURE() << "reopened";
                    })
                    .ok());
    EXPECT_TRUE(Text(client, "hide").Send().ok());
    party->RunLoopUntil([&] { return closed == 1; });
    EXPECT_EQ(client.Open().code(), absl::StatusCode::kFailedPrecondition);
    EXPECT_TRUE(client.StayClosed().ok());
    EXPECT_TRUE(watch.expired());
    ExpectToStayClosed(party, &client);
    // The user opened the present session, so StayClosed() does not close it.
    EXPECT_TRUE(client.StayClosed().ok());
    EXPECT_TRUE(client.is_open());
    EXPECT_EQ(closed, 1);
  });
  RunScenario(scenario, GetParam());
}

TEST_P(CppReopenTest, AClientThatIsClosedInOnClosedDoesNotReopen) {
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
        client
            .ReopenAfterClose([](absl::Status) { ADD_FAILURE() << "reopened"; })
            .ok());
    EXPECT_TRUE(Text(client, "hide").Send().ok());
    party->RunLoopUntil([&] { return closed == 1; });
    ExpectToStayClosed(party, &client);
  });
  RunScenario(scenario, GetParam());
}

TEST_P(CppKillTest, AClientOutlivesItsServer) {
  Scenario scenario;
  scenario.Add("server", EchoBody);
  scenario.Add("client", [](Party* party) {
    Client client = Must(Client::Open("echo", kText));
    bool reopened = false;
    std::string waiting;
    EXPECT_TRUE(client
                    .ReopenAfterClose([&](absl::Status status) {
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
