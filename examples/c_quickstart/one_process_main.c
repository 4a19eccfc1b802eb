/* Copyright 2026 The le_messaging Authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * one_process FILE: runs client.c and server.c in two threads of one process.
 * The program is linked with //messaging:le_messaging_loopback.
 */

#include <err.h>

#include "file_facts.h"
#include "le_messaging_loopback.h"

static void* ServerThread(void* context) {
  (void)context;
  StartServer();
  le_event_RunLoop();
  return NULL;
}

static void Done(void) {
  printf("client: served\n");
  exit(EXIT_SUCCESS);
}

int main(int argc, char** argv) {
  if (argc != 2) errx(EXIT_FAILURE, "argument: FILE");
  LE_ASSERT_OK(le_msg_SetLoopbackBindings("<*>.facts -> <self>.fileFacts\n"));
  StartClient(argv[1], Done);
  le_thread_Start(le_thread_Create("server", ServerThread, NULL));
  le_event_RunLoop();
}
