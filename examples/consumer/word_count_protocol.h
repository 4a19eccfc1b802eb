// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// The protocol of client and server.
#ifndef CONSUMER_WORD_COUNT_PROTOCOL_H_
#define CONSUMER_WORD_COUNT_PROTOCOL_H_

#include <stdint.h>

#include "le_messaging.h"
#include "word_count.h"

typedef struct {
  int32_t words;  // in a response
  // In a request. A text of less than WORD_COUNT_MAX_TEXT bytes ends with '\0'.
  char text[WORD_COUNT_MAX_TEXT];
} wordCount_Payload_t;

static inline le_msg_ProtocolRef_t wordCount_Protocol(void) {
  return le_msg_GetProtocolRef("example.wordCount/1",
                               sizeof(wordCount_Payload_t));
}

#endif  // CONSUMER_WORD_COUNT_PROTOCOL_H_
