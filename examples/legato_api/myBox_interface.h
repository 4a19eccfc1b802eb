/* Copyright 2026 The le_messaging Authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * This file has the form of ifgen's output. It declares the functions of the
 * API "box" that a client calls. The client has given the API the name "myBox".
 */

#ifndef MYBOX_INTERFACE_H_INCLUDE_GUARD
#define MYBOX_INTERFACE_H_INCLUDE_GUARD

#include "box_common.h"

typedef void (*myBox_DisconnectHandler_t)(void*);

void myBox_ConnectService(void);
le_result_t myBox_TryConnectService(void);
LE_FULL_API void myBox_SetServerDisconnectHandler(
    myBox_DisconnectHandler_t disconnectHandler, void* contextPtr);
void myBox_DisconnectService(void);

le_result_t myBox_Put(int32_t value, bool twice);
void myBox_Count(uint32_t* countPtr);
le_result_t myBox_Sum(const int32_t* numbersPtr, size_t numbersSize,
                      int64_t* sumsPtr, size_t* sumsSizePtr);
le_result_t myBox_Rename(const char* LE_NONNULL name, char* former,
                         size_t formerSize);
le_result_t myBox_Open(int in, int* outPtr);
void myBox_Later(int32_t value, box_LaterHandlerFunc_t handlerPtr,
                 void* contextPtr);
box_ChangedHandlerRef_t myBox_AddChangedHandler(
    box_ChangedHandlerFunc_t handlerPtr, void* contextPtr);
void myBox_RemoveChangedHandler(box_ChangedHandlerRef_t handlerRef);

#endif
