// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
#include <ctype.h>
#include <stddef.h>
#include <stdint.h>

#include "word_count.h"
#include "word_count_protocol.h"

static int32_t CountWords(const char* text, size_t size) {
  int32_t words = 0;
  int in_word = 0;
  for (size_t i = 0; i < size && text[i] != '\0'; ++i) {
    const int is_space = isspace((unsigned char)text[i]);
    words += !is_space && !in_word;
    in_word = !is_space;
  }
  return words;
}

static void OnMessage(le_msg_MessageRef_t message, void* context) {
  (void)context;
  wordCount_Payload_t* payload = le_msg_GetPayloadPtr(message);
  if (!le_msg_NeedsResponse(message)) {
    LE_KILL_CLIENT("the message is not a request");
    le_msg_ReleaseMsg(message);
    return;
  }
  payload->words = CountWords(payload->text, sizeof(payload->text));
  le_msg_Respond(message);
}

le_msg_ServiceRef_t wordCount_Serve(void) {
  le_msg_ServiceRef_t service =
      le_msg_CreateService(wordCount_Protocol(), WORD_COUNT_INTERFACE);
  le_msg_SetServiceRecvHandler(service, OnMessage, NULL);
  le_msg_AdvertiseService(service);
  return service;
}
