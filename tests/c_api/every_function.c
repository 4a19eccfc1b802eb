/* Copyright 2026 The le_messaging Authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Calls every function of le_messaging.h, le_messaging_ext.h and
 * le_messaging_loopback.h at least once, in C99. Each function must link, and
 * its use must compile without a warning. Other tests check what the functions
 * do.
 */

#include "le_messaging_ext.h"
#include "le_messaging_loopback.h"
#include "legato.h"

static int Completions;
static le_msg_SessionRef_t Client;
static le_msg_SessionRef_t Extra;

static void OnSession(le_msg_SessionRef_t session, void* context) {
  (void)context;
  le_msg_GetSessionContextPtr(session);
}

static void OnServerSession(le_msg_SessionRef_t session, void* context) {
  uid_t uid;
  pid_t pid;
  int pidFd;
  (void)context;
  LE_TEST_OK(le_msg_GetClientUserCreds(session, &uid, &pid) == LE_OK,
             "client credentials");
  LE_TEST_OK(le_msg_GetClientUserId(session, &uid) == LE_OK, "client user");
  LE_TEST_OK(le_msg_GetClientProcessId(session, &pid) == LE_OK,
             "client process");
  LE_TEST_OK(le_msg_GetClientPidFd(session, &pidFd) == LE_UNSUPPORTED,
             "no pidfd over loopback");
}

static void OnMessage(le_msg_MessageRef_t msg, void* context) {
  (void)context;
  LE_TEST_OK(le_msg_GetServiceRxMsg() == msg,
             "the message that is being handled");
  if (le_msg_NeedsResponse(msg)) {
    le_msg_Respond(msg);
  } else {
    char* text = le_msg_GetPayloadPtr(msg);
    if (text[0] == 'k') LE_KILL_CLIENT("the client sent %s", text);
    le_msg_ReleaseMsg(msg);
  }
}

static void OnNews(le_msg_MessageRef_t msg, void* context) {
  (void)context;
  le_msg_ReleaseMsg(msg);
}

/* Counts the completed requests. After the last one, sends the message that
 * OnMessage answers with LE_KILL_CLIENT. Then OnGone ends the test. */
static void Finish(void) {
  le_msg_MessageRef_t msg;
  if (++Completions < 3) return;
  msg = le_msg_CreateMsg(Client);
  strcpy(le_msg_GetPayloadPtr(msg), "kill");
  le_msg_Send(msg);
}

static void OnResponse(le_msg_MessageRef_t msg, void* context) {
  (void)context;
  LE_TEST_OK(msg != NULL, "a response");
  if (msg != NULL) le_msg_ReleaseMsg(msg);
  Finish();
}

static void OnResult(le_msg_MessageRef_t msg, le_result_t result,
                     void* context) {
  (void)context;
  LE_TEST_OK((msg != NULL) == (result == LE_OK), "a result: %s",
             LE_RESULT_TXT(result));
  if (msg != NULL) le_msg_ReleaseMsg(msg);
  Finish();
}

static void OnOpenResult(le_msg_SessionRef_t session, le_result_t result,
                         void* context) {
  (void)context;
  LE_TEST_OK(result == LE_TIMEOUT || result == LE_OK, "opened, or not in time");
  le_msg_DeleteSession(session);
}

static void OnOpen(le_msg_SessionRef_t session, void* context) {
  le_msg_MessageRef_t msg;
  le_msg_MessageRef_t response = NULL;
  le_msg_RequestId_t id;
  const void* payload;
  size_t length;
  uid_t uid;
  pid_t pid;
  (void)context;

  LE_TEST_OK(le_msg_GetServerUserCreds(session, &uid, &pid) == LE_OK,
             "server credentials");
  msg = le_msg_CreateMsg(session);
  LE_TEST_OK(le_msg_GetMaxPayloadSize(msg) == 32, "the payload's size");
  LE_TEST_OK(le_msg_GetSession(msg) == session, "the message's session");
  LE_TEST_OK(le_msg_GetFd(msg) == -1, "no descriptor");
  le_msg_SetFd(msg, dup(0));
  le_msg_SetPayloadSize(msg, 4);
  LE_TEST_OK(le_msg_GetPayloadSize(msg) == 4, "the length");
  payload = le_msg_GetPayloadForReading(msg, &length);
  LE_TEST_OK(length == 4, "the length for reading");
  LE_TEST_OK(le_msg_GetPayloadForWriting(msg, 3) == payload,
             "the payload for writing");
  le_msg_AddRef(msg);
  le_msg_ReleaseMsg(msg);
  le_msg_Send(msg);
  le_msg_Flush(session);
  le_msg_GetQueuedBytes(session);
  LE_TEST_OK(le_msg_SendTimed(le_msg_CreateMsg(session), 10) == LE_OK,
             "sent in time");
  LE_TEST_OK(le_msg_TrySend(le_msg_CreateMsg(session)) == LE_OK,
             "sent without waiting");

  LE_TEST_OK(le_msg_RequestSyncResponse(le_msg_CreateMsg(session)) == NULL,
             "a request to the same thread fails");
  LE_TEST_OK(le_msg_RequestSyncResponseTimed(le_msg_CreateMsg(session), 10,
                                             &response) == LE_DEADLOCK,
             "a timed request to the same thread fails");
  le_msg_RequestResponse(le_msg_CreateMsg(session), OnResponse, NULL);
  le_msg_RequestResponseTimed(le_msg_CreateMsg(session), LE_MSG_NO_TIMEOUT,
                              OnResult, NULL);
  id = le_msg_RequestResponseTimed(le_msg_CreateMsg(session), 10000, OnResult,
                                   NULL);
  LE_TEST_OK(le_msg_CancelRequest(session, id) == LE_OK, "cancelled");
}

static void OnGone(le_msg_SessionRef_t session, void* context) {
  const le_msg_CloseReason_t reason = le_msg_GetCloseReason(session);
  (void)context;
  LE_TEST_OK(reason == LE_MSG_CLOSE_BY_PEER, "closed by LE_KILL_CLIENT: %s",
             le_msg_GetCloseReasonTxt(reason));
  LE_TEST_EXIT;
}

static void Sessions(le_msg_ProtocolRef_t protocol) {
  le_msg_SessionEventHandler_t handler = NULL;
  void* context = NULL;
  le_msg_SessionLimits_t limits;
  char cause[100];
  le_msg_SessionRef_t session = le_msg_CreateSession(protocol, "client");
  LE_TEST_OK(
      le_msg_GetWaitReason(session, cause, sizeof(cause)) == LE_MSG_WAIT_NONE &&
          cause[0] == '\0',
      "the session does not wait");
  le_msg_SetSessionRecvHandler(session, OnNews, NULL);
  le_msg_SetSessionCloseHandler(session, OnGone, &Completions);
  le_msg_GetSessionCloseHandler(session, &handler, &context);
  LE_TEST_OK(handler == OnGone && context == &Completions, "close handler");
  le_msg_SetSessionRoomHandler(session, OnSession, NULL);
  le_msg_SetSessionContextPtr(session, &Extra);
  LE_TEST_OK(le_msg_GetSessionContextPtr(session) == &Extra, "context");
  LE_TEST_OK(le_msg_GetSessionProtocol(session) == protocol, "protocol");
  LE_TEST_OK(
      strcmp(le_msg_GetInterfaceName(le_msg_GetSessionInterface(session)),
             "client") == 0,
      "interface name");
  LE_TEST_OK(le_msg_GetInterfaceProtocol(le_msg_GetSessionInterface(session)) ==
                 protocol,
             "interface protocol");
  limits.structSize = sizeof(limits);
  le_msg_GetSessionLimits(session, &limits);
  LE_TEST_OK(limits.maxOpenRequests == 65536, "limits");
  le_msg_SetSessionLimits(session, &limits);
  le_msg_OpenSessionSync(session);
  le_msg_CloseSession(session);
  LE_TEST_OK(le_msg_OpenSessionSyncTimed(session, 10000) == LE_OK, "opened");
  le_msg_CloseSession(session);
  LE_TEST_OK(le_msg_TryOpenSessionSync(session) == LE_OK, "opened by a try");
  le_msg_CloseSession(session);
  LE_TEST_OK(le_msg_TryOpenSessionSyncTimed(session, 10000) == LE_OK,
             "opened by a timed try");
  le_msg_CloseSession(session);
  LE_TEST_OK(le_msg_TryOpenSessionSyncAsLegato_(session) == LE_OK,
             "opened by the try of Legato's generated code");
  le_msg_CloseSession(session);
  Client = session;
  le_msg_OpenSession(session, OnOpen, NULL);

  LE_TEST_OK(le_msg_TryCreateSession(protocol, "a blank", &Extra) ==
                     LE_BAD_PARAMETER &&
                 Extra == NULL,
             "a bad name");
  LE_TEST_OK(le_msg_TryCreateSession(protocol, "dropped", &Extra) == LE_OK,
             "a session is created");
  le_msg_DropSession(Extra);
  Extra = le_msg_CreateSession(protocol, "nobody");
  le_msg_OpenSessionTimed(Extra, 1, OnOpenResult, NULL);
}

static void Services(le_msg_ProtocolRef_t protocol) {
  le_msg_ServiceLimits_t limits;
  le_msg_SessionEventHandlerRef_t removed;
  le_msg_ServiceRef_t service = le_msg_CreateService(protocol, "service");
  le_msg_SetServiceContextPtr(service, &Extra);
  LE_TEST_OK(le_msg_GetServiceContextPtr(service) == &Extra, "context");
  le_msg_SetServiceRecvHandler(service, OnMessage, NULL);
  le_msg_AddServiceOpenHandler(service, OnServerSession, NULL);
  le_msg_SetServiceRoomHandler(service, OnSession, NULL);
  removed = le_msg_AddServiceCloseHandler(service, OnSession, NULL);
  le_msg_RemoveServiceHandler(removed);
  limits.structSize = sizeof(limits);
  le_msg_GetServiceLimits(service, &limits);
  le_msg_SetServiceLimits(service, &limits);
  le_msg_RefuseServiceFds(service);
  le_msg_AdvertiseService(service);
  le_msg_HideService(service);
  le_msg_AdvertiseService(service);
  le_msg_DeleteService(le_msg_CreateService(protocol, "other"));
  LE_TEST_OK(
      le_msg_TryCreateService(protocol, "service", &service) == LE_DUPLICATE &&
          service == NULL,
      "a service of that name exists");
  LE_TEST_OK(le_msg_TryCreateService(protocol, "other", &service) == LE_OK,
             "a service is created");
  le_msg_DropService(service);
}

LE_MEM_DEFINE_STATIC_POOL(local, 4, LE_MSG_LOCAL_HEADER_SIZE + 16);

/* A program may define objects of the structures of local services. The
 * definitions must compile, and the layout must keep its promises. */
static void LocalTypes(void) {
  const le_msg_LocalReceiver_t receiver = {le_thread_GetCurrent(), OnMessage,
                                           NULL};
  const le_msg_LocalMessage_t message = {{NULL}, -1, NULL, true};
  LE_TEST_OK(receiver.handler == OnMessage && receiver.contextPtr == NULL,
             "a receiver");
  LE_TEST_OK(message.message.sessionRef == NULL && message.needsResponse,
             "a message");
  LE_TEST_OK(offsetof(le_msg_LocalMessage_t, data) <= LE_MSG_LOCAL_HEADER_SIZE,
             "LE_MSG_LOCAL_HEADER_SIZE covers all that precedes the payload");
  LE_TEST_OK(offsetof(le_msg_LocalMessage_t, data) % __BIGGEST_ALIGNMENT__ == 0,
             "a payload is aligned for every type");
}

static void Local(void) {
  static le_msg_LocalService_t local = {
      {LE_MSG_SERVICE_NULL}, true, {NULL, NULL, NULL}, NULL};
  le_msg_SessionRef_t session;
  le_mem_PoolRef_t pool =
      le_mem_InitStaticPool(local, 4, LE_MSG_LOCAL_HEADER_SIZE + 16);
  le_msg_ServiceRef_t service = le_msg_InitLocalService(&local, "local", pool);
  LE_TEST_OK(service == &local.service,
             "the service's reference is the address of the member `service`");
  LE_TEST_OK(local.service.type == LE_MSG_SERVICE_LOCAL &&
                 !local.serviceReady && local.messagePool == pool,
             "the structure is filled in");
  le_msg_SetServiceRecvHandler(service, OnMessage, NULL);
  le_msg_AdvertiseService(service);
  session = le_msg_CreateLocalSession(&local);
  le_msg_OpenSessionSync(session);
  le_msg_Send(le_msg_CreateMsg(session));
  le_msg_DeleteSession(session);
}

COMPONENT_INIT {
  le_msg_ProtocolRef_t protocol = le_msg_GetProtocolRef("every", 32);
  le_msg_ProtocolRef_t same;
  LE_TEST_PLAN(LE_TEST_NO_PLAN);
  LE_TEST_OK(
      le_msg_TryGetProtocolRef("every", 32, &same) == LE_OK && same == protocol,
      "the same protocol");
  LE_TEST_OK(strcmp(le_msg_GetProtocolIdStr(protocol), "every") == 0, "id");
  LE_TEST_OK(le_msg_GetProtocolMaxMsgSize(protocol) == 32, "size");
  le_msg_SetProtocolPoolSize(protocol, 5);
  LE_TEST_OK(le_msg_SetLoopbackBindings("nonsense") == LE_FORMAT_ERROR,
             "nonsense is refused");
  LE_TEST_OK(
      le_msg_SetLoopbackBindings("<*>.client -> <self>.service\n"
                                 "<*>.nobody -> <self>.nobody\n") == LE_OK,
      "bindings");
  Services(protocol);
  Sessions(protocol);
  LocalTypes();
  Local();
}
