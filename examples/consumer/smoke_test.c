// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// A test in C, without the test kit. Client and server are in one process,
// because the program depends on the loopback library.
#include <string.h>

#include "legato.h"
#include "word_count.h"
#include "word_count_protocol.h"

static void OnResponse(le_msg_MessageRef_t message, void* context) {
  (void)context;
  LE_FATAL_IF(message == NULL, "there was no response");
  const wordCount_Payload_t* payload = le_msg_GetPayloadPtr(message);
  LE_FATAL_IF(payload->words != 3, "%d words, not 3", (int)payload->words);
  le_msg_ReleaseMsg(message);
  exit(EXIT_SUCCESS);
}

static void OnOpen(le_msg_SessionRef_t session, void* context) {
  (void)context;
  le_msg_MessageRef_t message = le_msg_CreateMsg(session);
  wordCount_Payload_t* payload = le_msg_GetPayloadPtr(message);
  strcpy(payload->text, "loopback does it");
  le_msg_RequestResponse(message, OnResponse, NULL);
}

COMPONENT_INIT {
  wordCount_Serve();
  le_msg_OpenSession(
      le_msg_CreateSession(wordCount_Protocol(), WORD_COUNT_INTERFACE), OnOpen,
      NULL);
}
