/* Copyright 2026 The le_messaging Authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * A client and a server that use only functions of le_messaging.h.
 */

#include "le_messaging.h"

int main(void) {
  le_msg_ProtocolRef_t protocol = le_msg_GetProtocolRef("minimal", 8);
  le_msg_AdvertiseService(le_msg_CreateService(protocol, "minimal"));
  le_msg_OpenSessionSync(le_msg_CreateSession(protocol, "minimal"));
  return 0;
}
