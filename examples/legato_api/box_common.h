/* Copyright 2026 The le_messaging Authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * This file is written by hand in the form of ifgen's output (ifgen is Legato's
 * code generator). It declares the types of the API "box", and the functions of
 * a client that have a session as their argument. The API has a function of
 * each kind:
 *
 *   Put       values in, and a result
 *   Count     a value out
 *   Sum       an array in, and an array out
 *   Rename    a string in, and a string out
 *   Open      a file in, and a file out
 *   Later     a handler, which is called once
 *   Changed   an event, with AddChangedHandler and RemoveChangedHandler
 */

#ifndef BOX_COMMON_H_INCLUDE_GUARD
#define BOX_COMMON_H_INCLUDE_GUARD

#include "legato.h"

#define BOX_MAX_NAME 20
#define BOX_MAX_NUMBERS 8

typedef struct box_ChangedHandler* box_ChangedHandlerRef_t;
typedef void (*box_LaterHandlerFunc_t)(int32_t value, void* contextPtr);
typedef void (*box_ChangedHandlerFunc_t)(uint32_t count, void* contextPtr);

LE_SHARED void ifgen_box_InitCommonData(void);
LE_SHARED le_result_t ifgen_box_OpenSession(le_msg_SessionRef_t sessionRef,
                                            bool isBlocking);
LE_SHARED le_result_t ifgen_box_Put(le_msg_SessionRef_t sessionRef,
                                    int32_t value, bool twice);
LE_SHARED void ifgen_box_Count(le_msg_SessionRef_t sessionRef,
                               uint32_t* countPtr);
LE_SHARED le_result_t ifgen_box_Sum(le_msg_SessionRef_t sessionRef,
                                    const int32_t* numbersPtr,
                                    size_t numbersSize, int64_t* sumsPtr,
                                    size_t* sumsSizePtr);
LE_SHARED le_result_t ifgen_box_Rename(le_msg_SessionRef_t sessionRef,
                                       const char* LE_NONNULL name,
                                       char* former, size_t formerSize);
LE_SHARED le_result_t ifgen_box_Open(le_msg_SessionRef_t sessionRef, int in,
                                     int* outPtr);
LE_SHARED void ifgen_box_Later(le_msg_SessionRef_t sessionRef, int32_t value,
                               box_LaterHandlerFunc_t handlerPtr,
                               void* contextPtr);
LE_SHARED box_ChangedHandlerRef_t ifgen_box_AddChangedHandler(
    le_msg_SessionRef_t sessionRef, box_ChangedHandlerFunc_t handlerPtr,
    void* contextPtr);
LE_SHARED void ifgen_box_RemoveChangedHandler(
    le_msg_SessionRef_t sessionRef, box_ChangedHandlerRef_t handlerRef);

#endif
