/* Copyright 2026 The le_messaging Authors
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef USE_BOX_H_INCLUDE_GUARD
#define USE_BOX_H_INCLUDE_GUARD

#include "box_common.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
  box_ChangedHandlerRef_t changedRef;
  int32_t later;  /* set by the handler */
  uint32_t count; /* set by the event */
} UseBox_t;

/* Calls each function of the API. Fatal: a function has a wrong result. */
void UseBox(UseBox_t* use);
/* Returns whether the handler and the event have set the right values. */
bool BoxHasAnswered(const UseBox_t* use);
void StopUsingBox(UseBox_t* use);

#ifdef __cplusplus
}
#endif

#endif
