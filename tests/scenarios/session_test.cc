// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// Sessions and services: opening, waiting, closing, handlers, limits.

#include <unistd.h>

#include <atomic>

#include "event/base/log.h"
#include "tests/scenarios/util.h"

namespace le {
namespace messaging {
namespace testing {
namespace {

class SessionTest : public ::testing::TestWithParam<Setting> {};
INSTANTIATE_TEST_SUITE_P(Everywhere, SessionTest, AllSettings(), SettingName);

TEST_P(SessionTest, AClientWaitsForItsServer) {
  Scenario scenario;
  scenario.Add("client", [](Party* party) {
    TestClient client("echo");
    bool opened = false;
    le_msg_OpenSession(
        client.ref(),
        [](le_msg_SessionRef_t, void* context) {
          *static_cast<bool*>(context) = true;
        },
        &opened);
    EXPECT_FALSE(opened);
    EXPECT_EQ(le_msg_TryOpenSessionSync(TestClient("echo").ref()),
              LE_NOT_FOUND);
    party->Start("server");
    party->RunLoopUntil([&] { return opened; });
    EXPECT_EQ(Ask(client.ref(), "hello"), "hello");
    party->Signal("done");
  });
  scenario.Add("server", EchoServerBody).start = Scenario::Start::kLater;
  RunScenario(scenario, GetParam());
}

TEST_P(SessionTest, TryReportsTheMissingPart) {
  Scenario scenario;
  scenario.SetBindings("<*>.bound -> <self>.offered\n");
  scenario.Add("server", [](Party* party) {
    TestService service("offered");
    party->Await("go");
    service.Advertise();
    party->RunLoopUntil("done");
  });
  scenario.Add("client", [](Party* party) {
    TestClient unbound("unbound");
    EXPECT_EQ(le_msg_TryOpenSessionSync(unbound.ref()), LE_NOT_PERMITTED);
    TestClient bound("bound");
    EXPECT_EQ(le_msg_TryOpenSessionSync(bound.ref()), LE_NOT_FOUND);
    EXPECT_EQ(le_msg_OpenSessionSyncTimed(bound.ref(), 1), LE_TIMEOUT);
    party->Signal("go");
    bound.Open();
    EXPECT_STREQ(
        le_msg_GetInterfaceName(le_msg_GetSessionInterface(bound.ref())),
        "bound");
    EXPECT_EQ(le_msg_GetSessionProtocol(bound.ref()), TextProtocol());
    EXPECT_EQ(Ask(bound.ref(), "x"), "x");
    TestClient another("bound");
    EXPECT_EQ(le_msg_TryOpenSessionSync(another.ref()), LE_OK);
    EXPECT_EQ(le_msg_TryOpenSessionSync(unbound.ref()), LE_NOT_PERMITTED)
        << "the second try has another result than the first";
    party->Signal("done");
  });
  RunScenario(scenario, GetParam());
}

TEST_P(SessionTest, AServersCloseIsReportedOnce) {
  Scenario scenario;
  scenario.Add("server", [](Party* party) {
    TestService service("echo");
    int closes = 0;
    service.on_message = [&](le_msg_MessageRef_t message) {
      const le_msg_SessionRef_t session = le_msg_GetSession(message);
      le_msg_Send(NewText(session, "last words"));
      le_msg_CloseSession(session);
      EXPECT_EQ(closes, 0) << "a callback ran inside an API call";
      le_msg_Respond(message);  // harmless, although the session is closed
    };
    service.on_close = [&](le_msg_SessionRef_t) { ++closes; };
    service.Advertise();
    party->RunLoopUntil([&] { return closes > 0; });
    party->RunLoopUntil("done");
    EXPECT_EQ(closes, 1);
  });
  scenario.Add("client", [](Party* party) {
    TestClient client("echo");
    std::vector<std::string> order;
    client.on_message = [&](le_msg_MessageRef_t message) {
      order.push_back(TextOf(message));
      le_msg_ReleaseMsg(message);
    };
    client.on_close = [&] {
      order.push_back("closed");
      EXPECT_EQ(le_msg_GetCloseReason(client.ref()), LE_MSG_CLOSE_BY_PEER);
    };
    client.Open();
    client.Request("x", [&](le_msg_MessageRef_t response) {
      EXPECT_EQ(response, nullptr);
      order.push_back("null");
    });
    party->RunLoopUntil([&] { return order.size() == 3; });
    EXPECT_EQ(order,
              (std::vector<std::string>{"last words", "null", "closed"}));
    party->Signal("done");
  });
  RunScenario(scenario, GetParam());
}

// A session may be opened again, also in its close handler.
TEST_P(SessionTest, ReopensInItsCloseHandler) {
  Scenario scenario;
  scenario.Add("server", [](Party* party) {
    TestService service("echo");
    service.on_message = [](le_msg_MessageRef_t message) {
      if (TextOf(message) == "close") {
        le_msg_CloseSession(le_msg_GetSession(message));
        le_msg_ReleaseMsg(message);
      } else {
        le_msg_Respond(message);
      }
    };
    service.Advertise();
    party->RunLoopUntil("done");
  });
  scenario.Add("client", [](Party* party) {
    TestClient client("echo");
    int closes = 0;
    client.on_close = [&] {
      ++closes;
      client.Open();
      EXPECT_EQ(Ask(client.ref(), "again"), "again");
    };
    client.Open();
    for (int i = 1; i <= 3; ++i) {
      le_msg_Send(NewText(client.ref(), "close"));
      party->RunLoopUntil([&] { return closes == i; });
    }
    le_msg_CloseSession(client.ref());
    le_msg_CloseSession(client.ref());  // no-op
    client.Open();
    EXPECT_EQ(Ask(client.ref(), "and again"), "and again");
    party->Signal("done");
  });
  RunScenario(scenario, GetParam());
}

// A close handler can get the client's credentials, even if they were never
// read before.
void GetCredentialsInACloseHandler(Setting setting, bool added_late) {
  Scenario scenario;
  scenario.Add("server", [added_late](Party* party) {
    struct Seen {
      bool closed = false;
      pid_t pid = 0;
    };
    static thread_local Seen* seen;
    Seen here;
    seen = &here;
    const le_msg_ServiceRef_t service =
        le_msg_CreateService(TextProtocol(), "echo");
    auto add = [service] {
      le_msg_AddServiceCloseHandler(
          service,
          [](le_msg_SessionRef_t session, void*) {
            EXPECT_EQ(le_msg_GetClientProcessId(session, &seen->pid), LE_OK);
            seen->closed = true;
          },
          nullptr);
    };
    if (!added_late) add();
    le_msg_AdvertiseService(service);
    party->RunLoopUntil("opened");
    if (added_late) add();
    party->Signal("close");
    party->RunLoopUntil([&] { return here.closed; });
    EXPECT_NE(here.pid, 0);
    le_msg_DeleteService(service);
  });
  scenario.Add("client", [](Party* party) {
    TestClient client("echo");
    client.Open();
    party->Signal("opened");
    party->Await("close");
  });
  RunScenario(scenario, setting);
}
TEST_P(SessionTest, ACloseHandlerMayGetTheCredentials) {
  GetCredentialsInACloseHandler(GetParam(), /*added_late=*/false);
}
TEST_P(SessionTest, ACloseHandlerAddedToAnOpenSessionMayGetTheCredentials) {
  GetCredentialsInACloseHandler(GetParam(), /*added_late=*/true);
}

TEST_P(SessionTest, ServiceHandlersLastAddedFirstAndOncePerSession) {
  Scenario scenario;
  scenario.Add("server", [](Party* party) {
    static thread_local std::vector<std::string>* log;
    std::vector<std::string> entries;
    log = &entries;
    TestService service("echo");
    service.on_open = [&](le_msg_SessionRef_t session) {
      entries.push_back("open 1");
      uid_t uid = 12345;
      pid_t pid = 0;
      EXPECT_EQ(le_msg_GetClientUserCreds(session, &uid, &pid), LE_OK);
      EXPECT_NE(pid, 0);
      uid_t same = 54321;
      EXPECT_EQ(le_msg_GetClientUserId(session, &same), LE_OK);
      EXPECT_EQ(same, uid);
    };
    service.on_close = [&](le_msg_SessionRef_t session) {
      entries.push_back("close 1");
      pid_t pid = 0;
      EXPECT_EQ(le_msg_GetClientProcessId(session, &pid), LE_OK);
    };
    le_msg_AddServiceOpenHandler(
        service.ref(),
        [](le_msg_SessionRef_t, void*) { log->push_back("open 2"); }, nullptr);
    le_msg_AddServiceCloseHandler(
        service.ref(),
        [](le_msg_SessionRef_t, void*) { log->push_back("close 2"); }, nullptr);
    const le_msg_SessionEventHandlerRef_t removed =
        le_msg_AddServiceCloseHandler(
            service.ref(),
            [](le_msg_SessionRef_t, void*) { log->push_back("removed"); },
            nullptr);
    le_msg_RemoveServiceHandler(removed);
    service.on_message = [&](le_msg_MessageRef_t message) {
      EXPECT_EQ(le_msg_GetServiceRxMsg(), message);
      entries.push_back("message");
      le_msg_ReleaseMsg(message);
    };
    EXPECT_EQ(le_msg_GetServiceRxMsg(), nullptr);
    service.Advertise();
    service.Advertise();  // no-op
    party->RunLoopUntil([&] { return entries.size() == 5; });
    EXPECT_EQ(entries, (std::vector<std::string>{"open 2", "open 1", "message",
                                                 "close 2", "close 1"}));
    le_msg_HideService(service.ref());
    le_msg_HideService(service.ref());  // no-op
    service.Delete();
  });
  scenario.Add("client", [](Party*) {
    TestClient client("echo");
    client.Open();
    le_msg_Send(NewText(client.ref(), "x"));
    client.Delete();
  });
  RunScenario(scenario, GetParam());
}

TEST_P(SessionTest, HidingKeepsSessionsOpen) {
  Scenario scenario;
  scenario.Add("server", [](Party* party) {
    TestService service("echo");
    service.on_message = [&](le_msg_MessageRef_t message) {
      if (TextOf(message) == "hide") le_msg_HideService(service.ref());
      if (TextOf(message) == "show") le_msg_AdvertiseService(service.ref());
      le_msg_Respond(message);
    };
    service.Advertise();
    party->RunLoopUntil("done");
  });
  scenario.Add("client", [](Party* party) {
    TestClient client("echo");
    client.Open();
    EXPECT_EQ(Ask(client.ref(), "hide"), "hide");
    EXPECT_EQ(Ask(client.ref(), "x"), "x");
    TestClient late("echo");
    // The server may respond before the directory has hidden the service. So
    // this open may succeed at once, or wait.
    bool opened = false;
    le_msg_OpenSession(
        late.ref(),
        [](le_msg_SessionRef_t, void* context) {
          *static_cast<bool*>(context) = true;
        },
        &opened);
    EXPECT_EQ(Ask(client.ref(), "show"), "show");
    party->RunLoopUntil([&] { return opened; });
    EXPECT_EQ(Ask(late.ref(), "y"), "y");
    party->Signal("done");
  });
  RunScenario(scenario, GetParam());
}

TEST_P(SessionTest, DeletingAServiceInItsHandlerClosesItsSessions) {
  Scenario scenario;
  scenario.Add("server", [](Party* party) {
    auto service = std::make_unique<TestService>("echo");
    int closes = 0;
    service->on_message = [&](le_msg_MessageRef_t message) {
      if (TextOf(message) != "delete") {
        le_msg_Respond(message);
        return;
      }
      service->Delete();
      EXPECT_EQ(closes, 0);
      le_msg_ReleaseMsg(message);
    };
    service->on_close = [&](le_msg_SessionRef_t) { ++closes; };
    service->Advertise();
    party->RunLoopUntil([&] { return closes == 2; });
    // Another service can have the name now.
    TestService another("echo");
    another.Advertise();
    party->RunLoopUntil("done");
  });
  scenario.Add("client", [](Party* party) {
    TestClient first("echo"), second("echo");
    int closes = 0;
    first.on_close = second.on_close = [&] { ++closes; };
    first.Open();
    second.Open();
    // The server's close handler is called only for a session for which the
    // open handler has run. After this request the open handler has run for
    // both sessions.
    EXPECT_EQ(Ask(second.ref(), "x"), "x");
    EXPECT_EQ(Ask(first.ref(), "delete"), "(null)");
    party->RunLoopUntil([&] { return closes == 2; });
    first.Open();
    EXPECT_EQ(Ask(first.ref(), "x"), "x");
    party->Signal("done");
  });
  RunScenario(scenario, GetParam());
}

// The close handlers for the sessions of a deleted service run at the latest
// when its thread ends.
TEST_P(SessionTest, DeletingAServiceReportsItsSessionsBeforeTheThreadEnds) {
  Scenario scenario;
  scenario.Add("server", [](Party* party) {
    struct Server {
      Party* party;
      int closes;
    } server = {party, 0};
    const le_thread_Ref_t thread = le_thread_Create(
        "short",
        [](void* context) -> void* {
          auto* const server = static_cast<Server*>(context);
          const le_msg_ServiceRef_t service =
              le_msg_CreateService(TextProtocol(), "echo");
          le_msg_SetServiceRecvHandler(
              service,
              [](le_msg_MessageRef_t message, void*) {
                le_msg_Respond(message);
              },
              nullptr);
          le_msg_AddServiceCloseHandler(
              service,
              [](le_msg_SessionRef_t, void* context) {
                ++static_cast<Server*>(context)->closes;
              },
              server);
          le_msg_AdvertiseService(service);
          server->party->RunLoopUntil("served");
          le_msg_DeleteService(service);
          EXPECT_EQ(server->closes, 0);
          return nullptr;
        },
        &server);
    le_thread_SetJoinable(thread);
    le_thread_Start(thread);
    le_thread_Join(thread, nullptr);
    EXPECT_EQ(server.closes, 1);
  });
  scenario.Add("client", [](Party* party) {
    TestClient client("echo");
    bool closed = false;
    client.on_close = [&] { closed = true; };
    client.Open();
    EXPECT_EQ(Ask(client.ref(), "x"), "x");
    party->Signal("served");
    party->RunLoopUntil([&] { return closed; });
  });
  RunScenario(scenario, GetParam());
}

TEST_P(SessionTest, KillClientClosesThatClientOnly) {
  Scenario scenario;
  scenario.Add("server", [](Party* party) {
    int closes = 0;
    TestService service("echo");
    service.on_close = [&](le_msg_SessionRef_t) { ++closes; };
    service.on_message = [&](le_msg_MessageRef_t message) {
      if (TextOf(message) == "bad") {
        LE_KILL_CLIENT("it said '%s'", "bad");
        EXPECT_EQ(closes, 0) << "a handler ran inside LE_KILL_CLIENT";
      } else {
        EXPECT_NE(TextOf(message), "");
      }
      le_msg_Respond(message);
    };
    service.Advertise();
    party->RunLoopUntil([&] { return closes != 0; });
    party->RunLoopUntil("done");
  });
  scenario.Add("client", [](Party* party) {
    TestClient good("echo"), bad("echo");
    bool closed = false;
    bad.on_close = [&] { closed = true; };
    good.Open();
    bad.Open();
    EXPECT_EQ(Ask(bad.ref(), "bad"), "(null)");
    party->RunLoopUntil([&] { return closed; });
    EXPECT_EQ(Ask(good.ref(), "x"), "x");
    party->Signal("done");
  });
  RunScenario(scenario, GetParam());
}

// After LE_KILL_CLIENT a client may open a session again, without limit. So the
// log limits the lines for each user.
TEST_P(SessionTest, RepeatedKillsDoNotFillTheLog) {
  static constexpr int kRounds = 100;
  static std::atomic<int> lines;
  Scenario scenario;
  scenario.Add("server", [](Party* party) {
    lines = 0;
    const le::event::LogSink sink =
        le::event::SetLogSink([](le::event::LogLevel level, absl::string_view) {
          if (level == le::event::LogLevel::kEmergency) ++lines;
        });
    TestService service("echo");
    service.on_message = [](le_msg_MessageRef_t message) {
      LE_KILL_CLIENT("it said '%s'", TextOf(message).c_str());
      le_msg_ReleaseMsg(message);
    };
    service.Advertise();
    party->RunLoopUntil("done");
    EXPECT_GT(lines, 0);
    EXPECT_LT(lines, kRounds);
    le::event::SetLogSink(sink);
  });
  scenario.Add("client", [](Party* party) {
    for (int i = 0; i < kRounds; ++i) {
      TestClient bad("echo");
      bad.Open();
      EXPECT_EQ(Ask(bad.ref(), "bad"), "(null)");
    }
    party->Signal("done");
  });
  RunScenario(scenario, GetParam());
}

TEST_P(SessionTest, AServiceWithoutReceiveHandlerDropsMessages) {
  Scenario scenario;
  scenario.Add("server", [](Party* party) {
    le_msg_ServiceRef_t service = le_msg_CreateService(TextProtocol(), "deaf");
    le_msg_AdvertiseService(service);
    party->RunLoopUntil("done");
  });
  scenario.Add("client", [](Party* party) {
    TestClient client("deaf");
    client.Open();
    le_msg_Send(NewText(client.ref(), "x"));
    EXPECT_EQ(Ask(client.ref(), "x"), "(null)");
    EXPECT_EQ(Ask(client.ref(), "x"), "(null)");
    EXPECT_EQ(le_msg_GetCloseReason(client.ref()), LE_MSG_CLOSE_NONE);
    party->Signal("done");
  });
  RunScenario(scenario, GetParam());
}

TEST_P(SessionTest, AServersCloseEndsAClientWithoutCloseHandler) {
  Scenario scenario;
  scenario.Add("server", [](Party* party) {
    TestService service("echo");
    service.on_message = [&](le_msg_MessageRef_t message) {
      le_msg_CloseSession(le_msg_GetSession(message));
      le_msg_ReleaseMsg(message);
    };
    bool closed = false;
    service.on_close = [&](le_msg_SessionRef_t) { closed = true; };
    service.Advertise();
    party->RunLoopUntil([&] { return closed; });
  });
  scenario
      .Add("client",
           [](Party* party) {
             le_msg_SessionRef_t session =
                 le_msg_CreateSession(TextProtocol(), "echo");
             le_msg_OpenSessionSync(session);
             le_msg_Send(NewText(session, "close"));
             party->RunLoopUntil("never");
           })
      .expect = Scenario::Expect::kDeath;
  if (!CanKill(GetParam()))
    GTEST_SKIP() << "a thread cannot die without its process";
  RunScenario(scenario, GetParam());
}

TEST_P(SessionTest, AProtocolMismatchKillsTheClient) {
  Scenario scenario;
  scenario.Add("server", [](Party* party) {
    TestService service("echo");
    bool closed = false;
    service.on_close = [&](le_msg_SessionRef_t) { closed = true; };
    service.Advertise();
    party->RunLoopUntil([&] { return closed; });
  });
  scenario
      .Add("client",
           [](Party* party) {
             // When this session closes, the server learns that the process
             // has died.
             TestClient good("echo");
             good.Open();
             EXPECT_EQ(Ask(good.ref(), "x"), "x");
             TestClient client("echo", le_msg_GetProtocolRef("other", 8));
             client.Open();
             party->RunLoopUntil("never");
           })
      .expect = Scenario::Expect::kDeath;
  if (!CanKill(GetParam()))
    GTEST_SKIP() << "a thread cannot die without its process";
  RunScenario(scenario, GetParam());
}

TEST_P(SessionTest, TheClientKnowsTheServer) {
  Scenario scenario;
  scenario.Add("server", [](Party* party) {
    TestService service("echo");
    service.on_message = [](le_msg_MessageRef_t message) {
      SetText(message, std::to_string(getpid()));
      le_msg_Respond(message);
    };
    service.Advertise();
    party->RunLoopUntil("done");
  });
  scenario.Add("client", [](Party* party) {
    TestClient client("echo");
    pid_t pid = 0;
    uid_t uid = 99;
    EXPECT_EQ(le_msg_GetServerUserCreds(client.ref(), &uid, &pid), LE_CLOSED);
    client.Open();
    EXPECT_EQ(le_msg_GetServerUserCreds(client.ref(), &uid, &pid), LE_OK);
    EXPECT_NE(pid, 0);
    if (GetParam() == Setting::kUnixProcesses) {
      EXPECT_EQ(Ask(client.ref(), "pid"), std::to_string(pid));
    }
    party->Signal("done");
  });
  RunScenario(scenario, GetParam());
}

TEST_P(SessionTest, SessionLimitTurnsAwayTheNextOne) {
  Scenario scenario;
  scenario.Add("server", [](Party* party) {
    TestService service("echo");
    le_msg_ServiceLimits_t limits = {};
    limits.structSize = sizeof(limits);
    limits.maxSessions = 2;
    le_msg_SetServiceLimits(service.ref(), &limits);
    le_msg_GetServiceLimits(service.ref(), &limits);
    EXPECT_EQ(limits.maxSessions, 2u);
    EXPECT_GT(limits.maxQueuedBytes, 0u);
    service.Advertise();
    party->RunLoopUntil("done");
  });
  scenario.Add("client", [](Party* party) {
    TestClient first("echo"), second("echo"), third("echo");
    first.Open();
    second.Open();
    EXPECT_EQ(le_msg_TryOpenSessionSync(third.ref()), LE_BUSY);
    EXPECT_EQ(Ask(first.ref(), "x"), "x");
    le_msg_CloseSession(second.ref());
    third.Open();
    EXPECT_EQ(Ask(third.ref(), "y"), "y");
    party->Signal("done");
  });
  RunScenario(scenario, GetParam());
}

}  // namespace
}  // namespace testing
}  // namespace messaging
}  // namespace le
