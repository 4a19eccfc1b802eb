// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// A service that counts words, and its client: plain C on le_messaging.h.
#ifndef CONSUMER_WORD_COUNT_H_
#define CONSUMER_WORD_COUNT_H_

#include "le_messaging.h"

#ifdef __cplusplus
extern "C" {
#endif

#define WORD_COUNT_INTERFACE "wordCount"
#define WORD_COUNT_MAX_TEXT 1000

// Offers the service. The calling thread must run its event loop.
le_msg_ServiceRef_t wordCount_Serve(void);

// Opens a session. Waits for the service.
le_msg_SessionRef_t wordCount_Connect(void);

// Returns the number of words in the first WORD_COUNT_MAX_TEXT bytes of `text`.
// -1: the session is closed.
int wordCount_Count(le_msg_SessionRef_t session, const char* text);

#ifdef __cplusplus
}
#endif

#endif  // CONSUMER_WORD_COUNT_H_
