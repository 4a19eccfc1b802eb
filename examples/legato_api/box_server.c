/* Copyright 2026 The le_messaging Authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * This file has the form of ifgen's output. It unpacks the requests of clients,
 * calls the server's functions, and packs their results.
 */

#include "box_server.h"

#include "box_messages.h"
#include "box_service.h"

typedef void (*RemoveHandlerFunc_t)(void* handlerRef);

typedef struct {
  le_msg_SessionRef_t clientSessionRef;
  void* contextPtr;
  le_event_HandlerRef_t handlerRef;
  RemoveHandlerFunc_t removeHandlerFunc;
} _ServerData_t;

#define HIGH_SERVER_DATA_COUNT 3

LE_MEM_DEFINE_STATIC_POOL(box_ServerData, HIGH_SERVER_DATA_COUNT,
                          sizeof(_ServerData_t));
static le_mem_PoolRef_t _ServerDataPool;
LE_REF_DEFINE_STATIC_MAP(box_ServerHandlers,
                         LE_MEM_BLOCKS(box_ServerData, HIGH_SERVER_DATA_COUNT));
static le_ref_MapRef_t _HandlerRefMap;

__attribute__((unused)) static pthread_mutex_t box_ServerMutex =
    PTHREAD_MUTEX_INITIALIZER;
#define _LOCK LE_ASSERT(pthread_mutex_lock(&box_ServerMutex) == 0);
#define _UNLOCK LE_ASSERT(pthread_mutex_unlock(&box_ServerMutex) == 0);

LE_CDATA_DECLARE({
  le_msg_ServiceRef_t _ServerServiceRef;
  le_thread_Ref_t _ServerThreadRef;
  le_msg_SessionRef_t _ClientSessionRef;
});

static void ServerMsgRecvHandler(le_msg_MessageRef_t msgRef, void* contextPtr);

/* Removes the handlers of a client whose session has closed. */
static void CleanupClientData(le_msg_SessionRef_t sessionRef,
                              void* contextPtr) {
  le_ref_IterRef_t iterRef;
  LE_UNUSED(contextPtr);
  LE_DEBUG("session %p has closed", (void*)sessionRef);
  _LOCK
  LE_CDATA_THIS->_ClientSessionRef = sessionRef;
  iterRef = le_ref_GetIterator(_HandlerRefMap);
  while (le_ref_NextNode(iterRef) == LE_OK) {
    _ServerData_t const* serverDataPtr = le_ref_GetValue(iterRef);
    if (serverDataPtr->clientSessionRef != sessionRef) continue;
    if (serverDataPtr->removeHandlerFunc != NULL) {
      serverDataPtr->removeHandlerFunc(serverDataPtr->handlerRef);
    }
    le_mem_Release((void*)serverDataPtr);
    le_ref_DeleteRef(_HandlerRefMap, (void*)le_ref_GetSafeRef(iterRef));
  }
  LE_CDATA_THIS->_ClientSessionRef = 0;
  _UNLOCK
}

static void SendMsgToClientQueued(void* msgRef, void* unused) {
  LE_UNUSED(unused);
  le_msg_Send(msgRef);
}

static void SendMsgToClient(le_msg_MessageRef_t msgRef) {
  if (le_thread_GetCurrent() != LE_CDATA_THIS->_ServerThreadRef) {
    le_event_QueueFunctionToThread(LE_CDATA_THIS->_ServerThreadRef,
                                   SendMsgToClientQueued, msgRef, NULL);
  } else {
    le_msg_Send(msgRef);
  }
}

le_msg_ServiceRef_t box_GetServiceRef(void) {
  return LE_CDATA_THIS->_ServerServiceRef;
}

le_msg_SessionRef_t box_GetClientSessionRef(void) {
  return LE_CDATA_THIS->_ClientSessionRef;
}

void box_AdvertiseService(void) {
  _LOCK
  _ServerDataPool = le_mem_InitStaticPool(
      box_ServerData, HIGH_SERVER_DATA_COUNT, sizeof(_ServerData_t));
  _HandlerRefMap =
      le_ref_InitStaticMap(box_ServerHandlers, HIGH_SERVER_DATA_COUNT);
  _UNLOCK
  LE_CDATA_THIS->_ServerServiceRef = le_msg_CreateService(
      le_msg_GetProtocolRef(PROTOCOL_ID_STR, sizeof(_Message_t)),
      SERVICE_INSTANCE_NAME);
  le_msg_SetServiceRecvHandler(LE_CDATA_THIS->_ServerServiceRef,
                               ServerMsgRecvHandler, NULL);
  le_msg_AdvertiseService(LE_CDATA_THIS->_ServerServiceRef);
  le_msg_AddServiceCloseHandler(LE_CDATA_THIS->_ServerServiceRef,
                                CleanupClientData, NULL);
  LE_CDATA_THIS->_ServerThreadRef = le_thread_GetCurrent();
}

static uint8_t* BufferOf(le_msg_MessageRef_t _msgRef) {
  return ((_Message_t*)le_msg_GetPayloadPtr(_msgRef))->buffer;
}

static _ServerData_t* NewServerData(le_msg_MessageRef_t _msgRef,
                                    void* contextPtr) {
  _ServerData_t* serverDataPtr = le_mem_Alloc(_ServerDataPool);
  serverDataPtr->clientSessionRef = le_msg_GetSession(_msgRef);
  serverDataPtr->contextPtr = contextPtr;
  serverDataPtr->handlerRef = NULL;
  serverDataPtr->removeHandlerFunc = NULL;
  return serverDataPtr;
}

static void Handle_box_Put(le_msg_MessageRef_t _msgRef) {
  uint8_t* _msgBufPtr = BufferOf(_msgRef);
  int32_t value = 0;
  bool twice = false;
  le_result_t _result;
  if (!le_pack_UnpackInt32(&_msgBufPtr, &value)) goto error_unpack;
  if (!le_pack_UnpackBool(&_msgBufPtr, &twice)) goto error_unpack;
  _result = box_Put(value, twice);
  _msgBufPtr = BufferOf(_msgRef);
  LE_ASSERT(le_pack_PackResult(&_msgBufPtr, _result));
  le_msg_Respond(_msgRef);
  return;
error_unpack:
  LE_KILL_CLIENT("Error unpacking message");
}

static void Handle_box_Count(le_msg_MessageRef_t _msgRef) {
  uint8_t* _msgBufPtr = BufferOf(_msgRef);
  uint32_t _requiredOutputs = 0;
  uint32_t countBuffer = 0;
  uint32_t* countPtr = &countBuffer;
  if (!le_pack_UnpackUint32(&_msgBufPtr, &_requiredOutputs)) goto error_unpack;
  if (!(_requiredOutputs & (1u << 0))) countPtr = NULL;
  box_Count(countPtr);
  _msgBufPtr = BufferOf(_msgRef);
  if (countPtr) LE_ASSERT(le_pack_PackUint32(&_msgBufPtr, *countPtr));
  le_msg_Respond(_msgRef);
  return;
error_unpack:
  LE_KILL_CLIENT("Error unpacking message");
}

static void Handle_box_Sum(le_msg_MessageRef_t _msgRef) {
  uint8_t* _msgBufPtr = BufferOf(_msgRef);
  int32_t numbersPtr[BOX_MAX_NUMBERS] = {0};
  size_t numbersSize = 0;
  int64_t sumsPtr[BOX_MAX_NUMBERS] = {0};
  size_t sumsSize = 0;
  bool numbersResult;
  bool sumsResult;
  le_result_t _result;
  LE_PACK_UNPACKARRAY(&_msgBufPtr, numbersPtr, &numbersSize, BOX_MAX_NUMBERS,
                      le_pack_UnpackInt32, &numbersResult);
  if (!numbersResult) goto error_unpack;
  if (!le_pack_UnpackSize(&_msgBufPtr, &sumsSize)) goto error_unpack;
  if (sumsSize > BOX_MAX_NUMBERS) {
    LE_DEBUG("Adjusting sumsSize from %" PRIuS, sumsSize);
    sumsSize = BOX_MAX_NUMBERS;
  }
  _result = box_Sum(numbersPtr, numbersSize, sumsPtr, &sumsSize);
  _msgBufPtr = BufferOf(_msgRef);
  LE_ASSERT(le_pack_PackResult(&_msgBufPtr, _result));
  LE_PACK_PACKARRAY(&_msgBufPtr, sumsPtr, sumsSize, BOX_MAX_NUMBERS,
                    le_pack_PackInt64, &sumsResult);
  LE_ASSERT(sumsResult);
  le_msg_Respond(_msgRef);
  return;
error_unpack:
  LE_KILL_CLIENT("Error unpacking message");
}

static void Handle_box_Rename(le_msg_MessageRef_t _msgRef) {
  uint8_t* _msgBufPtr = BufferOf(_msgRef);
  char name[BOX_MAX_NAME + 1] = {0};
  char former[BOX_MAX_NAME + 1] = {0};
  size_t formerSize = 0;
  le_result_t _result;
  if (!le_pack_UnpackString(&_msgBufPtr, name, sizeof(name), BOX_MAX_NAME)) {
    goto error_unpack;
  }
  if (!le_pack_UnpackSize(&_msgBufPtr, &formerSize)) goto error_unpack;
  if (formerSize > BOX_MAX_NAME) formerSize = BOX_MAX_NAME;
  formerSize++;
  _result = box_Rename(name, former, formerSize);
  _msgBufPtr = BufferOf(_msgRef);
  LE_ASSERT(le_pack_PackResult(&_msgBufPtr, _result));
  LE_ASSERT(le_pack_PackString(&_msgBufPtr, former, BOX_MAX_NAME));
  le_msg_Respond(_msgRef);
  return;
error_unpack:
  LE_KILL_CLIENT("Error unpacking message");
}

static void Handle_box_Open(le_msg_MessageRef_t _msgRef) {
  uint8_t* _msgBufPtr = BufferOf(_msgRef);
  const int in = le_msg_GetFd(_msgRef);
  int out = -1;
  const le_result_t _result = box_Open(in, &out);
  LE_ASSERT(le_pack_PackResult(&_msgBufPtr, _result));
  le_msg_SetFd(_msgRef, out); /* if `out` is an error code: no file */
  le_msg_Respond(_msgRef);
}

static void AsyncResponse_box_Later(int32_t value, void* contextPtr) {
  _ServerData_t* serverDataPtr = contextPtr;
  le_msg_MessageRef_t _msgRef;
  uint8_t* _msgBufPtr;
  LE_FATAL_IF(serverDataPtr->clientSessionRef == NULL, "called twice");
  _msgRef = le_msg_CreateMsg(serverDataPtr->clientSessionRef);
  ((_Message_t*)le_msg_GetPayloadPtr(_msgRef))->id = _MSGID_box_Later;
  _msgBufPtr = BufferOf(_msgRef);
  LE_ASSERT(le_pack_PackReference(&_msgBufPtr, serverDataPtr->contextPtr))
  LE_ASSERT(le_pack_PackInt32(&_msgBufPtr, value));
  SendMsgToClient(_msgRef);
  serverDataPtr->clientSessionRef = NULL;
  le_mem_Release(serverDataPtr);
}

static void Handle_box_Later(le_msg_MessageRef_t _msgRef) {
  uint8_t* _msgBufPtr = BufferOf(_msgRef);
  int32_t value = 0;
  void* contextPtr = NULL;
  if (!le_pack_UnpackInt32(&_msgBufPtr, &value)) goto error_unpack;
  if (!le_pack_UnpackReference(&_msgBufPtr, &contextPtr, NULL)) {
    goto error_unpack;
  }
  box_Later(value, AsyncResponse_box_Later, NewServerData(_msgRef, contextPtr));
  le_msg_Respond(_msgRef);
  return;
error_unpack:
  LE_KILL_CLIENT("Error unpacking message");
}

static void AsyncResponse_box_AddChangedHandler(uint32_t count,
                                                void* contextPtr) {
  _ServerData_t* serverDataPtr = contextPtr;
  le_msg_MessageRef_t _msgRef =
      le_msg_CreateMsg(serverDataPtr->clientSessionRef);
  uint8_t* _msgBufPtr = BufferOf(_msgRef);
  ((_Message_t*)le_msg_GetPayloadPtr(_msgRef))->id =
      _MSGID_box_AddChangedHandler;
  LE_ASSERT(le_pack_PackReference(&_msgBufPtr, serverDataPtr->contextPtr))
  LE_ASSERT(le_pack_PackUint32(&_msgBufPtr, count));
  SendMsgToClient(_msgRef);
}

static void Handle_box_AddChangedHandler(le_msg_MessageRef_t _msgRef) {
  uint8_t* _msgBufPtr = BufferOf(_msgRef);
  void* contextPtr = NULL;
  _ServerData_t* serverDataPtr;
  box_ChangedHandlerRef_t _result;
  if (!le_pack_UnpackReference(&_msgBufPtr, &contextPtr, NULL)) {
    goto error_unpack;
  }
  serverDataPtr = NewServerData(_msgRef, contextPtr);
  _result =
      box_AddChangedHandler(AsyncResponse_box_AddChangedHandler, serverDataPtr);
  if (_result) {
    serverDataPtr->handlerRef = (le_event_HandlerRef_t)_result;
    serverDataPtr->removeHandlerFunc =
        (RemoveHandlerFunc_t)box_RemoveChangedHandler;
    _LOCK
    _result = le_ref_CreateRef(_HandlerRefMap, serverDataPtr);
    _UNLOCK
  } else {
    le_mem_Release(serverDataPtr);
  }
  _msgBufPtr = BufferOf(_msgRef);
  LE_ASSERT(le_pack_PackReference(&_msgBufPtr, _result));
  le_msg_Respond(_msgRef);
  return;
error_unpack:
  LE_KILL_CLIENT("Error unpacking message");
}

static void Handle_box_RemoveChangedHandler(le_msg_MessageRef_t _msgRef) {
  uint8_t* _msgBufPtr = BufferOf(_msgRef);
  void* handlerRef = NULL;
  _ServerData_t* serverDataPtr;
  if (!le_pack_UnpackReference(&_msgBufPtr, &handlerRef, NULL)) {
    goto error_unpack;
  }
  _LOCK
  serverDataPtr = le_ref_Lookup(_HandlerRefMap, handlerRef);
  if (serverDataPtr == NULL) {
    _UNLOCK
    LE_KILL_CLIENT("Invalid reference");
    le_msg_ReleaseMsg(_msgRef);
    return;
  }
  le_ref_DeleteRef(_HandlerRefMap, handlerRef);
  _UNLOCK
  box_RemoveChangedHandler((box_ChangedHandlerRef_t)serverDataPtr->handlerRef);
  le_mem_Release(serverDataPtr);
  le_msg_Respond(_msgRef);
  return;
error_unpack:
  LE_KILL_CLIENT("Error unpacking message");
}

static void ServerMsgRecvHandler(le_msg_MessageRef_t msgRef, void* contextPtr) {
  _Message_t* msgPtr = le_msg_GetPayloadPtr(msgRef);
  LE_UNUSED(contextPtr);
  LE_CDATA_THIS->_ClientSessionRef = le_msg_GetSession(msgRef);
  switch (msgPtr->id) {
    case _MSGID_box_Put:
      Handle_box_Put(msgRef);
      break;
    case _MSGID_box_Count:
      Handle_box_Count(msgRef);
      break;
    case _MSGID_box_Sum:
      Handle_box_Sum(msgRef);
      break;
    case _MSGID_box_Rename:
      Handle_box_Rename(msgRef);
      break;
    case _MSGID_box_Open:
      Handle_box_Open(msgRef);
      break;
    case _MSGID_box_Later:
      Handle_box_Later(msgRef);
      break;
    case _MSGID_box_AddChangedHandler:
      Handle_box_AddChangedHandler(msgRef);
      break;
    case _MSGID_box_RemoveChangedHandler:
      Handle_box_RemoveChangedHandler(msgRef);
      break;
    default:
      LE_ERROR("an unknown message: %" PRIu32, msgPtr->id);
  }
  LE_CDATA_THIS->_ClientSessionRef = 0;
}
