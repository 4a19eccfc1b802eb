// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// Each misuse that the contract calls fatal ends the process with EXIT_FAILURE,
// and the log names the misused function.

#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <stdexcept>
#include <string>

#include "event/process.h"
#include "gtest/gtest.h"
#include "le_messaging_ext.h"
#include "legato.h"

namespace {

#define EXPECT_MISUSE(statement, text) \
  EXPECT_EXIT(statement, ::testing::ExitedWithCode(EXIT_FAILURE), text)

// Uses the loopback variant of the library, which needs no other process.
class MisuseTest : public ::testing::Test {
 protected:
  static le_msg_ProtocolRef_t Protocol() {
    return le_msg_GetProtocolRef("protocol", 64);
  }
  static le_msg_SessionRef_t Session() {
    return le_msg_CreateSession(Protocol(), "service");
  }
  // An open session with a service of this thread.
  static le_msg_SessionRef_t OpenSession() {
    le_msg_AdvertiseService(le_msg_CreateService(Protocol(), "service"));
    le_msg_SessionRef_t session = Session();
    le_msg_OpenSessionSync(session);
    return session;
  }
  // Runs the function on another thread, which owns no object of this thread.
  static void OnAnotherThread(le_thread_MainFunc_t function, void* context) {
    le_thread_Ref_t thread = le_thread_Create("other", function, context);
    le_thread_SetJoinable(thread);
    le_thread_Start(thread);
    le_thread_Join(thread, nullptr);
  }
};

TEST_F(MisuseTest, Protocols) {
  EXPECT_MISUSE(le_msg_GetProtocolRef(nullptr, 1), "le_msg_GetProtocolRef");
  EXPECT_MISUSE(le_msg_GetProtocolRef("", 1), "le_msg_GetProtocolRef");
  EXPECT_MISUSE(le_msg_GetProtocolRef(std::string(128, 'x').c_str(), 1),
                "le_msg_GetProtocolRef");
  EXPECT_NE(le_msg_GetProtocolRef(std::string(127, 'x').c_str(), 1), nullptr);
  EXPECT_MISUSE(le_msg_GetProtocolRef("p", (size_t{16} << 20) + 1),
                "le_msg_GetProtocolRef");
  EXPECT_NE(le_msg_GetProtocolRef("p", size_t{16} << 20), nullptr);
  EXPECT_MISUSE(le_msg_GetProtocolRef("p", 5), "le_msg_GetProtocolRef");
  EXPECT_MISUSE(le_msg_GetProtocolIdStr(nullptr), "le_msg_GetProtocolIdStr");
  EXPECT_MISUSE(le_msg_GetProtocolMaxMsgSize(nullptr),
                "le_msg_GetProtocolMaxMsgSize");
}

TEST_F(MisuseTest, InterfaceNames) {
  for (const char* name :
       {"", " ", "a b", "a<", "a>", "a#", "*", "a\n", "\x80"}) {
    EXPECT_MISUSE(le_msg_CreateSession(Protocol(), name),
                  "le_msg_CreateSession");
    EXPECT_MISUSE(le_msg_CreateService(Protocol(), name),
                  "le_msg_CreateService");
  }
  EXPECT_MISUSE(le_msg_CreateSession(Protocol(), nullptr),
                "le_msg_CreateSession");
  EXPECT_MISUSE(le_msg_CreateSession(Protocol(), std::string(128, 'x').c_str()),
                "le_msg_CreateSession");
  EXPECT_NE(le_msg_CreateSession(Protocol(), std::string(127, 'x').c_str()),
            nullptr);
  EXPECT_MISUSE(le_msg_CreateSession(nullptr, "x"), "le_msg_CreateSession");
}

TEST_F(MisuseTest, NullReferences) {
  EXPECT_MISUSE(le_msg_DeleteSession(nullptr), "le_msg_DeleteSession");
  EXPECT_MISUSE(le_msg_DropSession(nullptr), "le_msg_DropSession");
  EXPECT_MISUSE(le_msg_DropService(nullptr), "le_msg_DropService");
  EXPECT_MISUSE(le_msg_CloseSession(nullptr), "le_msg_CloseSession");
  EXPECT_MISUSE(le_msg_CreateMsg(nullptr), "le_msg_CreateMsg");
  EXPECT_MISUSE(le_msg_Send(nullptr), "le_msg_Send");
  EXPECT_MISUSE(le_msg_ReleaseMsg(nullptr), "le_msg_ReleaseMsg");
  EXPECT_MISUSE(le_msg_Respond(nullptr), "le_msg_Respond");
  EXPECT_MISUSE(le_msg_AdvertiseService(nullptr), "le_msg_AdvertiseService");
  EXPECT_MISUSE(le_msg_GetSessionInterface(nullptr),
                "le_msg_GetSessionInterface");
}

// A NULL pointer for the result and a NULL protocol are fatal even in functions
// that return an error code.
TEST_F(MisuseTest, NullResultPointers) {
  EXPECT_MISUSE(le_msg_TryGetProtocolRef("protocol", 64, nullptr),
                "le_msg_TryGetProtocolRef: the result's pointer is NULL");
  EXPECT_MISUSE(le_msg_TryCreateSession(Protocol(), "x", nullptr),
                "le_msg_TryCreateSession: the result's pointer is NULL");
  EXPECT_MISUSE(le_msg_TryCreateService(Protocol(), "x", nullptr),
                "le_msg_TryCreateService: the result's pointer is NULL");
  le_msg_SessionRef_t session;
  EXPECT_MISUSE(le_msg_TryCreateSession(nullptr, "x", &session),
                "le_msg_TryCreateSession: the protocol is NULL");
  le_msg_ServiceRef_t service;
  EXPECT_MISUSE(le_msg_TryCreateService(nullptr, "x", &service),
                "le_msg_TryCreateService: the protocol is NULL");
}

TEST_F(MisuseTest, OpeningTwice) {
  EXPECT_MISUSE(
      {
        le_msg_SessionRef_t session = OpenSession();
        le_msg_OpenSessionSync(session);
      },
      "le_msg_OpenSessionSync");
  EXPECT_MISUSE(
      {
        le_msg_SessionRef_t session = Session();
        le_msg_OpenSession(session, nullptr, nullptr);
        le_msg_OpenSession(session, nullptr, nullptr);
      },
      "le_msg_OpenSession");
  EXPECT_MISUSE(
      {
        le_msg_SessionRef_t session = OpenSession();
        le_msg_TryOpenSessionSync(session);
      },
      "le_msg_TryOpenSessionSync");
}

TEST_F(MisuseTest, OpeningASessionOfAnotherProtocol) {
  using Function = void (*)(le_msg_SessionRef_t);
  const Function functions[] = {
      [](le_msg_SessionRef_t s) { le_msg_OpenSessionSync(s); },
      [](le_msg_SessionRef_t s) { le_msg_TryOpenSessionSync(s); },
      [](le_msg_SessionRef_t s) { le_msg_TryOpenSessionSyncAsLegato_(s); },
  };
  for (const Function open : functions) {
    EXPECT_MISUSE(
        {
          le_msg_AdvertiseService(le_msg_CreateService(Protocol(), "service"));
          open(le_msg_CreateSession(le_msg_GetProtocolRef("another", 64),
                                    "service"));
        },
        "le_msg_(Try)?OpenSessionSync: interface 'service': cannot open a "
        "session: .*; use the service's protocol, or call le_msg_(Try)?"
        "OpenSessionSyncTimed\\(\\), which returns LE_FAULT instead");
  }
}

TEST_F(MisuseTest, ACloseWithoutACloseHandler) {
  EXPECT_MISUSE(
      {
        le_msg_ServiceRef_t service =
            le_msg_CreateService(Protocol(), "service");
        le_msg_AdvertiseService(service);
        le_msg_OpenSessionSync(le_msg_CreateSession(Protocol(), "service"));
        le_msg_DeleteService(service);
        le_event_RunLoop();
      },
      "le_msg_SetSessionCloseHandler: interface 'service': the session was "
      "closed .*: set one with le_msg_SetSessionCloseHandler");
}

TEST_F(MisuseTest, TheSameServiceTwice) {
  EXPECT_MISUSE(
      {
        le_msg_CreateService(Protocol(), "twice");
        le_msg_CreateService(Protocol(), "twice");
      },
      "le_msg_CreateService");
}

TEST_F(MisuseTest, MessagesAndDescriptors) {
  EXPECT_MISUSE(le_msg_SetFd(le_msg_CreateMsg(Session()), 1 << 20),
                "le_msg_SetFd: 1048576 is not an open file descriptor");
  EXPECT_MISUSE(
      {
        le_msg_MessageRef_t message = le_msg_CreateMsg(Session());
        le_msg_SetFd(message, dup(0));
        le_msg_SetFd(message, dup(0));
      },
      "le_msg_SetFd");
  EXPECT_MISUSE(le_msg_SetPayloadSize(le_msg_CreateMsg(Session()), 65),
                "le_msg_SetPayloadSize");
  le_msg_MessageRef_t message = le_msg_CreateMsg(Session());
  // A negative number means "no descriptor": the call does nothing.
  for (const int none : {-1, static_cast<int>(LE_FAULT), -EBADF, INT_MIN}) {
    le_msg_SetFd(message, none);
  }
  le_msg_SetFd(message, dup(0));
  le_msg_SetFd(message, -1);
  le_msg_SetPayloadSize(message, 64);
  EXPECT_EQ(le_msg_GetPayloadSize(message), 64u);
  le_msg_ReleaseMsg(message);
}

TEST_F(MisuseTest, KillClientOutsideAHandler) {
  EXPECT_MISUSE(LE_KILL_CLIENT("no client here"), "LE_KILL_CLIENT");
}

// Functions that only a server or only a client may call.
TEST_F(MisuseTest, TheWrongSide) {
  uid_t uid;
  EXPECT_MISUSE(le_msg_GetClientUserId(Session(), &uid),
                "le_msg_GetClientUserId");
  pid_t pid;
  EXPECT_MISUSE(le_msg_GetClientProcessId(Session(), &pid),
                "le_msg_GetClientProcessId");
  EXPECT_MISUSE(le_msg_GetClientUserCreds(Session(), &uid, &pid),
                "le_msg_GetClientUserCreds");
  for (auto misuse :
       {+[](le_msg_SessionRef_t s) { le_msg_DeleteSession(s); },
        +[](le_msg_SessionRef_t s) {
          le_msg_RequestResponse(le_msg_CreateMsg(s), nullptr, nullptr);
        },
        +[](le_msg_SessionRef_t s) {
          le_msg_RequestSyncResponse(le_msg_CreateMsg(s));
        },
        +[](le_msg_SessionRef_t s) { le_msg_OpenSessionSync(s); }}) {
    EXPECT_MISUSE(
        {
          le_msg_ServiceRef_t service =
              le_msg_CreateService(Protocol(), "service");
          le_msg_AddServiceOpenHandler(
              service,
              [](le_msg_SessionRef_t s, void* context) {
                (*static_cast<decltype(misuse)*>(context))(s);
              },
              &misuse);
          le_msg_AdvertiseService(service);
          le_msg_OpenSessionSync(Session());
          le_event_RunLoop();
        },
        "le_msg_.*only for a client's session|le_msg_.*only the client may");
  }
}

// Functions that only the session's owner may call: the thread that created the
// session.
TEST_F(MisuseTest, TheWrongThread) {
  using Function = void (*)(le_msg_SessionRef_t);
  const Function functions[] = {
      [](le_msg_SessionRef_t s) { le_msg_OpenSession(s, nullptr, nullptr); },
      [](le_msg_SessionRef_t s) { le_msg_OpenSessionSync(s); },
      [](le_msg_SessionRef_t s) { le_msg_TryOpenSessionSync(s); },
      [](le_msg_SessionRef_t s) { le_msg_CloseSession(s); },
      [](le_msg_SessionRef_t s) { le_msg_DeleteSession(s); },
      [](le_msg_SessionRef_t s) { le_msg_DropSession(s); },
      [](le_msg_SessionRef_t s) {
        le_msg_SetSessionRecvHandler(s, nullptr, nullptr);
      },
      [](le_msg_SessionRef_t s) {
        le_msg_SetSessionCloseHandler(s, nullptr, nullptr);
      },
      [](le_msg_SessionRef_t s) {
        le_msg_RequestSyncResponse(le_msg_CreateMsg(s));
      },
  };
  struct Call {
    Function function;
    le_msg_SessionRef_t session;
  };
  for (Function function : functions) {
    EXPECT_MISUSE(
        {
          Call call;
          call.function = function;
          call.session = Session();
          OnAnotherThread(
              [](void* context) -> void* {
                auto* call = static_cast<Call*>(context);
                call->function(call->session);
                return nullptr;
              },
              &call);
        },
        "le_msg_.*interface 'service': only the thread that created it "
        "\\('.+'\\) "
        "may call this.*, and this is thread 'other'");
  }
  EXPECT_MISUSE(
      OnAnotherThread(
          [](void* service) -> void* {
            le_msg_AdvertiseService(static_cast<le_msg_ServiceRef_t>(service));
            return nullptr;
          },
          le_msg_CreateService(Protocol(), "owned")),
      "le_msg_AdvertiseService.*only the thread that created");
}

// Functions that only the service's owner may call.
TEST_F(MisuseTest, TheWrongThreadForAService) {
  using Function = void (*)(le_msg_ServiceRef_t);
  static le_msg_SessionEventHandlerRef_t handler;
  const Function functions[] = {
      [](le_msg_ServiceRef_t s) { le_msg_AdvertiseService(s); },
      [](le_msg_ServiceRef_t s) { le_msg_HideService(s); },
      [](le_msg_ServiceRef_t s) { le_msg_DeleteService(s); },
      [](le_msg_ServiceRef_t s) { le_msg_DropService(s); },
      [](le_msg_ServiceRef_t s) {
        le_msg_SetServiceRecvHandler(s, nullptr, nullptr);
      },
      [](le_msg_ServiceRef_t s) {
        le_msg_AddServiceOpenHandler(
            s, [](le_msg_SessionRef_t, void*) {}, nullptr);
      },
      [](le_msg_ServiceRef_t s) {
        le_msg_AddServiceCloseHandler(
            s, [](le_msg_SessionRef_t, void*) {}, nullptr);
      },
      [](le_msg_ServiceRef_t) { le_msg_RemoveServiceHandler(handler); },
      [](le_msg_ServiceRef_t s) {
        le_msg_ServiceLimits_t limits = {};
        limits.structSize = sizeof(limits);
        le_msg_SetServiceLimits(s, &limits);
      },
      [](le_msg_ServiceRef_t s) { le_msg_RefuseServiceFds(s); },
  };
  struct Call {
    Function function;
    le_msg_ServiceRef_t service;
  };
  for (Function function : functions) {
    EXPECT_MISUSE(
        {
          Call call;
          call.function = function;
          call.service = le_msg_CreateService(Protocol(), "owned");
          handler = le_msg_AddServiceOpenHandler(
              call.service, [](le_msg_SessionRef_t, void*) {}, nullptr);
          OnAnotherThread(
              [](void* context) -> void* {
                auto* call = static_cast<Call*>(context);
                call->function(call->service);
                return nullptr;
              },
              &call);
        },
        "le_msg_.*'owned': only the thread that created");
  }
}

// Functions that Legato does not have.
TEST_F(MisuseTest, Extensions) {
  EXPECT_MISUSE(
      {
        le_msg_ServiceLimits_t limits = {};
        limits.structSize = sizeof(size_t) - 1;
        le_msg_SetServiceLimits(le_msg_CreateService(Protocol(), "x"), &limits);
      },
      "le_msg_SetServiceLimits.*structSize");
  EXPECT_MISUSE(
      {
        le_msg_ServiceLimits_t limits = {};
        le_msg_GetServiceLimits(le_msg_CreateService(Protocol(), "x"), &limits);
      },
      "le_msg_GetServiceLimits.*structSize");
  EXPECT_MISUSE(
      {
        le_msg_SessionLimits_t limits = {};
        le_msg_GetSessionLimits(Session(), &limits);
      },
      "le_msg_GetSessionLimits.*structSize");
  EXPECT_MISUSE(
      {
        le_msg_ServiceLimits_t limits = {};
        limits.structSize = sizeof(limits);
        limits.maxOpenRequests = 65537;
        le_msg_SetServiceLimits(le_msg_CreateService(Protocol(), "x"), &limits);
      },
      "le_msg_SetServiceLimits.*maxOpenRequests is 65537");
  EXPECT_MISUSE(
      {
        le_msg_SessionLimits_t limits = {};
        limits.structSize = SIZE_MAX;
        le_msg_SetSessionLimits(Session(), &limits);
      },
      "le_msg_SetSessionLimits.*structSize");
  EXPECT_MISUSE(
      {
        le_msg_SessionLimits_t limits = {};
        limits.structSize = sizeof(limits);
        limits.maxOpenRequests = 65537;
        le_msg_SetSessionLimits(Session(), &limits);
      },
      "le_msg_SetSessionLimits.*maxOpenRequests is 65537");
  EXPECT_MISUSE(le_msg_SetSessionLimits(Session(), nullptr),
                "le_msg_SetSessionLimits");
  EXPECT_MISUSE(le_msg_GetSessionLimits(Session(), nullptr),
                "le_msg_GetSessionLimits");
  EXPECT_MISUSE(
      le_msg_SetServiceLimits(le_msg_CreateService(Protocol(), "x"), nullptr),
      "le_msg_SetServiceLimits");
  EXPECT_MISUSE(
      le_msg_GetServiceLimits(le_msg_CreateService(Protocol(), "x"), nullptr),
      "le_msg_GetServiceLimits");
  EXPECT_MISUSE(
      le_msg_RequestSyncResponseTimed(le_msg_CreateMsg(Session()), 1, nullptr),
      "le_msg_RequestSyncResponseTimed");
  uid_t uid;
  EXPECT_MISUSE(le_msg_GetServerUserCreds(nullptr, &uid, nullptr),
                "le_msg_GetServerUserCreds");
  EXPECT_MISUSE(le_msg_GetWaitReason(nullptr, nullptr, 0),
                "le_msg_GetWaitReason");
  int fd;
  EXPECT_MISUSE(le_msg_GetClientPidFd(Session(), &fd), "le_msg_GetClientPidFd");
  EXPECT_MISUSE(OnAnotherThread(
                    [](void* session) -> void* {
                      le_msg_CancelRequest(
                          static_cast<le_msg_SessionRef_t>(session), 1);
                      return nullptr;
                    },
                    Session()),
                "le_msg_CancelRequest.*only the thread that created");
  EXPECT_MISUSE(
      {
        le_msg_SessionRef_t session = OpenSession();
        le_msg_OpenSessionTimed(session, 1, nullptr, nullptr);
      },
      "le_msg_OpenSessionTimed");
}

TEST_F(MisuseTest, LocalServices) {
  static le_msg_LocalService_t local;
  EXPECT_MISUSE(le_msg_InitLocalService(
                    &local, "local",
                    le_mem_CreatePool("17 MiB", LE_MSG_LOCAL_HEADER_SIZE +
                                                    (size_t{17} << 20))),
                "le_msg_InitLocalService: .*17825792 bytes");
  EXPECT_MISUSE(le_msg_InitLocalService(
                    &local, "local",
                    le_mem_CreatePool("x", LE_MSG_LOCAL_HEADER_SIZE - 1)),
                "le_msg_InitLocalService");
  const le_msg_ServiceRef_t largest = le_msg_InitLocalService(
      &local, "local",
      le_mem_CreatePool("16 MiB",
                        LE_MSG_LOCAL_HEADER_SIZE + (size_t{16} << 20)));
  EXPECT_MISUSE(
      le_msg_InitLocalService(&local, "local",
                              le_mem_CreatePool("x", LE_MSG_LOCAL_HEADER_SIZE)),
      "le_msg_InitLocalService: .*initialized already");
  le_msg_DeleteService(largest);
  // The next calls are not misuse: they use a deleted local service, or a NULL
  // structure. Programs for Legato rely on the result NULL.
  EXPECT_EQ(le_msg_CreateLocalSession(&local), nullptr);
  EXPECT_EQ(le_msg_CreateLocalSession(nullptr), nullptr);
  EXPECT_EQ(
      le_msg_InitLocalService(nullptr, "local",
                              le_mem_CreatePool("x", LE_MSG_LOCAL_HEADER_SIZE)),
      nullptr);
}

TEST_F(MisuseTest, ServicesAndTheirHandlers) {
  EXPECT_MISUSE(le_msg_CreateService(nullptr, "x"), "le_msg_CreateService");
  EXPECT_MISUSE(le_msg_CreateService(Protocol(), nullptr),
                "le_msg_CreateService");
  EXPECT_MISUSE(le_msg_CreateService(Protocol(), std::string(128, 'x').c_str()),
                "le_msg_CreateService");
  EXPECT_NE(le_msg_CreateService(Protocol(), std::string(127, 'x').c_str()),
            nullptr);
  EXPECT_MISUSE(le_msg_AddServiceOpenHandler(
                    le_msg_CreateService(Protocol(), "x"), nullptr, nullptr),
                "le_msg_AddServiceOpenHandler");
  EXPECT_MISUSE(le_msg_RemoveServiceHandler(nullptr),
                "le_msg_RemoveServiceHandler");
  EXPECT_MISUSE(le_msg_HideService(nullptr), "le_msg_HideService");
  EXPECT_MISUSE(le_msg_DeleteService(nullptr), "le_msg_DeleteService");
}

TEST_F(MisuseTest, RespondingTwice) {
  EXPECT_MISUSE(
      {
        le_msg_ServiceRef_t service =
            le_msg_CreateService(Protocol(), "service");
        le_msg_SetServiceRecvHandler(
            service,
            [](le_msg_MessageRef_t message, void*) {
              le_msg_AddRef(message);
              le_msg_Respond(message);
              le_msg_Respond(message);
            },
            nullptr);
        le_msg_AdvertiseService(service);
        le_msg_SessionRef_t session = Session();
        le_msg_OpenSessionSync(session);
        le_msg_RequestResponse(le_msg_CreateMsg(session), nullptr, nullptr);
        le_event_RunLoop();
      },
      "le_msg_Respond.*has a response already");
}

// A second removal is fatal. It is also fatal in a handler of the service,
// where the first removal takes effect only later.
TEST_F(MisuseTest, RemovingAHandlerTwice) {
  static le_msg_SessionEventHandlerRef_t handler;
  EXPECT_MISUSE(
      {
        handler = le_msg_AddServiceOpenHandler(
            le_msg_CreateService(Protocol(), "service"),
            [](le_msg_SessionRef_t, void*) {}, nullptr);
        le_msg_RemoveServiceHandler(handler);
        le_msg_RemoveServiceHandler(handler);
      },
      "le_msg_RemoveServiceHandler");
  EXPECT_MISUSE(
      {
        le_msg_ServiceRef_t service =
            le_msg_CreateService(Protocol(), "service");
        handler = le_msg_AddServiceOpenHandler(
            service,
            [](le_msg_SessionRef_t, void*) {
              le_msg_RemoveServiceHandler(handler);
              le_msg_RemoveServiceHandler(handler);
            },
            nullptr);
        le_msg_AdvertiseService(service);
        le_msg_OpenSessionSync(Session());
        le_event_RunLoop();
      },
      "le_msg_RemoveServiceHandler");
}

// ---- Stale references and payloads -----------------------------------------

TEST_F(MisuseTest, StaleReferencesOfMessages) {
#ifdef NDEBUG
  GTEST_SKIP() << "a build with NDEBUG does not check";
#endif
  using Function = void (*)(le_msg_MessageRef_t);
  const Function leave[] = {
      [](le_msg_MessageRef_t m) { le_msg_ReleaseMsg(m); },
      [](le_msg_MessageRef_t m) { le_msg_Send(m); },
      [](le_msg_MessageRef_t m) {
        le_msg_RequestResponse(m, nullptr, nullptr);
      },
      [](le_msg_MessageRef_t m) { le_msg_RequestSyncResponse(m); },
  };
  const Function use[] = {
      [](le_msg_MessageRef_t m) { le_msg_ReleaseMsg(m); },
      [](le_msg_MessageRef_t m) { le_msg_Send(m); },
      [](le_msg_MessageRef_t m) { le_msg_GetPayloadPtr(m); },
      [](le_msg_MessageRef_t m) {
        // The new message may reuse the memory.
        le_msg_CreateMsg(Session());
        le_msg_GetSession(m);
      },
  };
  for (const Function first : leave) {
    for (const Function second : use) {
      EXPECT_MISUSE(
          {
            const le_msg_MessageRef_t message = le_msg_CreateMsg(Session());
            first(message);
            second(message);
          },
          "le_msg_[A-Za-z]*: a stale reference");
    }
  }
}

TEST_F(MisuseTest, WritingToAPayloadForReading) {
#ifdef NDEBUG
  GTEST_SKIP() << "a build with NDEBUG does not check";
#endif
  const auto write = [](const void* payload, size_t at) {
    static_cast<char*>(const_cast<void*>(payload))[at] = 'x';
  };
  EXPECT_MISUSE(
      {
        const le_msg_MessageRef_t message = le_msg_CreateMsg(Session());
        write(le_msg_GetPayloadForReading(message, nullptr), 63);
        le_msg_ReleaseMsg(message);
      },
      "le_msg_ReleaseMsg: the program has written to a payload for reading");
  EXPECT_MISUSE(
      {
        const le_msg_MessageRef_t message = le_msg_CreateMsg(Session());
        write(le_msg_GetPayloadForWriting(message, 10), 10);
        le_msg_Send(message);
      },
      "le_msg_Send: the program has written to a payload for reading");
  const le_msg_MessageRef_t message = le_msg_CreateMsg(Session());
  write(le_msg_GetPayloadForWriting(message, 10), 9);
  write(le_msg_GetPayloadForWriting(message, 5), 9);
  write(le_msg_GetPayloadPtr(message), 63);
  le_msg_ReleaseMsg(message);
}

// A held message keeps its deleted session. So the session's reference is not
// stale.
TEST_F(MisuseTest, ADeletedSessionOfAHeldMessageCannotBeOpened) {
  using Function = void (*)(le_msg_SessionRef_t);
  const Function opens[] = {
      [](le_msg_SessionRef_t s) { le_msg_OpenSessionSync(s); },
      [](le_msg_SessionRef_t s) { le_msg_OpenSession(s, nullptr, nullptr); },
      [](le_msg_SessionRef_t s) { le_msg_TryOpenSessionSync(s); },
  };
  for (const Function open : opens) {
    EXPECT_MISUSE(
        {
          const le_msg_SessionRef_t session = Session();
          const le_msg_MessageRef_t message = le_msg_CreateMsg(session);
          le_msg_DeleteSession(session);
          open(session);
          le_msg_ReleaseMsg(message);  // Not reached. Avoids a leak report.
        },
        "le_msg_[A-Za-z]*: the session has been deleted");
  }
}

TEST_F(MisuseTest, StaleReferencesOfSessions) {
#ifdef NDEBUG
  GTEST_SKIP() << "a build with NDEBUG does not check";
#endif
  using Function = void (*)(le_msg_SessionRef_t);
  const Function use[] = {
      [](le_msg_SessionRef_t s) { le_msg_DeleteSession(s); },
      [](le_msg_SessionRef_t s) { le_msg_DropSession(s); },
      [](le_msg_SessionRef_t s) { le_msg_CloseSession(s); },
      [](le_msg_SessionRef_t s) { le_msg_OpenSessionSync(s); },
      [](le_msg_SessionRef_t s) { le_msg_CreateMsg(s); },
      [](le_msg_SessionRef_t s) { le_msg_GetSessionContextPtr(s); },
      [](le_msg_SessionRef_t s) { le_msg_GetCloseReason(s); },
      [](le_msg_SessionRef_t s) {
        // The new session may reuse the memory.
        Session();
        le_msg_GetSessionInterface(s);
      },
  };
  for (const Function first : {&le_msg_DeleteSession, &le_msg_DropSession}) {
    for (const Function second : use) {
      EXPECT_MISUSE(
          {
            const le_msg_SessionRef_t session = Session();
            first(session);
            second(session);
          },
          "le_msg_[A-Za-z]*: a stale reference: the session has been deleted");
    }
  }
  // On the server's side, the reference of a session is stale when the close
  // handlers for the session have returned and the service is deleted.
  static le_msg_SessionRef_t of_server;
  static le_msg_ServiceRef_t deleted;
  EXPECT_MISUSE(
      {
        deleted = le_msg_CreateService(Protocol(), "service");
        le_msg_AddServiceOpenHandler(
            deleted, [](le_msg_SessionRef_t s, void*) { of_server = s; },
            nullptr);
        le_msg_AddServiceCloseHandler(
            deleted,
            [](le_msg_SessionRef_t s, void*) {
              le_msg_GetCloseReason(s);
              le_event_QueueFunction(
                  [](void*, void*) {
                    le_msg_CloseSession(of_server);
                    le_msg_DeleteService(deleted);
                    le_msg_GetCloseReason(of_server);
                  },
                  nullptr, nullptr);
            },
            nullptr);
        le_msg_AdvertiseService(deleted);
        const le_msg_SessionRef_t session = Session();
        le_msg_OpenSessionSync(session);
        le_msg_DeleteSession(session);
        le_event_RunLoop();
      },
      "le_msg_GetCloseReason: a stale reference: the session has been deleted");
}

TEST_F(MisuseTest, StaleReferencesOfServices) {
#ifdef NDEBUG
  GTEST_SKIP() << "a build with NDEBUG does not check";
#endif
  using Function = void (*)(le_msg_ServiceRef_t);
  const Function use[] = {
      [](le_msg_ServiceRef_t s) { le_msg_DeleteService(s); },
      [](le_msg_ServiceRef_t s) { le_msg_DropService(s); },
      [](le_msg_ServiceRef_t s) { le_msg_HideService(s); },
      [](le_msg_ServiceRef_t s) { le_msg_GetServiceContextPtr(s); },
      [](le_msg_ServiceRef_t s) {
        le_msg_CreateService(Protocol(), "other");
        le_msg_AdvertiseService(s);
      },
  };
  for (const Function first : {&le_msg_DeleteService, &le_msg_DropService}) {
    for (const Function second : use) {
      EXPECT_MISUSE(
          {
            const le_msg_ServiceRef_t service =
                le_msg_CreateService(Protocol(), "service");
            first(service);
            second(service);
          },
          "le_msg_[A-Za-z]*: a stale reference: the service has been deleted");
    }
  }
  static le_msg_LocalService_t local;
  EXPECT_MISUSE(
      {
        const le_msg_ServiceRef_t service = le_msg_InitLocalService(
            &local, "local", le_mem_CreatePool("x", 256));
        le_msg_DeleteService(service);
        le_msg_AdvertiseService(service);
      },
      "le_msg_AdvertiseService: a stale reference");
}

// A message or a handler still refers to the object. So this misuse is detected
// with NDEBUG too.
TEST_F(MisuseTest, DeletingAHeldObjectTwice) {
  using Function = void (*)(le_msg_SessionRef_t);
  for (const Function first : {&le_msg_DeleteSession, &le_msg_DropSession}) {
    for (const Function second : {&le_msg_DeleteSession, &le_msg_DropSession}) {
      EXPECT_MISUSE(
          {
            const le_msg_SessionRef_t session = Session();
            static le_msg_MessageRef_t volatile kept;  // avoids a leak report
            kept = le_msg_CreateMsg(session);
            static_cast<void>(kept);
            first(session);
            second(session);
          },
          "le_msg_(Delete|Drop)Session: the session or service has been "
          "deleted already");
    }
  }
  EXPECT_MISUSE(
      {
        const le_msg_ServiceRef_t service =
            le_msg_CreateService(Protocol(), "service");
        le_msg_AddServiceCloseHandler(
            service, [](le_msg_SessionRef_t, void*) {}, nullptr);
        le_msg_AddServiceOpenHandler(
            service,
            [](le_msg_SessionRef_t, void* service) {
              le_msg_DeleteService(static_cast<le_msg_ServiceRef_t>(service));
              le_msg_DeleteService(static_cast<le_msg_ServiceRef_t>(service));
            },
            service);
        le_msg_AdvertiseService(service);
        le_msg_OpenSessionSync(Session());
        le_event_RunLoop();
      },
      "le_msg_DeleteService: the session or service has been deleted already");
}

// ---- Exceptions ------------------------------------------------------------

std::string* g_throws = nullptr;  // the handler that throws

// Called in the handler `here`. Throws if g_throws names this handler. If
// g_throws is "int at HANDLER", throws an int, which has no text.
void ThrowIfAt(const char* here) {
  if (*g_throws == here) throw std::runtime_error("mine");
  if (*g_throws == std::string("int at ") + here) throw 5;
}

void AskTwice(le_msg_SessionRef_t session) {
  le_msg_RequestResponse(
      le_msg_CreateMsg(session),
      [](le_msg_MessageRef_t response, void*) {
        if (response != nullptr) le_msg_ReleaseMsg(response);
        ThrowIfAt("response");
      },
      nullptr);
  le_msg_RequestResponseTimed(
      le_msg_CreateMsg(session), LE_MSG_NO_TIMEOUT,
      [](le_msg_MessageRef_t response, le_result_t, void*) {
        if (response != nullptr) le_msg_ReleaseMsg(response);
        ThrowIfAt("result");
      },
      nullptr);
}

void FillQueue(le_msg_SessionRef_t session) {
  for (;;) {
    const le_msg_MessageRef_t message = le_msg_CreateMsg(session);
    if (le_msg_TrySend(message) == LE_OK) continue;
    le_msg_ReleaseMsg(message);
    return;
  }
}

// Uses a session with a service of this thread. The handler that `where` names
// throws.
void RunWithAHandlerThatThrows(const std::string& where) {
  g_throws = new std::string(where);
  const le_msg_ProtocolRef_t protocol = le_msg_GetProtocolRef("protocol", 64);
  const le_msg_ServiceRef_t service = le_msg_CreateService(protocol, "service");
  le_msg_AddServiceOpenHandler(
      service, [](le_msg_SessionRef_t, void*) { ThrowIfAt("service open"); },
      nullptr);
  le_msg_AddServiceCloseHandler(
      service, [](le_msg_SessionRef_t, void*) { ThrowIfAt("service close"); },
      nullptr);
  le_msg_SetServiceRecvHandler(
      service,
      [](le_msg_MessageRef_t message, void*) {
        const le_msg_SessionRef_t session = le_msg_GetSession(message);
        le_msg_Send(le_msg_CreateMsg(session));
        if (*g_throws == "service room") FillQueue(session);
        if (g_throws->find("close") != std::string::npos) {
          le_msg_CloseSession(session);
        }
        le_msg_Respond(message);
        ThrowIfAt("service receive");
      },
      nullptr);
  le_msg_SetServiceRoomHandler(
      service, [](le_msg_SessionRef_t, void*) { ThrowIfAt("service room"); },
      nullptr);
  le_msg_AdvertiseService(service);
  const le_msg_SessionRef_t session = le_msg_CreateSession(protocol, "service");
  le_msg_SetSessionRecvHandler(
      session,
      [](le_msg_MessageRef_t message, void*) {
        le_msg_ReleaseMsg(message);
        ThrowIfAt("session receive");
      },
      nullptr);
  le_msg_SetSessionCloseHandler(
      session, [](le_msg_SessionRef_t, void*) { ThrowIfAt("session close"); },
      nullptr);
  le_msg_SetSessionRoomHandler(
      session, [](le_msg_SessionRef_t, void*) { ThrowIfAt("session room"); },
      nullptr);
  if (where == "open result") {
    le_msg_OpenSessionTimed(
        session, LE_MSG_NO_TIMEOUT,
        [](le_msg_SessionRef_t, le_result_t, void*) {
          ThrowIfAt("open result");
        },
        nullptr);
  } else {
    le_msg_OpenSession(
        session,
        [](le_msg_SessionRef_t session, void*) {
          ThrowIfAt("open");
          AskTwice(session);
          if (*g_throws == "session room") FillQueue(session);
        },
        nullptr);
  }
  try {
    le_event_RunLoop();
  } catch (const std::exception&) {
    fprintf(stderr, "the exception has left the loop");
  }
}

// A handler must not throw: an exception would leave the session in an
// inconsistent state.
TEST_F(MisuseTest, HandlersThatThrow) {
  for (const char* where :
       {"service open", "service close", "service receive", "service room",
        "session receive", "session close", "session room", "response",
        "result", "open", "open result"}) {
    EXPECT_MISUSE(RunWithAHandlerThatThrows(where),
                  "EMERGENCY.*handler.*has thrown an exception.*: mine");
  }
  for (const char* where : {"service receive", "session receive", "response"}) {
    EXPECT_MISUSE(
        RunWithAHandlerThatThrows(std::string("int at ") + where),
        "EMERGENCY.*handler.*has thrown an exception, which is not allowed");
  }
}

// ---- After the end of the owner --------------------------------------------

// Objects of a thread that has ended.
struct Left {
  le_msg_SessionRef_t session = nullptr;
  le_msg_MessageRef_t message = nullptr;  // keeps the session valid
  le_timer_Ref_t timer = nullptr;
  le_fdMonitor_Ref_t monitor = nullptr;
  const le::event::Thread* owner = nullptr;
  void (*use)(const Left& left) = nullptr;
};

void* BeOwner(void* context) {
  auto* const left = static_cast<Left*>(context);
  left->owner = le::event::Thread::Current();
  left->session =
      le_msg_CreateSession(le_msg_GetProtocolRef("protocol", 64), "service");
  left->message = le_msg_CreateMsg(left->session);
  left->timer = le_timer_Create("timer");
  le_timer_SetMsInterval(left->timer, 1000);
  int ends[2];
  if (pipe(ends) != 0) abort();
  left->monitor = le_fdMonitor_Create(
      "monitor", ends[0], [](int, short) {}, POLLIN);
  return nullptr;
}

// Uses the objects only if this thread's event::Thread is at the address of the
// ended owner's event::Thread.
void* UseInItsPlace(void* context) {
  const auto* const left = static_cast<Left*>(context);
  if (le::event::Thread::Current() == left->owner) {
    left->use(*left);
    fprintf(stderr, "this thread was mistaken for the owner");
    _exit(EXIT_SUCCESS);
  }
  return nullptr;
}

void* Use(void* context) {
  const auto* const left = static_cast<Left*>(context);
  left->use(*left);
  return nullptr;
}

// le_thread_Exit() is fatal in a destructor of the ending thread.
TEST_F(MisuseTest, ExitingAThreadThatEnds) {
  EXPECT_MISUSE(OnAnotherThread(
                    [](void*) -> void* {
                      le_thread_InitLegatoThreadData("ending");
                      le_thread_AddDestructor(
                          [](void*) { le_thread_Exit(nullptr); }, nullptr);
                      le_thread_CleanupLegatoThreadData();
                      return nullptr;
                    },
                    nullptr),
                "le_thread_Exit: the thread is ending already");
}

// A later thread is never mistaken for the owner, even if its event::Thread has
// the same address.
TEST_F(MisuseTest, AThreadAtTheAddressOfAnEndedOwner) {
  constexpr int kThreads = 200;
  using Function = void (*)(const Left&);
  const Function functions[] = {
      [](const Left& left) {
        le_msg_SetSessionRecvHandler(left.session, nullptr, nullptr);
      },
      [](const Left& left) { le_msg_CloseSession(left.session); },
      [](const Left& left) {
        le_msg_OpenSession(left.session, nullptr, nullptr);
      },
      [](const Left& left) {
        le_msg_RequestSyncResponse(le_msg_CreateMsg(left.session));
      },
      [](const Left& left) { le_timer_Start(left.timer); },
      [](const Left& left) { le_fdMonitor_Disable(left.monitor, POLLIN); },
  };
  for (Function function : functions) {
    EXPECT_MISUSE(
        {
          Left left;
          left.use = function;
          OnAnotherThread(&BeOwner, &left);
          for (int i = 0; i < kThreads; ++i) {
            OnAnotherThread(&UseInItsPlace, &left);
          }
          // If a thread had that address, a correct library has ended the
          // process by now. Otherwise use the objects on another thread, which
          // is fatal too.
          OnAnotherThread(&Use, &left);
        },
        "le_(msg|timer|fdMonitor)_[A-Za-z]*: ");
  }
}

// Objects of ended threads stay valid until any thread deletes them. Beyond
// 1,024 of them in a process, the library deletes the oldest. A second deletion
// is fatal.
TEST_F(MisuseTest, ObjectsOfEndedThreadsAreDeletedOnce) {
  EXPECT_MISUSE(
      {
        Left left;
        OnAnotherThread(&BeOwner, &left);
        le_msg_DeleteSession(left.session);
        le_msg_DeleteSession(left.session);
      },
      "le_msg_DeleteSession: the session or service has been deleted already");
  EXPECT_MISUSE(
      {
        Left left;
        OnAnotherThread(&BeOwner, &left);
        le_msg_DropSession(left.session);
        le_msg_DropSession(left.session);
      },
      "le_msg_DropSession: the session or service has been deleted already");
  EXPECT_MISUSE(
      {
        Left left;
        OnAnotherThread(&BeOwner, &left);
        for (int i = 0; i < 1024; ++i) {
          OnAnotherThread(
              [](void*) -> void* {
                Session();
                return nullptr;
              },
              nullptr);
        }
        le_msg_DeleteSession(left.session);
      },
      "le_msg_DeleteSession: the session or service has been deleted already");
}

// If the session's owner has ended, no loop can run the completion of a
// request. So the library releases the request with a warning.
TEST_F(MisuseTest, ARequestAfterTheEndOfTheOwner) {
  EXPECT_EXIT(
      {
        Left left;
        OnAnotherThread(&BeOwner, &left);
        le_msg_RequestResponse(left.message, nullptr, nullptr);
        exit(EXIT_SUCCESS);
      },
      ::testing::ExitedWithCode(EXIT_SUCCESS), "a request fails: it was made");
}

}  // namespace

int main(int argc, char** argv) {
  ::testing::InitGoogleTest(&argc, argv);
  // Each death test gets a new process, so that it has no threads and services
  // of other tests.
  ::testing::FLAGS_gtest_death_test_style = "threadsafe";
  return RUN_ALL_TESTS();
}
