// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// After fork() the child may only call exec or _exit. In the child each
// function of the C API is fatal, and the log names the function. Exceptions
// are functions that use only the caller's memory (FunctionsOfMemory() and
// le_pack.h), and logging (Allowed()). The test compares its lists with the
// headers.

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

// The paths of the public headers: arguments of this test.
std::vector<std::string>* g_headers = nullptr;

// Valid arguments for the calls, created before the fork.
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
  le_mutex_Ref_t mutex = le_mutex_CreateNonRecursive("mutex");
  le_ref_MapRef_t references = le_ref_CreateMap("references", 1);
  le_hashmap_Ref_t map = le_hashmap_Create("map", 1, le_hashmap_HashString,
                                           le_hashmap_EqualsString);
  le_event_Id_t event = le_event_CreateId("event", 1);
  le_event_HandlerRef_t event_handler =
      le_event_AddHandler("handler", event, [](void*) {});
  le_log_TraceRef_t trace = le_log_GetTraceRef("trace");
  le_dls_List_t list = LE_DLS_LIST_INIT;
  le_dls_Link_t link = LE_DLS_LINK_INIT;
  le_dls_Link_t new_link = LE_DLS_LINK_INIT;
  le_sls_List_t singles = LE_SLS_LIST_INIT;
  le_sls_Link_t single = LE_SLS_LINK_INIT;
  le_sls_Link_t new_single = LE_SLS_LINK_INIT;
  char buffer[8] = "";

  World() {
    int ends[2];
    EXPECT_EQ(pipe(ends), 0);
    monitor = le_fdMonitor_Create(
        "monitor", ends[0], [](int, short) {}, 0);
    le_msg_InitLocalService(&local_service, "local", pool);
    le_dls_Queue(&list, &link);
    le_sls_Queue(&singles, &single);
  }
};
World* g_world = nullptr;
int g_int = 0;
size_t g_size = 1;
uint32_t g_code_point = 0;
bool g_flag = false;
const char* g_text = nullptr;

struct Function {
  std::string name;
  void (*call)(World* w);
  std::string told;  // the name in the log
};

#define CALL(function, ...)                                            \
  {                                                                    \
#function, [](World* w) { (void)w; function(__VA_ARGS__); }, #function \
  }
// The log has the name of the macro that calls the function.
#define MACRO(function, macro, ...)                                 \
  {                                                                 \
#function, [](World* w) { (void)w; function(__VA_ARGS__); }, #macro \
  }

std::vector<Function> Functions() {
  return {
      CALL(le_arg_SetArgs, 0, nullptr),
      CALL(le_arg_GetProgramName),
      CALL(le_arg_NumArgs),
      CALL(le_arg_GetArg, 0),
      CALL(le_arg_GetFlagOption, "f", nullptr),
      CALL(le_arg_GetIntOption, &g_int, "n", nullptr),
      CALL(le_arg_GetStringOption, &g_text, "s", nullptr),
      CALL(le_arg_SetFlagVar, &g_flag, "f", nullptr),
      CALL(le_arg_SetIntVar, &g_int, "n", nullptr),
      CALL(le_arg_SetStringVar, &g_text, "s", nullptr),
      CALL(
          le_arg_SetFlagCallback, [] {}, "f", nullptr),
      CALL(
          le_arg_SetIntCallback, [](int) {}, "n", nullptr),
      CALL(
          le_arg_SetStringCallback, [](const char*) {}, "s", nullptr),
      CALL(le_arg_AddPositionalCallback, [](const char*) {}),
      CALL(le_arg_AllowMorePositionalArgsThanCallbacks),
      CALL(le_arg_AllowLessPositionalArgsThanCallbacks),
      CALL(le_arg_SetErrorHandler, nullptr),
      CALL(le_arg_SetExitOnError, true),
      CALL(le_arg_Scan),
      CALL(le_arg_GetScanResult),

      CALL(le_clk_GetRelativeTime),
      CALL(le_clk_GetAbsoluteTime),
      CALL(le_clk_ConvertToUTCString, {}, "", w->buffer, 8, nullptr),
      CALL(le_clk_ConvertToLocalTimeString, {}, "", w->buffer, 8, nullptr),
      CALL(le_clk_GetUTCDateTimeString, "", w->buffer, 8, nullptr),
      CALL(le_clk_GetLocalDateTimeString, "", w->buffer, 8, nullptr),

      CALL(le_event_CreateId, "another", 1),
      CALL(le_event_CreateIdWithRefCounting, "another"),
      CALL(le_event_AddHandler, "another", w->event, [](void*) {}),
      CALL(
          le_event_AddLayeredHandler, "another", w->event, [](void*, void*) {},
          nullptr),
      CALL(le_event_RemoveHandler, w->event_handler),
      CALL(le_event_Report, w->event, w->buffer, 1),
      CALL(le_event_ReportWithRefCounting, w->event, w->object),
      CALL(le_event_SetContextPtr, w->event_handler, nullptr),
      CALL(le_event_GetContextPtr),

      CALL(le_ref_EnableTrace, w->references),
      CALL(le_hashmap_CountCollisions, w->map),
      CALL(le_hashmap_MakeTraceable, w->map),
      CALL(le_hashmap_Create, "another", 1, le_hashmap_HashString,
           le_hashmap_EqualsString),
      MACRO(le_hashmap_InitStatic_, le_hashmap_InitStatic, &w->map, "another",
            1, le_hashmap_HashString, le_hashmap_EqualsString),
      CALL(le_hashmap_Put, w->map, "key", "value"),
      CALL(le_hashmap_Get, w->map, "key"),
      CALL(le_hashmap_GetStoredKey, w->map, "key"),
      CALL(le_hashmap_Remove, w->map, "key"),
      CALL(le_hashmap_RemoveAll, w->map),
      CALL(le_hashmap_ContainsKey, w->map, "key"),
      CALL(le_hashmap_isEmpty, w->map),
      CALL(le_hashmap_Size, w->map),
      CALL(
          le_hashmap_ForEach, w->map,
          [](const void*, const void*, void*) { return true; }, nullptr),
      CALL(le_hashmap_GetIterator, w->map),
      CALL(le_hashmap_NextNode, nullptr),
      CALL(le_hashmap_PrevNode, nullptr),
      CALL(le_hashmap_GetKey, nullptr),
      CALL(le_hashmap_GetValue, nullptr),
      CALL(le_hashmap_GetFirstNode, w->map, nullptr, nullptr),
      CALL(le_hashmap_GetNodeAfter, w->map, "key", nullptr, nullptr),

      CALL(le_log_SetFilterLevel, LE_LOG_INFO),
      CALL(le_log_GetFilterLevel),
      CALL(le_log_GetTraceRef, "another"),
      CALL(le_log_EnableTrace, w->trace),
      CALL(le_log_DisableTrace, w->trace),

      CALL(le_mutex_CreateRecursive, "another"),
      CALL(le_mutex_CreateNonRecursive, "another"),
      CALL(le_mutex_Delete, w->mutex),
      CALL(le_mutex_Lock, w->mutex),
      CALL(le_mutex_TryLock, w->mutex),
      CALL(le_mutex_Unlock, w->mutex),

      CALL(le_ref_CreateMap, "another", 1),
      MACRO(le_ref_InitStaticMap_, le_ref_InitStaticMap, &w->references,
            "another", 1),
      CALL(le_ref_CreateRef, w->references, nullptr),
      CALL(le_ref_Lookup, w->references, nullptr),
      CALL(le_ref_DeleteRef, w->references, nullptr),
      CALL(le_ref_GetIterator, w->references),
      CALL(le_ref_NextNode, nullptr),
      CALL(le_ref_GetSafeRef, nullptr),
      CALL(le_ref_GetValue, nullptr),

      CALL(le_event_RunLoop),
      CALL(le_event_RunLoopUntilStopped),
      CALL(le_event_TryRunLoopUntilStopped),
      CALL(le_event_StopLoop, nullptr),
      CALL(le_event_GetFd),
      CALL(le_event_ServiceLoop),
      CALL(
          le_event_QueueFunction, [](void*, void*) {}, nullptr, nullptr),
      CALL(
          le_event_QueueFunctionToThread, w->thread, [](void*, void*) {},
          nullptr, nullptr),
      CALL(
          le_event_QueueFunctionToThreadUnique, w->thread, [](void*, void*) {},
          nullptr, nullptr),
      CALL(
          le_event_TryQueueFunctionToThread, w->thread, [](void*, void*) {},
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
      CALL(le_mem_GetObjectCount, w->pool),
      CALL(le_mem_GetName, w->pool, w->buffer, 8),
      CALL(le_mem_SetDestructor, w->pool, nullptr),
      CALL(le_mem_SetNumObjsToForce, w->pool, 1),
      CALL(le_mem_TryAlloc, w->pool),
      CALL(le_mem_AssertAlloc, w->pool),
      CALL(le_mem_GetRefCount, w->object),
      MACRO(le_mem_InitStaticPool_, le_mem_InitStaticPool, &w->pool, "pool", 1,
            8),
      CALL(le_mem_AddRef, w->object),
      CALL(le_mem_FindPool, "pool"),
      CALL(le_mem_GetStats, w->pool, nullptr),
      CALL(le_mem_ResetStats, w->pool),
      CALL(le_mem_CreateSubPool, w->pool, "sub", 1),
      CALL(le_mem_CreateReducedPool, w->pool, "sub", 1, 1),
      CALL(le_mem_DeleteSubPool, w->pool),
      CALL(le_mem_IsSubPool, w->pool),
      CALL(le_mem_ForceVarAlloc, w->pool, 1),
      CALL(le_mem_TryVarAlloc, w->pool, 1),
      CALL(le_mem_AssertVarAlloc, w->pool, 1),
      CALL(le_mem_StrDup, w->pool, ""),
      CALL(le_mem_GetBlockSize, w->object),
      CALL(le_mem_GetObjectFullSize, w->pool),
      CALL(le_mem_Release, w->object),

      CALL(le_sem_Create, "another", 1),
      CALL(le_sem_FindSemaphore, "semaphore"),
      CALL(le_sem_Delete, w->semaphore),
      CALL(le_sem_Wait, w->semaphore),
      CALL(le_sem_TryWait, w->semaphore),
      CALL(le_sem_WaitWithTimeOut, w->semaphore, {0, 0}),
      CALL(le_sem_Post, w->semaphore),
      CALL(le_sem_GetValue, w->semaphore),

      CALL(le_sig_Block, SIGUSR1),
      CALL(le_sig_SetEventHandler, SIGUSR1, [](int) {}),
      CALL(le_sig_DeleteAll),

      MACRO(le_test_Plan_, LE_TEST_PLAN, 1),
      MACRO(le_test_Ok_, LE_TEST_OK, true, "fine"),
      MACRO(le_test_SetTodo_, LE_TEST_BEGIN_TODO, true),
      MACRO(le_test_Skip_, LE_TEST_BEGIN_SKIP, 1),
      MACRO(le_test_Output_, LE_TEST_OUTPUT, "a line"),
      MACRO(le_test_NumFailures_, LE_TEST_NUM_FAILURES),
      MACRO(le_test_Fork_, LE_TEST_FORK, "true", nullptr),
      MACRO(le_test_Join_, LE_TEST_JOIN, nullptr),
      MACRO(le_test_BailOut_, LE_TEST_FATAL),
      MACRO(le_test_Exit_, LE_TEST_EXIT),

      CALL(
          le_thread_Create, "another", [](void*) -> void* { return nullptr; },
          nullptr),
      CALL(le_thread_SetJoinable, w->thread),
      CALL(le_thread_SetPriority, w->thread, LE_THREAD_PRIORITY_LOW),
      CALL(le_thread_SetStackSize, w->thread, 65536),
      CALL(le_thread_SetStack, w->thread, w->buffer, 8),
      CALL(
          le_thread_AddChildDestructor, w->thread, [](void*) {}, nullptr),
      CALL(le_thread_Start, w->thread),
      CALL(le_thread_Join, w->thread, nullptr),
      CALL(le_thread_GetCurrent),
      CALL(le_thread_GetName, w->thread, std::string(8, ' ').data(), 8),
      CALL(le_thread_GetMyName),
      CALL(le_thread_Sleep, 0),
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
      CALL(le_timer_GetInterval, w->timer),
      CALL(le_timer_GetMsInterval, w->timer),
      CALL(le_timer_SetWakeup, w->timer, true),
      CALL(le_timer_GetTimeRemaining, w->timer),
      CALL(le_timer_GetMsTimeRemaining, w->timer),
      CALL(le_timer_SetRepeat, w->timer, 1),
      CALL(le_timer_SetContextPtr, w->timer, nullptr),
      CALL(le_timer_GetContextPtr, w->timer),
      CALL(le_timer_GetExpiryCount, w->timer),
      CALL(le_timer_Start, w->timer),
      CALL(le_timer_Stop, w->timer),
      CALL(le_timer_Restart, w->timer),
      CALL(le_timer_IsRunning, w->timer),

      CALL(le_msg_GetProtocolRef, "another", 64),
      CALL(le_msg_TryGetProtocolRef, "another", 64, nullptr),
      CALL(le_msg_GetProtocolIdStr, w->protocol),
      CALL(le_msg_GetProtocolMaxMsgSize, w->protocol),
      CALL(le_msg_SetProtocolPoolSize, w->protocol, 1),

      CALL(le_msg_CreateSession, w->protocol, "another"),
      CALL(le_msg_TryCreateSession, w->protocol, "another", nullptr),
      CALL(le_msg_DeleteSession, w->session),
      CALL(le_msg_DropSession, w->session),
      CALL(le_msg_SetSessionRecvHandler, w->session, nullptr, nullptr),
      CALL(le_msg_SetSessionCloseHandler, w->session, nullptr, nullptr),
      CALL(le_msg_GetSessionCloseHandler, w->session, nullptr, nullptr),
      CALL(le_msg_OpenSession, w->session, nullptr, nullptr),
      CALL(le_msg_OpenSessionSync, w->session),
      CALL(le_msg_TryOpenSessionSync, w->session),
      MACRO(le_msg_TryOpenSessionSyncAsLegato_, le_msg_TryOpenSessionSync,
            w->session),
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
      CALL(le_msg_GetQueuedBytes, w->session),

      CALL(le_msg_CreateMsg, w->session),
      CALL(le_msg_AddRef, w->message),
      CALL(le_msg_ReleaseMsg, w->message),
      CALL(le_msg_NeedsResponse, w->message),
      CALL(le_msg_GetPayloadPtr, w->message),
      CALL(le_msg_GetMaxPayloadSize, w->message),
      CALL(le_msg_GetPayloadForReading, w->message, nullptr),
      CALL(le_msg_GetPayloadForWriting, w->message, 1),
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
      CALL(le_msg_TryCreateService, w->protocol, "another", nullptr),
      CALL(le_msg_DeleteService, w->service),
      CALL(le_msg_DropService, w->service),
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
      CALL(le_msg_RefuseServiceFds, w->service),
      CALL(le_msg_GetServiceLimits, w->service, nullptr),

      CALL(le_msg_InitLocalService, &w->local_service, "local", w->pool),
      CALL(le_msg_CreateLocalSession, &w->local_service),
      CALL(le_msg_SetLoopbackBindings, ""),
  };
}

// Functions that use only the caller's memory. A child may call them.
std::vector<Function> FunctionsOfMemory() {
  return {
      CALL(le_result_Txt, LE_OK),
      CALL(le_clk_Add, {}, {}),
      CALL(le_clk_Sub, {}, {}),
      CALL(le_clk_Multiply, {}, 1),
      CALL(le_clk_GreaterThan, {}, {}),
      CALL(le_clk_Equal, {}, {}),
      CALL(le_dls_Stack, &w->list, &w->new_link),
      CALL(le_dls_Queue, &w->list, &w->new_link),
      CALL(le_dls_AddAfter, &w->list, &w->link, &w->new_link),
      CALL(le_dls_AddBefore, &w->list, &w->link, &w->new_link),
      CALL(le_dls_Pop, &w->list),
      CALL(le_dls_PopTail, &w->list),
      CALL(le_dls_Remove, &w->list, &w->link),
      CALL(le_dls_Peek, &w->list),
      CALL(le_dls_PeekTail, &w->list),
      CALL(le_dls_PeekNext, &w->list, &w->link),
      CALL(le_dls_PeekPrev, &w->list, &w->link),
      CALL(le_dls_Swap, &w->list, &w->link, &w->link),
      CALL(le_dls_Sort, &w->list,
           [](le_dls_Link_t*, le_dls_Link_t*) { return false; }),
      CALL(le_dls_IsEmpty, &w->list),
      CALL(le_dls_IsInList, &w->list, &w->link),
      CALL(le_dls_IsHead, &w->list, &w->link),
      CALL(le_dls_IsTail, &w->list, &w->link),
      CALL(le_dls_NumLinks, &w->list),
      CALL(le_dls_IsListCorrupted, &w->list),
      CALL(le_sls_Stack, &w->singles, &w->new_single),
      CALL(le_sls_Queue, &w->singles, &w->new_single),
      CALL(le_sls_AddAfter, &w->singles, &w->single, &w->new_single),
      CALL(le_sls_Pop, &w->singles),
      CALL(le_sls_RemoveAfter, &w->singles, &w->single),
      CALL(le_sls_Peek, &w->singles),
      CALL(le_sls_PeekTail, &w->singles),
      CALL(le_sls_PeekNext, &w->singles, &w->single),
      CALL(le_sls_Sort, &w->singles,
           [](le_sls_Link_t*, le_sls_Link_t*) { return false; }),
      CALL(le_sls_IsEmpty, &w->singles),
      CALL(le_sls_IsInList, &w->singles, &w->single),
      CALL(le_sls_IsHead, &w->singles, &w->single),
      CALL(le_sls_IsTail, &w->singles, &w->single),
      CALL(le_sls_NumLinks, &w->singles),
      CALL(le_sls_IsListCorrupted, &w->singles),
      CALL(le_hashmap_HashString, "key"),
      CALL(le_hashmap_EqualsString, "key", "key"),
      CALL(le_hashmap_HashUInt32, w->buffer),
      CALL(le_hashmap_EqualsUInt32, w->buffer, w->buffer),
      CALL(le_hashmap_HashUInt64, w->buffer),
      CALL(le_hashmap_EqualsUInt64, w->buffer, w->buffer),
      CALL(le_hashmap_HashVoidPointer, w->buffer),
      CALL(le_hashmap_EqualsVoidPointer, w->buffer, w->buffer),
      CALL(le_utf8_NumChars, "text"),
      CALL(le_utf8_NumBytes, "text"),
      CALL(le_utf8_NumBytesInChar, 't'),
      CALL(le_utf8_IsContinuationByte, 't'),
      CALL(le_utf8_IsFormatCorrect, "text"),
      CALL(le_utf8_Copy, w->buffer, "text", 8, nullptr),
      CALL(le_utf8_Append, w->buffer, "text", 8, nullptr),
      CALL(le_utf8_CopyUpToSubStr, w->buffer, "text", "x", 8, nullptr),
      CALL(le_utf8_ParseInt, &g_int, "1"),
      CALL(le_utf8_EncodeUnicodeCodePoint, 1, w->buffer, &g_size),
      CALL(le_utf8_DecodeUnicodeCodePoint, "x", &g_size, &g_code_point),
  };
}

// Functions that a child may call to log why its exec has failed. (LE_FATAL
// ends any process.)
const std::set<std::string>& Allowed() {
  static const auto* const names = new std::set<std::string>{
      "le_log_Send_",  "le_log_Fatal_",         "le_log_Dump_",
      "le_log_Trace_", "le_log_IsTraceEnabled", "le_log_IsEnabled_"};
  return *names;
}

// A child that hangs is killed after this time.
constexpr unsigned kPatienceSeconds = 60;

// Runs `call` in a child. Returns "" if the child has ended with EXIT_FAILURE,
// otherwise a description of its end.
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

TEST(AfterForkTest, EachFunctionIsFatalAndIsNamed) {
  for (const Function& function : Functions()) {
    std::string log;
    EXPECT_EQ(InChild([&] { function.call(g_world); }, &log), "")
        << function.name;
    EXPECT_THAT(log, HasSubstr("EMERGENCY")) << function.name;
    EXPECT_THAT(log, HasSubstr(": " + function.told +
                               ": called in the child of a fork"));
  }
}

TEST(AfterForkTest, AChildMayUseItsMemory) {
  for (const Function& function : FunctionsOfMemory()) {
    std::string log;
    EXPECT_EQ(InChild([&] { function.call(g_world); }, &log), "status 0")
        << function.name;
    EXPECT_EQ(log, "") << function.name;
  }
}

TEST(AfterForkTest, AChildMayLogWhyExecFailed) {
  std::string log;
  EXPECT_EQ(InChild([] { LE_ERROR("no such program"); }, &log), "status 0");
  EXPECT_THAT(log, HasSubstr("no such program"));
  log.clear();
  EXPECT_EQ(InChild([] { LE_FATAL("no such program"); }, &log), "");
  EXPECT_THAT(log, HasSubstr("no such program"));
}

TEST(AfterForkTest, TheParentIsNotAffected) {
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
      // The functions of le_pack.h use only the caller's memory.
      if (text[i] == '(' && name.compare(0, 3, "le_") == 0 &&
          name.compare(0, 8, "le_pack_") != 0) {
        names.insert(name);
      }
      name.clear();
    }
  }
  return names;
}

// The lists above have each function of the headers.
TEST(AfterForkTest, KnowsEachFunctionOfTheHeaders) {
  ASSERT_FALSE(g_headers->empty())
      << "run this test by Bazel, which passes the headers";
  std::set<std::string> declared;
  for (const std::string& path : *g_headers) {
    const std::set<std::string> names = DeclaredIn(path);
    declared.insert(names.begin(), names.end());
  }
  std::set<std::string> known = Allowed();
  for (const Function& function : Functions()) known.insert(function.name);
  for (const Function& function : FunctionsOfMemory()) {
    known.insert(function.name);
  }
  EXPECT_THAT(declared, ContainerEq(known))
      << "a function of the headers needs a line in Functions(), or in "
         "FunctionsOfMemory() or Allowed() if it may be called after a fork: "
         "see CONTRIBUTING.md";
}

}  // namespace

int main(int argc, char** argv) {
  ::testing::InitGoogleTest(&argc, argv);
  g_headers = new std::vector<std::string>(argv + 1, argv + argc);
  g_world = new World;
  return RUN_ALL_TESTS();
}
