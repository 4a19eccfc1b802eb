/* Copyright 2026 The le_messaging Authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * This file has the form of ifgen's output. It defines the messages of the API
 * "box".
 */

#ifndef BOX_MESSAGES_H_INCLUDE_GUARD
#define BOX_MESSAGES_H_INCLUDE_GUARD

#include "box_common.h"

#define _MAX_MSG_SIZE 100

typedef struct __attribute__((packed)) {
  uint32_t id;
  uint8_t buffer[_MAX_MSG_SIZE];
} _Message_t;

#define _MSGID_box_Put 0
#define _MSGID_box_Count 1
#define _MSGID_box_Sum 2
#define _MSGID_box_Rename 3
#define _MSGID_box_Open 4
#define _MSGID_box_Later 5
#define _MSGID_box_AddChangedHandler 6
#define _MSGID_box_RemoveChangedHandler 7

#endif
