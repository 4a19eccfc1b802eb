// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// After fork() the child may only exec or _exit. Each function of the C API is
// fatal there, and the log names it. The headers give the list of functions.

#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <set>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "le_eventLoop_ext.h"
#include "le_messaging_ext.h"
#include "le_messaging_loopback.h"
#include "legato.h"

namespace {

using ::testing::ContainerEq;
using ::testing::HasSubstr;

// The public headers, as Bazel has told.
std::vector<std::string>* g_headers = nullptr;

// Arguments for the calls: all are valid, and made before the fork.
struct World {
  le_msg_ProtocolRef_t protocol = le_msg_GetProtocolRef("protocol", 64);
  le_msg_ServiceRef_t service = le_msg_CreateService(protocol, "service");
  le_msg_SessionEventHandlerRef_t handler = le_msg_AddServiceOpenHandler(
      service, [](le_msg_SessionRef_t, void*) {}, nullptr);
  le_msg_SessionRef_t session = le_msg_CreateSession(protocol, "service");
  le_msg_MessageRef_t message = le_msg_CreateMsg(session);
  le_msg_LocalService_t local_service = {};
  le_mem_PoolRef_t pool =
      le_mem_CreatePool("pool", LE_MSG_LOCAL_HEADER_SIZE + 8);
  void* object = le_mem_ForceAlloc(pool);
  le_sem_Ref_t semaphore = le_sem_Create("semaphore", 1);
  le_thread_Ref_t thread = le_thread_GetCurrent();
  le_timer_Ref_t timer = le_timer_Create("timer");
  le_fdMonitor_Ref_t monitor = nullptr;

  World() {
    int ends[2];
    EXPECT_EQ(pipe(ends), 0);
    monitor = le_fdMonitor_Create(
        "monitor", ends[0], [](int, short) {}, 0);
    le_msg_InitLocalService(&local_service, "local", pool);
  }
};
World* g_world = nullptr;

struct Function {
  std::string name;
  void (*call)(World* w);
  std::string told;  // the function's name in the log
};

#define CALL(function, ...)                                            \
  {                                                                    \
#function, [](World* w) { (void)w; function(__VA_ARGS__); }, #function \
  }
// A function that a macro calls has the macro's name.
#define MACRO(function, macro, ...)                                 \
  {                                                                 \
#function, [](World* w) { (void)w; function(__VA_ARGS__); }, #macro \
  }

std::vector<Function> Functions() {
  return {
      CALL(le_result_Txt, LE_OK),

      CALL(le_event_RunLoop),
      CALL(le_event_RunLoopUntilStopped),
      CALL(le_event_StopLoop, nullptr),
      CALL(le_event_GetFd),
      CALL(le_event_ServiceLoop),
      CALL(
          le_event_QueueFunction, [](void*, void*) {}, nullptr, nullptr),
      CALL(
          le_event_QueueFunctionToThread, w->thread, [](void*, void*) {},
          nullptr, nullptr),

      CALL(
          le_fdMonitor_Create, "monitor", 0, [](int, short) {}, 0),
      CALL(le_fdMonitor_Enable, w->monitor, POLLIN),
      CALL(le_fdMonitor_Disable, w->monitor, POLLIN),
      CALL(le_fdMonitor_SetDeferrable, w->monitor, true),
      CALL(le_fdMonitor_SetContextPtr, w->monitor, nullptr),
      CALL(le_fdMonitor_GetContextPtr),
      CALL(le_fdMonitor_GetMonitor),
      CALL(le_fdMonitor_GetFd, w->monitor),
      CALL(le_fdMonitor_Delete, w->monitor),

      CALL(le_mem_CreatePool, "another", 8),
      CALL(le_mem_ExpandPool, w->pool, 1),
      CALL(le_mem_GetObjectSize, w->pool),
      CALL(le_mem_ForceAlloc, w->pool),
      CALL(le_mem_AddRef, w->object),
      CALL(le_mem_Release, w->object),

      CALL(le_sem_Create, "another", 1),
      CALL(le_sem_Delete, w->semaphore),
      CALL(le_sem_Wait, w->semaphore),
      CALL(le_sem_TryWait, w->semaphore),
      CALL(le_sem_WaitWithTimeOut, w->semaphore, {0, 0}),
      CALL(le_sem_Post, w->semaphore),
      CALL(le_sem_GetValue, w->semaphore),

      MACRO(le_test_Plan_, LE_TEST_PLAN, 1),
      MACRO(le_test_Ok_, LE_TEST_OK, true, "fine"),
      MACRO(le_test_Info_, LE_TEST_INFO, "a remark"),
      MACRO(le_test_Exit_, LE_TEST_EXIT),

      CALL(
          le_thread_Create, "another", [](void*) -> void* { return nullptr; },
          nullptr),
      CALL(le_thread_SetJoinable, w->thread),
      CALL(le_thread_Start, w->thread),
      CALL(le_thread_Join, w->thread, nullptr),
      CALL(le_thread_GetCurrent),
      CALL(le_thread_GetName, w->thread, std::string(8, ' ').data(), 8),
      CALL(le_thread_GetMyName),
      CALL(le_thread_Exit, nullptr),
      CALL(le_thread_Cancel, w->thread),
      CALL(
          le_thread_AddDestructor, [](void*) {}, nullptr),
      CALL(le_thread_RemoveDestructor, nullptr),
      CALL(le_thread_InitLegatoThreadData, "thread"),
      CALL(le_thread_CleanupLegatoThreadData),

      CALL(le_timer_Create, "another"),
      CALL(le_timer_Delete, w->timer),
      CALL(le_timer_SetHandler, w->timer, nullptr),
      CALL(le_timer_SetInterval, w->timer, {1, 0}),
      CALL(le_timer_SetMsInterval, w->timer, 1),
      CALL(le_timer_SetRepeat, w->timer, 1),
      CALL(le_timer_SetContextPtr, w->timer, nullptr),
      CALL(le_timer_GetContextPtr, w->timer),
      CALL(le_timer_GetExpiryCount, w->timer),
      CALL(le_timer_Start, w->timer),
      CALL(le_timer_Stop, w->timer),
      CALL(le_timer_Restart, w->timer),
      CALL(le_timer_IsRunning, w->timer),

      CALL(le_msg_GetProtocolRef, "another", 64),
      CALL(le_msg_GetProtocolIdStr, w->protocol),
      CALL(le_msg_GetProtocolMaxMsgSize, w->protocol),
      CALL(le_msg_SetProtocolPoolSize, w->protocol, 1),

      CALL(le_msg_CreateSession, w->protocol, "another"),
      CALL(le_msg_DeleteSession, w->session),
      CALL(le_msg_SetSessionRecvHandler, w->session, nullptr, nullptr),
      CALL(le_msg_SetSessionCloseHandler, w->session, nullptr, nullptr),
      CALL(le_msg_GetSessionCloseHandler, w->session, nullptr, nullptr),
      CALL(le_msg_OpenSession, w->session, nullptr, nullptr),
      CALL(le_msg_OpenSessionSync, w->session),
      CALL(le_msg_TryOpenSessionSync, w->session),
      CALL(le_msg_OpenSessionTimed, w->session, 0, nullptr, nullptr),
      CALL(le_msg_OpenSessionSyncTimed, w->session, 0),
      CALL(le_msg_TryOpenSessionSyncTimed, w->session, 0),
      CALL(le_msg_CloseSession, w->session),
      CALL(le_msg_SetSessionContextPtr, w->session, nullptr),
      CALL(le_msg_GetSessionContextPtr, w->session),
      CALL(le_msg_GetSessionProtocol, w->session),
      CALL(le_msg_GetSessionInterface, w->session),
      CALL(le_msg_GetInterfaceName,
           reinterpret_cast<le_msg_InterfaceRef_t>(w->session)),
      CALL(le_msg_GetInterfaceProtocol,
           reinterpret_cast<le_msg_InterfaceRef_t>(w->session)),
      CALL(le_msg_GetClientUserCreds, w->session, nullptr, nullptr),
      CALL(le_msg_GetClientUserId, w->session, nullptr),
      CALL(le_msg_GetClientProcessId, w->session, nullptr),
      CALL(le_msg_GetClientPidFd, w->session, nullptr),
      CALL(le_msg_GetServerUserCreds, w->session, nullptr, nullptr),
      CALL(le_msg_GetCloseReason, w->session),
      CALL(le_msg_GetWaitReason, w->session, nullptr, 0),
      CALL(le_msg_GetCloseReasonTxt, LE_MSG_CLOSE_NONE),
      CALL(le_msg_SetSessionLimits, w->session, nullptr),
      CALL(le_msg_GetSessionLimits, w->session, nullptr),
      CALL(le_msg_Flush, w->session),

      CALL(le_msg_CreateMsg, w->session),
      CALL(le_msg_AddRef, w->message),
      CALL(le_msg_ReleaseMsg, w->message),
      CALL(le_msg_NeedsResponse, w->message),
      CALL(le_msg_GetPayloadPtr, w->message),
      CALL(le_msg_GetMaxPayloadSize, w->message),
      CALL(le_msg_SetPayloadSize, w->message, 1),
      CALL(le_msg_GetPayloadSize, w->message),
      CALL(le_msg_SetFd, w->message, 0),
      CALL(le_msg_GetFd, w->message),
      CALL(le_msg_Send, w->message),
      CALL(le_msg_TrySend, w->message),
      CALL(le_msg_SetSessionRoomHandler, w->session, nullptr, nullptr),
      CALL(le_msg_SetServiceRoomHandler, w->service, nullptr, nullptr),
      CALL(le_msg_SendTimed, w->message, 0),
      CALL(le_msg_GetSession, w->message),
      CALL(le_msg_RequestResponse, w->message, nullptr, nullptr),
      CALL(le_msg_RequestResponseTimed, w->message, 0, nullptr, nullptr),
      CALL(le_msg_CancelRequest, w->session, 1),
      CALL(le_msg_RequestSyncResponse, w->message),
      CALL(le_msg_RequestSyncResponseTimed, w->message, 0, nullptr),
      CALL(le_msg_Respond, w->message),

      CALL(le_msg_CreateService, w->protocol, "another"),
      CALL(le_msg_DeleteService, w->service),
      CALL(
          le_msg_AddServiceOpenHandler, w->service,
          [](le_msg_SessionRef_t, void*) {}, nullptr),
      CALL(
          le_msg_AddServiceCloseHandler, w->service,
          [](le_msg_SessionRef_t, void*) {}, nullptr),
      CALL(le_msg_RemoveServiceHandler, w->handler),
      CALL(le_msg_SetServiceRecvHandler, w->service, nullptr, nullptr),
      CALL(le_msg_SetServiceContextPtr, w->service, nullptr),
      CALL(le_msg_GetServiceContextPtr, w->service),
      CALL(le_msg_AdvertiseService, w->service),
      CALL(le_msg_HideService, w->service),
      CALL(le_msg_GetServiceRxMsg),
      MACRO(le_msg_KillClient_, LE_KILL_CLIENT, "no reason"),
      CALL(le_msg_SetServiceLimits, w->service, nullptr),
      CALL(le_msg_GetServiceLimits, w->service, nullptr),

      CALL(le_msg_InitLocalService, &w->local_service, "local", w->pool),
      CALL(le_msg_CreateLocalSession, &w->local_service),
      CALL(le_msg_SetLoopbackBindings, ""),
  };
}

// Functions that a child may call, to say why it could not exec. (LE_FATAL is
// fatal anywhere.)
const std::set<std::string>& Allowed() {
  static const auto* const names =
      new std::set<std::string>{"le_log_Send_", "le_log_Fatal_"};
  return *names;
}

// For a child that waits instead of dying.
constexpr unsigned kPatienceSeconds = 60;

// Calls it in a child. "" if that ended with EXIT_FAILURE; else how it ended.
std::string InChild(const std::function<void()>& call, std::string* log) {
  int ends[2];
  EXPECT_EQ(pipe(ends), 0);
  const pid_t pid = fork();
  EXPECT_GE(pid, 0);
  if (pid == 0) {
    dup2(ends[1], STDERR_FILENO);
    alarm(kPatienceSeconds);
    call();
    _exit(EXIT_SUCCESS);
  }
  close(ends[1]);
  char part[1024];
  for (ssize_t size; (size = read(ends[0], part, sizeof(part))) != 0;) {
    if (size > 0) log->append(part, static_cast<size_t>(size));
    if (size < 0 && errno != EINTR) break;
  }
  close(ends[0]);
  int status = 0;
  EXPECT_EQ(waitpid(pid, &status, 0), pid);
  if (WIFSIGNALED(status)) return "signal " + std::to_string(WTERMSIG(status));
  if (WEXITSTATUS(status) == EXIT_FAILURE) return "";
  return "status " + std::to_string(WEXITSTATUS(status));
}

TEST(AfterForkTest, EachFunctionIsFatalAndSaysWhich) {
  for (const Function& function : Functions()) {
    std::string log;
    EXPECT_EQ(InChild([&] { function.call(g_world); }, &log), "")
        << function.name;
    EXPECT_THAT(log, HasSubstr("EMERGENCY")) << function.name;
    EXPECT_THAT(log, HasSubstr(": " + function.told +
                               ": called in the child of a fork"));
  }
}

TEST(AfterForkTest, AChildMaySayWhyItCouldNotExec) {
  std::string log;
  EXPECT_EQ(InChild([] { LE_ERROR("no such program"); }, &log), "status 0");
  EXPECT_THAT(log, HasSubstr("no such program"));
  log.clear();
  EXPECT_EQ(InChild([] { LE_FATAL("no such program"); }, &log), "");
  EXPECT_THAT(log, HasSubstr("no such program"));
}

// The parent still works.
TEST(AfterForkTest, TheParentGoesOn) {
  le_msg_AdvertiseService(g_world->service);
  le_msg_OpenSessionSync(g_world->session);
  le_msg_CloseSession(g_world->session);
}

// The functions that a header declares: names before a parenthesis, outside
// comments and directives.
std::set<std::string> DeclaredIn(const std::string& path) {
  std::ifstream file(path);
  EXPECT_TRUE(file.is_open()) << path;
  std::string text;
  bool in_directive = false;
  for (std::string line; std::getline(file, line);) {
    in_directive = in_directive || line[0] == '#';
    if (!in_directive) text += line + "\n";
    in_directive = in_directive && !line.empty() && line.back() == '\\';
  }
  std::set<std::string> names;
  std::string name;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text.compare(i, 2, "/*") == 0) {
      i = std::min(text.find("*/", i), text.size()) + 1;
    } else if (std::isalnum(static_cast<unsigned char>(text[i])) != 0 ||
               text[i] == '_') {
      name.push_back(text[i]);
    } else {
      if (text[i] == '(' && name.compare(0, 3, "le_") == 0) names.insert(name);
      name.clear();
    }
  }
  return names;
}

// The list above is complete.
TEST(AfterForkTest, KnowsEachFunctionOfTheHeaders) {
  ASSERT_FALSE(g_headers->empty()) << "to be run by Bazel, which names them";
  std::set<std::string> declared;
  for (const std::string& path : *g_headers) {
    const std::set<std::string> names = DeclaredIn(path);
    declared.insert(names.begin(), names.end());
  }
  std::set<std::string> known = Allowed();
  for (const Function& function : Functions()) known.insert(function.name);
  EXPECT_THAT(declared, ContainerEq(known))
      << "a function of the headers needs a line in Functions(), or in "
         "Allowed() "
         "if it may be called after a fork: see CONTRIBUTING.md";
}

}  // namespace

int main(int argc, char** argv) {
  ::testing::InitGoogleTest(&argc, argv);
  g_headers = new std::vector<std::string>(argv + 1, argv + argc);
  g_world = new World;
  return RUN_ALL_TESTS();
}
