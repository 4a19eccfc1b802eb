/* Copyright 2026 The le_messaging Authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * This file has the form of ifgen's output. It packs a client's requests, and
 * unpacks responses and events.
 */

#include "box_common.h"
#include "box_messages.h"

typedef struct {
  void* handlerPtr;
  void* contextPtr;
  le_event_HandlerRef_t handlerRef;
  le_thread_Ref_t callersThreadRef;
} _ClientData_t;

#define HIGH_CLIENT_DATA_COUNT 2

LE_MEM_DEFINE_STATIC_POOL(box_ClientData, HIGH_CLIENT_DATA_COUNT,
                          sizeof(_ClientData_t));
static le_mem_PoolRef_t _ClientDataPool;
LE_REF_DEFINE_STATIC_MAP(box_ClientHandlers,
                         LE_MEM_BLOCKS(box_ClientData, HIGH_CLIENT_DATA_COUNT));
static le_ref_MapRef_t _HandlerRefMap;

__attribute__((unused)) static pthread_mutex_t _Mutex =
    PTHREAD_MUTEX_INITIALIZER;
#define _LOCK LE_ASSERT(pthread_mutex_lock(&_Mutex) == 0);
#define _UNLOCK LE_ASSERT(pthread_mutex_unlock(&_Mutex) == 0);

static le_log_TraceRef_t TraceRef;
#define TRACE(...) LE_TRACE(TraceRef, ##__VA_ARGS__)

static void ClientIndicationRecvHandler(le_msg_MessageRef_t msgRef,
                                        void* contextPtr);

__attribute__((weak)) LE_SHARED void ifgen_box_InitCommonData(void) {
  _LOCK
  _ClientDataPool = le_mem_InitStaticPool(
      box_ClientData, HIGH_CLIENT_DATA_COUNT, sizeof(_ClientData_t));
  _HandlerRefMap =
      le_ref_InitStaticMap(box_ClientHandlers, HIGH_CLIENT_DATA_COUNT);
  TraceRef = le_log_GetTraceRef("ipc");
  _UNLOCK
}

__attribute__((weak)) LE_SHARED le_result_t
ifgen_box_OpenSession(le_msg_SessionRef_t sessionRef, bool isBlocking) {
  le_result_t result = LE_OK;
  le_msg_SetSessionRecvHandler(sessionRef, ClientIndicationRecvHandler, NULL);
  if (isBlocking) {
    le_msg_OpenSessionSync(sessionRef);
    return LE_OK;
  }
  result = le_msg_TryOpenSessionSync(sessionRef);
  switch (result) {
    case LE_OK:
    case LE_UNAVAILABLE:
    case LE_NOT_PERMITTED:
    case LE_COMM_ERROR:
      break;
    default:
      LE_FATAL("an unexpected result: %s", LE_RESULT_TXT(result));
  }
  if (result != LE_OK) le_msg_DeleteSession(sessionRef);
  return result;
}

/* Returns the response, which is never NULL. */
static le_msg_MessageRef_t Request(le_msg_SessionRef_t sessionRef,
                                   le_msg_MessageRef_t msgRef) {
  le_msg_SessionEventHandler_t closeHandler = NULL;
  void* closeContextPtr = NULL;
  TRACE("a request of message %" PRIu32,
        ((_Message_t*)le_msg_GetPayloadPtr(msgRef))->id);
  msgRef = le_msg_RequestSyncResponse(msgRef);
  if (msgRef != NULL) return msgRef;
  le_msg_GetSessionCloseHandler(sessionRef, &closeHandler, &closeContextPtr);
  if (closeHandler) closeHandler(sessionRef, closeContextPtr);
  LE_FATAL("no response from the server");
}

static le_msg_MessageRef_t NewMessage(le_msg_SessionRef_t sessionRef,
                                      uint32_t id, uint8_t** bufferPtr) {
  le_msg_MessageRef_t msgRef = le_msg_CreateMsg(sessionRef);
  _Message_t* msgPtr = le_msg_GetPayloadPtr(msgRef);
  msgPtr->id = id;
  *bufferPtr = msgPtr->buffer;
  return msgRef;
}
static uint8_t* BufferOf(le_msg_MessageRef_t msgRef) {
  return ((_Message_t*)le_msg_GetPayloadPtr(msgRef))->buffer;
}

__attribute__((weak)) LE_SHARED le_result_t
ifgen_box_Put(le_msg_SessionRef_t sessionRef, int32_t value, bool twice) {
  le_result_t _result = LE_OK;
  uint8_t* _msgBufPtr;
  le_msg_MessageRef_t _msgRef =
      NewMessage(sessionRef, _MSGID_box_Put, &_msgBufPtr);
  LE_ASSERT(le_pack_PackInt32(&_msgBufPtr, value));
  LE_ASSERT(le_pack_PackBool(&_msgBufPtr, twice));
  _msgRef = Request(sessionRef, _msgRef);
  _msgBufPtr = BufferOf(_msgRef);
  LE_ASSERT(le_pack_UnpackResult(&_msgBufPtr, &_result));
  le_msg_ReleaseMsg(_msgRef);
  return _result;
}

__attribute__((weak)) LE_SHARED void ifgen_box_Count(
    le_msg_SessionRef_t sessionRef, uint32_t* countPtr) {
  uint8_t* _msgBufPtr;
  uint32_t _requiredOutputs = 0;
  le_msg_MessageRef_t _msgRef =
      NewMessage(sessionRef, _MSGID_box_Count, &_msgBufPtr);
  _requiredOutputs |= ((!!(countPtr)) << 0);
  LE_ASSERT(le_pack_PackUint32(&_msgBufPtr, _requiredOutputs));
  _msgRef = Request(sessionRef, _msgRef);
  _msgBufPtr = BufferOf(_msgRef);
  if (countPtr) LE_ASSERT(le_pack_UnpackUint32(&_msgBufPtr, countPtr));
  le_msg_ReleaseMsg(_msgRef);
}

__attribute__((weak)) LE_SHARED le_result_t
ifgen_box_Sum(le_msg_SessionRef_t sessionRef, const int32_t* numbersPtr,
              size_t numbersSize, int64_t* sumsPtr, size_t* sumsSizePtr) {
  le_result_t _result = LE_OK;
  bool numbersResult;
  bool sumsResult;
  uint8_t* _msgBufPtr;
  le_msg_MessageRef_t _msgRef;
  if (numbersSize > BOX_MAX_NUMBERS) LE_FATAL("too many numbers");
  _msgRef = NewMessage(sessionRef, _MSGID_box_Sum, &_msgBufPtr);
  LE_PACK_PACKARRAY(&_msgBufPtr, numbersPtr, numbersSize, BOX_MAX_NUMBERS,
                    le_pack_PackInt32, &numbersResult);
  LE_ASSERT(numbersResult);
  LE_ASSERT(le_pack_PackSize(&_msgBufPtr, *sumsSizePtr));
  _msgRef = Request(sessionRef, _msgRef);
  _msgBufPtr = BufferOf(_msgRef);
  LE_ASSERT(le_pack_UnpackResult(&_msgBufPtr, &_result));
  LE_PACK_UNPACKARRAY(&_msgBufPtr, sumsPtr, sumsSizePtr, BOX_MAX_NUMBERS,
                      le_pack_UnpackInt64, &sumsResult);
  LE_ASSERT(sumsResult);
  le_msg_ReleaseMsg(_msgRef);
  return _result;
}

__attribute__((weak)) LE_SHARED le_result_t
ifgen_box_Rename(le_msg_SessionRef_t sessionRef, const char* LE_NONNULL name,
                 char* former, size_t formerSize) {
  le_result_t _result = LE_OK;
  uint8_t* _msgBufPtr;
  le_msg_MessageRef_t _msgRef =
      NewMessage(sessionRef, _MSGID_box_Rename, &_msgBufPtr);
  LE_ASSERT(le_pack_PackString(&_msgBufPtr, name, BOX_MAX_NAME));
  LE_ASSERT(le_pack_PackSize(&_msgBufPtr, formerSize - 1));
  _msgRef = Request(sessionRef, _msgRef);
  _msgBufPtr = BufferOf(_msgRef);
  LE_ASSERT(le_pack_UnpackResult(&_msgBufPtr, &_result));
  LE_ASSERT(
      le_pack_UnpackString(&_msgBufPtr, former, formerSize, BOX_MAX_NAME));
  le_msg_ReleaseMsg(_msgRef);
  return _result;
}

__attribute__((weak)) LE_SHARED le_result_t
ifgen_box_Open(le_msg_SessionRef_t sessionRef, int in, int* outPtr) {
  le_result_t _result = LE_OK;
  uint8_t* _msgBufPtr;
  le_msg_MessageRef_t _msgRef =
      NewMessage(sessionRef, _MSGID_box_Open, &_msgBufPtr);
  le_msg_SetFd(_msgRef, in);
  _msgRef = Request(sessionRef, _msgRef);
  _msgBufPtr = BufferOf(_msgRef);
  LE_ASSERT(le_pack_UnpackResult(&_msgBufPtr, &_result));
  *outPtr = le_msg_GetFd(_msgRef);
  le_msg_ReleaseMsg(_msgRef);
  return _result;
}

/* Creates a reference by which the server identifies the handler. */
static void* NewClientData(void* handlerPtr, void* contextPtr,
                           _ClientData_t** dataPtr) {
  void* ref;
  *dataPtr = le_mem_Alloc(_ClientDataPool);
  (*dataPtr)->handlerPtr = handlerPtr;
  (*dataPtr)->contextPtr = contextPtr;
  (*dataPtr)->handlerRef = NULL;
  (*dataPtr)->callersThreadRef = le_thread_GetCurrent();
  _LOCK
  ref = le_ref_CreateRef(_HandlerRefMap, *dataPtr);
  _UNLOCK
  return ref;
}

static void _Handle_ifgen_box_Later(void* _reportPtr, void* _dataPtr) {
  le_msg_MessageRef_t _msgRef = _reportPtr;
  uint8_t* _msgBufPtr = BufferOf(_msgRef);
  _ClientData_t* _clientDataPtr = _dataPtr;
  void* _clientContextPtr;
  int32_t value = 0;
  LE_ASSERT(le_pack_UnpackReference(&_msgBufPtr, &_clientContextPtr, NULL));
  LE_ASSERT(le_pack_UnpackInt32(&_msgBufPtr, &value));
  ((box_LaterHandlerFunc_t)_clientDataPtr->handlerPtr)(
      value, _clientDataPtr->contextPtr);
  _LOCK
  le_ref_DeleteRef(_HandlerRefMap, _clientContextPtr);
  _UNLOCK
  le_mem_Release(_clientDataPtr);
  le_msg_ReleaseMsg(_msgRef);
}

__attribute__((weak)) LE_SHARED void ifgen_box_Later(
    le_msg_SessionRef_t sessionRef, int32_t value,
    box_LaterHandlerFunc_t handlerPtr, void* contextPtr) {
  uint8_t* _msgBufPtr;
  _ClientData_t* _clientDataPtr;
  le_msg_MessageRef_t _msgRef =
      NewMessage(sessionRef, _MSGID_box_Later, &_msgBufPtr);
  LE_ASSERT(le_pack_PackInt32(&_msgBufPtr, value));
  contextPtr = NewClientData(handlerPtr, contextPtr, &_clientDataPtr);
  LE_ASSERT(le_pack_PackReference(&_msgBufPtr, contextPtr));
  le_msg_ReleaseMsg(Request(sessionRef, _msgRef));
}

static void _Handle_ifgen_box_AddChangedHandler(void* _reportPtr,
                                                void* _dataPtr) {
  le_msg_MessageRef_t _msgRef = _reportPtr;
  uint8_t* _msgBufPtr = BufferOf(_msgRef);
  _ClientData_t* _clientDataPtr = _dataPtr;
  void* _clientContextPtr;
  uint32_t count = 0;
  LE_ASSERT(le_pack_UnpackReference(&_msgBufPtr, &_clientContextPtr, NULL));
  LE_ASSERT(le_pack_UnpackUint32(&_msgBufPtr, &count));
  ((box_ChangedHandlerFunc_t)_clientDataPtr->handlerPtr)(
      count, _clientDataPtr->contextPtr);
  le_msg_ReleaseMsg(_msgRef);
}

__attribute__((weak)) LE_SHARED box_ChangedHandlerRef_t
ifgen_box_AddChangedHandler(le_msg_SessionRef_t sessionRef,
                            box_ChangedHandlerFunc_t handlerPtr,
                            void* contextPtr) {
  box_ChangedHandlerRef_t _result = NULL;
  uint8_t* _msgBufPtr;
  _ClientData_t* _clientDataPtr;
  le_msg_MessageRef_t _msgRef =
      NewMessage(sessionRef, _MSGID_box_AddChangedHandler, &_msgBufPtr);
  contextPtr = NewClientData(handlerPtr, contextPtr, &_clientDataPtr);
  LE_ASSERT(le_pack_PackReference(&_msgBufPtr, contextPtr));
  _msgRef = Request(sessionRef, _msgRef);
  _msgBufPtr = BufferOf(_msgRef);
  LE_ASSERT(le_pack_UnpackReference(&_msgBufPtr, &_result));
  le_msg_ReleaseMsg(_msgRef);
  _clientDataPtr->handlerRef = (le_event_HandlerRef_t)_result;
  return contextPtr;
}

__attribute__((weak)) LE_SHARED void ifgen_box_RemoveChangedHandler(
    le_msg_SessionRef_t sessionRef, box_ChangedHandlerRef_t handlerRef) {
  uint8_t* _msgBufPtr;
  _ClientData_t* clientDataPtr;
  le_msg_MessageRef_t _msgRef =
      NewMessage(sessionRef, _MSGID_box_RemoveChangedHandler, &_msgBufPtr);
  _LOCK
  clientDataPtr = le_ref_Lookup(_HandlerRefMap, handlerRef);
  LE_FATAL_IF(clientDataPtr == NULL, "an invalid reference");
  le_ref_DeleteRef(_HandlerRefMap, handlerRef);
  _UNLOCK
  LE_ASSERT(le_pack_PackReference(&_msgBufPtr, clientDataPtr->handlerRef));
  le_mem_Release(clientDataPtr);
  le_msg_ReleaseMsg(Request(sessionRef, _msgRef));
}

static void ClientIndicationRecvHandler(le_msg_MessageRef_t msgRef,
                                        void* contextPtr) {
  _Message_t* msgPtr = le_msg_GetPayloadPtr(msgRef);
  uint8_t* _msgBufPtr = msgPtr->buffer;
  void* clientContextPtr;
  _ClientData_t* clientDataPtr;
  LE_UNUSED(contextPtr);
  if (!le_pack_UnpackReference(&_msgBufPtr, &clientContextPtr, NULL)) {
    LE_FATAL("a message that cannot be unpacked");
  }
  _LOCK
  clientDataPtr = le_ref_Lookup(_HandlerRefMap, clientContextPtr);
  _UNLOCK
  if (clientDataPtr == NULL) {
    LE_DEBUG("the handler has been removed");
    le_msg_ReleaseMsg(msgRef);
    return;
  }
  switch (msgPtr->id) {
    case _MSGID_box_Later:
      le_event_QueueFunctionToThread(clientDataPtr->callersThreadRef,
                                     _Handle_ifgen_box_Later, msgRef,
                                     clientDataPtr);
      break;
    case _MSGID_box_AddChangedHandler:
      le_event_QueueFunctionToThread(clientDataPtr->callersThreadRef,
                                     _Handle_ifgen_box_AddChangedHandler,
                                     msgRef, clientDataPtr);
      break;
    default:
      LE_FATAL("an unknown message: %" PRIu32, msgPtr->id);
  }
}
