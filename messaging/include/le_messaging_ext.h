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
 * again; LE_CLOSED, it was closed or deleted before it was open, or before that
 * could be told. (The callback of le_msg_OpenSession() is not called then.) */
void le_msg_OpenSessionTimed(le_msg_SessionRef_t sessionRef, uint32_t timeoutMs,
                             le_msg_OpenResultHandler_t handlerFunc,
                             void* contextPtr);

/* As le_msg_OpenSessionSync(), with a deadline. LE_OK; LE_TIMEOUT: closed again. */
le_result_t le_msg_OpenSessionSyncTimed(le_msg_SessionRef_t sessionRef,
                                        uint32_t timeoutMs);

/* As le_msg_TryOpenSessionSync(), with a deadline: also LE_TIMEOUT. */
le_result_t le_msg_TryOpenSessionSyncTimed(le_msg_SessionRef_t sessionRef,
                                           uint32_t timeoutMs);

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

/* As le_msg_Send(), with a deadline for room. Takes the reference in any case.
 * LE_OK; LE_TIMEOUT, LE_CLOSED: dropped. */
le_result_t le_msg_SendTimed(le_msg_MessageRef_t msgRef, uint32_t timeoutMs);

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

/* Structures of limits begin with structSize, which the caller sets to the size of
 * the structure, for setters and for getters. So a program and a library of different
 * versions understand each other: what an older structure does not have counts as 0
 * when it is set, and is not written when it is asked for; what a newer one has beyond
 * this version is ignored when it is set, with a warning unless it is 0, and is told
 * as 0. Fatal: a structSize that no version can have, 0 above all. */

/* What becomes of a message for which a client makes no room. */
typedef enum {
  LE_MSG_SLOW_READER_CLOSE = 0, /* its session is closed */
  /* It is dropped, with a warning; but if it is a response, or NULL in the place
   * of one, the session is closed all the same. */
  LE_MSG_SLOW_READER_DROP = 1
} le_msg_SlowReaderPolicy_t;

/* What one service's clients may cost. 0 stands for the default. A client that has
 * more than maxOpenRequests requests under way, of which it has not been told,
 * loses its session (LE_MSG_CLOSE_RECEIVE_LIMIT). */
typedef struct {
  size_t structSize;          /* sizeof(le_msg_ServiceLimits_t) */
  uint32_t maxSessions;       /* 1,048,576 */
  size_t maxQueuedBytes;      /* per session: 1 MiB or two largest messages */
  uint32_t maxQueuedMessages; /* per session: 16,384 */
  uint32_t maxQueuedFds;      /* per session, of messages that wait: 256 */
  uint32_t maxOpenRequests;   /* per session: 65,536, which is the most */
  le_msg_SlowReaderPolicy_t slowReaderPolicy;
} le_msg_ServiceLimits_t;

/* Sets all limits of the service, for the sessions that are open too. Fatal: a bad
 * structSize; more open requests than a session may have. */
void le_msg_SetServiceLimits(le_msg_ServiceRef_t serviceRef,
                             const le_msg_ServiceLimits_t* limitsPtr);

/* The limits in force. Set structSize before. */
void le_msg_GetServiceLimits(le_msg_ServiceRef_t serviceRef,
                             le_msg_ServiceLimits_t* limitsPtr);

/* What one session may cost its client. 0 stands for the default. A sender for whose
 * message there is no room waits. The bytes and descriptors bound also what comes
 * while a blocking call keeps it from being delivered: the session is closed if that
 * is not enough (LE_MSG_CLOSE_RECEIVE_LIMIT). */
typedef struct {
  size_t structSize;          /* sizeof(le_msg_SessionLimits_t) */
  size_t maxQueuedBytes;      /* 1 MiB or two largest messages */
  uint32_t maxQueuedMessages; /* 16,384 */
  uint32_t maxQueuedFds;      /* 256 */
  uint32_t maxOpenRequests;   /* 65,536, which is the most */
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
