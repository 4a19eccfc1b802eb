/* Copyright 2026 The le_messaging Authors
 * SPDX-License-Identifier: Apache-2.0
 */

#include "file_facts.h"

static const char* FileName;
static void (*Done)(void);

static void Say(const char* text) {
  printf("client: %s\n", text);
  fflush(stdout);
}

static void SayFacts(const char* how, const FileFacts_t* facts) {
  printf("client: %s: %llu lines, %llu words, %llu bytes, counted by pid %d\n",
         how, (unsigned long long)facts->lines,
         (unsigned long long)facts->words, (unsigned long long)facts->bytes,
         (int)facts->serverPid);
  fflush(stdout);
}

/* Returns a request that carries the open file. */
static le_msg_MessageRef_t NewRequest(le_msg_SessionRef_t session) {
  const int fd = open(FileName, O_RDONLY | O_CLOEXEC);
  LE_FATAL_IF(fd < 0, "cannot open %s", FileName);
  le_msg_MessageRef_t msg = le_msg_CreateMsg(session);
  FileFacts_t* facts = le_msg_GetPayloadPtr(msg);
  facts->kind = FILE_FACTS_COUNT;
  le_msg_SetFd(msg, fd); /* now the message owns fd */
  return msg;
}

static void OnNews(le_msg_MessageRef_t msg, void* context) {
  (void)context;
  const FileFacts_t* facts = le_msg_GetPayloadPtr(msg);
  printf("client: news from the server: %.63s\n", facts->text);
  fflush(stdout);
  le_msg_ReleaseMsg(msg);
}

static void OnResponse(le_msg_MessageRef_t response, void* context) {
  (void)context;
  if (response == NULL) return; /* the session has closed: see OnClose() */
  SayFacts("asynchronously", le_msg_GetPayloadPtr(response));
  le_msg_ReleaseMsg(response);
  Done();
}

static void OnOpen(le_msg_SessionRef_t session, void* context) {
  (void)context;
  Say("the session is open");

  le_msg_MessageRef_t msg = le_msg_CreateMsg(session);
  FileFacts_t* facts = le_msg_GetPayloadPtr(msg);
  facts->kind = FILE_FACTS_GREETING;
  snprintf(facts->text, sizeof(facts->text), "good morning");
  le_msg_Send(msg); /* no response is requested */

  le_msg_MessageRef_t response =
      le_msg_RequestSyncResponse(NewRequest(session));
  if (response == NULL) return;
  SayFacts("synchronously", le_msg_GetPayloadPtr(response));
  le_msg_ReleaseMsg(response);

  le_msg_RequestResponse(NewRequest(session), OnResponse, NULL);
}

static void Open(le_msg_SessionRef_t session) {
  Say("waiting for the service");
  le_msg_OpenSession(session, OnOpen, NULL);
}

static void OnClose(le_msg_SessionRef_t session, void* context) {
  (void)context;
  Say("the session has closed");
  Open(session);
}

void StartClient(const char* fileName, void (*done)(void)) {
  FileName = fileName;
  Done = done;
  le_msg_SessionRef_t session = le_msg_CreateSession(
      le_msg_GetProtocolRef(FILE_FACTS_PROTOCOL, sizeof(FileFacts_t)), "facts");
  le_msg_SetSessionRecvHandler(session, OnNews, NULL);
  le_msg_SetSessionCloseHandler(session, OnClose, NULL);
  Open(session);
}
