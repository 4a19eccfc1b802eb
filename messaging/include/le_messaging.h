/* Copyright 2026 The le_messaging Authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * le_messaging.h: messages between processes of one machine.
 *
 *     client process                                    server process
 *   +----------------+      1. "open 'weather'"      +------------------+
 *   |    session ----|---------> directory <---------|---- service      |
 *   |  'weather'     |           (bindings)  0. offer|   'forecast'     |
 *   |                |               | 2. introduces |                  |
 *   |    session <===|======= 3. messages ==========>|==== session      |
 *   +----------------+                               +------------------+
 *
 * WORDS
 *   protocol     an identifier and the size of the largest message; both sides
 *                must state the same.
 *   interface    a name on one side: a client interface or a server interface.
 *   service      a server interface that is offered.
 *   binding      (client user, client interface) -> (server user, service), in
 *                the directory. Without a binding there is no session.
 *   session      one client's conversation with one service.
 *   message      a payload buffer of the protocol's size, and at most one file
 *                descriptor in each direction.
 *   transaction  a request and its one completion: the response, or NULL.
 *
 * WHICH THREAD CALLS ME
 *   A session belongs to the thread that created it, a service and its sessions
 *   to the thread that created the service: their owner. Every handler runs on
 *   its owner's event loop, one at a time, and never inside a call of this API.
 *   A thread that runs no loop gets no handlers called. A handler may call
 *   anything here, and may close or delete its own session or service.
 *
 *   any thread     create, address, send, request, respond, release messages;
 *                  every getter
 *   the owner only open, close, delete, set, add and remove handlers, advertise,
 *                  hide, synchronous requests (elsewhere: fatal)
 *
 * WHEN A THREAD ENDS
 *   It first closes the sessions and services that it owns, and delivers what
 *   that owes: completions with NULL, and a service's close handlers. From then
 *   on none of them opens or is offered again. A request that one of these
 *   handlers makes completes with NULL; if its handler keeps asking again, the
 *   eighth time in a row is the last. The thread's destructors come after that,
 *   and may still delete sessions and services; what they leave is then deleted.
 *   A later request of another thread, with a message that it has kept, is
 *   released and its handler is not called: there is no thread to call it.
 *
 * WHO OWNS A MESSAGE
 *   le_msg_CreateMsg() gives one reference to the caller. Send, RequestResponse,
 *   RequestSyncResponse and Respond take one. A receive handler, a response
 *   handler and RequestSyncResponse give one, which must end in Release, Respond
 *   or Send. A descriptor that was set belongs to the message.
 *
 * WHAT IS FATAL
 *   Misuse by the caller, where a comment says so: it is logged with the name of
 *   the function, and the process ends with EXIT_FAILURE. A NULL reference is
 *   fatal everywhere. Nothing that the other side does is fatal, but for two
 *   cases: a protocol mismatch when a client opens a session, and a session that
 *   the far end closes while the client has no close handler.
 *
 * After fork() the child may only exec or _exit; any call here is fatal in it.
 * Thread-safe, not async-signal-safe. No thread is started, no signal touched.
 */

#ifndef LE_MESSAGING_H_INCLUDE_GUARD
#define LE_MESSAGING_H_INCLUDE_GUARD

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "le_basics.h"
#include "le_mem.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- References. Opaque; NULL is never a valid one. ---- */

typedef struct le_msg_Protocol* le_msg_ProtocolRef_t;
typedef struct le_msg_Interface* le_msg_InterfaceRef_t;
typedef struct le_msg_Service* le_msg_ServiceRef_t;
typedef struct le_msg_ClientInterface* le_msg_ClientInterfaceRef_t;
typedef struct le_msg_Session* le_msg_SessionRef_t;
typedef struct le_msg_Message* le_msg_MessageRef_t;
typedef struct le_msg_SessionEventHandler* le_msg_SessionEventHandlerRef_t;

/* ---- Handlers ---- */

/* Something has happened to a session: it opened, or it closed. */
typedef void (*le_msg_SessionEventHandler_t)(le_msg_SessionRef_t sessionRef,
                                             void* contextPtr);

/* A message has come, which the handler now owns. */
typedef void (*le_msg_ReceiveHandler_t)(le_msg_MessageRef_t msgRef,
                                        void* contextPtr);

/* A transaction is complete: with its response, which the handler now owns, or
 * with NULL if there will be none. */
typedef void (*le_msg_ResponseCallback_t)(le_msg_MessageRef_t msgRef,
                                          void* contextPtr);

/* ======== Protocols ======== */

/* The protocol of that identifier (1 to 127 bytes) and largest message (bytes, at
 * most 16 MiB). The same two give the same reference, on any thread; it is valid
 * for the life of the process. Fatal: NULL, an empty or over-long identifier, a
 * size over the limit, an identifier that already stands for another size. */
le_msg_ProtocolRef_t le_msg_GetProtocolRef(const char* protocolId,
                                           size_t largestMsgSize);

/* The identifier, valid for the life of the process. */
const char* le_msg_GetProtocolIdStr(le_msg_ProtocolRef_t protocolRef);

/* The largest message, in bytes. */
size_t le_msg_GetProtocolMaxMsgSize(le_msg_ProtocolRef_t protocolRef);

/* ======== Sessions: the client's side ======== */

/* A closed session, owned by the calling thread. Does nothing outside this
 * process. The name (1 to 127 printable ASCII characters, no blank, none of
 * < > # *) is copied; several sessions may have the same. Fatal: a bad name. */
le_msg_SessionRef_t le_msg_CreateSession(le_msg_ProtocolRef_t protocolRef,
                                         const char* interfaceName);

/* Closes the session if need be and lets go of it. Transactions that are pending
 * complete with NULL, by the loop, afterwards. No close handler is called.
 * Messages of the session stay valid until they are released. Fatal on the
 * server's side. */
void le_msg_DeleteSession(le_msg_SessionRef_t sessionRef);

/* Who gets messages of the server that answer no request. Replaces the former
 * handler; NULL: they are released, with one warning. Client's side only. */
void le_msg_SetSessionRecvHandler(le_msg_SessionRef_t sessionRef,
                                  le_msg_ReceiveHandler_t handlerFunc,
                                  void* contextPtr);

/* Who is told that the far end closed the session or died; never called for
 * one's own close. When it is called the session is closed already: it may be
 * opened again, kept or deleted. Without one the process ends instead. Client's
 * side only. */
void le_msg_SetSessionCloseHandler(le_msg_SessionRef_t sessionRef,
                                   le_msg_SessionEventHandler_t handlerFunc,
                                   void* contextPtr);

/* What le_msg_SetSessionCloseHandler() was given. Each pointer may be NULL. */
void le_msg_GetSessionCloseHandler(le_msg_SessionRef_t sessionRef,
                                   le_msg_SessionEventHandler_t* handlerFuncPtr,
                                   void** contextPtrPtr);

/* Opens the session: waits for the directory, a binding and the service, in
 * whatever order they come, and survives their restarts. Returns at once; the
 * callback (may be NULL) is called when the session is open, not if it is closed
 * before. Fatal: the session is open or being opened. A service of another
 * protocol ends the process. */
void le_msg_OpenSession(le_msg_SessionRef_t sessionRef,
                        le_msg_SessionEventHandler_t callbackFunc,
                        void* contextPtr);

/* The same, but blocks until the session is open. Other sessions' events wait. */
void le_msg_OpenSessionSync(le_msg_SessionRef_t sessionRef);

/* Opens the session if that can be done now. Blocks only for the server's process
 * to take the session (for a bound on that: le_msg_TryOpenSessionSyncTimed()).
 *   LE_OK             it is open
 *   LE_NOT_FOUND      bound, but the service is not offered now
 *   LE_NOT_PERMITTED  there is no binding
 *   LE_COMM_ERROR     there is no directory, or none that can be trusted
 * After a failure the session is closed, and can be tried again. */
le_result_t le_msg_TryOpenSessionSync(le_msg_SessionRef_t sessionRef);

/* ======== Sessions: both sides ======== */

/* Client: closes the session; pending transactions complete with NULL, by the
 * loop; a closed one is left alone; it can be opened again. Server: closes and
 * deletes the session; the service's close handlers are called, by the loop. */
void le_msg_CloseSession(le_msg_SessionRef_t sessionRef);

/* A pointer of the user's that goes with the session. NULL until set. */
void le_msg_SetSessionContextPtr(le_msg_SessionRef_t sessionRef,
                                 void* contextPtr);
void* le_msg_GetSessionContextPtr(le_msg_SessionRef_t sessionRef);

/* The protocol and the interface of this side; valid as long as the session. */
le_msg_ProtocolRef_t le_msg_GetSessionProtocol(le_msg_SessionRef_t sessionRef);
le_msg_InterfaceRef_t le_msg_GetSessionInterface(
    le_msg_SessionRef_t sessionRef);

/* Name and protocol of an interface; the name is valid as long as it is. */
const char* le_msg_GetInterfaceName(le_msg_InterfaceRef_t interfaceRef);
le_msg_ProtocolRef_t le_msg_GetInterfaceProtocol(
    le_msg_InterfaceRef_t interfaceRef);

/* Server's side: the user and the process at the far end, by the kernel's word, as
 * of the moment when the client asked for the session. Either pointer may be
 * NULL. LE_CLOSED once the session is closed; but the service's close handlers
 * still get LE_OK. Fatal on the client's side. */
le_result_t le_msg_GetClientUserCreds(le_msg_SessionRef_t sessionRef,
                                      uid_t* userIdPtr, pid_t* processIdPtr);
le_result_t le_msg_GetClientUserId(le_msg_SessionRef_t sessionRef,
                                   uid_t* userIdPtr);
le_result_t le_msg_GetClientProcessId(le_msg_SessionRef_t sessionRef,
                                      pid_t* processIdPtr);

/* ======== Messages ======== */

/* A message for that session, open or not, with a payload of zeros. Never fails
 * and never blocks. */
le_msg_MessageRef_t le_msg_CreateMsg(le_msg_SessionRef_t sessionRef);

/* One reference more. */
void le_msg_AddRef(le_msg_MessageRef_t msgRef);

/* One reference less. The last one frees the message and closes a descriptor that
 * is still in it. If it was a request that owed a response, its client's
 * transaction completes with NULL; the session lives on. */
void le_msg_ReleaseMsg(le_msg_MessageRef_t msgRef);

/* Whether this is a request that has come and has not been responded to. */
bool le_msg_NeedsResponse(le_msg_MessageRef_t msgRef);

/* The payload: aligned for any type, le_msg_GetMaxPayloadSize() bytes, at the same
 * place for the life of the message. What was not sent reads as zero. */
void* le_msg_GetPayloadPtr(le_msg_MessageRef_t msgRef);

/* The protocol's largest message, in bytes. */
size_t le_msg_GetMaxPayloadSize(le_msg_MessageRef_t msgRef);

/* Puts a descriptor into the message, which owns it from now on: it is closed on
 * this side when it has been sent, or with the message. In a received request it
 * is the response's, and leaves the request's own to le_msg_GetFd(). Do not send
 * descriptors of directories: they lead out of a chroot. -1: none, the call does
 * nothing. Fatal: any other number that is no descriptor of this process; a second
 * one. */
void le_msg_SetFd(le_msg_MessageRef_t msgRef, int fd);

/* Hands over the descriptor that came with the message (close-on-exec is set), once;
 * -1 if there is none, or it has been handed over. */
int le_msg_GetFd(le_msg_MessageRef_t msgRef);

/* Sends the message and takes the caller's reference. On a session that is not open
 * it is dropped. Outside a handler it leaves at once; within one, the first
 * message of a session leaves at once and what follows leaves together, before
 * the loop waits. When the queue is full: a client waits for room, unless the
 * server is on the same thread; on a server the service's policy applies, by
 * default the session is closed. */
void le_msg_Send(le_msg_MessageRef_t msgRef);

/* The session of the message; valid as long as the message is held. */
le_msg_SessionRef_t le_msg_GetSession(le_msg_MessageRef_t msgRef);

/* ======== Transactions ======== */

/* Sends a request and takes the caller's reference. The handler is called exactly
 * once, by the loop of the session's owner: with the response, or with NULL if
 * the session is or gets closed, by whichever side, if the server dies, or if it
 * releases the request. A NULL handler: the response is released. Fatal on the
 * server's side. */
void le_msg_RequestResponse(le_msg_MessageRef_t msgRef,
                            le_msg_ResponseCallback_t handlerFunc,
                            void* contextPtr);

/* Sends a request, takes the caller's reference and blocks for the response, which
 * the caller then owns; NULL for the same reasons as above, and at once if the
 * server is on this very thread. What else comes meanwhile is delivered later, in
 * order. Fatal on the server's side. */
le_msg_MessageRef_t le_msg_RequestSyncResponse(le_msg_MessageRef_t msgRef);

/* Sends the request message back as the response, with the payload and the
 * descriptor that it has now, and takes the caller's reference. Any thread. If
 * the session has been closed meanwhile, it is quietly released. A message that
 * was sent without asking for a response is released too, with an error in the
 * log: a client cannot end a server by how it sends. Fatal: the request has been
 * responded to already. */
void le_msg_Respond(le_msg_MessageRef_t msgRef);

/* ======== Services ======== */

/* A hidden service, owned by the calling thread. The name as in
 * le_msg_CreateSession(). Fatal: a bad name; a name that a service of this process
 * has already. */
le_msg_ServiceRef_t le_msg_CreateService(le_msg_ProtocolRef_t protocolRef,
                                         const char* interfaceName);

/* Hides the service, closes all its sessions and lets go of it. Its close handlers are
 * called afterwards, by the loop, for each session that it has been told of (its open
 * handlers have been called, or would have been): their context must live until
 * then. */
void le_msg_DeleteService(le_msg_ServiceRef_t serviceRef);

/* Further handlers for sessions that open (called before the first message of the
 * session) and that close (called once, whoever closed it). The last added is called
 * first. A session's reference is valid until its close handlers have returned, and
 * after that for as long as a message of it is held: to push later, from any thread,
 * keep one. Fatal: a NULL handler. */
le_msg_SessionEventHandlerRef_t le_msg_AddServiceOpenHandler(
    le_msg_ServiceRef_t serviceRef, le_msg_SessionEventHandler_t handlerFunc,
    void* contextPtr);
le_msg_SessionEventHandlerRef_t le_msg_AddServiceCloseHandler(
    le_msg_ServiceRef_t serviceRef, le_msg_SessionEventHandler_t handlerFunc,
    void* contextPtr);

/* Takes one of them back. May be called in a handler. Fatal: twice. */
void le_msg_RemoveServiceHandler(le_msg_SessionEventHandlerRef_t handlerRef);

/* Who gets the messages of all sessions of the service. Replaces the former handler;
 * NULL: they are released, with a warning. */
void le_msg_SetServiceRecvHandler(le_msg_ServiceRef_t serviceRef,
                                  le_msg_ReceiveHandler_t handlerFunc,
                                  void* contextPtr);

/* A pointer of the user's that goes with the service. NULL until set. */
void le_msg_SetServiceContextPtr(le_msg_ServiceRef_t serviceRef,
                                 void* contextPtr);
void* le_msg_GetServiceContextPtr(le_msg_ServiceRef_t serviceRef);

/* Makes the service findable, now and after each restart of the directory, until it
 * is hidden. Clients that wait are served in the order in which they came. If
 * another process offers the same, this one stands by and takes over. No-op if
 * it is advertised. */
void le_msg_AdvertiseService(le_msg_ServiceRef_t serviceRef);

/* No new sessions from now on; the open ones live on. No-op if it is hidden. */
void le_msg_HideService(le_msg_ServiceRef_t serviceRef);

/* The message whose service receive handler is running on this thread, else NULL. No
 * reference is added: it is valid for as long as the handler holds the message. */
le_msg_MessageRef_t le_msg_GetServiceRxMsg(void);

/* Inside a service's receive handler: logs the reason (as by printf) at emergency
 * level, closes the session of the message at hand, and returns. The message is
 * still to be released or responded to. Elsewhere: fatal. */
#define LE_KILL_CLIENT(...)          \
  do {                               \
    le_msg_KillClient_(__VA_ARGS__); \
  } while (0)

/* For LE_KILL_CLIENT. */
void le_msg_KillClient_(const char* format, ...)
    __attribute__((format(printf, 1, 2)));

/* ======== Local services ======== */

/* A service and its clients within one process: no directory, no binding. Once a
 * session is made, all that is said above holds. */

/* Statically allocated by the user, filled in by le_msg_InitLocalService(). */
typedef struct le_msg_LocalService {
  le_msg_ServiceRef_t serviceRef; /* private */
} le_msg_LocalService_t;

/* Bytes of a pool's block that are not payload. */
#define LE_MSG_LOCAL_HEADER_SIZE 64

/* Makes a hidden service of the calling thread. The largest message is the pool's
 * block less LE_MSG_LOCAL_HEADER_SIZE. Its interface has the name that is given, which
 * other services may have too. Fatal: NULL; a bad name; a block that is too small, or
 * too large for a message of 16 MiB at most; a local service that is there already. */
le_msg_ServiceRef_t le_msg_InitLocalService(
    le_msg_LocalService_t* localServicePtr, const char* serviceName,
    le_mem_PoolRef_t messagingPoolRef);

/* A closed session with that service, owned by the calling thread. Fatal: the service
 * has not been initialized. */
le_msg_SessionRef_t le_msg_CreateLocalSession(
    le_msg_LocalService_t* localServicePtr);

#ifdef __cplusplus
}
#endif

#endif /* LE_MESSAGING_H_INCLUDE_GUARD */
