// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// Getters, functions with deadlines, local services, and threads that end in a
// handler.

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include "le_eventLoop_ext.h"
#include "tests/scenarios/util.h"

namespace le {
namespace messaging {
namespace testing {
namespace {

class ApiTest : public ::testing::TestWithParam<Setting> {};
INSTANTIATE_TEST_SUITE_P(Everywhere, ApiTest, AllSettings(), SettingName);

TEST_P(ApiTest, GettersReturnTheSetValues) {
  Scenario scenario;
  scenario.Add("server", [](Party* party) {
    TestService service("echo");
    EXPECT_EQ(le_msg_GetServiceContextPtr(service.ref()), &service);
    service.on_open = [&](le_msg_SessionRef_t session) {
      EXPECT_EQ(le_msg_GetSessionContextPtr(session), nullptr);
      le_msg_SetSessionContextPtr(session, party);
      EXPECT_EQ(le_msg_GetSessionContextPtr(session), party);
      EXPECT_EQ(le_msg_GetSessionProtocol(session), TextProtocol());
      EXPECT_STREQ(le_msg_GetInterfaceName(le_msg_GetSessionInterface(session)),
                   "echo");
      int pidfd = -1;
      const le_result_t result = le_msg_GetClientPidFd(session, &pidfd);
      EXPECT_TRUE(result == LE_OK || result == LE_UNSUPPORTED) << result;
      EXPECT_EQ(result == LE_OK, pidfd >= 0);
      if (pidfd >= 0) {
        EXPECT_EQ(fcntl(pidfd, F_GETFD), FD_CLOEXEC);
        close(pidfd);
      }
    };
    service.Advertise();
    party->RunLoopUntil("done");
  });
  scenario.Add("client", [](Party* party) {
    EXPECT_STREQ(le_msg_GetProtocolIdStr(TextProtocol()), "text");
    EXPECT_EQ(le_msg_GetProtocolMaxMsgSize(TextProtocol()), kTextSize);
    TestClient client("echo");
    EXPECT_EQ(le_msg_GetSessionContextPtr(client.ref()), nullptr);
    le_msg_SetSessionContextPtr(client.ref(), &client);
    EXPECT_EQ(le_msg_GetSessionContextPtr(client.ref()), &client);
    le_msg_SessionEventHandler_t handler = nullptr;
    void* context = nullptr;
    le_msg_GetSessionCloseHandler(client.ref(), &handler, &context);
    EXPECT_NE(handler, nullptr);
    EXPECT_EQ(context, &client);
    EXPECT_EQ(le_msg_GetCloseReason(client.ref()), LE_MSG_CLOSE_NONE);
    client.Open();
    EXPECT_EQ(Ask(client.ref(), "x"), "x");
    le_msg_CloseSession(client.ref());
    EXPECT_EQ(le_msg_GetCloseReason(client.ref()), LE_MSG_CLOSE_BY_CALLER);
    for (int reason = LE_MSG_CLOSE_NONE; reason <= LE_MSG_CLOSE_SYSTEM;
         ++reason) {
      EXPECT_STRNE(
          le_msg_GetCloseReasonTxt(static_cast<le_msg_CloseReason_t>(reason)),
          "");
    }
    party->Signal("done");
  });
  RunScenario(scenario, GetParam());
}

struct Opened {
  int calls = 0;
  le_result_t result = LE_FAULT;
  static void Handle(le_msg_SessionRef_t, le_result_t result, void* context) {
    auto* const opened = static_cast<Opened*>(context);
    ++opened->calls;
    opened->result = result;
  }
};

TEST_P(ApiTest, OpeningWithADeadline) {
  Scenario scenario;
  scenario.Add("client", [](Party* party) {
    TestClient client("echo"), other("echo");
    EXPECT_EQ(le_msg_OpenSessionSyncTimed(client.ref(), 10), LE_TIMEOUT);
    EXPECT_EQ(le_msg_TryOpenSessionSyncTimed(client.ref(), 10000),
              LE_NOT_FOUND);
    Opened opened;
    le_msg_OpenSessionTimed(client.ref(), 10, &Opened::Handle, &opened);
    EXPECT_EQ(opened.calls, 0) << "a callback ran inside an API call";
    party->RunLoopUntil([&] { return opened.calls == 1; });
    EXPECT_EQ(opened.result, LE_TIMEOUT);
    party->Start("server");
    le_msg_OpenSessionTimed(client.ref(), LE_MSG_NO_TIMEOUT, &Opened::Handle,
                            &opened);
    party->RunLoopUntil([&] { return opened.calls == 2; });
    EXPECT_EQ(opened.result, LE_OK);
    EXPECT_EQ(Ask(client.ref(), "x"), "x");
    EXPECT_EQ(le_msg_TryOpenSessionSyncTimed(other.ref(), LE_MSG_NO_TIMEOUT),
              LE_OK);
    party->Signal("done");
  });
  scenario.Add("server", EchoServerBody).start = Scenario::Start::kLater;
  RunScenario(scenario, GetParam());
}

// A local service needs no directory and no binding. Otherwise it behaves as
// any service.
TEST_P(ApiTest, LocalServices) {
  Scenario scenario;
  scenario.Add("both", [](Party* party) {
    static const char kWord[] = "local";
    le_mem_PoolRef_t pool = le_mem_CreatePool(
        "local messages", LE_MSG_LOCAL_HEADER_SIZE + kTextSize);
    le_msg_LocalService_t local;
    const le_msg_ServiceRef_t service =
        le_msg_InitLocalService(&local, "inside", pool);
    le_msg_SetServiceRecvHandler(
        service,
        [](le_msg_MessageRef_t message, void*) { le_msg_Respond(message); },
        nullptr);
    le_msg_AdvertiseService(service);
    const le_msg_SessionRef_t session = le_msg_CreateLocalSession(&local);
    bool closed = false;
    le_msg_SetSessionCloseHandler(
        session,
        [](le_msg_SessionRef_t, void* context) {
          *static_cast<bool*>(context) = true;
        },
        &closed);
    le_msg_OpenSessionSync(session);
    EXPECT_EQ(Ask(session, "own thread"), "(null)");
    std::string answer;
    le_msg_RequestResponse(
        NewText(session, kWord),
        [](le_msg_MessageRef_t response, void* context) {
          *static_cast<std::string*>(context) = TextOf(response);
          le_msg_ReleaseMsg(response);
        },
        &answer);
    party->RunLoopUntil([&] { return !answer.empty(); });
    EXPECT_EQ(answer, kWord);
    le_msg_DeleteService(service);
    party->RunLoopUntil([&] { return closed; });
    le_msg_DeleteSession(session);
  });
  RunScenario(scenario, GetParam());
}

// A local service belongs to the thread that advertises it, even if another
// thread has initialized it and set its handlers. An open waits until the
// service is advertised.
TEST_P(ApiTest, TheAdvertisingThreadOwnsALocalService) {
  Scenario scenario;
  scenario.Add("all", [](Party*) {
    struct Shared {
      le_msg_LocalService_t local = {};
      le_sem_Ref_t opening = le_sem_Create("opening", 0);
      le_thread_Ref_t server = nullptr;
      int context = 0;
      int closed = 0;
    } shared;
    EXPECT_EQ(le_msg_CreateLocalSession(&shared.local), nullptr);
    const le_msg_ServiceRef_t service = le_msg_InitLocalService(
        &shared.local, "inside",
        le_mem_CreatePool("local messages",
                          LE_MSG_LOCAL_HEADER_SIZE + kTextSize));
    EXPECT_EQ(service, &shared.local.service);
    le_msg_SetServiceContextPtr(service, &shared.context);
    EXPECT_EQ(le_msg_GetServiceContextPtr(service), &shared.context);
    le_msg_HideService(service);
    le_msg_SetServiceRecvHandler(
        service,
        [](le_msg_MessageRef_t message, void* context) {
          EXPECT_EQ(le_thread_GetCurrent(),
                    static_cast<Shared*>(context)->server);
          EXPECT_EQ(le_msg_GetServiceRxMsg(), message);
          le_msg_Respond(message);
        },
        &shared);
    le_msg_RemoveServiceHandler(le_msg_AddServiceCloseHandler(
        service, [](le_msg_SessionRef_t, void*) { ADD_FAILURE(); }, nullptr));
    le_msg_AddServiceCloseHandler(
        service,
        [](le_msg_SessionRef_t session, void* context) {
          uid_t user;
          EXPECT_EQ(le_msg_GetClientUserId(session, &user), LE_OK);
          ++static_cast<Shared*>(context)->closed;
          le_event_StopLoop(nullptr);
        },
        &shared);
    shared.server = le_thread_Create(
        "server",
        [](void* context) -> void* {
          auto* const all = static_cast<Shared*>(context);
          le_sem_Wait(all->opening);
          const le_msg_ServiceRef_t own = &all->local.service;
          le_msg_AdvertiseService(own);
          EXPECT_EQ(le_msg_GetServiceContextPtr(own), &all->context);
          le_event_RunLoopUntilStopped();
          le_msg_DeleteService(own);
          return nullptr;
        },
        &shared);
    le_thread_SetJoinable(shared.server);
    le_thread_Start(shared.server);
    const le_msg_SessionRef_t session =
        le_msg_CreateLocalSession(&shared.local);
    EXPECT_EQ(le_msg_TryOpenSessionSync(session), LE_NOT_FOUND);
    le_sem_Post(shared.opening);
    le_msg_OpenSessionSync(session);
    EXPECT_EQ(Ask(session, "other thread"), "other thread");
    le_msg_DeleteSession(session);
    EXPECT_EQ(le_thread_Join(shared.server, nullptr), LE_OK);
    EXPECT_EQ(shared.closed, 1);
    EXPECT_EQ(le_msg_CreateLocalSession(&shared.local), nullptr);
    le_sem_Delete(shared.opening);
    // A service that was never advertised may be deleted and initialized again.
    for (int i = 0; i < 2; ++i) {
      le_msg_DeleteService(le_msg_InitLocalService(
          &shared.local, "again",
          le_mem_CreatePool("none", LE_MSG_LOCAL_HEADER_SIZE)));
    }
  });
  RunScenario(scenario, GetParam());
}

// A negative number means "no file descriptor", also in a response. Generated
// code may pass an error code as the file descriptor.
TEST_P(ApiTest, ANegativeNumberIsNoFileDescriptor) {
  Scenario scenario;
  scenario.Add("server", [](Party* party) {
    TestService service("echo");
    int requests = 0;
    service.on_message = [&](le_msg_MessageRef_t message) {
      EXPECT_EQ(le_msg_GetFd(message), -1);
      le_msg_SetFd(message, LE_FAULT);
      le_msg_Respond(message);
      ++requests;
    };
    service.Advertise();
    party->RunLoopUntil([&] { return requests == 1; });
    party->RunLoopUntil("answered");
  });
  scenario.Add("client", [](Party* party) {
    const le_msg_SessionRef_t session =
        le_msg_CreateSession(TextProtocol(), "echo");
    le_msg_OpenSessionSync(session);
    const le_msg_MessageRef_t message = NewText(session, "no file");
    le_msg_SetFd(message, -1);
    const le_msg_MessageRef_t response = le_msg_RequestSyncResponse(message);
    EXPECT_NE(response, nullptr);
    EXPECT_EQ(le_msg_GetFd(response), -1);
    le_msg_ReleaseMsg(response);
    le_msg_DeleteSession(session);
    party->Signal("answered");
  });
  RunScenario(scenario, GetParam());
}

// Any thread may change the handlers of a local service until a thread owns it.
TEST_P(ApiTest, AnyThreadChangesTheHandlersOfALocalServiceWithoutAnOwner) {
  Scenario scenario;
  scenario.Add("all", [](Party* party) {
    constexpr int kThreads = 4;
    static constexpr int kHandlers = 500;
    struct Shared {
      le_msg_LocalService_t local = {};
      int opened = 0;
    } shared;
    const le_msg_ServiceRef_t service = le_msg_InitLocalService(
        &shared.local, "inside",
        le_mem_CreatePool("local messages",
                          LE_MSG_LOCAL_HEADER_SIZE + kTextSize));
    le_thread_Ref_t threads[kThreads];
    for (le_thread_Ref_t& thread : threads) {
      thread = le_thread_Create(
          "changer",
          [](void* context) -> void* {
            auto* const s = static_cast<Shared*>(context);
            for (int i = 0; i < kHandlers; ++i) {
              le_msg_RemoveServiceHandler(le_msg_AddServiceOpenHandler(
                  &s->local.service,
                  [](le_msg_SessionRef_t, void*) { ADD_FAILURE(); }, nullptr));
              le_msg_AddServiceOpenHandler(
                  &s->local.service,
                  [](le_msg_SessionRef_t, void* count) {
                    ++*static_cast<int*>(count);
                  },
                  &s->opened);
              le_msg_SetServiceRecvHandler(
                  &s->local.service,
                  [](le_msg_MessageRef_t message, void*) {
                    le_msg_ReleaseMsg(message);
                  },
                  nullptr);
            }
            return nullptr;
          },
          &shared);
      le_thread_SetJoinable(thread);
      le_thread_Start(thread);
    }
    for (le_thread_Ref_t thread : threads) le_thread_Join(thread, nullptr);
    le_msg_AdvertiseService(service);
    const le_msg_SessionRef_t session =
        le_msg_CreateLocalSession(&shared.local);
    le_msg_OpenSessionSync(session);
    party->RunLoopUntil([&] { return shared.opened != 0; });
    EXPECT_EQ(shared.opened, kThreads * kHandlers);
    le_msg_DeleteSession(session);
    le_msg_DeleteService(service);
  });
  RunScenario(scenario, GetParam());
}

// Three clients open sessions of a local service before it is advertised. One
// client closes its session while its request is pending. Two clients wait for
// a response when the thread of the service ends. Expected: all three requests
// complete with NULL, and the service can be initialized again.
TEST_P(ApiTest, TheThreadOfALocalServiceEndsWithItsClientsWaiting) {
  Scenario scenario;
  scenario.Add("all", [](Party*) {
    struct Shared {
      le_msg_LocalService_t local = {};
      le_sem_Ref_t opening = le_sem_Create("opening", 0);
      le_sem_Ref_t closed = le_sem_Create("closed", 0);
      le_sem_Ref_t held = le_sem_Create("held", 0);
      std::vector<le_msg_MessageRef_t> requests;  // of the service's thread
      int sessions = 0;                           // as the service counts them
    } shared;
    const le_mem_PoolRef_t pool = le_mem_CreatePool(
        "local messages", LE_MSG_LOCAL_HEADER_SIZE + kTextSize);
    using Body = void* (*)(void* context);
    const auto start = [&](Body body) {
      const le_thread_Ref_t thread = le_thread_Create("thread", body, &shared);
      le_thread_SetJoinable(thread);
      le_thread_Start(thread);
      return thread;
    };
    const Body serve = [](void* context) -> void* {
      auto* const s = static_cast<Shared*>(context);
      le_thread_AddDestructor(
          [](void* c) {
            auto* const s = static_cast<Shared*>(c);
            for (le_msg_MessageRef_t request : s->requests) {
              le_msg_ReleaseMsg(request);
            }
            s->requests.clear();
          },
          s);
      for (int i = 0; i < 3; ++i) le_sem_Wait(s->opening);
      const le_msg_ServiceRef_t service = &s->local.service;
      le_msg_AddServiceOpenHandler(
          service,
          [](le_msg_SessionRef_t, void* count) { ++*static_cast<int*>(count); },
          &s->sessions);
      le_msg_AddServiceCloseHandler(
          service,
          [](le_msg_SessionRef_t, void* count) { --*static_cast<int*>(count); },
          &s->sessions);
      le_msg_SetServiceRecvHandler(
          service,
          [](le_msg_MessageRef_t request, void* c) {
            auto* const s = static_cast<Shared*>(c);
            s->requests.push_back(request);
            if (TextOf(request) == "hold") le_sem_Post(s->held);
            if (TextOf(request) == "end") le_thread_Exit(nullptr);
          },
          s);
      le_msg_AdvertiseService(service);
      le_event_RunLoop();
    };
    static const auto open = [](Shared* s) {
      const le_msg_SessionRef_t session = le_msg_CreateLocalSession(&s->local);
      le_msg_SetSessionCloseHandler(
          session, [](le_msg_SessionRef_t, void*) {}, nullptr);
      le_sem_Post(s->opening);
      le_msg_OpenSessionSync(session);
      return session;
    };
    const Body close = [](void* context) -> void* {
      auto* const s = static_cast<Shared*>(context);
      const le_msg_SessionRef_t session = open(s);
      le_msg_RequestResponse(
          NewText(session, "closed"),
          [](le_msg_MessageRef_t response, void*) {
            EXPECT_EQ(response, nullptr);
            le_event_StopLoop(nullptr);
          },
          nullptr);
      le_msg_CloseSession(session);
      le_event_RunLoopUntilStopped();
      le_sem_Post(s->closed);
      return nullptr;  // the closed session stays valid after the thread
    };
    const Body wait = [](void* context) -> void* {
      EXPECT_EQ(Ask(open(static_cast<Shared*>(context)), "hold"), "(null)");
      return nullptr;
    };
    const Body end = [](void* context) -> void* {
      auto* const s = static_cast<Shared*>(context);
      const le_msg_SessionRef_t session = open(s);
      le_sem_Wait(s->closed);
      le_sem_Wait(s->held);
      EXPECT_EQ(Ask(session, "end"), "(null)");
      le_msg_DeleteSession(session);
      return nullptr;
    };
    for (int round = 0; round < 2; ++round) {
      le_msg_InitLocalService(&shared.local, "inside", pool);
      const le_thread_Ref_t threads[] = {start(serve), start(close),
                                         start(wait), start(end)};
      for (le_thread_Ref_t thread : threads) le_thread_Join(thread, nullptr);
      EXPECT_EQ(shared.sessions, 0);
    }
  });
  RunScenario(scenario, GetParam());
}

// The thread of a local service ends without deleting the service. The open
// sessions of the service close. Later openings wait until the service is
// initialized and advertised again.
TEST_P(ApiTest, ALocalServiceWhoseThreadHasEnded) {
  Scenario scenario;
  scenario.Add("client", [](Party* party) {
    static le_msg_LocalService_t local;
    const le_mem_PoolRef_t pool = le_mem_CreatePool(
        "local messages", LE_MSG_LOCAL_HEADER_SIZE + kTextSize);
    le_msg_InitLocalService(&local, "inside", pool);
    const le_thread_Ref_t server = le_thread_Create(
        "server",
        [](void*) -> void* {
          le_msg_SetServiceRecvHandler(
              &local.service,
              [](le_msg_MessageRef_t request, void*) {
                le_msg_ReleaseMsg(request);
                le_thread_Exit(nullptr);
              },
              nullptr);
          le_msg_AdvertiseService(&local.service);
          le_event_RunLoop();
        },
        nullptr);
    le_thread_SetJoinable(server);
    le_thread_Start(server);
    const le_msg_SessionRef_t session = le_msg_CreateLocalSession(&local);
    bool closed = false;
    le_msg_SetSessionCloseHandler(
        session,
        [](le_msg_SessionRef_t, void* context) {
          *static_cast<bool*>(context) = true;
        },
        &closed);
    le_msg_OpenSessionSync(session);
    EXPECT_EQ(Ask(session, "end"), "(null)");
    EXPECT_EQ(le_thread_Join(server, nullptr), LE_OK);
    party->RunLoopUntil([&] { return closed; });
    EXPECT_EQ(le_msg_GetCloseReason(session), LE_MSG_CLOSE_BY_PEER);

    const le_msg_SessionRef_t later = le_msg_CreateLocalSession(&local);
    EXPECT_NE(later, nullptr);
    EXPECT_EQ(le_msg_TryOpenSessionSync(later), LE_NOT_FOUND);
    Opened opened;
    le_msg_OpenSessionTimed(later, LE_MSG_NO_TIMEOUT, &Opened::Handle, &opened);
    EXPECT_EQ(le_msg_OpenSessionSyncTimed(session, 1), LE_TIMEOUT);
    EXPECT_EQ(le_msg_GetWaitReason(session, nullptr, 0),
              LE_MSG_WAIT_NOT_OFFERED);
    EXPECT_EQ(opened.calls, 0);

    const le_msg_ServiceRef_t again =
        le_msg_InitLocalService(&local, "inside", pool);
    le_msg_AdvertiseService(again);
    party->RunLoopUntil([&] { return opened.calls == 1; });
    EXPECT_EQ(opened.result, LE_OK);
    le_msg_DeleteSession(later);
    le_msg_DeleteSession(session);
    le_msg_DeleteService(again);
  });
  RunScenario(scenario, GetParam());
}

// A local service is identified by the address of its structure. Two local
// services may have the same name. A protocol may have the name that the
// library uses for local messages.
TEST_P(ApiTest, LocalServicesMayHaveTheSameName) {
  Scenario scenario;
  scenario.Add("both", [](Party*) {
    EXPECT_EQ(le_msg_GetProtocolMaxMsgSize(
                  le_msg_GetProtocolRef("local messages of 64", 100)),
              100u);
    const std::string name(127, 'x');
    const le_mem_PoolRef_t pool =
        le_mem_CreatePool("local messages", LE_MSG_LOCAL_HEADER_SIZE + 64);
    le_msg_LocalService_t first, second;
    for (le_msg_LocalService_t* local : {&first, &second}) {
      le_msg_InitLocalService(local, name.c_str(), pool);
      le_msg_AdvertiseService(&local->service);
    }
    for (le_msg_LocalService_t* local : {&first, &second}) {
      const le_msg_SessionRef_t session = le_msg_CreateLocalSession(local);
      le_msg_OpenSessionSync(session);
      EXPECT_EQ(le_msg_GetInterfaceName(le_msg_GetSessionInterface(session)),
                name);
      EXPECT_EQ(
          le_msg_GetProtocolMaxMsgSize(le_msg_GetSessionProtocol(session)),
          64u);
      le_msg_DeleteSession(session);
      le_msg_DeleteService(&local->service);
    }
  });
  RunScenario(scenario, GetParam());
}

// A caller of an older version passes a shorter structure. A caller of a newer
// version passes a longer structure. The library must not write beyond the
// structure.
template <typename Limits, typename Set, typename Get>
void CheckSizes(Limits limits, Set set, Get get) {
  struct {
    Limits limits;
    unsigned char beyond[16];
  } given;
  // The end of the structure in an older version.
  const size_t older = offsetof(Limits, maxOpenRequests);
  for (const size_t size :
       {older, sizeof(Limits), sizeof(Limits) + sizeof(given.beyond)}) {
    memset(&given, 0, sizeof(given));
    memcpy(&given, &limits, std::min(size, sizeof(limits)));
    given.limits.structSize = size;
    set(&given.limits);
    memset(&given, 0xff, sizeof(given));
    given.limits.structSize = size;
    get(&given.limits);
    EXPECT_EQ(given.limits.structSize, size);
    EXPECT_EQ(given.limits.maxQueuedMessages, limits.maxQueuedMessages);
    EXPECT_EQ(given.limits.maxOpenRequests,
              size == older ? UINT32_MAX : limits.maxOpenRequests);
    const auto* const bytes = reinterpret_cast<unsigned char*>(&given);
    for (size_t i = sizeof(Limits); i < sizeof(given); ++i) {
      EXPECT_EQ(bytes[i], i < size ? 0 : 0xff) << i << " of " << size;
    }
  }
  // A field that an older caller does not have gets its default.
  memcpy(&given, &limits, sizeof(limits));
  given.limits.structSize = older;
  set(&given.limits);
  given.limits.structSize = sizeof(Limits);
  get(&given.limits);
  EXPECT_EQ(given.limits.maxOpenRequests, 65536u);
}

TEST_P(ApiTest, LimitsOfOlderAndNewerVersions) {
  Scenario scenario;
  scenario.Add("both", [](Party*) {
    TestService service("x");
    TestClient client("x");
    le_msg_ServiceLimits_t of_service = {};
    of_service.maxSessions = 5;
    of_service.maxQueuedMessages = 7;
    of_service.maxOpenRequests = 9;
    CheckSizes(
        of_service,
        [&](const le_msg_ServiceLimits_t* limits) {
          le_msg_SetServiceLimits(service.ref(), limits);
        },
        [&](le_msg_ServiceLimits_t* limits) {
          le_msg_GetServiceLimits(service.ref(), limits);
        });
    le_msg_SessionLimits_t of_session = {};
    of_session.maxQueuedMessages = 7;
    of_session.maxOpenRequests = 9;
    CheckSizes(
        of_session,
        [&](const le_msg_SessionLimits_t* limits) {
          le_msg_SetSessionLimits(client.ref(), limits);
        },
        [&](le_msg_SessionLimits_t* limits) {
          le_msg_GetSessionLimits(client.ref(), limits);
        });
  });
  RunScenario(scenario, GetParam());
}

// A thread may exit in a handler of an object that it owns. The end of the
// thread closes its sessions and services.
TEST_P(ApiTest, AHandlerMayEndItsThread) {
  Scenario scenario;
  scenario.Add("server", [](Party* party) {
    auto serve = [](void*) -> void* {
      const le_msg_ServiceRef_t service =
          le_msg_CreateService(TextProtocol(), "echo");
      le_msg_SetServiceRecvHandler(
          service,
          [](le_msg_MessageRef_t message, void* context) {
            le_msg_ReleaseMsg(message);
            le_thread_Exit(context);
          },
          service);
      le_msg_AdvertiseService(service);
      le_event_RunLoop();
      return nullptr;
    };
    le_thread_Ref_t thread = le_thread_Create("serves", serve, nullptr);
    le_thread_SetJoinable(thread);
    le_thread_Start(thread);
    void* result = nullptr;
    EXPECT_EQ(le_thread_Join(thread, &result), LE_OK);
    EXPECT_NE(result, nullptr);
    // Another thread can offer the name again.
    TestService again("echo");
    int closes = 0;
    again.on_close = [&](le_msg_SessionRef_t) { ++closes; };
    again.Advertise();
    party->RunLoopUntil([&] { return closes == 1; });
  });
  scenario.Add("client", [](Party* party) {
    TestClient client("echo");
    bool closed = false;
    client.on_close = [&] { closed = true; };
    client.Open();
    client.Request("end yourself", [&](le_msg_MessageRef_t response) {
      EXPECT_EQ(response, nullptr);
      EXPECT_FALSE(closed);
    });
    party->RunLoopUntil([&] { return closed; });

    auto ask = [](void*) -> void* {
      const le_msg_SessionRef_t session =
          le_msg_CreateSession(TextProtocol(), "echo");
      le_msg_OpenSessionSync(session);
      le_msg_RequestResponse(
          NewText(session, "x"),
          [](le_msg_MessageRef_t response, void* context) {
            EXPECT_EQ(TextOf(response), "x");
            le_msg_ReleaseMsg(response);
            le_thread_Exit(context);
          },
          session);
      le_event_RunLoop();
      return nullptr;
    };
    le_thread_Ref_t thread = le_thread_Create("asks", ask, nullptr);
    le_thread_SetJoinable(thread);
    le_thread_Start(thread);
    void* result = nullptr;
    EXPECT_EQ(le_thread_Join(thread, &result), LE_OK);
    EXPECT_NE(result, nullptr);
  });
  RunScenario(scenario, GetParam());
}

}  // namespace
}  // namespace testing
}  // namespace messaging
}  // namespace le
