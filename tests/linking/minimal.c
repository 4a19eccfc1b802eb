/* Copyright 2026 The le_messaging Authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * A program that only uses messages.
 */

#include "le_messaging.h"

int main(void) {
  le_msg_OpenSessionSync(
      le_msg_CreateSession(le_msg_GetProtocolRef("minimal", 8), "minimal"));
  return 0;
}
