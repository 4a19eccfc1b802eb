/* Copyright 2026 The le_messaging Authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * The protocol of the quickstart. The client sends an open file. The server
 * answers with the numbers of lines, words and bytes in the file's first MiB.
 */

#ifndef EXAMPLES_C_QUICKSTART_FILE_FACTS_H_
#define EXAMPLES_C_QUICKSTART_FILE_FACTS_H_

#include "legato.h"

#define FILE_FACTS_PROTOCOL "file facts 1"

typedef enum {
  FILE_FACTS_GREETING, /* from the client, without a response: text */
  FILE_FACTS_COUNT,    /* request: a file descriptor; response: the numbers */
  FILE_FACTS_NEWS      /* from the server, without a request: text */
} FileFacts_Kind_t;

typedef struct {
  FileFacts_Kind_t kind;
  int32_t serverPid;
  uint64_t lines;
  uint64_t words;
  uint64_t bytes;
  char text[64];
} FileFacts_t;

/* Offers the service. Its handlers run on the calling thread's loop. */
void StartServer(void);

/* Opens a session, and opens it again after each close. After each opening,
 * sends requests, and calls `done` after the last response. */
void StartClient(const char* fileName, void (*done)(void));

#endif /* EXAMPLES_C_QUICKSTART_FILE_FACTS_H_ */
