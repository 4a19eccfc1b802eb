/* Copyright 2026 The le_messaging Authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * This file has the form of ifgen's output. It opens a session for each thread
 * of a client.
 */

#include "box_messages.h"
#include "myBox_interface.h"
#include "myBox_service.h"

typedef struct {
  le_msg_SessionRef_t sessionRef;
  int clientCount;
  myBox_DisconnectHandler_t disconnectHandler;
  void* contextPtr;
} _ClientThreadData_t;

LE_MEM_DEFINE_STATIC_POOL(myBox_ClientThreadData, LE_CDATA_COMPONENT_COUNT,
                          sizeof(_ClientThreadData_t));
static le_mem_PoolRef_t _ClientThreadDataPool;
static pthread_key_t _ThreadDataKey;
static bool KeyExists = false;

#define LOCK_INIT le_mutex_Lock(le_ifgen_InitMutexRef);
#define UNLOCK_INIT le_mutex_Unlock(le_ifgen_InitMutexRef);

static _ClientThreadData_t* GetClientThreadDataPtr(void) {
  return KeyExists ? pthread_getspecific(_ThreadDataKey) : NULL;
}

static le_msg_SessionRef_t GetCurrentSessionRef(void) {
  _ClientThreadData_t* clientThreadPtr = GetClientThreadDataPtr();
  LE_FATAL_IF(clientThreadPtr == NULL,
              "myBox_ConnectService() not called for current thread");
  return clientThreadPtr->sessionRef;
}

static le_result_t DoConnectService(bool isBlocking) {
  _ClientThreadData_t* clientThreadPtr;
  le_msg_SessionRef_t sessionRef;
  le_result_t result;
  LOCK_INIT
  ifgen_box_InitCommonData();
  _ClientThreadDataPool =
      le_mem_InitStaticPool(myBox_ClientThreadData, LE_CDATA_COMPONENT_COUNT,
                            sizeof(_ClientThreadData_t));
  if (!KeyExists) {
    LE_ASSERT(pthread_key_create(&_ThreadDataKey, NULL) == 0);
    KeyExists = true;
  }
  UNLOCK_INIT
  clientThreadPtr = GetClientThreadDataPtr();
  if (clientThreadPtr != NULL) {
    clientThreadPtr->clientCount++;
    return LE_OK;
  }
  sessionRef = le_msg_CreateSession(
      le_msg_GetProtocolRef(PROTOCOL_ID_STR, sizeof(_Message_t)),
      SERVICE_INSTANCE_NAME);
  result = ifgen_box_OpenSession(sessionRef, isBlocking);
  if (result != LE_OK) return result;
  clientThreadPtr = le_mem_ForceAlloc(_ClientThreadDataPool);
  memset(clientThreadPtr, 0, sizeof(*clientThreadPtr));
  clientThreadPtr->sessionRef = sessionRef;
  clientThreadPtr->clientCount = 1;
  LE_ASSERT(pthread_setspecific(_ThreadDataKey, clientThreadPtr) == 0);
  return LE_OK;
}

void myBox_ConnectService(void) { DoConnectService(true); }

le_result_t myBox_TryConnectService(void) { return DoConnectService(false); }

static void Forget(_ClientThreadData_t* clientThreadPtr) {
  le_msg_DeleteSession(clientThreadPtr->sessionRef);
  le_mem_Release(clientThreadPtr);
  LE_ASSERT(pthread_setspecific(_ThreadDataKey, NULL) == 0);
}

static void SessionCloseHandler(le_msg_SessionRef_t sessionRef,
                                void* contextPtr) {
  _ClientThreadData_t data = *(_ClientThreadData_t*)contextPtr;
  LE_UNUSED(sessionRef);
  Forget(contextPtr);
  if (data.disconnectHandler) data.disconnectHandler(data.contextPtr);
  LE_FATAL("Component for myBox disconnected");
}

void myBox_SetServerDisconnectHandler(
    myBox_DisconnectHandler_t disconnectHandler, void* contextPtr) {
  _ClientThreadData_t* clientThreadPtr = GetClientThreadDataPtr();
  LE_FATAL_IF(clientThreadPtr == NULL, "no session");
  clientThreadPtr->disconnectHandler = disconnectHandler;
  clientThreadPtr->contextPtr = contextPtr;
  le_msg_SetSessionCloseHandler(clientThreadPtr->sessionRef,
                                SessionCloseHandler, clientThreadPtr);
}

void myBox_DisconnectService(void) {
  _ClientThreadData_t* clientThreadPtr = GetClientThreadDataPtr();
  if (clientThreadPtr == NULL || --clientThreadPtr->clientCount > 0) return;
  Forget(clientThreadPtr);
}

le_result_t myBox_Put(int32_t value, bool twice) {
  return ifgen_box_Put(GetCurrentSessionRef(), value, twice);
}

void myBox_Count(uint32_t* countPtr) {
  ifgen_box_Count(GetCurrentSessionRef(), countPtr);
}

le_result_t myBox_Sum(const int32_t* numbersPtr, size_t numbersSize,
                      int64_t* sumsPtr, size_t* sumsSizePtr) {
  return ifgen_box_Sum(GetCurrentSessionRef(), numbersPtr, numbersSize, sumsPtr,
                       sumsSizePtr);
}

le_result_t myBox_Rename(const char* LE_NONNULL name, char* former,
                         size_t formerSize) {
  return ifgen_box_Rename(GetCurrentSessionRef(), name, former, formerSize);
}

le_result_t myBox_Open(int in, int* outPtr) {
  return ifgen_box_Open(GetCurrentSessionRef(), in, outPtr);
}

void myBox_Later(int32_t value, box_LaterHandlerFunc_t handlerPtr,
                 void* contextPtr) {
  ifgen_box_Later(GetCurrentSessionRef(), value, handlerPtr, contextPtr);
}

box_ChangedHandlerRef_t myBox_AddChangedHandler(
    box_ChangedHandlerFunc_t handlerPtr, void* contextPtr) {
  return ifgen_box_AddChangedHandler(GetCurrentSessionRef(), handlerPtr,
                                     contextPtr);
}

void myBox_RemoveChangedHandler(box_ChangedHandlerRef_t handlerRef) {
  ifgen_box_RemoveChangedHandler(GetCurrentSessionRef(), handlerRef);
}
