// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

// A typical server, whose memory is measured.

#include <sys/socket.h>

#include "legato.h"

static void OnMessage(le_msg_MessageRef_t message, void*) {
  if (le_msg_NeedsResponse(message)) {
    le_msg_Respond(message);
  } else {
    le_msg_ReleaseMsg(message);
  }
}

int main(int, char** argv) {
  const le_msg_ProtocolRef_t protocol = le_msg_GetProtocolRef("benchmark", 64);
  const le_msg_ServiceRef_t service = le_msg_CreateService(protocol, argv[1]);
  le_msg_SetServiceRecvHandler(service, &OnMessage, nullptr);
  le_msg_AdvertiseService(service);
  if (send(3, "ready", 5, MSG_NOSIGNAL) < 0) return 1;
  le_event_RunLoop();
}
