/* Copyright 2026 The le_messaging Authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * le_messaging_ext.h: functions beyond Legato's API: results instead of fatal
 * errors, deadlines, cancelling, lengths, reasons, credentials, limits.
 *
 * The rules of le_messaging.h about threads, ownership and fatal errors apply
 * here too. A timeout is the time from the call to the deadline, in
 * milliseconds. A deadline ends only the wait for data that has not arrived. If
 * the program is busy or stopped when the deadline passes, data that arrives
 * before the program continues still counts.
 */

#ifndef LE_MESSAGING_EXT_H_INCLUDE_GUARD
#define LE_MESSAGING_EXT_H_INCLUDE_GUARD

#include "le_messaging.h"

#ifdef __cplusplus
extern "C" {
#endif

/* As a timeout: no deadline. */
#define LE_MSG_NO_TIMEOUT UINT32_MAX

/* ======== Results instead of fatal errors ======== */

/* As le_msg_GetProtocolRef(). If the result is not LE_OK, *refPtr is NULL.
 *   LE_BAD_PARAMETER  the identifier is NULL, empty or too long, or the size is
 *                     too large
 *   LE_DUPLICATE      the identifier was used with another size */
le_result_t le_msg_TryGetProtocolRef(const char* protocolId,
                                     size_t largestMsgSize,
                                     le_msg_ProtocolRef_t* refPtr);

/* As le_msg_CreateSession(). If the result is not LE_OK, *refPtr is NULL.
 *   LE_BAD_PARAMETER  a bad name */
le_result_t le_msg_TryCreateSession(le_msg_ProtocolRef_t protocolRef,
                                    const char* interfaceName,
                                    le_msg_SessionRef_t* refPtr);

/* As le_msg_CreateService(). If the result is not LE_OK, *refPtr is NULL.
 *   LE_BAD_PARAMETER  a bad name
 *   LE_DUPLICATE      another service of this process has the name */
le_result_t le_msg_TryCreateService(le_msg_ProtocolRef_t protocolRef,
                                    const char* interfaceName,
                                    le_msg_ServiceRef_t* refPtr);

/* ======== Deleting without further handler calls ======== */

/* As le_msg_DeleteSession(), but no handler of the session is called any more,
 * not even the handler of a pending request or opening. So the program may free
 * the contexts of the handlers as soon as this returns. If the program later
 * sends a message of the session as a request, the message is released, and the
 * handler of the request is not called. May be called in any handler, also in a
 * handler of this session. */
void le_msg_DropSession(le_msg_SessionRef_t sessionRef);

/* As le_msg_DeleteService(), but no handler of the service is called any more.
 */
void le_msg_DropService(le_msg_ServiceRef_t serviceRef);

/* ======== Deadlines and cancelling ======== */

/* Reports how a timed opening ended, see le_msg_OpenSessionTimed(). */
typedef void (*le_msg_OpenResultHandler_t)(le_msg_SessionRef_t sessionRef,
                                           le_result_t result,
                                           void* contextPtr);

/* As le_msg_OpenSession(), with a deadline. The handler (may be NULL) is called
 * exactly once, from the loop:
 *   LE_OK       the session is open
 *   LE_TIMEOUT  the session is closed again; le_msg_GetWaitReason() returns the
 *               cause
 *   LE_FAULT    the service has another protocol; the session is closed again
 *   LE_CLOSED   this end closed or deleted the session before the handler was
 *               called, or the owner's thread is ending. (In these cases
 *               le_msg_OpenSession() calls no callback.) */
void le_msg_OpenSessionTimed(le_msg_SessionRef_t sessionRef, uint32_t timeoutMs,
                             le_msg_OpenResultHandler_t handlerFunc,
                             void* contextPtr);

/* As le_msg_OpenSessionSync(), with a deadline.
 *   LE_OK       the session is open
 *   LE_TIMEOUT  the session is closed again; le_msg_GetWaitReason() returns the
 *               cause
 *   LE_FAULT    the service has another protocol; the session is closed again
 *   LE_CLOSED   the owner's thread is ending */
le_result_t le_msg_OpenSessionSyncTimed(le_msg_SessionRef_t sessionRef,
                                        uint32_t timeoutMs);

/* As le_msg_TryOpenSessionSync(), with a deadline for the waits for the
 * directory and for the server. The directory still has 5 s at most. There are
 * two more results: LE_TIMEOUT, and LE_FAULT if the service has another
 * protocol. After each result other than LE_OK and LE_CLOSED,
 * le_msg_GetWaitReason() returns the cause. */
le_result_t le_msg_TryOpenSessionSyncTimed(le_msg_SessionRef_t sessionRef,
                                           uint32_t timeoutMs);

/* ======== Why an opening waits ======== */

/* New numbers may be added. A number never changes its meaning. */
typedef enum {
  /* The session is not being opened, and its last opening did not fail. */
  LE_MSG_WAIT_NONE = 0,
  /* No folder for the directory's socket is known. */
  LE_MSG_WAIT_NO_PLACE = 1,
  /* No directory can be reached in that folder. The text has the path and the
   * error. */
  LE_MSG_WAIT_NO_DIRECTORY = 2,
  /* The user of the directory is not trusted. Trusted users are root and this
   * process's own user. If the directory's socket is in /run/le_messaging, the
   * owner of that folder is also trusted, provided that no other user may write
   * to the folder. If the environment variable LE_MESSAGING_DIR names the
   * folder of the socket, every user is trusted. */
  LE_MSG_WAIT_NOT_TRUSTED = 3,
  /* The directory has not answered yet. It reports the cause of a wait only
   * after about 0.1 s. So an opening with a shorter timeout also ends with this
   * reason. If this reason stays for longer, the directory is stopped or busy.
   */
  LE_MSG_WAIT_NO_ANSWER = 4,
  /* There is no binding. The text has the missing line. */
  LE_MSG_WAIT_NO_BINDING = 5,
  /* No server offers the service. The text names the service. */
  LE_MSG_WAIT_NOT_OFFERED = 6,
  /* A server offers the service, but its event loop has not accepted the
   * session. */
  LE_MSG_WAIT_NOT_TAKEN = 7,
  /* The service accepts no more sessions, in total or of this user. */
  LE_MSG_WAIT_SERVICE_FULL = 8,
  /* The server or the directory has another version of the library's wire
   * format. The text has both versions, and names the program to update. */
  LE_MSG_WAIT_OTHER_VERSION = 9,
  /* The directory refused: a limit is reached, or the name is not valid there.
   */
  LE_MSG_WAIT_REFUSED = 10,
  /* The operating system refused. The text says why (for example: no file
   * descriptor is left). */
  LE_MSG_WAIT_SYSTEM = 11,
  /* The server violates the library's wire format. For example, the server does
   * not identify itself, a process of another user answers for it, or it sends
   * frames of a directory. The text names the violation. */
  LE_MSG_WAIT_SERVER_FAULT = 12,
  /* The service has another protocol: another identifier, or another size of
   * its largest message. The text has both protocols. The opening has failed.
   */
  LE_MSG_WAIT_OTHER_PROTOCOL = 13
} le_msg_WaitReason_t;

/* Returns why the session is not open yet. For a closed session, returns why
 * its last opening failed, until it is opened again. If bufferPtr is not NULL,
 * a text is written there: the cause and its remedy, truncated to fit, with a
 * terminator. The text is for people and may be different in a later release.
 *
 * Any thread. The owner gets the present cause. Other threads get the cause
 * that was recorded last. The library records the cause at each change that the
 * directory reports (within about 0.1 s), and after the first second. While the
 * directory does not answer, the library also records the cause at intervals of
 * at most one minute. Fatal on the server's side.
 *
 * The cause is also logged: "interface 'NAME': waiting: ..." after one second,
 * and again at each later change of cause that lasts for 0.2 s. If the cause
 * changes several times within a second, only the last cause is logged. If such
 * a line was logged, "interface 'NAME': open after ..." is logged when the
 * session opens. */
le_msg_WaitReason_t le_msg_GetWaitReason(le_msg_SessionRef_t sessionRef,
                                         char* bufferPtr, size_t bufferSize);

/* Identifies a request of a session. 0: no request. */
typedef uint64_t le_msg_RequestId_t;

/* A transaction is complete. The handler is called exactly once, except after
 * le_msg_DropSession() and in the cases of WHEN A THREAD ENDS in
 * le_messaging.h.
 *   LE_OK           the message is the response; the handler owns it
 *   LE_TIMEOUT      the deadline has passed
 *   LE_CLOSED       the session was not open, or it was closed after the
 *                   request
 *   LE_UNAVAILABLE  the server released the request
 *   LE_TERMINATED   the request was cancelled
 *   LE_NO_MEMORY    the session has too many open requests (maxOpenRequests)
 * In all cases except LE_OK the message is NULL. */
typedef void (*le_msg_ResultHandler_t)(le_msg_MessageRef_t msgRef,
                                       le_result_t result, void* contextPtr);

/* As le_msg_RequestResponse(), with a deadline. The deadline also bounds the
 * wait for room in the queue. Returns the identifier of the request, or 0 if
 * the request is complete already. In both cases the handler (may be NULL) is
 * called from the loop. A response that arrives after the deadline is dropped.
 */
le_msg_RequestId_t le_msg_RequestResponseTimed(
    le_msg_MessageRef_t msgRef, uint32_t timeoutMs,
    le_msg_ResultHandler_t handlerFunc, void* contextPtr);

/* Cancels a request. The server is not notified. The session's owner only.
 *   LE_OK         the handler will be called with LE_TERMINATED, from the loop
 *   LE_NOT_FOUND  the request is complete already */
le_result_t le_msg_CancelRequest(le_msg_SessionRef_t sessionRef,
                                 le_msg_RequestId_t requestId);

/* As le_msg_RequestSyncResponse(), with a deadline and a result. If the result
 * is not LE_OK, *responsePtr is NULL.
 *   LE_OK           *responsePtr is the response; the caller owns it
 *   LE_DEADLOCK     the server is on the calling thread
 *   LE_NO_MEMORY    the session has too many open requests (maxOpenRequests)
 *   LE_TIMEOUT, LE_CLOSED, LE_UNAVAILABLE
 *                   as in le_msg_ResultHandler_t */
le_result_t le_msg_RequestSyncResponseTimed(le_msg_MessageRef_t msgRef,
                                            uint32_t timeoutMs,
                                            le_msg_MessageRef_t* responsePtr);

/* As le_msg_Send(), but waits for room until the deadline, on both sides and
 * also in handlers. While a handler waits, its loop is blocked: on a server,
 * all clients of this thread wait too. With LE_MSG_NO_TIMEOUT the call waits
 * only where le_msg_Send() waits. So a client's handler does not wait, and a
 * server never waits: the service's policy applies. Always takes the reference.
 * After each result other than LE_OK the message was dropped.
 *   LE_OK           the message was sent
 *   LE_TIMEOUT      there was no room until the deadline
 *   LE_CLOSED       the session was closed before or during the call
 *   LE_WOULD_BLOCK  the queue is full, and the service's policy is
 *                   LE_MSG_SLOW_READER_DROP (only on a server, and only with
 *                   LE_MSG_NO_TIMEOUT) */
le_result_t le_msg_SendTimed(le_msg_MessageRef_t msgRef, uint32_t timeoutMs);

/* As le_msg_Send(), but never waits, and a full queue never closes the session.
 *   LE_OK           the message was sent
 *   LE_WOULD_BLOCK  the queue is full; the caller *keeps the message*, and may
 *                   try again when the room handler is called
 *   LE_CLOSED       the message was dropped
 * The caller keeps the reference only after LE_WOULD_BLOCK. So test for
 * LE_WOULD_BLOCK, not for != LE_OK: after LE_CLOSED the reference is invalid.
 * LE_CLOSED may be returned before the loop has noticed the close. In this case
 * le_msg_GetCloseReason() has no reason yet. Messages that arrived before the
 * close are still delivered, and then the close handlers are called. */
le_result_t le_msg_TrySend(le_msg_MessageRef_t msgRef);

/* Sets a handler for the case that a message does not fit into the session's
 * queue. The owner's loop calls it when the queue has room again. NULL: no
 * handler. The owner only. */
void le_msg_SetSessionRoomHandler(le_msg_SessionRef_t sessionRef,
                                  le_msg_SessionEventHandler_t handlerFunc,
                                  void* contextPtr);

/* As le_msg_SetSessionRoomHandler(), for all sessions of a service. */
void le_msg_SetServiceRoomHandler(le_msg_ServiceRef_t serviceRef,
                                  le_msg_SessionEventHandler_t handlerFunc,
                                  void* contextPtr);

/* Sends the queued messages of the session now instead of at the end of the
 * loop's turn. Sends as many as it can without waiting. Any thread. */
void le_msg_Flush(le_msg_SessionRef_t sessionRef);

/* Returns how many bytes are queued for the far end, with up to 64 bytes of
 * overhead for each message. If it is 0, a close of the session loses none of
 * the messages that this end has sent. 0 also if the session is not open. Any
 * thread. */
size_t le_msg_GetQueuedBytes(le_msg_SessionRef_t sessionRef);

/* ======== Lengths ======== */

/* Sets how many bytes of the payload are sent. If no size is set, the whole
 * payload is sent, but zeros at its end are not transmitted. Fatal: more than
 * the maximum. */
void le_msg_SetPayloadSize(le_msg_MessageRef_t msgRef, size_t size);

/* Returns the size that le_msg_SetPayloadSize() has set. For a received
 * message, returns the size that its sender has set, until this end sets
 * another one. If no size was set, returns the maximum, even if zeros at the
 * end were not transmitted. */
size_t le_msg_GetPayloadSize(le_msg_MessageRef_t msgRef);

/* Returns the payload of le_msg_GetPayloadPtr() for reading. Sets *sizePtr to
 * le_msg_GetPayloadSize(); sizePtr may be NULL. The program must not write to
 * the payload, nor read beyond that size. The pointer is valid until the
 * message is released. After a later call of le_msg_GetPayloadPtr() or
 * le_msg_GetPayloadForWriting() it may point to an outdated copy.
 *
 * If the protocol's largest message is large, this function saves time and
 * memory. The library need not look for written bytes before it reuses the
 * memory. A kept message may occupy only its own bytes. */
const void* le_msg_GetPayloadForReading(le_msg_MessageRef_t msgRef,
                                        size_t* sizePtr);

/* Sets the size as le_msg_SetPayloadSize() does, and returns the payload of
 * le_msg_GetPayloadPtr() for writing. The program must not write beyond `size`.
 * A build without NDEBUG detects most such writes at a later call (fatal).
 * This function saves time as le_msg_GetPayloadForReading() does. NULL: the
 * size is more than the maximum, and nothing has changed. */
void* le_msg_GetPayloadForWriting(le_msg_MessageRef_t msgRef, size_t size);

/* ======== Why a session closed ======== */

typedef enum {
  LE_MSG_CLOSE_NONE = 0,      /* open, being opened, or never opened */
  LE_MSG_CLOSE_BY_CALLER = 1, /* by this program, or the opening failed */
  /* The far end died or closed the session. If a fault or a limit was the
   * cause, the far end's log names it. */
  LE_MSG_CLOSE_BY_PEER = 2,
  /* The far end, client or server, does not read its messages. */
  LE_MSG_CLOSE_SLOW_READER = 3,
  LE_MSG_CLOSE_KILLED = 4, /* by LE_KILL_CLIENT */
  /* The far end violated the wire format, or has sent a file descriptor that a
   * limit of its user does not allow. */
  LE_MSG_CLOSE_PROTOCOL_ERROR = 5,
  LE_MSG_CLOSE_RECEIVE_LIMIT = 6, /* too much arrived during a blocking call */
                                  /* 7 is not used */
  LE_MSG_CLOSE_SERVICE_DELETED = 8, /* its service was deleted */
  LE_MSG_CLOSE_THREAD_ENDED = 9,    /* its owner's thread ended */
  LE_MSG_CLOSE_SYSTEM = 10          /* a system call failed, or no memory */
} le_msg_CloseReason_t;

/* Returns why the session was closed. A new opening sets the reason to
 * LE_MSG_CLOSE_NONE. Either side. After a send that returned LE_CLOSED there
 * may be no reason yet, see le_msg_TrySend(). */
le_msg_CloseReason_t le_msg_GetCloseReason(le_msg_SessionRef_t sessionRef);

/* The reason as a text, for a log. Valid for the life of the process. */
const char* le_msg_GetCloseReasonTxt(le_msg_CloseReason_t reason);

/* ======== Credentials ======== */

/* Client's side: returns the user ID and the process ID of the server at the
 * time when it accepted the session. The kernel reports them. If root started
 * the server and the server then changed its user, the result is the new user
 * ID. Each pointer may be NULL. LE_CLOSED: the session is not open. Fatal on
 * the server's side.
 *
 * In two cases a session does not open (LE_MSG_WAIT_SERVER_FAULT):
 *  - The kernel does not report the server.
 *  - One user offers the service, and a process of another user accepted the
 *    session.
 *
 * A user namespace may leave users unmapped. All unmapped users have the same
 * number (usually 65534). A process outside this process's PID namespace has
 * the number 0. Grant no rights to these numbers. */
le_result_t le_msg_GetServerUserCreds(le_msg_SessionRef_t sessionRef,
                                      uid_t* userIdPtr, pid_t* processIdPtr);

/* Server's side: returns a pidfd of the client's process. The caller owns it.
 * The pidfd never refers to another process, even if the client has ended and
 * another process has its number.
 *   LE_UNSUPPORTED  the kernel provides no pidfd for the socket (before Linux
 *                   6.5, and over loopback), or no file descriptor is free
 *   LE_CLOSED       the session is closed */
le_result_t le_msg_GetClientPidFd(le_msg_SessionRef_t sessionRef,
                                  int* pidFdPtr);

/* ======== Limits ======== */

/* Flow control (docs/flow-control.md). Messages that the far end has not read
 * yet are queued. When a queue fills:
 *  - Responses are always queued. The notice that the server has released a
 *    request counts as a response. If more than maxGatheredBytes are queued and
 *    the client reads nothing for ten seconds, the session is closed
 *    (LE_MSG_CLOSE_SLOW_READER).
 *  - A server stops reading from a session when more than half of the queue to
 *    its client is used. It reads again when at most a quarter is used.
 *  - A server also stops reading when the session's requests without a response
 *    reach maxOpenRequests or maxRequestBytes. It reads again when less than
 *    half of each of these limits is used.
 *  - While the server does not read, the client's own queue fills, and the
 *    client's sends wait. Nothing is lost.
 *  - A client's le_msg_Send() and requests wait for room. If they wait on the
 *    owner's thread, that thread reads during the wait. It reads all responses,
 *    because the program has asked for them. It reads other messages up to the
 *    session's maxQueuedBytes and maxQueuedFds. Beyond these limits the session
 *    is closed (LE_MSG_CLOSE_RECEIVE_LIMIT).
 *  - But le_msg_Send() and requests do not wait in a handler (of any thread),
 *    nor on the server's own thread. There the messages are gathered: they are
 *    queued up to maxGatheredBytes. Beyond that the session is closed
 *    (LE_MSG_CLOSE_SLOW_READER).
 *  - Another thread that has a service waits only while the server receives.
 *    When the server has received nothing for a second, messages without a file
 *    descriptor are gathered. Beyond maxGatheredBytes the thread waits again.
 *    If the server receives nothing for ten seconds, the session is closed
 *    (LE_MSG_CLOSE_SLOW_READER).
 *  - For a server's le_msg_Send() the service's policy applies. */

/* Structures of limits begin with structSize. The caller sets it to the size of
 * its structure before each call of a setter or a getter. So a program and a
 * library of different versions work together:
 *  - An older program's structure is smaller. A setter treats the missing
 *    members as 0, and a getter does not write them.
 *  - A newer program's structure is larger. A setter ignores the unknown
 *    members, with a warning if they are not 0. A getter sets them to 0.
 * Fatal: structSize is less than sizeof(size_t), or more than 4,096. */

/* The policy for le_msg_Send() on a server when the queue to the client is
 * full. It does not apply to responses. No policy drops the oldest messages:
 * these are in the kernel's socket, from which the server cannot remove them.
 */
typedef enum {
  /* The message is gathered, up to maxGatheredBytes. Beyond that the session is
   * closed. It is also closed if the client has read nothing for a second. */
  LE_MSG_SLOW_READER_CLOSE = 0,
  /* The message is dropped. The log warns of the first, second, fourth, eighth
   * ... drop of a session. */
  LE_MSG_SLOW_READER_DROP = 1
} le_msg_SlowReaderPolicy_t;

/* Limits for the clients of a service. 0 stands for the default, which is in
 * the member's comment. Each queued message counts up to 64 bytes of overhead.
 * The kernel's socket holds some hundreds of kilobytes in addition to a queue.
 * So more than maxQueuedMessages messages may be unread. */
typedef struct {
  size_t structSize; /* sizeof(le_msg_ServiceLimits_t) */
  /* Sessions of the service. Default: 1,048,576. A session that its client has
   * closed counts until the service has received the last messages of the
   * session and the close handlers have returned. So a client that closes its
   * session and opens another at once may be refused. A client that waits asks
   * again after a second. */
  uint32_t maxSessions;

  /* ---- Of each session ---- */

  /* Default: the larger of 1 MiB and two largest messages. */
  size_t maxQueuedBytes;
  uint32_t maxQueuedMessages; /* default: 16,384 */
  uint32_t maxQueuedFds;      /* in queued messages; default: 256 */
  /* Requests without a response. Default and maximum: 65,536. */
  uint32_t maxOpenRequests;
  le_msg_SlowReaderPolicy_t slowReaderPolicy;
  /* Default: the larger of 64 MiB and twice maxQueuedBytes. */
  size_t maxGatheredBytes;
  /* Bytes of requests without a response. Default: 64 MiB. Each request counts
   * its payload and 512 bytes. The request that reaches the limit is still
   * accepted. While the buffers of a protocol have more than 64 MiB, some
   * requests occupy, and count, the size of the protocol's largest message:
   *  - A request whose payload has at least half of that size, or more than
   *    that size minus 2 KiB. It counts that size instead of its payload.
   *  - A shorter request, if the program calls le_msg_GetPayloadPtr() or
   *    le_msg_GetPayloadForWriting() for it. The same applies to
   *    le_msg_GetPayloadForReading() if the sender has set no size. The request
   *    counts that size in addition to its payload. */
  size_t maxRequestBytes;

  /* ---- Of each user, except root and the service's own user ---- */

  /* Sessions. Default: no limit except the following rule, which always
   * applies. A user may open one more session only while the user has fewer
   * sessions than are free. The rule applies to two numbers separately:
   *  - The free sessions of the process. All its services together may have as
   *    many sessions as three quarters of its limit of open files. (Up to 64 of
   *    these sessions are reserved for root and the service's own user.)
   *  - The free sessions of the service: maxSessions minus its sessions. This
   *    number counts only if maxSessions has its default. So if a program sets
   *    maxSessions and not maxSessionsPerUser, one user may take all sessions
   *    of the service.
   * A client that is refused gets the reason LE_MSG_WAIT_SERVICE_FULL. */
  uint32_t maxSessionsPerUser;
  /* File descriptors in messages. This limit applies to two numbers separately:
   * the file descriptors that are queued for the user, and the received ones. A
   * received file descriptor counts until the program fetches it
   * (le_msg_GetFd()) or releases its message. Default: 256.
   *
   * Received file descriptors have a second limit. All services of the process
   * together may hold an eighth of the process's limit of open files. A user
   * may have one more file descriptor only while the user has fewer of them
   * than are free. At either limit, nothing is received from the user's
   * sessions until a counted file descriptor is fetched or released. There are
   * two exceptions:
   *  - The user has no received file descriptor at this service, and the second
   *    limit allows none, because other services or users have them. Then a
   *    session that sends a file descriptor is closed
   *    (LE_MSG_CLOSE_PROTOCOL_ERROR).
   *  - A client has closed its session. Then its last messages are received,
   *    without the file descriptors that exceed a limit. */
  uint32_t maxFdsPerUser;
  /* Bytes. This limit applies to two numbers separately: the bytes of the
   * user's requests without a response, and the bytes that are queued for the
   * user. Each session of the user has an equal part of this limit, and of
   * maxFdsPerUser for queued file descriptors. (The number of parts is a power
   * of two. A part is at least 64 KiB and one file descriptor.) If the part is
   * smaller than the session's own limit above, the part applies.
   * Default: 256 MiB.
   *
   * The limit also bounds a sum over all sessions of the user. The sum has the
   * bytes of requests without a response, and the bytes of messages that have
   * arrived in part. Such a partial message counts as a largest message. When
   * the sum reaches the limit, only the rest of partial messages is received
   * from the user's sessions, until the sum is less than half of the limit. */
  size_t maxBytesPerUser;
} le_msg_ServiceLimits_t;

/* Sets all limits of the service. They apply also to sessions that are open.
 * The owner only. Fatal:
 *  - structSize or slowReaderPolicy has an invalid value.
 *  - maxOpenRequests is above 65,536. */
void le_msg_SetServiceLimits(le_msg_ServiceRef_t serviceRef,
                             const le_msg_ServiceLimits_t* limitsPtr);

/* Returns the limits in force. Set structSize before the call. Any thread. */
void le_msg_GetServiceLimits(le_msg_ServiceRef_t serviceRef,
                             le_msg_ServiceLimits_t* limitsPtr);

/* From now on, new sessions of the service receive no file descriptors from
 * their clients: messages arrive without them. From Linux 6.16 on the kernel
 * refuses a file descriptor, and the client's log says that it could not be
 * sent. With older kernels the library receives the file descriptor and closes
 * it. The call cannot be undone. The owner only.
 *
 * The sender of a file descriptor can make the close of the file descriptor
 * last long. So the library uses threads of its own to close the file
 * descriptors that other users (except root) have sent and the program does not
 * fetch. The program must close each file descriptor that le_msg_GetFd() has
 * returned. */
void le_msg_RefuseServiceFds(le_msg_ServiceRef_t serviceRef);

/* Limits for a client's session. 0 stands for the default, which is in the
 * member's comment. Messages that arrive during a blocking call are delivered
 * after it: maxQueuedBytes and maxQueuedFds also bound these messages, except
 * responses. The kernel's socket holds messages in addition to the queue, as
 * for a service. */
typedef struct {
  size_t structSize; /* sizeof(le_msg_SessionLimits_t) */
  /* Default: the larger of 1 MiB and two largest messages. */
  size_t maxQueuedBytes;
  uint32_t maxQueuedMessages; /* default: 16,384 */
  uint32_t maxQueuedFds;      /* default: 256 */
  /* Requests to which the server has not responded. They include requests that
   * were cancelled or have timed out. Default and maximum: 65,536. */
  uint32_t maxOpenRequests;
  /* Default: the larger of 64 MiB and twice maxQueuedBytes. */
  size_t maxGatheredBytes;
} le_msg_SessionLimits_t;

/* Sets all limits of a client's session, open or closed. The session's owner
 * only. Fatal:
 *  - This is the server's side.
 *  - structSize has an invalid value.
 *  - maxOpenRequests is above 65,536. */
void le_msg_SetSessionLimits(le_msg_SessionRef_t sessionRef,
                             const le_msg_SessionLimits_t* limitsPtr);

/* Returns the limits in force. Set structSize before the call. Any thread.
 * Fatal: the server's side. */
void le_msg_GetSessionLimits(le_msg_SessionRef_t sessionRef,
                             le_msg_SessionLimits_t* limitsPtr);

/* Sets how many messages of a protocol the process makes in advance. The pool
 * grows when needed, and a smaller number does not shrink it. Above ten times
 * this number a warning is logged, because the program may have forgotten to
 * release messages. If no number is set, the warning is logged above 100,000
 * messages. */
void le_msg_SetProtocolPoolSize(le_msg_ProtocolRef_t protocolRef,
                                size_t messages);

#ifdef __cplusplus
}
#endif

#endif /* LE_MESSAGING_EXT_H_INCLUDE_GUARD */
