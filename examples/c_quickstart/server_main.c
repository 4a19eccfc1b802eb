/* Copyright 2026 The le_messaging Authors
 * SPDX-License-Identifier: Apache-2.0
 */

#include "file_facts.h"

int main(void) {
  StartServer();
  le_event_RunLoop();
}
