/* Copyright 2026 The le_messaging Authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * A component in Legato's style, as in a Legato tree.
 */

#include "echo.h"
#include "legato.h"

static void OnMessage(le_msg_MessageRef_t msgRef, void* contextPtr) {
  (void)contextPtr;
  echo_Message_t* messagePtr = le_msg_GetPayloadPtr(msgRef);
  messagePtr->number *= 2;
  le_msg_Respond(msgRef);
}

static void OnClose(le_msg_SessionRef_t sessionRef, void* contextPtr) {
  (void)contextPtr;
  pid_t pid = 0;
  LE_ASSERT_OK(le_msg_GetClientProcessId(sessionRef, &pid));
  LE_INFO("the session of client %d has closed", (int)pid);
}

COMPONENT_INIT {
  le_msg_ProtocolRef_t protocolRef =
      le_msg_GetProtocolRef(ECHO_PROTOCOL, sizeof(echo_Message_t));
  le_msg_ServiceRef_t serviceRef = le_msg_CreateService(protocolRef, "echo");
  le_msg_SetServiceRecvHandler(serviceRef, OnMessage, NULL);
  le_msg_AddServiceCloseHandler(serviceRef, OnClose, NULL);
  le_msg_AdvertiseService(serviceRef);
  LE_INFO("the service echo is offered");
}
