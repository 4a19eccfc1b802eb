// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
#include "legato.h"
#include "word_count.h"

COMPONENT_INIT {
  le_msg_SessionRef_t session = wordCount_Connect();
  printf("%d words\n", wordCount_Count(session, "three little words"));
  exit(EXIT_SUCCESS);
}
