/* Copyright 2026 The le_messaging Authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * A client of the API "box", as a component. Its author writes this file.
 */

#include "interfaces.h"
#include "report.h"
#include "use_box.h"

static void OnLater(int32_t value, void* contextPtr) {
  *(int32_t*)contextPtr = value;
}
static void OnChanged(uint32_t count, void* contextPtr) {
  *(uint32_t*)contextPtr = count;
}

void UseBox(UseBox_t* use) {
  const int32_t numbers[] = {1, 2, 3};
  int64_t sums[BOX_MAX_NUMBERS];
  size_t sumsSize = NUM_ARRAY_MEMBERS(sums);
  char former[BOX_MAX_NAME + 1];
  uint32_t count = 0;
  int fd = -1;
  use->changedRef = myBox_AddChangedHandler(OnChanged, &use->count);
  LE_ASSERT(use->changedRef != NULL);
  LE_ASSERT_OK(myBox_Put(7, true));
  LE_ASSERT(myBox_Put(-7, true) == LE_OUT_OF_RANGE);
  myBox_Count(&count);
  myBox_Count(NULL);
  LE_ASSERT(count == 2);
  LE_ASSERT_OK(myBox_Sum(numbers, 3, sums, &sumsSize));
  LE_ASSERT(sumsSize == 3 && sums[2] == 6);
  sumsSize = 2;
  LE_ASSERT(myBox_Sum(numbers, 3, sums, &sumsSize) == LE_OVERFLOW);
  LE_ASSERT_OK(myBox_Rename("chest", former, sizeof(former)));
  LE_ASSERT(strcmp(former, "box") == 0);
  LE_ASSERT(myBox_Rename("trunk", former, 4) == LE_OVERFLOW);
  LE_ASSERT(strcmp(former, "che") == 0);
  LE_ASSERT_OK(myBox_Open(open("/dev/null", O_RDONLY | O_CLOEXEC), &fd));
  LE_ASSERT(fd >= 0);
  close(fd);
  LE_ASSERT(myBox_Open(-1, &fd) == LE_BAD_PARAMETER);
  LE_ASSERT(fd == -1);
  myBox_Later(41, OnLater, &use->later);
}

bool BoxHasAnswered(const UseBox_t* use) {
  return use->later == 42 && use->count == 2;
}

void StopUsingBox(UseBox_t* use) {
  myBox_RemoveChangedHandler(use->changedRef);
  myBox_DisconnectService();
}

/* ---- As a program of its own ---- */

static UseBox_t Use;

static void Look(le_timer_Ref_t timerRef) {
  if (!BoxHasAnswered(&Use)) return;
  le_timer_Stop(timerRef);
  StopUsingBox(&Use);
  Report("the box has answered");
  exit(EXIT_SUCCESS);
}

COMPONENT_INIT {
  le_timer_Ref_t timerRef = le_timer_Create("look");
  Report("the client begins"); /* the component "report" is initialized */
  UseBox(&Use);
  le_timer_SetHandler(timerRef, Look);
  le_timer_SetRepeat(timerRef, 0);
  le_timer_SetMsInterval(timerRef, 1);
  le_timer_Start(timerRef);
}
