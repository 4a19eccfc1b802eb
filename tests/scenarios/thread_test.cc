// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// The end of a thread closes its sessions. Threads other than the owner may use
// a session.

#include <atomic>
#include <functional>
#include <string>

#include "event/process.h"
#include "tests/scenarios/lifecycle.h"
#include "tests/scenarios/util.h"

namespace le {
namespace messaging {
namespace testing {
namespace {

class ThreadTest : public ::testing::TestWithParam<Setting> {};
INSTANTIATE_TEST_SUITE_P(Everywhere, ThreadTest, AllSettings(), SettingName);

// ---- The end of a thread ---------------------------------------------------

// When the owner of a session ends, the session is closed for ever. A
// completion cannot open the session again.
TEST_P(ThreadTest, ASessionStaysClosedWhenItsThreadEnds) {
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

// Each completion makes a new request. The thread ends nevertheless, and no
// request completes twice.
TEST_P(ThreadTest, AThreadEndsThoughItsCompletionsMakeNewRequests) {
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

// If a completion makes a request while its thread ends, the new request
// completes too.
TEST_P(ThreadTest, ARequestMadeWhileItsThreadEndsCompletes) {
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

// Objects that a thread creates before its end. `told`: OnNothing() was called.
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

TEST_P(ThreadTest, DestructorsMayUseTheObjectsOfTheirThread) {
  Scenario scenario;
  scenario.Add("server", &CountingServerBody);
  scenario.Add("client",
               [](Party* party) {
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
                 EXPECT_FALSE(of.told)
                     << "the thread runs no loop that could call the handler";
                 party->Signal("done");
               });
  RunScenario(scenario, GetParam());
}

// The objects of an ended thread are valid until another thread deletes them.
// Even before that, another thread can create a service of the same name.
TEST_P(ThreadTest, ObjectsOfAnEndedThreadAreValidUntilDeleted) {
  Scenario scenario;
  scenario.Add("server", &CountingServerBody);
  scenario.Add(
      "client", [](Party* party) {
        OfEndingThread of;
        RunThread([&of] {
          of.session = le_msg_CreateSession(TextProtocol(), "echo");
          le_msg_OpenSessionSync(of.session);
          of.service = le_msg_CreateService(TextProtocol(), "other");
          le_msg_AdvertiseService(of.service);
        });
        // If the objects were freed, these sessions would reuse the memory of
        // the objects.
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
        EXPECT_FALSE(of.told)
            << "the thread runs no loop that could call the handler";
        le_msg_DeleteSession(of.session);

        EXPECT_EQ(le_msg_GetServiceContextPtr(of.service), nullptr);
        TestService again("other");
        le_msg_DeleteService(of.service);
        party->Signal("done");
      });
  RunScenario(scenario, GetParam());
}

// A message that another thread holds keeps the closed session of an ended
// thread valid. The other thread may use the message and the session. No
// handler is called, since the owner has ended.
TEST_P(ThreadTest, AMessageKeepsTheSessionOfAnEndedThread) {
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

// Runs a thread that offers a service, and exits in the service's open handler
// or close handler.
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

// A leak checker finds objects that a thread does not free when it exits in a
// handler of its service.
TEST_P(ThreadTest, AThreadMayExitInAHandlerOfItsService) {
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

// A thread ends although each completion creates a new session.
TEST_P(ThreadTest, AThreadEndsThoughItsCompletionsMakeNewSessions) {
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
    EXPECT_EQ(asker.told, 1)
        << "a new session of an ending thread has no loop that calls handlers";
    party->Signal("done");
  });
  RunScenario(scenario, GetParam());
}

// ---- Any thread ------------------------------------------------------------

le_msg_ProtocolRef_t LargeProtocol() {
  return le_msg_GetProtocolRef("large", size_t{1} << 20);
}

// The owner of a session blocks on the session, and the server does not read. A
// call by another thread keeps its deadline nevertheless.
TEST_P(ThreadTest, ADeadlineHoldsWhileTheOwnerIsBlocked) {
  if (GetParam() == Setting::kUnixProcesses) {
    GTEST_SKIP()
        << "in a process, only the thread of the party's body may signal";
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
TEST_P(ThreadTest, GettersMayRaceWithSetters) {
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

}  // namespace
}  // namespace testing
}  // namespace messaging
}  // namespace le
