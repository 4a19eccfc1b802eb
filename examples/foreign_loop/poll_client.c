/* Copyright 2026 The le_messaging Authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * A client in a program whose own loop calls poll(). The program services the
 * event loop until no handler is due. Then it polls the event loop's file
 * descriptor together with its own file descriptors.
 */

#include "../legato_port/echo.h"
#include "legato.h"

static int Answers;

static void OnResponse(le_msg_MessageRef_t response, void* context) {
  (void)context;
  LE_FATAL_IF(response == NULL, "no answer");
  const echo_Message_t* message = le_msg_GetPayloadPtr(response);
  printf("the answer is %d\n", message->number);
  le_msg_ReleaseMsg(response);
  Answers++;
}

static void OnOpen(le_msg_SessionRef_t session, void* context) {
  (void)context;
  for (int i = 1; i <= 3; i++) {
    le_msg_MessageRef_t msg = le_msg_CreateMsg(session);
    echo_Message_t* message = le_msg_GetPayloadPtr(msg);
    message->number = i;
    le_msg_RequestResponse(msg, OnResponse, NULL);
  }
}

int main(void) {
  int own[2]; /* represents the program's other work */
  if (pipe(own) != 0) return EXIT_FAILURE;

  le_msg_SessionRef_t session = le_msg_CreateSession(
      le_msg_GetProtocolRef(ECHO_PROTOCOL, sizeof(echo_Message_t)), "echo");
  le_msg_OpenSession(session, OnOpen, NULL);

  struct pollfd fds[2];
  fds[0].fd = le_event_GetFd();
  fds[0].events = POLLIN;
  fds[1].fd = own[0];
  fds[1].events = POLLIN;
  while (Answers < 3) {
    while (le_event_ServiceLoop() == LE_OK) {
    }
    if (Answers < 3 && poll(fds, 2, -1) < 0 && errno != EINTR) {
      return EXIT_FAILURE;
    }
  }
  le_msg_DeleteSession(session);
  close(own[0]);
  close(own[1]);
  return EXIT_SUCCESS;
}
