/* Copyright 2026 The le_messaging Authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * A component in Legato's style, as in a Legato tree.
 */

#include "echo.h"
#include "legato.h"

static le_msg_SessionRef_t SessionRef;
static le_timer_Ref_t TimerRef;
static int Asked;

static void Ask(le_timer_Ref_t timerRef) {
  le_msg_MessageRef_t msgRef = le_msg_CreateMsg(SessionRef);
  echo_Message_t* messagePtr = le_msg_GetPayloadPtr(msgRef);
  messagePtr->number = ++Asked;
  msgRef = le_msg_RequestSyncResponse(msgRef);
  LE_FATAL_IF(msgRef == NULL, "no answer");
  messagePtr = le_msg_GetPayloadPtr(msgRef);
  LE_ASSERT(messagePtr->number == 2 * Asked);
  printf("twice %d is %d\n", Asked, messagePtr->number);
  le_msg_ReleaseMsg(msgRef);
  if (le_timer_GetExpiryCount(timerRef) == 3) exit(EXIT_SUCCESS);
}

COMPONENT_INIT {
  le_msg_ProtocolRef_t protocolRef =
      le_msg_GetProtocolRef(ECHO_PROTOCOL, sizeof(echo_Message_t));
  SessionRef = le_msg_CreateSession(protocolRef, "echo");
  le_msg_OpenSessionSync(SessionRef);

  TimerRef = le_timer_Create("ask");
  LE_ASSERT_OK(le_timer_SetMsInterval(TimerRef, 10));
  LE_ASSERT_OK(le_timer_SetRepeat(TimerRef, 3));
  LE_ASSERT_OK(le_timer_SetHandler(TimerRef, Ask));
  LE_ASSERT_OK(le_timer_Start(TimerRef));
}
