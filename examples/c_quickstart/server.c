/* Copyright 2026 The le_messaging Authors
 * SPDX-License-Identifier: Apache-2.0
 */

#include <ctype.h>

#include "file_facts.h"

enum { MAX_BYTES = 1 << 20 };

static void Count(int fd, FileFacts_t* facts) {
  char buffer[4096];
  ssize_t size;
  bool inWord = false;
  facts->lines = facts->words = facts->bytes = 0;
  /* The client chooses the file. For a pipe, read() might wait for ever, but
   * pread() fails. A file such as /dev/zero never ends, and other clients would
   * wait meanwhile. So only the first MAX_BYTES bytes are counted. */
  while (facts->bytes < MAX_BYTES &&
         (size = pread(fd, buffer, sizeof(buffer), (off_t)facts->bytes)) > 0) {
    facts->bytes += (uint64_t)size;
    for (ssize_t i = 0; i < size; i++) {
      const bool blank = isspace((unsigned char)buffer[i]) != 0;
      if (buffer[i] == '\n') facts->lines++;
      if (!blank && !inWord) facts->words++;
      inWord = !blank;
    }
  }
  close(fd);
}

/* Sends the client a message that it did not request. */
static void Push(le_msg_SessionRef_t session, const char* text) {
  le_msg_MessageRef_t msg = le_msg_CreateMsg(session);
  FileFacts_t* facts = le_msg_GetPayloadPtr(msg);
  facts->kind = FILE_FACTS_NEWS;
  snprintf(facts->text, sizeof(facts->text), "%s", text);
  le_msg_Send(msg);
}

static void OnMessage(le_msg_MessageRef_t msg, void* context) {
  (void)context;
  FileFacts_t* facts = le_msg_GetPayloadPtr(msg);
  if (!le_msg_NeedsResponse(msg)) {
    pid_t pid = 0;
    le_msg_GetClientProcessId(le_msg_GetSession(msg), &pid);
    printf("server: pid %d says \"%.63s\"\n", (int)pid, facts->text);
    fflush(stdout);
    le_msg_ReleaseMsg(msg);
    return;
  }
  const int fd = le_msg_GetFd(msg);
  if (fd < 0) {
    LE_KILL_CLIENT("the request has no file");
    le_msg_ReleaseMsg(msg);
    return;
  }
  Count(fd, facts);
  facts->serverPid = (int32_t)getpid();
  Push(le_msg_GetSession(msg), "one more file counted");
  le_msg_Respond(msg);
}

void StartServer(void) {
  le_msg_ServiceRef_t service = le_msg_CreateService(
      le_msg_GetProtocolRef(FILE_FACTS_PROTOCOL, sizeof(FileFacts_t)),
      "fileFacts");
  le_msg_SetServiceRecvHandler(service, OnMessage, NULL);
  le_msg_AdvertiseService(service);
}
