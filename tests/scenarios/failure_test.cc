// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// Processes that die, and the effects on their peers.

#include "tests/scenarios/util.h"

namespace le {
namespace messaging {
namespace testing {
namespace {

class FailureTest : public ::testing::TestWithParam<Setting> {};
INSTANTIATE_TEST_SUITE_P(WhereOneCanDie, FailureTest, KillingSettings(),
                         SettingName);

// Holds each request, and signals "held".
void HoldingServer(Party* party) {
  TestService service("echo");
  service.on_message = [&](le_msg_MessageRef_t) { party->Signal("held"); };
  service.Advertise();
  party->RunLoopUntil("never");
}

TEST_P(FailureTest, ADeadServerCompletesRequestsThenClosesThenIsReplaced) {
  Scenario scenario;
  scenario.Add("server", HoldingServer);
  scenario.Add("next server", EchoServerBody).start = Scenario::Start::kLater;
  scenario.Add("client", [](Party* party) {
    TestClient client("echo");
    std::vector<std::string> order;
    client.on_close = [&] { order.push_back("closed"); };
    client.Open();
    for (const char* name : {"null 1", "null 2"}) {
      client.Request("x", [&order, name](le_msg_MessageRef_t response) {
        EXPECT_EQ(response, nullptr);
        order.push_back(name);
      });
    }
    party->RunLoopUntil("held");
    party->Kill("server");
    party->RunLoopUntil([&] { return order.size() == 3; });
    EXPECT_EQ(order, (std::vector<std::string>{"null 1", "null 2", "closed"}));
    EXPECT_EQ(le_msg_GetCloseReason(client.ref()), LE_MSG_CLOSE_BY_PEER);
    bool opened = false;
    le_msg_OpenSession(
        client.ref(),
        [](le_msg_SessionRef_t, void* context) {
          *static_cast<bool*>(context) = true;
        },
        &opened);
    party->Start("next server");
    party->RunLoopUntil([&] { return opened; });
    EXPECT_EQ(Ask(client.ref(), "served"), "served");
    party->Signal("done");
  });
  RunScenario(scenario, GetParam());
}

TEST_P(FailureTest, ADeadServerEndsASyncRequest) {
  Scenario scenario;
  scenario.Add("server", HoldingServer);
  scenario.Add("killer", [](Party* party) {
    party->Await("held");
    party->Kill("server");
  });
  scenario.Add("client", [](Party* party) {
    TestClient client("echo");
    bool closed = false;
    client.on_close = [&] { closed = true; };
    client.Open();
    EXPECT_EQ(Ask(client.ref(), "x"), "(null)");
    EXPECT_FALSE(closed) << "a callback ran inside an API call";
    party->RunLoopUntil([&] { return closed; });
  });
  RunScenario(scenario, GetParam());
}

TEST_P(FailureTest, ADeadClientClosesItsSessions) {
  Scenario scenario;
  scenario.Add("server", [](Party* party) {
    TestService service("echo");
    std::vector<le_msg_MessageRef_t> held;
    int closes = 0;
    service.on_message = [&](le_msg_MessageRef_t message) {
      held.push_back(message);
      party->Signal("held");
    };
    service.on_close = [&](le_msg_SessionRef_t) { ++closes; };
    service.Advertise();
    party->RunLoopUntil([&] { return closes == 2; });
    // Held requests stay valid after the end of their session. A response to
    // them is harmless.
    for (le_msg_MessageRef_t message : held) {
      uid_t uid;
      EXPECT_EQ(le_msg_GetClientUserId(le_msg_GetSession(message), &uid),
                LE_CLOSED);
      EXPECT_TRUE(le_msg_NeedsResponse(message));
      le_msg_Respond(message);
    }
  });
  scenario.Add("client", [](Party* party) {
    TestClient first("echo"), second("echo");
    first.Open();
    second.Open();
    first.Request("x", [](le_msg_MessageRef_t) {});
    party->RunLoopUntil("never");
  });
  scenario.Add("killer", [](Party* party) {
    party->Await("held");
    party->Kill("client");
  });
  RunScenario(scenario, GetParam());
}

// Messages that a peer sent before its death are delivered before the close.
TEST_P(FailureTest, MessagesOfADeadPeerAreDelivered) {
  Scenario scenario;
  scenario.Add("server", [](Party* party) {
    TestService service("echo");
    service.on_message = [&](le_msg_MessageRef_t message) {
      const le_msg_SessionRef_t session = le_msg_GetSession(message);
      for (int i = 0; i < 5; ++i) {
        le_msg_Send(NewText(session, std::to_string(i)));
      }
      le_msg_Respond(message);
      le_msg_Flush(session);
      party->Signal("said");
      party->Await("never");
    };
    service.Advertise();
    party->RunLoopUntil("never");
  });
  scenario.Add("client", [](Party* party) {
    TestClient client("echo");
    std::vector<std::string> order;
    client.on_message = [&](le_msg_MessageRef_t message) {
      order.push_back(TextOf(message));
      le_msg_ReleaseMsg(message);
    };
    client.on_close = [&] { order.push_back("closed"); };
    client.Open();
    client.Request("6", [&](le_msg_MessageRef_t response) {
      ASSERT_NE(response, nullptr);
      order.push_back(TextOf(response));
    });
    party->Await("said");
    party->Kill("server");
    party->RunLoopUntil(
        [&] { return !order.empty() && order.back() == "closed"; });
    EXPECT_EQ(order, (std::vector<std::string>{"0", "1", "2", "3", "4", "6",
                                               "closed"}));
  });
  RunScenario(scenario, GetParam());
}

// The death of the directory ends no session. The library offers services to
// the next directory by itself.
TEST_P(FailureTest, TheDirectoryDiesAndComesBack) {
  Scenario scenario;
  scenario.Add("server", EchoServerBody);
  scenario.Add("client", [](Party* party) {
    TestClient client("echo"), waiting("echo"), later("later");
    client.Open();
    bool opened = false;
    auto set = [](le_msg_SessionRef_t, void* context) {
      *static_cast<bool*>(context) = true;
    };
    le_msg_OpenSession(later.ref(), set, &opened);
    party->KillDirectory();
    EXPECT_EQ(Ask(client.ref(), "alive"), "alive");
    EXPECT_EQ(le_msg_TryOpenSessionSync(waiting.ref()), LE_COMM_ERROR);
    party->Start("later server");
    party->StartDirectory();
    waiting.Open();
    EXPECT_EQ(Ask(waiting.ref(), "advertised again"), "advertised again");
    party->RunLoopUntil([&] { return opened; });
    EXPECT_EQ(Ask(later.ref(), "waited on"), "waited on");
    EXPECT_EQ(Ask(client.ref(), "still"), "still");
    party->Signal("done");
  });
  scenario
      .Add("later server",
           [](Party* party) {
             TestService service("later");
             service.Advertise();
             party->RunLoopUntil("done");
           })
      .start = Scenario::Start::kLater;
  RunScenario(scenario, GetParam());
}

// A second server of the same service stands by, and takes over when the first
// one dies.
TEST_P(FailureTest, AStandByTakesOver) {
  Scenario scenario;
  auto server = [](const char* name) {
    return [name](Party* party) {
      TestService service("echo");
      service.on_message = [name](le_msg_MessageRef_t message) {
        SetText(message, name);
        le_msg_Respond(message);
      };
      service.Advertise();
      party->RunLoopUntil("done");
    };
  };
  scenario.Add("first", server("first"));
  scenario.Add("second", server("second")).start = Scenario::Start::kLater;
  scenario.Add("client", [](Party* party) {
    TestClient client("echo");
    bool closed = false;
    client.on_close = [&] { closed = true; };
    client.Open();
    EXPECT_EQ(Ask(client.ref(), "who?"), "first");
    party->Start("second");
    EXPECT_EQ(Ask(client.ref(), "who?"), "first") << "sessions never move";
    party->Kill("first");
    party->RunLoopUntil([&] { return closed; });
    client.Open();
    EXPECT_EQ(Ask(client.ref(), "who?"), "second");
    party->Signal("done");
  });
  RunScenario(scenario, GetParam());
}

// After a restart of the directory, the server that connects first offers the
// service. The other server stands by.
TEST_P(FailureTest, StandBysComeBackInAnyOrder) {
  Scenario scenario;
  auto server = [](const char* name) {
    return [name](Party* party) {
      TestService service("echo");
      service.on_message = [name](le_msg_MessageRef_t message) {
        SetText(message, name);
        le_msg_Respond(message);
      };
      service.Advertise();
      party->RunLoopUntil("done");
    };
  };
  scenario.Add("first", server("first"));
  scenario.Add("second", server("second"));
  scenario.Add("client", [](Party* party) {
    TestClient client("echo");
    bool closed = false;
    client.on_close = [&] { closed = true; };
    party->KillDirectory();
    party->StartDirectory();
    client.Open();
    const std::string offering = Ask(client.ref(), "who?");
    ASSERT_TRUE(offering == "first" || offering == "second") << offering;
    party->Kill(offering);
    party->RunLoopUntil([&] { return closed; });
    client.Open();
    EXPECT_EQ(Ask(client.ref(), "who?"),
              offering == "first" ? "second" : "first");
    party->Signal("done");
  });
  RunScenario(scenario, GetParam());
}

}  // namespace
}  // namespace testing
}  // namespace messaging
}  // namespace le
