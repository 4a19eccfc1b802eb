/* Copyright 2026 The le_messaging Authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * The protocol of the quickstart: the client sends an open file, and the server
 * answers with facts about the file.
 */

#ifndef EXAMPLES_C_QUICKSTART_FILE_FACTS_H_
#define EXAMPLES_C_QUICKSTART_FILE_FACTS_H_

#include "legato.h"

#define FILE_FACTS_PROTOCOL "file facts 1"

typedef enum {
  FILE_FACTS_GREETING, /* one way: text */
  FILE_FACTS_COUNT,    /* request: a file descriptor; response: the numbers */
  FILE_FACTS_NEWS      /* pushed by the server: text */
} FileFacts_Kind_t;

typedef struct {
  FileFacts_Kind_t kind;
  int32_t serverPid;
  uint64_t lines;
  uint64_t words;
  uint64_t bytes;
  char text[64];
} FileFacts_t;

/* Offers the service; its handlers run on the calling thread's loop. */
void StartServer(void);

/* Opens a session, sends requests, and calls `done` when they are answered.
 * Repeats this whenever the session was closed and is open again. */
void StartClient(const char* fileName, void (*done)(void));

#endif /* EXAMPLES_C_QUICKSTART_FILE_FACTS_H_ */
