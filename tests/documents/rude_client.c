/* Copyright 2026 The le_messaging Authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * A client of the server in docs/using.md. Unlike the client there, it sends
 * messages that are not requests, texts without a NUL, and file descriptors.
 * The exit status is 0 if the server still answers and has kept no file
 * descriptor.
 */

#include "le_messaging_ext.h"
#include "legato.h"

#define PROTOCOL le_msg_GetProtocolRef("shout in C 1", 64)
#define MESSAGES 300

static le_msg_MessageRef_t NewMessage(le_msg_SessionRef_t session) {
  le_msg_MessageRef_t msg = le_msg_CreateMsg(session);
  memset(le_msg_GetPayloadPtr(msg), 0xFF, 64);
  le_msg_SetFd(msg, dup(STDIN_FILENO));
  return msg;
}

/* The server has handled all earlier messages when this returns. */
static void Request(le_msg_SessionRef_t session) {
  le_msg_MessageRef_t response =
      le_msg_RequestSyncResponse(NewMessage(session));
  LE_FATAL_IF(response == NULL, "no response");
  LE_FATAL_IF(le_msg_GetFd(response) >= 0,
              "the response has a file descriptor");
  le_msg_ReleaseMsg(response);
}

static int CountFds(pid_t process) {
  char path[64];
  snprintf(path, sizeof(path), "/proc/%d/fd", (int)process);
  DIR* folder = opendir(path);
  LE_FATAL_IF(folder == NULL, "cannot read %s", path);
  int count = 0;
  while (readdir(folder) != NULL) count++;
  closedir(folder);
  return count;
}

int main(void) {
  le_msg_SessionRef_t session = le_msg_CreateSession(PROTOCOL, "shoutInC");
  le_msg_OpenSessionSync(session);
  uid_t user;
  pid_t server;
  LE_FATAL_IF(le_msg_GetServerUserCreds(session, &user, &server) != LE_OK,
              "no credentials");
  Request(session);
  const int before = CountFds(server);
  for (int i = 0; i < MESSAGES; i++) {
    le_msg_Send(NewMessage(session));
    le_msg_RequestResponse(NewMessage(session), NULL, NULL);
  }
  Request(session);
  const int after = CountFds(server);
  LE_FATAL_IF(after > before, "the server has kept %d file descriptors",
              after - before);
  /* This program ends without waiting for the response. */
  le_msg_RequestResponse(NewMessage(session), NULL, NULL);
  return EXIT_SUCCESS;
}
