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
 *   protocol     an identifier and the size of the largest message. Both sides
 *                must use the same identifier and the same size.
 *   interface    a name and a protocol on one side: a client interface or a
 *                service.
 *   service      an interface that a server offers to clients.
 *   binding      a line of the directory's bindings file:
 *                (client user, client interface) -> (server user, service).
 *                Without a binding no session opens.
 *   session      the connection between one client interface and one service.
 *   message      a payload buffer of the protocol's size, at most one received
 *                file descriptor, and at most one file descriptor to send.
 *   transaction  a request and its completion: the response, or NULL.
 *
 * THREADS
 *   A client's session belongs to the thread that created it: its owner. A
 *   service and its sessions belong to the thread that created the service.
 *   Every handler runs on the event loop of the owner, one at a time, and never
 *   inside a call of this API. If a thread runs no loop, its handlers are
 *   called only at its end (see WHEN A THREAD ENDS). A handler may call every
 *   function here, and may close or delete its own session or service. It may
 *   end its thread by le_thread_Exit(). A C++ exception must not leave a
 *   handler: this is fatal.
 *
 *   any thread     create, send and release messages; make asynchronous
 *                  requests and respond; set context pointers; every getter.
 *                  Only one thread at a time may use a message.
 *   the owner only open, close, delete, advertise, hide; set, add and remove
 *                  handlers; synchronous requests (on another thread: fatal)
 *
 * WHEN A THREAD ENDS
 *   1. The library closes the thread's sessions and services. Pending
 *      transactions complete with NULL, and the close handlers of the services
 *      are called. From now on these sessions cannot be opened and these
 *      services cannot be offered. A request that one of these handlers makes
 *      completes with NULL. The handler of that request may make another
 *      request, and so on. After eight such rounds no handler is called any
 *      more.
 *   2. The thread's destructors run. They may still use and delete the thread's
 *      sessions and services. A request that a destructor makes is released.
 *      The handler of the request is not called, because the thread runs no
 *      loop any more. A blocking request returns NULL. A warning is logged. (A
 *      function with a timeout logs nothing, because it reports LE_CLOSED.)
 *   3. Sessions and services that are not deleted stay valid and closed. Any
 *      thread may query and delete them. Beyond 1,024 of them in a process, the
 *      oldest are deleted. A message that another thread holds keeps its
 *      session valid. A request on such a session is released as in 2.
 *
 * OWNERSHIP OF MESSAGES
 *   The program gets one reference of a message:
 *    - as the result of CreateMsg and of RequestSyncResponse
 *    - in a receive handler and in a response handler
 *    - by AddRef
 *   Five functions take one reference: Send, RequestResponse,
 *   RequestSyncResponse, Respond and ReleaseMsg. The functions of
 *   le_messaging_ext.h that send a message take one too. (le_msg_TrySend() has
 *   an exception.) The program must pass each reference to one of these
 *   functions. It must not use a reference that was taken. It must not use the
 *   payload after the last reference was taken. A file descriptor belongs to
 *   the message after le_msg_SetFd().
 *
 *   A build of the library without NDEBUG detects nearly every use of a stale
 *   reference of a message, session or service (fatal). With NDEBUG this use is
 *   undefined. Sessions of a server are an exception, because the client
 *   decides when a session ends. In every build, a stale reference of such a
 *   session refers to a closed session until the service is deleted. On a
 *   32-bit machine, the values of references repeat: after 131,072 new sessions
 *   or 16,384 new services, a stale reference may refer to a new session or
 *   service. A build with AddressSanitizer also detects the use of a payload
 *   after its release or beyond its end.
 *
 * WHAT IS FATAL
 *   Misuse by the caller is fatal where a comment says so: the library logs it
 *   with the name of the function, and the process ends with EXIT_FAILURE. With
 *   LE_ABORT_ON_FATAL=1 in the environment the process calls abort(), which
 *   leaves a core dump. A NULL reference is always fatal. A NULL pointer to
 *   limits or for a result is fatal where no comment permits NULL.
 *
 *   Two shortages are also fatal:
 *    - No memory is left for a function that creates an object, opens a
 *      session, offers a service, adds a handler, returns a payload or sends a
 *      message.
 *    - No file descriptor is left for a thread that creates its first session,
 *      service or event loop.
 *   The far end can cause a fatal error in two cases only:
 *    - A client opens a session by a function of this header, and the service
 *      has another protocol.
 *    - A client's session is closed, but not by its program, and has no close
 *      handler (see le_msg_SetSessionCloseHandler()).
 *
 * FORK
 *   After the process has used the library, the child of fork() may only exec
 *   or _exit. Any call of this API is fatal in the child. The child inherits
 *   the parent's connections, which are close-on-exec. A close in the parent
 *   still takes effect at once: the far end is notified of it. But if the
 *   parent ends without a close, the far end is notified when the child ends or
 *   execs.
 *
 * No function is async-signal-safe. The functions change no signal handler and
 * no signal mask of the program. The library starts threads for one purpose
 * only: to close file descriptors that other processes have sent (see
 * le_msg_RefuseServiceFds() in le_messaging_ext.h).
 */

#ifndef LE_MESSAGING_H_INCLUDE_GUARD
#define LE_MESSAGING_H_INCLUDE_GUARD

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "le_basics.h"
#include "le_mem.h"
#include "le_semaphore.h"
#include "le_thread.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- References. They are opaque, and NULL is never valid. ---- */

typedef struct le_msg_Protocol* le_msg_ProtocolRef_t;
typedef struct le_msg_Interface* le_msg_InterfaceRef_t;
typedef struct le_msg_Service* le_msg_ServiceRef_t;
typedef struct le_msg_ClientInterface* le_msg_ClientInterfaceRef_t;
typedef struct le_msg_Session* le_msg_SessionRef_t;
typedef struct le_msg_Message* le_msg_MessageRef_t;
typedef struct le_msg_SessionEventHandler* le_msg_SessionEventHandlerRef_t;

/* ---- Handlers ---- */

/* The session has opened, has closed, or has room in its queue. */
typedef void (*le_msg_SessionEventHandler_t)(le_msg_SessionRef_t sessionRef,
                                             void* contextPtr);

/* A message has arrived. The handler owns it. */
typedef void (*le_msg_ReceiveHandler_t)(le_msg_MessageRef_t msgRef,
                                        void* contextPtr);

/* A transaction is complete. The message is the response, which the handler
 * owns, or NULL if no response will arrive. */
typedef void (*le_msg_ResponseCallback_t)(le_msg_MessageRef_t msgRef,
                                          void* contextPtr);

/* ======== Protocols ======== */

/* Returns the protocol with this identifier (1 to 127 bytes) and this largest
 * message (in bytes, at most 16 MiB). Calls with the same identifier and size
 * return the same reference, on any thread. The reference is valid for the life
 * of the process. Fatal:
 *  - The identifier is NULL, empty or too long.
 *  - The size is over the limit.
 *  - The identifier was used with another size. */
le_msg_ProtocolRef_t le_msg_GetProtocolRef(const char* protocolId,
                                           size_t largestMsgSize);

/* The identifier, valid for the life of the process. */
const char* le_msg_GetProtocolIdStr(le_msg_ProtocolRef_t protocolRef);

/* The largest message, in bytes. */
size_t le_msg_GetProtocolMaxMsgSize(le_msg_ProtocolRef_t protocolRef);

/* ======== Sessions: the client's side ======== */

/* Creates a closed session. The calling thread owns it. No other process is
 * contacted yet. The name has 1 to 127 printable ASCII characters, no blank and
 * none of < > # *. It is copied. Several sessions may have the same name.
 * Fatal: a bad name. */
le_msg_SessionRef_t le_msg_CreateSession(le_msg_ProtocolRef_t protocolRef,
                                         const char* interfaceName);

/* Closes the session if it is open, and releases it. Pending transactions
 * complete with NULL later, from the loop. No close handler is called. Messages
 * of the session stay valid until they are released. Messages that the server
 * has not received yet may be lost, see le_msg_CloseSession(). Fatal on the
 * server's side. */
void le_msg_DeleteSession(le_msg_SessionRef_t sessionRef);

/* Sets the handler of the server's messages, except responses. Replaces the
 * former handler. NULL: the library releases these messages and logs one
 * warning. Client's side only. */
void le_msg_SetSessionRecvHandler(le_msg_SessionRef_t sessionRef,
                                  le_msg_ReceiveHandler_t handlerFunc,
                                  void* contextPtr);

/* Sets the handler that is called after a close that the program did not ask
 * for:
 *  - The far end closed the session or died.
 *  - The library closed the session because of a limit or an error.
 * le_msg_GetCloseReason() says why. The handler is not called for a close by
 * the program, nor at the end of the thread. The session is closed when the
 * handler is called. The handler may open the session again, keep it or delete
 * it. If no close handler is set, the process ends instead. Client's side only.
 */
void le_msg_SetSessionCloseHandler(le_msg_SessionRef_t sessionRef,
                                   le_msg_SessionEventHandler_t handlerFunc,
                                   void* contextPtr);

/* Returns the handler and the context of le_msg_SetSessionCloseHandler(). Each
 * of the two result pointers may be NULL. Client's side only. */
void le_msg_GetSessionCloseHandler(le_msg_SessionRef_t sessionRef,
                                   le_msg_SessionEventHandler_t* handlerFuncPtr,
                                   void** contextPtrPtr);

/* Opens the session. Returns at once. The opening waits for the directory, a
 * binding and the service, in any order. It continues after a restart of the
 * directory or the server. The callback (may be NULL) is called when the
 * session is open. It is not called if the session is closed before that.
 * Fatal: the session is open or being opened; the service has another protocol.
 */
void le_msg_OpenSession(le_msg_SessionRef_t sessionRef,
                        le_msg_SessionEventHandler_t callbackFunc,
                        void* contextPtr);

/* As le_msg_OpenSession(), but blocks until the session is open. No handler of
 * this thread is called during the wait. If the owner's thread is ending,
 * returns at once, and the session stays closed. */
void le_msg_OpenSessionSync(le_msg_SessionRef_t sessionRef);

/* Opens the session if the service is offered now. First blocks until the
 * directory has answered, for 5 s at most. Then blocks until the server's
 * process has accepted the session, without a limit.
 * (le_msg_TryOpenSessionSyncTimed() has a deadline for both.)
 *   LE_OK             the session is open
 *   LE_NOT_FOUND      there is a binding, but the service is not offered now
 *   LE_NOT_PERMITTED  there is no binding
 *   LE_BUSY           the service accepts no more sessions, in total or of this
 *                     user
 *   LE_COMM_ERROR     one of these causes (see le_msg_GetWaitReason()):
 *                     - there is no directory
 *                     - the directory is not trusted
 *                     - the directory does not answer within 5 s
 *                     - a limit of the directory is reached
 *                     - the directory or the server ends during the call
 *                     - the server or the directory has another version of
 *                       the library's wire format
 *                     - the server violates the wire format
 *                     - a system call fails (for example: no file descriptor
 *                       is left)
 *   LE_CLOSED         the owner's thread is ending
 * After a failure the session is closed. It may be opened again.
 * Fatal: the session is open or being opened; the service has another protocol.
 */
le_result_t le_msg_TryOpenSessionSync(le_msg_SessionRef_t sessionRef);
/* If the service is not offered now, Legato's function returns LE_UNAVAILABLE
 * instead of LE_NOT_FOUND. The code that Legato's generator (ifgen) writes
 * relies on LE_UNAVAILABLE. LE_MSG_TRY_OPEN_AS_LEGATO is defined only for the
 * compilation of this code, for example by le_api_component
 * (bazel/api_component.bzl). */
#ifdef LE_MSG_TRY_OPEN_AS_LEGATO
#define le_msg_TryOpenSessionSync le_msg_TryOpenSessionSyncAsLegato_
#endif
le_result_t le_msg_TryOpenSessionSyncAsLegato_(le_msg_SessionRef_t sessionRef);

/* ======== Sessions: both sides ======== */

/* Client: closes the session. Pending transactions complete with NULL later,
 * from the loop. No-op if the session is closed. The session may be opened
 * again. The close loses the messages that are still queued at this end, and
 * those that this end has not received yet. It may lose sent messages that the
 * server has not received yet. A client that must lose no message makes a
 * synchronous request before the close. The server handles the messages of a
 * session in order. So when the server responds, it has received all earlier
 * messages.
 *
 * Server: closes and deletes the session. The service's close handlers are
 * called later, from the loop. Messages that are still queued at this end are
 * lost, and a warning is logged. The client may still receive the messages that
 * were sent before. The end of the service or of the process has the same
 * effect. A server that must lose no message closes the session after its
 * client has confirmed the last message. */
void le_msg_CloseSession(le_msg_SessionRef_t sessionRef);

/* A pointer for the program's own use. NULL until it is set. */
void le_msg_SetSessionContextPtr(le_msg_SessionRef_t sessionRef,
                                 void* contextPtr);
void* le_msg_GetSessionContextPtr(le_msg_SessionRef_t sessionRef);

/* The protocol and the interface of this side. Valid for the life of the
 * session. */
le_msg_ProtocolRef_t le_msg_GetSessionProtocol(le_msg_SessionRef_t sessionRef);
le_msg_InterfaceRef_t le_msg_GetSessionInterface(
    le_msg_SessionRef_t sessionRef);

/* The name and the protocol of an interface. The name is valid for the life of
 * the interface. */
const char* le_msg_GetInterfaceName(le_msg_InterfaceRef_t interfaceRef);
le_msg_ProtocolRef_t le_msg_GetInterfaceProtocol(
    le_msg_InterfaceRef_t interfaceRef);

/* Server's side: returns the user ID and the process ID of the client at the
 * time when it asked for the session. The kernel reports them. Each pointer may
 * be NULL. LE_CLOSED: the session is closed. (In the service's close handlers
 * the result is still LE_OK.) Fatal on the client's side.
 *
 * A user namespace may leave users unmapped. All unmapped users have the same
 * number (usually 65534). A process outside this process's PID namespace has
 * the number 0. Grant no rights to these numbers. */
le_result_t le_msg_GetClientUserCreds(le_msg_SessionRef_t sessionRef,
                                      uid_t* userIdPtr, pid_t* processIdPtr);
le_result_t le_msg_GetClientUserId(le_msg_SessionRef_t sessionRef,
                                   uid_t* userIdPtr);
le_result_t le_msg_GetClientProcessId(le_msg_SessionRef_t sessionRef,
                                      pid_t* processIdPtr);

/* ======== Messages ======== */

/* Creates a message for the session. The session may be closed. The payload is
 * zero-filled. Never blocks. Fatal: no memory. */
le_msg_MessageRef_t le_msg_CreateMsg(le_msg_SessionRef_t sessionRef);

/* Adds a reference. */
void le_msg_AddRef(le_msg_MessageRef_t msgRef);

/* Releases a reference. The last release frees the message and closes the file
 * descriptors that are still in it. If a request is freed before the server has
 * responded to it, the client's transaction completes with NULL. The session
 * stays open. */
void le_msg_ReleaseMsg(le_msg_MessageRef_t msgRef);

/* Returns whether this is a received request that has no response yet. */
bool le_msg_NeedsResponse(le_msg_MessageRef_t msgRef);

/* The payload: le_msg_GetMaxPayloadSize() bytes, aligned for any type. The
 * address stays the same for the life of the message. Bytes of a received
 * message that its sender did not send are zero. */
void* le_msg_GetPayloadPtr(le_msg_MessageRef_t msgRef);

/* The protocol's largest message, in bytes. */
size_t le_msg_GetMaxPayloadSize(le_msg_MessageRef_t msgRef);

/* Attaches a file descriptor to the message. The message owns it: it is closed
 * on this side after it has been sent, or when the message is freed. If the
 * message is a received request, the file descriptor is sent with the response,
 * and le_msg_GetFd() still returns the file descriptor of the request. Do not
 * send the file descriptor of a folder: with it the receiver can leave a
 * chroot. No-op for a negative number, such as -1 or an error code. Fatal:
 *  - `fd` is 0 or more, and is not a file descriptor of this process.
 *  - The message already has a file descriptor of le_msg_SetFd(). */
void le_msg_SetFd(le_msg_MessageRef_t msgRef, int fd);

/* Returns the file descriptor that arrived with the message. The caller owns
 * it. Close-on-exec is set. -1: the message arrived without one, or an earlier
 * call has returned it. */
int le_msg_GetFd(le_msg_MessageRef_t msgRef);

/* Sends the message and takes the caller's reference. If the session is not
 * open, the message is dropped; on a client this is logged. When the function
 * returns, the message may still be on its way to the far end, see
 * le_msg_CloseSession().
 *
 * Each message is sent at once, with one exception: the owner's handlers may
 * send several messages of a session in one turn of the loop. Then the first is
 * sent at once, and the others together, at the latest at the end of the turn.
 *
 * If the queue is full:
 *  - A client waits for room. But in a handler, or if the server is on the same
 *    thread, it does not wait, and the message is gathered. A thread that has
 *    a service does not wait for a server that receives nothing: after 1 s,
 *    messages without a file descriptor are gathered.
 *  - On a server the service's policy applies. By default the message is
 *    gathered.
 * Gathered messages are queued up to a second, larger limit. Beyond it a sender
 * that does not wait loses its session. See Limits in le_messaging_ext.h. */
void le_msg_Send(le_msg_MessageRef_t msgRef);

/* The session of the message. The reference is valid while the caller holds the
 * message. */
le_msg_SessionRef_t le_msg_GetSession(le_msg_MessageRef_t msgRef);

/* ======== Transactions ======== */

/* Sends a request and takes the caller's reference. Waits for room as
 * le_msg_Send() does. The handler is called exactly once, from the loop of the
 * session's owner (exceptions: le_msg_DropSession(), and the cases of WHEN A
 * THREAD ENDS). It gets the response, or NULL in one of these cases:
 *  - The session is closed, by either side, before or after the call.
 *  - The server dies or releases the request.
 *  - The session has too many open requests (maxOpenRequests in
 *    le_messaging_ext.h).
 * If the handler is NULL, the response is released. Fatal on the server's side.
 */
void le_msg_RequestResponse(le_msg_MessageRef_t msgRef,
                            le_msg_ResponseCallback_t handlerFunc,
                            void* contextPtr);

/* Sends a request, takes the caller's reference and blocks until the response
 * arrives. The caller owns the response. Returns NULL in the cases that
 * le_msg_RequestResponse() lists. Also returns NULL, at once and with a log
 * line, if the server is on the calling thread. No handler of this thread is
 * called during the wait. Other messages of the session that arrive during the
 * wait are delivered later, in order. Fatal on the server's side. */
le_msg_MessageRef_t le_msg_RequestSyncResponse(le_msg_MessageRef_t msgRef);

/* Sends the request message back as the response, with its present payload and
 * the file descriptor of le_msg_SetFd(). Takes the caller's reference. Any
 * thread. If the session is closed, the message is released. If the client
 * requested no response, the message is released and an error is logged. (This
 * is not fatal, because the client decides whether it requests a response.)
 * Fatal: the request already has a response. */
void le_msg_Respond(le_msg_MessageRef_t msgRef);

/* ======== Services ======== */

/* Creates a hidden service. The calling thread owns it. The rules for the name
 * are those of le_msg_CreateSession(). Fatal: a bad name; another service of
 * this process has the name. */
le_msg_ServiceRef_t le_msg_CreateService(le_msg_ProtocolRef_t protocolRef,
                                         const char* interfaceName);

/* Hides the service, closes all its sessions and releases it. Its close
 * handlers are called later, from the loop: once for each session whose open
 * handlers (if any) were called. The contexts of the close handlers must be
 * valid until the last of these calls. */
void le_msg_DeleteService(le_msg_ServiceRef_t serviceRef);

/* Add a handler that is called when a session opens, or when it closes. An open
 * handler is called before the first message of the session. A close handler is
 * called once for each session whose open handlers (if any) were called, after
 * a close by either side. The handler that was added last is called first.
 * Fatal: a NULL handler.
 *
 * The reference of a session stays valid until the close handlers of the
 * session have returned, and as long as the program holds a message of the
 * session. Afterwards the reference is stale: until the service is deleted it
 * refers to a closed session, and only the service's thread may use it. Another
 * thread that sends to a session should hold a message of it, so that the
 * session stays valid. */
le_msg_SessionEventHandlerRef_t le_msg_AddServiceOpenHandler(
    le_msg_ServiceRef_t serviceRef, le_msg_SessionEventHandler_t handlerFunc,
    void* contextPtr);
le_msg_SessionEventHandlerRef_t le_msg_AddServiceCloseHandler(
    le_msg_ServiceRef_t serviceRef, le_msg_SessionEventHandler_t handlerFunc,
    void* contextPtr);

/* Removes an open or close handler. May be called in a handler. Fatal: the
 * handler was removed before. */
void le_msg_RemoveServiceHandler(le_msg_SessionEventHandlerRef_t handlerRef);

/* Sets the handler of the messages of all sessions of the service. Replaces the
 * former handler. NULL: the library releases these messages and logs one
 * warning. */
void le_msg_SetServiceRecvHandler(le_msg_ServiceRef_t serviceRef,
                                  le_msg_ReceiveHandler_t handlerFunc,
                                  void* contextPtr);

/* A pointer for the program's own use. NULL until it is set. */
void le_msg_SetServiceContextPtr(le_msg_ServiceRef_t serviceRef,
                                 void* contextPtr);
void* le_msg_GetServiceContextPtr(le_msg_ServiceRef_t serviceRef);

/* Offers the service, now and after each restart of the directory, until it is
 * hidden. Waiting clients get their sessions in the order in which they began
 * to wait. This order does not hold for clients that the service has refused
 * because of a limit: each of them asks again every second. If another process
 * of the same user already offers a service of this name, this service waits
 * until the other one is no longer offered. No-op if the service is advertised.
 */
void le_msg_AdvertiseService(le_msg_ServiceRef_t serviceRef);

/* Accepts no new sessions from now on. Open sessions stay open. No-op if the
 * service is hidden. */
void le_msg_HideService(le_msg_ServiceRef_t serviceRef);

/* Returns the message for which a service's receive handler is running on this
 * thread. NULL: no such handler is running. Adds no reference: the message is
 * valid while the handler holds it. */
le_msg_MessageRef_t le_msg_GetServiceRxMsg(void);

/* For a service's receive handler: logs the reason (a printf() format) at
 * emergency level, closes the session of the message that is being handled, and
 * returns. The handler must still release the message or respond to it. Outside
 * such a handler: fatal. */
#define LE_KILL_CLIENT(...)          \
  do {                               \
    le_msg_KillClient_(__VA_ARGS__); \
  } while (0)

/* Called by LE_KILL_CLIENT. */
void le_msg_KillClient_(const char* format, ...)
    __attribute__((format(printf, 1, 2)));

/* ======== Local services ======== */

/* A local service and its clients are within one process, and need no directory
 * and no binding. The comments above apply to their sessions, too. */

/* A block of a local service's pool has this number of bytes more than the
 * service's largest message. */
#define LE_MSG_LOCAL_HEADER_SIZE ((size_t)64)

/* The structures of Legato's header, for programs that allocate them. Their
 * members are private, and mostly not used. Do not dereference a reference:
 * only the reference of a local service points to such a structure. */
struct le_msg_Service {
  enum {
    LE_MSG_SERVICE_NULL = 0,
    LE_MSG_SERVICE_UNIX_SOCKET,
    LE_MSG_SERVICE_LOCAL
  } type;
};
struct le_msg_Message {
  le_msg_SessionRef_t sessionRef;
};
typedef struct {
  le_thread_Ref_t thread;
  le_msg_ReceiveHandler_t handler;
  void* contextPtr;
} le_msg_LocalReceiver_t;

/* The program allocates it statically, and le_msg_InitLocalService() fills it
 * in. &service is the reference of the service. */
typedef struct le_msg_LocalService {
  struct le_msg_Service service;
  bool serviceReady;
  le_msg_LocalReceiver_t receiver;
  le_mem_PoolRef_t messagePool;
} le_msg_LocalService_t;
#ifndef __cplusplus
typedef struct le_msg_LocalMessage {
  struct le_msg_Message message;
  int fd;
  le_sem_Ref_t responseReady;
  bool needsResponse;
  uint8_t data[] __attribute__((aligned(__BIGGEST_ALIGNMENT__)));
} le_msg_LocalMessage_t;
#endif

/* Initializes a hidden service. Its owner is the first thread that advertises
 * it, or that calls a function for its limits or file descriptors
 * (le_messaging_ext.h). Until it has an owner, any thread may set and add its
 * handlers. Its largest message is the pool's block minus
 * LE_MSG_LOCAL_HEADER_SIZE. Only this size is used: the library takes no block
 * from the pool. Other services may have the same name. When the owner's thread
 * ends, the service's sessions close, and later openings wait until the service
 * is initialized and advertised again. Returns NULL if localServicePtr is NULL.
 * Fatal:
 *  - The name is bad or NULL, or the pool is NULL.
 *  - The pool's block is smaller than LE_MSG_LOCAL_HEADER_SIZE.
 *  - The largest message is more than 16 MiB.
 *  - The service has been initialized, and was not deleted. Exception: its
 *    owner's thread has ended. */
le_msg_ServiceRef_t le_msg_InitLocalService(
    le_msg_LocalService_t* localServicePtr, const char* serviceName,
    le_mem_PoolRef_t messagingPoolRef);

/* Creates a closed session with the local service. The calling thread owns the
 * session. It may be opened before the service is advertised: then the opening
 * waits. Returns NULL if the pointer is NULL, or the service is not
 * initialized, or it has been deleted. */
le_msg_SessionRef_t le_msg_CreateLocalSession(
    le_msg_LocalService_t* localServicePtr);

#ifdef __cplusplus
}
#endif

#endif /* LE_MESSAGING_H_INCLUDE_GUARD */
