/* Copyright 2026 The le_messaging Authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * This file has the form of ifgen's output. It declares the functions of the
 * API "box" that a server defines, and those that it may call.
 */

#ifndef BOX_SERVER_H_INCLUDE_GUARD
#define BOX_SERVER_H_INCLUDE_GUARD

#include "box_common.h"

le_msg_ServiceRef_t box_GetServiceRef(void);
le_msg_SessionRef_t box_GetClientSessionRef(void);
void box_AdvertiseService(void);

le_result_t box_Put(int32_t value, bool twice);
void box_Count(uint32_t* countPtr);
le_result_t box_Sum(const int32_t* numbersPtr, size_t numbersSize,
                    int64_t* sumsPtr, size_t* sumsSizePtr);
le_result_t box_Rename(const char* LE_NONNULL name, char* former,
                       size_t formerSize);
le_result_t box_Open(int in, int* outPtr);
void box_Later(int32_t value, box_LaterHandlerFunc_t handlerPtr,
               void* contextPtr);
box_ChangedHandlerRef_t box_AddChangedHandler(
    box_ChangedHandlerFunc_t handlerPtr, void* contextPtr);
void box_RemoveChangedHandler(box_ChangedHandlerRef_t handlerRef);

#endif
