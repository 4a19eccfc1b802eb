// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
#include <stddef.h>
#include <string.h>

#include "word_count.h"
#include "word_count_protocol.h"

// Without a close handler, the end of the service would end this process.
static void OnClose(le_msg_SessionRef_t session, void* context) {
  (void)session;
  (void)context;
}

le_msg_SessionRef_t wordCount_Connect(void) {
  le_msg_SessionRef_t session =
      le_msg_CreateSession(wordCount_Protocol(), WORD_COUNT_INTERFACE);
  le_msg_SetSessionCloseHandler(session, OnClose, NULL);
  le_msg_OpenSessionSync(session);
  return session;
}

int wordCount_Count(le_msg_SessionRef_t session, const char* text) {
  le_msg_MessageRef_t message = le_msg_CreateMsg(session);
  wordCount_Payload_t* payload = le_msg_GetPayloadPtr(message);
  int words;
  strncpy(payload->text, text, sizeof(payload->text));
  message = le_msg_RequestSyncResponse(message);
  if (message == NULL) {
    return -1;
  }
  payload = le_msg_GetPayloadPtr(message);
  words = payload->words;
  le_msg_ReleaseMsg(message);
  return words;
}
