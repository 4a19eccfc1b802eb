/* Copyright 2026 The le_messaging Authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * le_messaging_ext.h: what le_messaging has beyond Legato's API: deadlines,
 * cancelling, lengths, reasons, credentials of the server, limits.
 *
 * The rules of le_messaging.h about threads, ownership and what is fatal hold
 * here too. A timeout is in milliseconds from the call. What has come counts,
 * though the program looks only after the deadline, having been busy or stopped: a
 * deadline ends the wait for what is not there yet.
 */

#ifndef LE_MESSAGING_EXT_H_INCLUDE_GUARD
#define LE_MESSAGING_EXT_H_INCLUDE_GUARD

#include "le_messaging.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A timeout that never comes. */
#define LE_MSG_NO_TIMEOUT UINT32_MAX

/* ======== Deadlines and cancelling ======== */

/* How a timed opening ended, see le_msg_OpenSessionTimed(). */
typedef void (*le_msg_OpenResultHandler_t)(le_msg_SessionRef_t sessionRef,
                                           le_result_t result,
                                           void* contextPtr);

/* As le_msg_OpenSession(), with a deadline. The handler, which may be NULL, is called
 * exactly once, by the loop: LE_OK, the session is open; LE_TIMEOUT, it is closed
 * again, and le_msg_GetWaitReason() tells the cause; LE_CLOSED, it was closed or deleted before it was open, or before that
 * could be told. (The callback of le_msg_OpenSession() is not called then.) */
void le_msg_OpenSessionTimed(le_msg_SessionRef_t sessionRef, uint32_t timeoutMs,
                             le_msg_OpenResultHandler_t handlerFunc,
                             void* contextPtr);

/* As le_msg_OpenSessionSync(), with a deadline. LE_OK; LE_TIMEOUT: closed again, and
 * le_msg_GetWaitReason() tells the cause. */
le_result_t le_msg_OpenSessionSyncTimed(le_msg_SessionRef_t sessionRef,
                                        uint32_t timeoutMs);

/* As le_msg_TryOpenSessionSync(), with a deadline: also LE_TIMEOUT. After each
 * result but LE_OK and LE_CLOSED, le_msg_GetWaitReason() tells the cause. */
le_result_t le_msg_TryOpenSessionSyncTimed(le_msg_SessionRef_t sessionRef,
                                           uint32_t timeoutMs);

/* ======== Why an opening waits ======== */

/* Numbers are added, never changed. */
typedef enum {
  /* Open; or closed, and never opened in vain. */
  LE_MSG_WAIT_NONE = 0,
  /* No folder that a directory could be in. */
  LE_MSG_WAIT_NO_PLACE = 1,
  /* Nobody can be reached there; the text has the path and the system's error. */
  LE_MSG_WAIT_NO_DIRECTORY = 2,
  /* The directory is another user's, and LE_MESSAGING_DIR does not name it. */
  LE_MSG_WAIT_NOT_TRUSTED = 3,
  /* The directory is being asked. For longer than a moment: it is stopped, or
   * busy. */
  LE_MSG_WAIT_NO_ANSWER = 4,
  /* The text has the line that is missing. */
  LE_MSG_WAIT_NO_BINDING = 5,
  /* The text names the service. */
  LE_MSG_WAIT_NOT_OFFERED = 6,
  /* A server offers it, and its event loop has not taken the session. Also
   * whatever a directory of an older release waits for: it does not say. */
  LE_MSG_WAIT_NOT_TAKEN = 7,
  /* The service has as many sessions as it may. */
  LE_MSG_WAIT_SERVICE_FULL = 8,
  /* Server or directory speak another version. */
  LE_MSG_WAIT_OTHER_VERSION = 9,
  /* By the directory: a limit, or a name that it does not take. */
  LE_MSG_WAIT_REFUSED = 10,
  /* The operating system refuses: the text says what (no file descriptor left,
   * say). */
  LE_MSG_WAIT_SYSTEM = 11
} le_msg_WaitReason_t;

/* Why the session is not open yet; of one that is closed, why its last opening
 * failed, until it is opened anew. If bufferPtr is not NULL, it gets the cause and
 * what would end it, in words, cut to fit, with a terminator. The words are for
 * people and may be different in a later release.
 *
 * Any thread. The owner's thread is told what is so now; another what was so when
 * the cause was last looked at: at each change that the directory tells (within
 * about 0.1 s), and once after the first second. Fatal on the server's side.
 *
 * The log says the same: "interface 'NAME': waiting: ..." after a second of
 * waiting, and at each change from then on, unless it is undone at once (of
 * several changes within a second the last one counts); and "interface 'NAME':
 * open after ..." at the end of such a wait. */
le_msg_WaitReason_t le_msg_GetWaitReason(le_msg_SessionRef_t sessionRef,
                                         char* bufferPtr, size_t bufferSize);

/* Names a request of a session. 0 names none. */
typedef uint64_t le_msg_RequestId_t;

/* A transaction is complete, exactly once (see le_msg_RequestResponse() for threads
 * that end):
 *   LE_OK           with the response, which the handler now owns
 *   LE_TIMEOUT      out of time
 *   LE_CLOSED       the session was or got closed
 *   LE_UNAVAILABLE  the server released the request
 *   LE_TERMINATED   cancelled
 *   LE_NO_MEMORY    more requests than the session may have
 * In all cases but the first the message is NULL. */
typedef void (*le_msg_ResultHandler_t)(le_msg_MessageRef_t msgRef,
                                       le_result_t result, void* contextPtr);

/* As le_msg_RequestResponse(), with a deadline that covers the wait for room too.
 * Returns the request's name, or 0 if it is over already; the handler (may be
 * NULL) is called all the same, by the loop. A response that comes after the
 * deadline is dropped. */
le_msg_RequestId_t le_msg_RequestResponseTimed(
    le_msg_MessageRef_t msgRef, uint32_t timeoutMs,
    le_msg_ResultHandler_t handlerFunc, void* contextPtr);

/* Stops waiting for a response. LE_OK: the handler will be called with
 * LE_TERMINATED, by the loop. LE_NOT_FOUND: it is over already. The server is not
 * told. The session's owner only. */
le_result_t le_msg_CancelRequest(le_msg_SessionRef_t sessionRef,
                                 le_msg_RequestId_t requestId);

/* As le_msg_RequestSyncResponse(), with a deadline and a reason. LE_OK: *responsePtr
 * is the response. Otherwise it is NULL: LE_TIMEOUT, LE_CLOSED, LE_UNAVAILABLE,
 * LE_NO_MEMORY as above; LE_DEADLOCK: the server is on this thread. */
le_result_t le_msg_RequestSyncResponseTimed(le_msg_MessageRef_t msgRef,
                                            uint32_t timeoutMs,
                                            le_msg_MessageRef_t* responsePtr);

/* As le_msg_Send(), with a deadline for room, on either side and in handlers too.
 * Takes the reference in any case. LE_OK; LE_TIMEOUT, LE_CLOSED: dropped.
 * LE_WOULD_BLOCK: dropped by the service's policy, if the timeout is
 * LE_MSG_NO_TIMEOUT. */
le_result_t le_msg_SendTimed(le_msg_MessageRef_t msgRef, uint32_t timeoutMs);

/* As le_msg_Send(), but never waits, and never costs the session. LE_OK.
 * LE_WOULD_BLOCK: there is no room; *the message stays the caller's*, who may try
 * again when the room handler is called. LE_CLOSED: dropped. */
le_result_t le_msg_TrySend(le_msg_MessageRef_t msgRef);

/* Sets what is called, by the owner's loop, when there is room on the session again
 * after a message found none. NULL: nothing. Owner only. */
void le_msg_SetSessionRoomHandler(le_msg_SessionRef_t sessionRef,
                                  le_msg_SessionEventHandler_t handlerFunc,
                                  void* contextPtr);

/* The same, for all sessions of a service. */
void le_msg_SetServiceRoomHandler(le_msg_ServiceRef_t serviceRef,
                                  le_msg_SessionEventHandler_t handlerFunc,
                                  void* contextPtr);

/* Sends what a handler's turn has gathered on the session, as far as it goes without
 * waiting. Any thread. */
void le_msg_Flush(le_msg_SessionRef_t sessionRef);

/* ======== Lengths ======== */

/* How much of the payload is in use, in bytes: no more is sent. Not set: the whole
 * payload (of which a zero tail need not travel). Fatal: more than the maximum. */
void le_msg_SetPayloadSize(le_msg_MessageRef_t msgRef, size_t size);

/* What was set, here or by the sender of a received message; else the maximum. */
size_t le_msg_GetPayloadSize(le_msg_MessageRef_t msgRef);

/* ======== Why a session closed ======== */

typedef enum {
  LE_MSG_CLOSE_NONE = 0,            /* it is open, or never was */
  LE_MSG_CLOSE_BY_CALLER = 1,       /* at this end, by the API */
  LE_MSG_CLOSE_BY_PEER = 2,         /* the far end closed it or died */
  LE_MSG_CLOSE_SLOW_READER = 3,     /* the far end does not take its messages */
  LE_MSG_CLOSE_KILLED = 4,          /* by LE_KILL_CLIENT */
  LE_MSG_CLOSE_PROTOCOL_ERROR = 5,  /* the far end broke the rules */
  LE_MSG_CLOSE_RECEIVE_LIMIT = 6,   /* more came than may be held */
                                    /* 7 is not used */
  LE_MSG_CLOSE_SERVICE_DELETED = 8, /* its service was deleted */
  LE_MSG_CLOSE_THREAD_ENDED = 9,    /* its owner ended */
  LE_MSG_CLOSE_SYSTEM = 10          /* the operating system refused */
} le_msg_CloseReason_t;

/* Why the session closed last. Either side. */
le_msg_CloseReason_t le_msg_GetCloseReason(le_msg_SessionRef_t sessionRef);

/* The reason in words, for a log. Valid for ever. */
const char* le_msg_GetCloseReasonTxt(le_msg_CloseReason_t reason);

/* ======== Who is there ======== */

/* Client's side: user and process of the server, by the kernel's word, as of the
 * moment when it took the session. Either pointer may be NULL. LE_CLOSED if the
 * session is not open. Fatal on the server's side. */
le_result_t le_msg_GetServerUserCreds(le_msg_SessionRef_t sessionRef,
                                      uid_t* userIdPtr, pid_t* processIdPtr);

/* Server's side: a pidfd of the client, which the caller then owns: it names that very
 * process even when its number has been used again. LE_UNSUPPORTED where the
 * kernel does not vouch for one (before Linux 6.5, and over loopback); LE_CLOSED. */
le_result_t le_msg_GetClientPidFd(le_msg_SessionRef_t sessionRef,
                                  int* pidFdPtr);

/* ======== Limits ======== */

/* Flow control (docs/flow-control.md). Messages that the far end has not taken yet
 * are queued. When a queue is full:
 *  - A response is queued all the same, and so is the NULL in the place of one.
 *  - A server takes nothing more from a session of which more than half of the
 *    queue is used, until it is below a quarter; nor while as many requests of it
 *    wait for an answer as may, until half of them are answered. The client feels
 *    that in its own sends. It loses nothing.
 *  - A client's le_msg_Send() and requests wait for room. The owner's thread reads
 *    meanwhile: responses without a bound, for it asked for them; other messages
 *    up to the queue's limits, beyond which the session ends
 *    (LE_MSG_CLOSE_RECEIVE_LIMIT).
 *  - In a handler of the session's owner, and on the server's own thread, they do
 *    not wait: what they send is gathered, up to maxGatheredBytes. Beyond that the
 *    session ends (LE_MSG_CLOSE_SLOW_READER).
 *  - For a server's le_msg_Send() the policy decides. */

/* Structures of limits begin with structSize, which the caller sets to the size of
 * the structure, for setters and for getters. So a program and a library of different
 * versions understand each other: what an older structure does not have counts as 0
 * when it is set, and is not written when it is asked for; what a newer one has beyond
 * this version is ignored when it is set, with a warning unless it is 0, and is told
 * as 0. Fatal: a structSize that no version can have, 0 above all. */

/* What becomes of a message from a server, that is no response, when its client's
 * queue is full. */
typedef enum {
  /* It is gathered, up to maxGatheredBytes. If that is not enough, or if the client
   * has taken nothing for a second, the session is closed. */
  LE_MSG_SLOW_READER_CLOSE = 0,
  /* It is dropped, with a warning. */
  LE_MSG_SLOW_READER_DROP = 1
} le_msg_SlowReaderPolicy_t;

/* What one service's clients may cost. 0 stands for the default. Bytes include up to
 * 64 for each message. */
typedef struct {
  size_t structSize;          /* sizeof(le_msg_ServiceLimits_t) */
  uint32_t maxSessions;       /* 1,048,576 */
  size_t maxQueuedBytes;      /* per session: 1 MiB or two largest messages */
  uint32_t maxQueuedMessages; /* per session: 16,384 */
  uint32_t maxQueuedFds;      /* per session, of messages that wait: 256 */
  uint32_t maxOpenRequests;   /* per session: 65,536, which is the most */
  le_msg_SlowReaderPolicy_t slowReaderPolicy;
  size_t maxGatheredBytes; /* per session: 64 MiB or twice maxQueuedBytes */
  /* Per session, of requests that wait for an answer, each with 256 more: 64 MiB. The
   * request with which it is reached is taken. */
  size_t maxRequestBytes;
} le_msg_ServiceLimits_t;

/* Sets all limits of the service, for the sessions that are open too. Fatal: a bad
 * structSize or slowReaderPolicy; more open requests than a session may have. */
void le_msg_SetServiceLimits(le_msg_ServiceRef_t serviceRef,
                             const le_msg_ServiceLimits_t* limitsPtr);

/* The limits in force. Set structSize before. */
void le_msg_GetServiceLimits(le_msg_ServiceRef_t serviceRef,
                             le_msg_ServiceLimits_t* limitsPtr);

/* What one session may cost its client. 0 stands for the default. The queued bytes and
 * descriptors bound also the messages, other than responses, that come while a
 * blocking call keeps them from being delivered. */
typedef struct {
  size_t structSize;          /* sizeof(le_msg_SessionLimits_t) */
  size_t maxQueuedBytes;      /* 1 MiB or two largest messages */
  uint32_t maxQueuedMessages; /* 16,384 */
  uint32_t maxQueuedFds;      /* 256 */
  uint32_t maxOpenRequests;   /* 65,536, which is the most */
  size_t maxGatheredBytes;    /* 64 MiB or twice maxQueuedBytes */
} le_msg_SessionLimits_t;

/* Sets all limits of a client's session, from now on, whether it is open or not. The
 * session's owner only. Fatal: a bad structSize; more open requests than a session
 * may have; the server's side. */
void le_msg_SetSessionLimits(le_msg_SessionRef_t sessionRef,
                             const le_msg_SessionLimits_t* limitsPtr);

/* The limits in force. Set structSize before. Any thread. Fatal: the server's side. */
void le_msg_GetSessionLimits(le_msg_SessionRef_t sessionRef,
                             le_msg_SessionLimits_t* limitsPtr);

/* How many messages of a protocol the process keeps ready. The pool grows when it
 * must; ten times this size is worth a warning. */
void le_msg_SetProtocolPoolSize(le_msg_ProtocolRef_t protocolRef,
                                size_t messages);

#ifdef __cplusplus
}
#endif

#endif /* LE_MESSAGING_EXT_H_INCLUDE_GUARD */
