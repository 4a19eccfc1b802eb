/* Copyright 2026 The le_messaging Authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * The server of the API "box", as a component. Its author writes this file.
 */

#include "box_state.h"
#include "interfaces.h"

static uint32_t Count;
static char Name[BOX_MAX_NAME + 1] = "box";
static le_event_Id_t ChangedEvent;
static int HandlerCount;

void box_Reset(void) {
  Count = 0;
  HandlerCount = 0;
  strcpy(Name, "box");
  ChangedEvent = le_event_CreateId("box changed", sizeof(Count));
}

le_result_t box_Put(int32_t value, bool twice) {
  if (value < 0) return LE_OUT_OF_RANGE;
  Count += twice ? 2 : 1;
  le_event_Report(ChangedEvent, &Count, sizeof(Count));
  return LE_OK;
}

void box_Count(uint32_t* countPtr) {
  if (countPtr != NULL) *countPtr = Count;
}

/* Returns the sum of the first number, of the first two numbers, and so on. */
le_result_t box_Sum(const int32_t* numbersPtr, size_t numbersSize,
                    int64_t* sumsPtr, size_t* sumsSizePtr) {
  int64_t sum = 0;
  size_t i;
  if (*sumsSizePtr < numbersSize) {
    *sumsSizePtr = 0;
    return LE_OVERFLOW;
  }
  for (i = 0; i < numbersSize; ++i) {
    sum += numbersPtr[i];
    sumsPtr[i] = sum;
  }
  *sumsSizePtr = numbersSize;
  return LE_OK;
}

le_result_t box_Rename(const char* LE_NONNULL name, char* former,
                       size_t formerSize) {
  const le_result_t result = le_utf8_Copy(former, Name, formerSize, NULL);
  le_utf8_Copy(Name, name, sizeof(Name), NULL);
  return result;
}

typedef struct {
  int32_t value;
  box_LaterHandlerFunc_t handlerPtr;
  void* contextPtr;
} Later_t;

static void CallLater(void* later, void* unused) {
  Later_t* laterPtr = later;
  LE_UNUSED(unused);
  laterPtr->handlerPtr(laterPtr->value + 1, laterPtr->contextPtr);
  free(laterPtr);
}

void box_Later(int32_t value, box_LaterHandlerFunc_t handlerPtr,
               void* contextPtr) {
  Later_t* laterPtr = malloc(sizeof(*laterPtr));
  LE_ASSERT(laterPtr != NULL);
  laterPtr->value = value;
  laterPtr->handlerPtr = handlerPtr;
  laterPtr->contextPtr = contextPtr;
  le_event_QueueFunction(CallLater, laterPtr, NULL);
}

static void FirstLayer(void* reportPtr, void* secondLayerFunc) {
  ((box_ChangedHandlerFunc_t)secondLayerFunc)(*(uint32_t*)reportPtr,
                                              le_event_GetContextPtr());
}

box_ChangedHandlerRef_t box_AddChangedHandler(
    box_ChangedHandlerFunc_t handlerPtr, void* contextPtr) {
  le_event_HandlerRef_t handlerRef = le_event_AddLayeredHandler(
      "box changed", ChangedEvent, FirstLayer, (void*)handlerPtr);
  le_event_SetContextPtr(handlerRef, contextPtr);
  ++HandlerCount;
  return (box_ChangedHandlerRef_t)handlerRef;
}

void box_RemoveChangedHandler(box_ChangedHandlerRef_t handlerRef) {
  le_event_RemoveHandler((le_event_HandlerRef_t)handlerRef);
  --HandlerCount;
}

int box_HandlerCount(void) { return HandlerCount; }

COMPONENT_INIT { box_Reset(); }
