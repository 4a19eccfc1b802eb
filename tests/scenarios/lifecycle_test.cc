// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// A session that is opened many times: no message or event of one opening
// reaches a later one. Each request and each opening with a deadline has one
// result.

#include "tests/scenarios/lifecycle.h"

#include <fcntl.h>

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "tests/scenarios/util.h"

namespace le {
namespace messaging {
namespace testing {
namespace {

class LifecycleTest : public ::testing::TestWithParam<Setting> {};
INSTANTIATE_TEST_SUITE_P(Everywhere, LifecycleTest, AllSettings(), SettingName);

// ---- Reopening -------------------------------------------------------------

// A worker makes requests while the owner closes and reopens the session. If a
// request of one opening were sent in the next one, its response would be a
// protocol error and close the session.
TEST_P(LifecycleTest, ARequestNeverGoesOutOnALaterOpening) {
  static const bool simulated = GetParam() == Setting::kSimulated;
  Scenario scenario;
  scenario.Add("server", EchoServerBody);
  scenario.Add("client", [](Party* party) {
    const int kRequests = simulated ? 300 : 3000;
    TestClient client("echo");
    client.on_close = [&] {
      ADD_FAILURE() << "the session was closed: "
                    << le_msg_GetCloseReasonTxt(
                           le_msg_GetCloseReason(client.ref()));
    };
    client.Open();
    int completions = 0;
    std::atomic<bool> done{false};
    std::function<void()> work = [&] {
      for (int i = 0; i < kRequests; ++i) {
        client.Request("x", [&](le_msg_MessageRef_t) { ++completions; });
      }
      done = true;
    };
    const le_thread_Ref_t worker = StartThread(&work);
    while (!done) {
      RunWhatIsReady();
      le_msg_CloseSession(client.ref());
      client.Open();
      // Give a request of the former opening time to be sent and answered.
      for (int i = 0; i < 3; ++i) EXPECT_EQ(Ask(client.ref(), "x"), "x");
    }
    le_thread_Join(worker, nullptr);
    // This response arrives after all others. If there was a response to a
    // request of a former opening, that response has arrived too.
    EXPECT_EQ(Ask(client.ref(), "last"), "last");
    party->RunLoopUntil([&] { return completions == kRequests; });
    EXPECT_EQ(le_msg_GetCloseReason(client.ref()), LE_MSG_CLOSE_NONE);
    party->Signal("done");
  });
  RunScenario(scenario, GetParam(), /*seeds=*/100);
}

// The service is on the client's own thread, so a send must not wait. The
// session gathers messages until maxGatheredBytes is exceeded. The loop would
// close the session for this overflow. But before the loop runs, the program
// closes the session and opens it again. The new opening has an empty queue,
// and stays open.
TEST_P(LifecycleTest, AnOverflowDoesNotOutliveItsOpening) {
  Scenario scenario;
  scenario.Add("both", [](Party* party) {
    TestService service("own");
    // Messages of the former opening may still arrive, on the old connection.
    const std::string flood(200, 'x');
    std::vector<std::string> heard;
    service.on_message = [&](le_msg_MessageRef_t message) {
      if (TextOf(message) != flood) heard.push_back(TextOf(message));
      if (le_msg_NeedsResponse(message)) return le_msg_Respond(message);
      le_msg_ReleaseMsg(message);
    };
    service.Advertise();
    TestClient client("own");
    client.on_close = [&] { ADD_FAILURE() << "the new opening was closed"; };
    le_msg_SessionLimits_t limits = {};
    limits.structSize = sizeof(limits);
    limits.maxQueuedMessages = 3;
    limits.maxGatheredBytes = 10 * kTextSize;
    le_msg_SetSessionLimits(client.ref(), &limits);
    client.Open();
    constexpr int kMoreThanFit = 100000;
    int sent = 0;
    le_result_t result = LE_OK;
    for (; result == LE_OK && sent < kMoreThanFit; ++sent) {
      result =
          le_msg_SendTimed(NewText(client.ref(), flood), LE_MSG_NO_TIMEOUT);
    }
    EXPECT_EQ(result, LE_CLOSED);
    le_msg_CloseSession(client.ref());
    client.Open();
    EXPECT_EQ(le_msg_SendTimed(NewText(client.ref(), "first"), 0), LE_OK);
    RunWhatIsReady();
    EXPECT_EQ(le_msg_GetCloseReason(client.ref()), LE_MSG_CLOSE_NONE);
    EXPECT_EQ(le_msg_SendTimed(NewText(client.ref(), "second"), 0), LE_OK);
    bool answered = false;
    client.Request("third", [&](le_msg_MessageRef_t response) {
      EXPECT_NE(response, nullptr);
      answered = true;
    });
    party->RunLoopUntil([&] { return answered; });
    EXPECT_EQ(heard, (std::vector<std::string>{"first", "second", "third"}));
  });
  RunScenario(scenario, GetParam());
}

// Generated code may keep the reference of a client's session for a one-shot
// handler, and use it after the client has exited. The reference must not
// identify the next client.
TEST_P(LifecycleTest, AServerMaySendToAClientThatHasExited) {
  Scenario scenario;
  scenario.Add("server", [](Party* party) {
    TestService service("echo");
    le_msg_SessionRef_t gone = nullptr;
    le_msg_MessageRef_t request = nullptr;
    int closed = 0;
    service.on_message = [&](le_msg_MessageRef_t message) {
      if (gone != nullptr) {
        request = message;
        return;
      }
      gone = le_msg_GetSession(message);
      le_msg_ReleaseMsg(message);
    };
    service.on_close = [&](le_msg_SessionRef_t) { ++closed; };
    service.Advertise();
    party->RunLoopUntil([&] { return closed == 1; });
    party->Signal("gone");
    party->RunLoopUntil([&] { return request != nullptr; });
    EXPECT_NE(le_msg_GetSession(request), gone);
    const le_msg_MessageRef_t message = NewText(gone, "too late");
    EXPECT_EQ(le_msg_GetMaxPayloadSize(message), kTextSize);
    le_msg_SetFd(message, open("/dev/null", O_RDONLY | O_CLOEXEC));
    EXPECT_FALSE(le_msg_NeedsResponse(message));
    EXPECT_NE(le_msg_GetSession(message), le_msg_GetSession(request));
    le_msg_Send(message);
    EXPECT_EQ(le_msg_TrySend(NewText(gone, "too late")), LE_CLOSED);
    EXPECT_EQ(le_msg_SendTimed(NewText(gone, "too late"), 1), LE_CLOSED);
    le_msg_Respond(NewText(gone, "too late"));
    le_msg_ReleaseMsg(NewText(gone, "too late"));
    uid_t uid;
    EXPECT_EQ(le_msg_GetClientUserId(gone, &uid), LE_CLOSED);
    EXPECT_EQ(le_msg_GetCloseReason(gone), LE_MSG_CLOSE_BY_PEER);
    le_msg_CloseSession(gone);
    le_msg_Respond(request);
    party->RunLoopUntil([&] { return closed == 2; });
    le_msg_Send(NewText(gone, "too late"));
  });
  scenario.Add("client", [](Party* party) {
    {
      TestClient client("echo");
      client.Open();
      le_msg_Send(NewText(client.ref(), "tell me later"));
    }
    party->Await("gone");
    TestClient client("echo");
    client.on_message = [](le_msg_MessageRef_t message) {
      ADD_FAILURE() << "for another client: " << TextOf(message);
      le_msg_ReleaseMsg(message);
    };
    client.Open();
    EXPECT_EQ(Ask(client.ref(), "mine"), "mine");
    le_event_ServiceLoop();
  });
  RunScenario(scenario, GetParam());
}

// ---- Completions -----------------------------------------------------------

// Records the completions in their order.
class Completions {
 public:
  explicit Completions(le_msg_SessionRef_t session) : session_(session) {}

  le_msg_RequestId_t Request(const std::string& name) {
    waiting_.push_back(std::make_unique<Waiting>(Waiting{this, name}));
    return le_msg_RequestResponseTimed(NewText(session_, kHold),
                                       LE_MSG_NO_TIMEOUT, &OnResult,
                                       waiting_.back().get());
  }
  std::string told;  // the names of the requests, in order of completion

 private:
  struct Waiting {
    Completions* all;
    std::string name;
  };
  static void OnResult(le_msg_MessageRef_t response, le_result_t,
                       void* context) {
    const auto* const waiting = static_cast<Waiting*>(context);
    EXPECT_EQ(response, nullptr);
    waiting->all->told += waiting->name;
  }
  const le_msg_SessionRef_t session_;
  std::vector<std::unique_ptr<Waiting>> waiting_;
};

// Requests complete in order, even if one exceeds maxOpenRequests.
TEST_P(LifecycleTest, ARequestBeyondTheLimitCompletesInOrder) {
  Scenario scenario;
  scenario.Add("server", &CountingServerBody);
  scenario.Add("client", [](Party* party) {
    TestClient client("echo");
    le_msg_SessionLimits_t limits = {};
    limits.structSize = sizeof(limits);
    limits.maxOpenRequests = 3;
    le_msg_SetSessionLimits(client.ref(), &limits);
    client.Open();
    Completions completions(client.ref());
    for (const char* name : {"1", "2", "3"}) {
      EXPECT_NE(completions.Request(name), 0u);
    }
    EXPECT_EQ(completions.Request("4"), 0u);
    le_msg_CloseSession(client.ref());
    EXPECT_EQ(completions.told, "");
    party->RunLoopUntil([&] { return completions.told.size() == 4; });
    EXPECT_EQ(completions.told, "1234");
    party->Signal("done");
  });
  RunScenario(scenario, GetParam());
}

// A request on a closed session completes in order too, even if the session is
// opened again before any completion has run.
TEST_P(LifecycleTest, ARequestOnAClosedSessionCompletesInOrder) {
  Scenario scenario;
  scenario.Add("server", &CountingServerBody);
  scenario.Add("client", [](Party* party) {
    TestClient client("echo");
    client.Open();
    Completions completions(client.ref());
    for (const char* name : {"1", "2", "3"}) {
      EXPECT_NE(completions.Request(name), 0u);
    }
    le_msg_CloseSession(client.ref());
    EXPECT_EQ(completions.Request("4"), 0u);
    client.Open();
    EXPECT_NE(completions.Request("5"), 0u);
    le_msg_CloseSession(client.ref());
    EXPECT_EQ(completions.Request("6"), 0u);
    EXPECT_EQ(completions.told, "");
    party->RunLoopUntil([&] { return completions.told.size() == 6; });
    EXPECT_EQ(completions.told, "123456");
    party->Signal("done");
  });
  RunScenario(scenario, GetParam());
}

// A handler may run the loop. The loop then delivers the events that are due,
// in order.
TEST_P(LifecycleTest, AHandlerThatRunsTheLoopGetsTheDueEvents) {
  Scenario scenario;
  scenario.Add("server", &CountingServerBody);
  scenario.Add("client", [](Party* party) {
    TestClient client("echo");
    client.Open();
    std::string log;
    client.Request(kHold, [&](le_msg_MessageRef_t) {
      log += "1";
      // This hangs if the loop does not know that more events are due.
      while (log.size() < 3) le_event_ServiceLoop();
      log += "1";
    });
    client.Request(kHold, [&](le_msg_MessageRef_t) { log += "2"; });
    client.Request(kHold, [&](le_msg_MessageRef_t) { log += "3"; });
    le_msg_CloseSession(client.ref());
    party->RunLoopUntil([&] { return log.size() == 4; });
    EXPECT_EQ(log, "1231");
    party->Signal("done");
  });
  RunScenario(scenario, GetParam());
}

// ---- Opening with a deadline -----------------------------------------------

// The deadline may pass in the same turn in which the server accepts the
// session. The result is LE_OK if and only if the session is open. Otherwise
// the server has no session either.
TEST_P(LifecycleTest, TheResultOfATimedOpenIsTheStateOfTheSession) {
  Scenario scenario;
  scenario.Add("server", &CountingServerBody);
  scenario.Add("client", [](Party* party) {
    TestClient probe("echo"), client("echo");
    probe.Open();
    for (int i = 0; i < 100; ++i) {
      const uint32_t timeout = static_cast<uint32_t>(i % 3);
      const le_result_t result =
          i % 2 == 0 ? le_msg_OpenSessionSyncTimed(client.ref(), timeout)
                     : le_msg_TryOpenSessionSyncTimed(client.ref(), timeout);
      EXPECT_TRUE(result == LE_OK || result == LE_TIMEOUT) << result;
      pid_t pid = 0;
      EXPECT_EQ(le_msg_GetServerUserCreds(client.ref(), nullptr, &pid),
                result == LE_OK ? LE_OK : LE_CLOSED);
      EXPECT_EQ(le_msg_SendTimed(NewText(client.ref(), "x"), 0),
                result == LE_OK ? LE_OK : LE_CLOSED);
      if (result == LE_OK) {
        le_msg_CloseSession(client.ref());
      } else {
        EXPECT_EQ(SessionsOnceClosed(probe.ref(), "1"), "1");
      }
    }
    EXPECT_EQ(SessionsOnceClosed(probe.ref(), "1"), "1");
    party->Signal("done");
  });
  RunScenario(scenario, GetParam());
}

struct Opening {
  explicit Opening(std::string* log, const char* name) : log(log), name(name) {}
  static void OnResult(le_msg_SessionRef_t, le_result_t result, void* context) {
    const auto* const opening = static_cast<Opening*>(context);
    *opening->log += std::string(opening->name) + " " +
                     (result == LE_OK        ? "open"
                      : result == LE_TIMEOUT ? "timeout"
                      : result == LE_CLOSED  ? "closed"
                                             : "?") +
                     ", ";
  }
  static void OnOpen(le_msg_SessionRef_t session, void* context) {
    OnResult(session, LE_OK, context);
  }
  std::string* log;
  const char* name;
};

// The loop reports one result for each timed open. If a close has ended an
// open, the result is LE_CLOSED. It is reported before the result of the next
// open.
TEST_P(LifecycleTest, ATimedOpenThatIsClosedHasOneResult) {
  Scenario scenario;
  scenario.Add("server", EchoServerBody).start = Scenario::Start::kLater;
  scenario.Add("client", [](Party* party) {
    std::string log;
    Opening first(&log, "first"), second(&log, "second"), third(&log, "third");
    TestClient client("echo"), deleted("echo");
    le_msg_OpenSessionTimed(client.ref(), LE_MSG_NO_TIMEOUT, &Opening::OnResult,
                            &first);
    le_msg_CloseSession(client.ref());
    le_msg_CloseSession(client.ref());
    le_msg_OpenSessionTimed(client.ref(), LE_MSG_NO_TIMEOUT, &Opening::OnResult,
                            &second);
    le_msg_OpenSessionTimed(deleted.ref(), LE_MSG_NO_TIMEOUT,
                            &Opening::OnResult, &third);
    RunWhatIsReady();
    deleted.Delete();
    EXPECT_EQ(log, "first closed, ");
    RunWhatIsReady();
    EXPECT_EQ(log, "first closed, third closed, ");
    party->Start("server");
    party->RunLoopUntil(
        [&] { return log.find("second") != std::string::npos; });
    EXPECT_EQ(log, "first closed, third closed, second open, ");
    EXPECT_EQ(Ask(client.ref(), "x"), "x");
    party->Signal("done");
  });
  RunScenario(scenario, GetParam());
}

// If the server has accepted the session before the deadline, the open
// succeeds, even if the client runs its loop only after the deadline.
TEST_P(LifecycleTest, ASessionAcceptedInTimeOpensAfterTheDeadline) {
  Scenario scenario;
  scenario.Add("server", [](Party* party) {
    TestService service("echo");
    int opened = 0;
    service.on_open = [&](le_msg_SessionRef_t) {
      if (++opened == 2) party->Signal("taken");
    };
    service.Advertise();
    party->RunLoopUntil("done");
  });
  scenario.Add("client", [](Party* party) {
    TestClient first("echo"), client("echo");
    first.Open();  // waits for the directory and the service
    std::string log;
    Opening opening(&log, "it");
    le_msg_OpenSessionTimed(client.ref(), 1, &Opening::OnResult, &opening);
    party->Await("taken");
    PassTime();
    party->RunLoopUntil([&] { return !log.empty(); });
    EXPECT_EQ(log, "it open, ");
    EXPECT_EQ(Ask(client.ref(), "x"), "x");
    party->Signal("done");
  });
  RunScenario(scenario, GetParam());
}

// A local session also opens if it was accepted before the deadline.
TEST_P(LifecycleTest, ALocalSessionAcceptedInTimeOpensAfterTheDeadline) {
  if (GetParam() == Setting::kUnixProcesses) {
    GTEST_SKIP()
        << "in a process, only the thread of the party's body may signal";
  }
  Scenario scenario;
  scenario.Add("process", [](Party* party) {
    const le_mem_PoolRef_t pool =
        le_mem_CreatePool("own", LE_MSG_LOCAL_HEADER_SIZE + 16);
    le_msg_LocalService_t local = {};
    std::function<void()> serve = [&] {
      const le_msg_ServiceRef_t service =
          le_msg_InitLocalService(&local, "own", pool);
      const le_msg_SessionEventHandlerRef_t handler =
          le_msg_AddServiceOpenHandler(
              service,
              [](le_msg_SessionRef_t, void* context) {
                static_cast<Party*>(context)->Signal("taken");
              },
              party);
      le_msg_AdvertiseService(service);
      party->Signal("advertised");
      party->RunLoopUntil("done");
      le_msg_RemoveServiceHandler(handler);
      le_msg_DeleteService(service);
    };
    const le_thread_Ref_t server = StartThread(&serve);
    party->Await("advertised");
    const le_msg_SessionRef_t session = le_msg_CreateLocalSession(&local);
    std::string log;
    Opening opening(&log, "it");
    le_msg_OpenSessionTimed(session, 1, &Opening::OnResult, &opening);
    party->Await("taken");
    PassTime();
    party->RunLoopUntil([&] { return !log.empty(); });
    EXPECT_EQ(log, "it open, ");
    le_msg_DeleteSession(session);
    party->Signal("done");
    le_thread_Join(server, nullptr);
  });
  RunScenario(scenario, GetParam());
}

// If a close ends an open without a deadline, the handler of that open is never
// called.
TEST_P(LifecycleTest, AnUntimedOpenThatIsClosedHasNoResult) {
  Scenario scenario;
  scenario.Add("server", EchoServerBody).start = Scenario::Start::kLater;
  scenario.Add("client", [](Party* party) {
    std::string log;
    Opening first(&log, "first"), second(&log, "second");
    TestClient client("echo");
    le_msg_OpenSession(client.ref(), &Opening::OnOpen, &first);
    le_msg_CloseSession(client.ref());
    le_msg_OpenSession(client.ref(), &Opening::OnOpen, &second);
    RunWhatIsReady();
    EXPECT_EQ(log, "");
    party->Start("server");
    party->RunLoopUntil([&] { return !log.empty(); });
    EXPECT_EQ(log, "second open, ");
    party->Signal("done");
  });
  RunScenario(scenario, GetParam());
}

}  // namespace
}  // namespace testing
}  // namespace messaging
}  // namespace le
