// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// A session that is opened many times: no message or event of one opening
// reaches a later one. Each opening and each request has one result. The end of
// a thread closes its sessions.

#include <fcntl.h>

#include <atomic>
#include <memory>
#include <utility>

#include "event/process.h"
#include "tests/scenarios/util.h"

namespace le {
namespace messaging {
namespace testing {
namespace {

class LifecycleTest : public ::testing::TestWithParam<Setting> {};
INSTANTIATE_TEST_SUITE_P(Everywhere, LifecycleTest, AllSettings(), SettingName);

// Starts a thread that runs `body`.
le_thread_Ref_t StartThread(std::function<void()>* body) {
  const le_thread_Ref_t thread = le_thread_Create(
      "thread",
      [](void* context) -> void* {
        (*static_cast<std::function<void()>*>(context))();
        return nullptr;
      },
      body);
  le_thread_SetJoinable(thread);
  le_thread_Start(thread);
  return thread;
}

void RunThread(std::function<void()> body) {
  le_thread_Join(StartThread(&body), nullptr);
}

// Runs the events that are ready on the loop of this thread.
void RunWhatIsReady() {
  for (int i = 0; i < 100 && le_event_ServiceLoop() == LE_OK; ++i) {
  }
}

le_msg_ProtocolRef_t LargeProtocol() {
  return le_msg_GetProtocolRef("large", size_t{1} << 20);
}

constexpr char kHowMany[] = "how many sessions?";
constexpr char kHold[] = "hold";

// Offers the service "echo" until "done". Holds requests with the text kHold,
// answers kHowMany with the number of its sessions, and echoes other requests.
void CountingServerBody(Party* party) {
  TestService service("echo");
  int sessions = 0;
  std::vector<le_msg_MessageRef_t> held;
  service.on_open = [&](le_msg_SessionRef_t) { ++sessions; };
  service.on_close = [&](le_msg_SessionRef_t) { --sessions; };
  service.on_message = [&](le_msg_MessageRef_t message) {
    if (!le_msg_NeedsResponse(message)) return le_msg_ReleaseMsg(message);
    if (TextOf(message) == kHold) return held.push_back(message);
    if (TextOf(message) == kHowMany) {
      SetText(message, std::to_string(sessions));
    }
    le_msg_Respond(message);
  };
  service.Advertise();
  party->RunLoopUntil("done");
  for (le_msg_MessageRef_t message : held) le_msg_ReleaseMsg(message);
}

// Asks until the server has the expected number of sessions. Returns its last
// answer. The server learns of a close a little later than the client.
std::string SessionsOnceClosed(le_msg_SessionRef_t probe,
                               const std::string& expected) {
  std::string sessions;
  for (int i = 0; i < 1000 && sessions != expected; ++i) {
    sessions = Ask(probe, kHowMany);
  }
  return sessions;
}

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
    // This response arrives after all others, also after unwanted ones.
    EXPECT_EQ(Ask(client.ref(), "last"), "last");
    party->RunLoopUntil([&] { return completions == kRequests; });
    EXPECT_EQ(le_msg_GetCloseReason(client.ref()), LE_MSG_CLOSE_NONE);
    party->Signal("done");
  });
  RunScenario(scenario, GetParam(), /*seeds=*/100);
}

// The service is on the client's own thread, and the session's queue overflows.
// The loop would close the session for that. Before it does, the program closes
// the session and opens it again. The new opening has an empty queue, and stays
// open.
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
    le_msg_SetSessionLimits(client.ref(), &limits);
    client.Open();
    constexpr int kMoreThanFit = 100000;
    int sent = 0;
    while (sent < kMoreThanFit &&
           le_msg_SendTimed(NewText(client.ref(), flood), 0) == LE_OK) {
      ++sent;
    }
    EXPECT_LT(sent, kMoreThanFit);
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
TEST_P(LifecycleTest, ARequestTooManyCompletesInItsTurn) {
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
TEST_P(LifecycleTest, ARequestOnAClosedSessionCompletesInItsTurn) {
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
TEST_P(LifecycleTest, ATimedOpenThatIsClosedIsToldSoOnce) {
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
// succeeds, even if the client runs its loop later.
TEST_P(LifecycleTest, ASessionThatWasTakenCountsAfterTheDeadline) {
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
TEST_P(LifecycleTest, ALocalSessionThatWasTakenCountsAfterTheDeadline) {
  if (GetParam() == Setting::kUnixProcesses) {
    GTEST_SKIP() << "between processes only a party's first thread signals";
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
TEST_P(LifecycleTest, AnOpenThatIsClosedIsNotTold) {
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

// ---- The end of a thread ---------------------------------------------------

// When its owner ends, a session is closed for ever. A completion cannot open
// it again.
TEST_P(LifecycleTest, ASessionStaysClosedWhenItsThreadEnds) {
  Scenario scenario;
  scenario.Add("server", &CountingServerBody);
  scenario.Add("client", [](Party* party) {
    TestClient probe("echo");
    probe.Open();
    struct Ending {
      le_msg_SessionRef_t session = nullptr;
      bool sync = false;
      int completions = 0;
      bool opened = false;
    };
    for (const bool sync : {false, true}) {
      Ending ending;
      ending.sync = sync;
      le_msg_MessageRef_t kept = nullptr;  // keeps the session valid
      RunThread([&ending, &kept] {
        ending.session = le_msg_CreateSession(TextProtocol(), "echo");
        kept = le_msg_CreateMsg(ending.session);
        le_msg_OpenSessionSync(ending.session);
        le_msg_RequestResponse(
            NewText(ending.session, kHold),
            [](le_msg_MessageRef_t response, void* context) {
              auto* const ending = static_cast<Ending*>(context);
              EXPECT_EQ(response, nullptr);
              ++ending->completions;
              if (ending->sync) {
                ending->opened =
                    le_msg_TryOpenSessionSync(ending->session) == LE_OK;
                return;
              }
              le_msg_OpenSession(
                  ending->session,
                  [](le_msg_SessionRef_t, void* context) {
                    static_cast<Ending*>(context)->opened = true;
                  },
                  ending);
            },
            &ending);
      });
      EXPECT_EQ(ending.completions, 1);
      EXPECT_FALSE(ending.opened);
      EXPECT_EQ(SessionsOnceClosed(probe.ref(), "1"), "1")
          << (sync ? "opened by a blocking call" : "opened by the loop");
      EXPECT_EQ(le_msg_GetCloseReason(ending.session),
                LE_MSG_CLOSE_THREAD_ENDED);
      le_msg_ReleaseMsg(kept);
    }
    party->Signal("done");
  });
  RunScenario(scenario, GetParam());
}

// Each completion makes a new request. The thread ends nevertheless, and each
// request completes once.
TEST_P(LifecycleTest, AThreadEndsThoughItsCompletionsAskAgain) {
  Scenario scenario;
  scenario.Add("server", &CountingServerBody);
  scenario.Add("client", [](Party* party) {
    static constexpr int kForEver = 1000;
    struct Asker {
      le_msg_SessionRef_t session = nullptr;
      int asked = 0;
      int told = 0;
      void Ask() {
        ++asked;
        le_msg_RequestResponse(
            NewText(session, kHold),
            [](le_msg_MessageRef_t response, void* context) {
              auto* const self = static_cast<Asker*>(context);
              EXPECT_EQ(response, nullptr);
              if (++self->told < kForEver) self->Ask();
            },
            this);
      }
    } asker;
    RunThread([&asker] {
      asker.session = le_msg_CreateSession(TextProtocol(), "echo");
      le_msg_OpenSessionSync(asker.session);
      asker.Ask();
    });
    EXPECT_LT(asker.told, 10);
    EXPECT_GE(asker.told, 1);
    EXPECT_LE(asker.told, asker.asked);
    party->Signal("done");
  });
  RunScenario(scenario, GetParam());
}

// A request that a completion makes while the thread ends completes too.
TEST_P(LifecycleTest, ARequestMadeWhileItsThreadEndsIsTold) {
  Scenario scenario;
  scenario.Add("server", &CountingServerBody);
  scenario.Add("client", [](Party* party) {
    struct Asker {
      le_msg_SessionRef_t session = nullptr;
      std::string log;
      static void OnFirst(le_msg_MessageRef_t response, void* context) {
        auto* const self = static_cast<Asker*>(context);
        EXPECT_EQ(response, nullptr);
        self->log += "first ";
        le_msg_RequestResponse(NewText(self->session, kHold), &OnSecond, self);
      }
      static void OnSecond(le_msg_MessageRef_t response, void* context) {
        EXPECT_EQ(response, nullptr);
        static_cast<Asker*>(context)->log += "second ";
      }
    } asker;
    RunThread([&asker] {
      asker.session = le_msg_CreateSession(TextProtocol(), "echo");
      le_msg_OpenSessionSync(asker.session);
      le_msg_RequestResponse(NewText(asker.session, kHold), &Asker::OnFirst,
                             &asker);
    });
    EXPECT_EQ(asker.log, "first second ");
    party->Signal("done");
  });
  RunScenario(scenario, GetParam());
}

// The objects that a thread has created. Its destructors use them.
struct OfEndingThread {
  le_msg_SessionRef_t session = nullptr;
  le_msg_ServiceRef_t service = nullptr;
  le_msg_SessionEventHandlerRef_t handler = nullptr;
  bool told = false;
};

void OnNothing(le_msg_MessageRef_t, void* context) {
  static_cast<OfEndingThread*>(context)->told = true;
}

// While the destructors of a thread run, its objects are valid and closed for
// ever. A destructor may delete them.
void UseInDestructor(void* context) {
  auto* const of = static_cast<OfEndingThread*>(context);
  EXPECT_EQ(le_msg_GetCloseReason(of->session), LE_MSG_CLOSE_THREAD_ENDED);
  EXPECT_EQ(le_msg_TryOpenSessionSync(of->session), LE_CLOSED);
  le_msg_OpenSession(of->session, nullptr, nullptr);
  EXPECT_EQ(Ask(of->session, "x"), "(null)");
  le_msg_RequestResponse(NewText(of->session, "x"), &OnNothing, of);
  EXPECT_EQ(le_msg_RequestResponseTimed(
                NewText(of->session, "x"), 1000,
                [](le_msg_MessageRef_t, le_result_t, void*) {}, nullptr),
            0u);
  EXPECT_EQ(le_msg_CancelRequest(of->session, 1), LE_NOT_FOUND);
  EXPECT_EQ(le_msg_SendTimed(NewText(of->session, "x"), 0), LE_CLOSED);
  le_msg_Flush(of->session);
  le_msg_SetSessionRecvHandler(of->session, &OnNothing, of);
  EXPECT_EQ(le_msg_GetServerUserCreds(of->session, nullptr, nullptr),
            LE_CLOSED);
  le_msg_CloseSession(of->session);
  le_msg_DeleteSession(of->session);

  le_msg_AdvertiseService(of->service);
  le_msg_HideService(of->service);
  le_msg_SetServiceRecvHandler(of->service, &OnNothing, of);
  le_msg_RemoveServiceHandler(of->handler);
  le_msg_DeleteService(of->service);
  // Sessions that a destructor creates are closed for ever too.
  const le_msg_SessionRef_t late = le_msg_CreateSession(TextProtocol(), "echo");
  EXPECT_EQ(le_msg_TryOpenSessionSync(late), LE_CLOSED);
}

TEST_P(LifecycleTest, DestructorsMayUseWhatTheirThreadOwned) {
  Scenario scenario;
  scenario.Add("server", &CountingServerBody);
  scenario.Add("client", [](Party* party) {
    OfEndingThread of;
    RunThread([&of] {
      of.session = le_msg_CreateSession(TextProtocol(), "echo");
      le_msg_OpenSessionSync(of.session);
      of.service = le_msg_CreateService(TextProtocol(), "other");
      of.handler = le_msg_AddServiceOpenHandler(
          of.service, [](le_msg_SessionRef_t, void*) {}, nullptr);
      le_msg_AdvertiseService(of.service);
      le_thread_AddDestructor(&UseInDestructor, &of);
    });
    EXPECT_FALSE(of.told) << "there is no thread to tell it";
    party->Signal("done");
  });
  RunScenario(scenario, GetParam());
}

// The objects of an ended thread are valid until another thread deletes them.
// Even before that, another thread can offer a service of the same name.
TEST_P(LifecycleTest, WhatAnEndedThreadLeavesIsValidUntilDeleted) {
  Scenario scenario;
  scenario.Add("server", &CountingServerBody);
  scenario.Add("client", [](Party* party) {
    OfEndingThread of;
    RunThread([&of] {
      of.session = le_msg_CreateSession(TextProtocol(), "echo");
      le_msg_OpenSessionSync(of.session);
      of.service = le_msg_CreateService(TextProtocol(), "other");
      le_msg_AdvertiseService(of.service);
    });
    // If the objects were freed, these sessions would reuse their memory.
    for (int i = 0; i < 10; ++i) {
      RunThread([] { le_msg_CreateSession(TextProtocol(), "echo"); });
    }
    EXPECT_EQ(le_msg_GetCloseReason(of.session), LE_MSG_CLOSE_THREAD_ENDED);
    EXPECT_STREQ(
        le_msg_GetInterfaceName(le_msg_GetSessionInterface(of.session)),
        "echo");
    le_msg_SetSessionContextPtr(of.session, &of);
    EXPECT_EQ(le_msg_GetSessionContextPtr(of.session), &of);
    EXPECT_EQ(le_msg_SendTimed(NewText(of.session, "x"), 0), LE_CLOSED);
    le_msg_RequestResponse(NewText(of.session, "x"), &OnNothing, &of);
    le_msg_Flush(of.session);
    RunWhatIsReady();
    EXPECT_FALSE(of.told) << "there is no thread to tell it";
    le_msg_DeleteSession(of.session);

    EXPECT_EQ(le_msg_GetServiceContextPtr(of.service), nullptr);
    TestService again("other");
    le_msg_DeleteService(of.service);
    party->Signal("done");
  });
  RunScenario(scenario, GetParam());
}

// A message that another thread holds keeps the closed session of an ended
// thread valid. The other thread may use both. No handler is called, since the
// owner has ended.
TEST_P(LifecycleTest, AMessageKeepsTheSessionOfAnEndedThread) {
  Scenario scenario;
  scenario.Add("server", [](Party* party) {
    // On the server's side, the thread that owns the service ends.
    struct Serving {
      std::atomic<le_msg_MessageRef_t> held{nullptr};
    } serving;
    RunThread([&serving] {
      const le_msg_ServiceRef_t service =
          le_msg_CreateService(TextProtocol(), "echo");
      le_msg_SetServiceRecvHandler(
          service,
          [](le_msg_MessageRef_t message, void* context) {
            static_cast<Serving*>(context)->held = message;
            le_thread_Exit(nullptr);
          },
          &serving);
      le_msg_AdvertiseService(service);
      le_event_RunLoop();
    });
    const le_msg_SessionRef_t session = le_msg_GetSession(serving.held);
    EXPECT_EQ(le_msg_GetCloseReason(session), LE_MSG_CLOSE_THREAD_ENDED);
    EXPECT_EQ(le_msg_GetClientUserId(session, nullptr), LE_CLOSED);
    EXPECT_STREQ(le_msg_GetInterfaceName(le_msg_GetSessionInterface(session)),
                 "echo");
    EXPECT_EQ(le_msg_SendTimed(NewText(session, "x"), 0), LE_CLOSED);
    le_msg_Respond(serving.held);
    party->RunLoopUntil("done");
  });
  scenario.Add("client", [](Party* party) {
    le_msg_MessageRef_t held = nullptr;
    RunThread([&held] {
      const le_msg_SessionRef_t session =
          le_msg_CreateSession(TextProtocol(), "echo");
      le_msg_OpenSessionSync(session);
      held = NewText(session, "held");
      EXPECT_EQ(Ask(session, "x"), "(null)");
    });
    const le_msg_SessionRef_t session = le_msg_GetSession(held);
    EXPECT_NE(le_msg_GetCloseReason(session), LE_MSG_CLOSE_NONE);
    le_msg_Send(NewText(session, "x"));
    le_msg_Flush(session);
    OfEndingThread of;
    le_msg_AddRef(held);
    le_msg_RequestResponse(held, &OnNothing, &of);
    EXPECT_EQ(le_msg_RequestResponseTimed(
                  held, 1000, [](le_msg_MessageRef_t, le_result_t, void*) {},
                  nullptr),
              0u);
    RunWhatIsReady();
    EXPECT_FALSE(of.told);
    party->Signal("done");
  });
  RunScenario(scenario, GetParam());
}

// Ends a thread in a handler of its own service.
void ExitInHandler(bool in_open_handler) {
  RunThread([in_open_handler] {
    const le_msg_ServiceRef_t service =
        le_msg_CreateService(TextProtocol(), "echo");
    const le_msg_SessionEventHandler_t exit = [](le_msg_SessionRef_t, void*) {
      le_thread_Exit(nullptr);
    };
    if (in_open_handler) {
      le_msg_AddServiceOpenHandler(service, exit, nullptr);
    } else {
      le_msg_AddServiceCloseHandler(service, exit, nullptr);
    }
    le_msg_AdvertiseService(service);
    le_event_RunLoop();
  });
}

// Under a leak checker this test finds objects that such a thread does not
// free.
TEST_P(LifecycleTest, AThreadMayExitInAHandlerOfItsService) {
  Scenario scenario;
  scenario.Add("server", [](Party* party) {
    ExitInHandler(/*in_open_handler=*/true);
    ExitInHandler(/*in_open_handler=*/false);
    party->Signal("done");
  });
  scenario.Add("client", [](Party* party) {
    TestClient client("echo");
    bool closed = false;
    client.on_close = [&] { closed = true; };
    client.Open();
    party->RunLoopUntil([&] { return closed; });
    client.Open();
    // Make sure that the server's open handler has run.
    EXPECT_EQ(Ask(client.ref(), "x"), "(null)");
    client.Delete();
    party->RunLoopUntil("done");
  });
  RunScenario(scenario, GetParam());
}

// ---- Any thread ------------------------------------------------------------

// A thread ends although each completion creates a new session.
TEST_P(LifecycleTest, AThreadEndsThoughItsCompletionsMakeNewSessions) {
  Scenario scenario;
  scenario.Add("server", &CountingServerBody);
  scenario.Add("client", [](Party* party) {
    static constexpr int kForEver = 1000;
    struct Asker {
      le_msg_SessionRef_t session = nullptr;
      int told = 0;
      void Ask() {
        session = le_msg_CreateSession(TextProtocol(), "echo");
        le_msg_OpenSessionSync(session);
        le_msg_RequestResponse(
            NewText(session, kHold),
            [](le_msg_MessageRef_t, void* context) {
              auto* const self = static_cast<Asker*>(context);
              le_msg_DeleteSession(self->session);
              if (++self->told < kForEver) self->Ask();
            },
            this);
      }
    } asker;
    RunThread([&asker] { asker.Ask(); });
    EXPECT_EQ(asker.told, 1) << "a session of an ending thread tells nothing";
    party->Signal("done");
  });
  RunScenario(scenario, GetParam());
}

// A handler may run the loop. The loop then delivers the events that are due,
// in order.
TEST_P(LifecycleTest, AHandlerThatRunsTheLoopGetsTheRest) {
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

// The deadline of a call holds even if the session's owner, another thread,
// blocks on the session, and the server does not read.
TEST_P(LifecycleTest, ADeadlineHoldsWhileTheOwnerIsBlocked) {
  if (GetParam() == Setting::kUnixProcesses) {
    GTEST_SKIP() << "between processes only a party's first thread signals";
  }
  Scenario scenario;
  scenario.Add("server", [](Party* party) {
    TestService service("echo", LargeProtocol());
    service.on_message = [&](le_msg_MessageRef_t message) {
      if (!le_msg_NeedsResponse(message)) return le_msg_ReleaseMsg(message);
      party->Signal("asked");
      party->Await("sent");
      le_msg_Respond(message);
    };
    service.Advertise();
    party->RunLoopUntil("done");
  });
  scenario.Add("client", [](Party* party) {
    TestClient client("echo", LargeProtocol());
    client.Open();
    const le_msg_SessionRef_t session = client.ref();
    std::function<void()> send = [&] {
      party->Await("asked");
      for (int i = 0; i < 4; ++i) {
        const le_msg_MessageRef_t message = le_msg_CreateMsg(session);
        le_msg_SetPayloadSize(message, le_msg_GetMaxPayloadSize(message));
        le_msg_SendTimed(message, 1);
      }
      party->Signal("sent");
    };
    const le_thread_Ref_t sender = StartThread(&send);
    const le_msg_MessageRef_t response =
        le_msg_RequestSyncResponse(le_msg_CreateMsg(session));
    EXPECT_NE(response, nullptr);
    if (response != nullptr) le_msg_ReleaseMsg(response);
    le_thread_Join(sender, nullptr);
    party->Signal("done");
  });
  RunScenario(scenario, GetParam());
}

// Any thread may call the getters while the owner changes the values. The
// thread sanitizer checks this test.
TEST_P(LifecycleTest, GettersMayRaceWithSetters) {
  static const int rounds = GetParam() == Setting::kSimulated ? 10 : 300;
  Scenario scenario;
  scenario.Add("server", [](Party* party) {
    TestService service("echo");
    std::atomic<le_msg_SessionRef_t> session{nullptr};
    le_msg_MessageRef_t kept = nullptr;
    service.on_message = [&](le_msg_MessageRef_t message) {
      if (kept == nullptr) {
        // Keeps the session's reference valid.
        le_msg_AddRef(message);
        kept = message;
        session = le_msg_GetSession(message);
      }
      le_msg_SessionRef_t const from = le_msg_GetSession(message);
      le_msg_SetSessionContextPtr(from, &service);
      le_msg_SetServiceContextPtr(service.ref(), &service);
      le_msg_ServiceLimits_t limits = {};
      limits.structSize = sizeof(limits);
      limits.maxSessions = 1000;
      le_msg_SetServiceLimits(service.ref(), &limits);
      if (le_msg_NeedsResponse(message)) return le_msg_Respond(message);
      le_msg_ReleaseMsg(message);
    };
    service.Advertise();
    std::atomic<bool> stop{false};
    std::function<void()> ask = [&] {
      while (!stop) {
        le_msg_GetServiceContextPtr(service.ref());
        le_msg_ServiceLimits_t limits = {};
        limits.structSize = sizeof(limits);
        le_msg_GetServiceLimits(service.ref(), &limits);
        const le_msg_SessionRef_t ref = session;
        if (ref != nullptr) {
          uid_t uid = 0;
          le_msg_GetClientUserId(ref, &uid);
          le_msg_GetCloseReason(ref);
          le_msg_GetSessionContextPtr(ref);
          le_msg_GetInterfaceName(le_msg_GetSessionInterface(ref));
        }
        event::Process::Current()->YieldPoint();
      }
    };
    const le_thread_Ref_t asker = StartThread(&ask);
    party->RunLoopUntil("done");
    stop = true;
    le_thread_Join(asker, nullptr);
    if (kept != nullptr) le_msg_ReleaseMsg(kept);
  });
  scenario.Add("client", [](Party* party) {
    TestClient client("echo");
    std::atomic<bool> stop{false};
    std::function<void()> ask = [&] {
      const le_msg_SessionRef_t ref = client.ref();
      while (!stop) {
        le_msg_GetCloseReason(ref);
        le_msg_GetSessionContextPtr(ref);
        le_msg_SessionEventHandler_t handler = nullptr;
        void* context = nullptr;
        le_msg_GetSessionCloseHandler(ref, &handler, &context);
        // Handler and context are set together.
        EXPECT_EQ(context, handler == nullptr ? nullptr : &client);
        uid_t uid = 0;
        le_msg_GetServerUserCreds(ref, &uid, nullptr);
        le_msg_GetInterfaceName(le_msg_GetSessionInterface(ref));
        event::Process::Current()->YieldPoint();
      }
    };
    const le_thread_Ref_t asker = StartThread(&ask);
    for (int i = 0; i < rounds; ++i) {
      le_msg_SetSessionContextPtr(client.ref(), &i);
      le_msg_SessionLimits_t limits = {};
      limits.structSize = sizeof(limits);
      limits.maxQueuedMessages = 100;
      le_msg_SetSessionLimits(client.ref(), &limits);
      client.Open();
      EXPECT_EQ(Ask(client.ref(), "x"), "x");
      le_msg_SetSessionCloseHandler(client.ref(), nullptr, nullptr);
      le_msg_SetSessionCloseHandler(
          client.ref(), [](le_msg_SessionRef_t, void*) {}, &client);
      le_msg_CloseSession(client.ref());
    }
    stop = true;
    le_thread_Join(asker, nullptr);
    party->Signal("done");
  });
  RunScenario(scenario, GetParam());
}

// Generated code may keep the reference of a client's session for a one-shot
// handler, and use it after the client has exited. The reference must not
// identify the next client.
TEST_P(LifecycleTest, AServerMayAnswerAClientThatHasGone) {
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

}  // namespace
}  // namespace testing
}  // namespace messaging
}  // namespace le
