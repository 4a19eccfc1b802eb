/* Copyright 2026 The le_messaging Authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * le_eventLoop.h: the event loop of a thread.
 *
 * A loop calls queued functions, and handlers of file descriptors, timers,
 * sessions and services. It calls them one at a time, on its thread. A C++
 * exception that leaves one of them is fatal. (le_thread_Exit() does not count
 * as an exception.)
 *
 * A thread's loop is created when the thread first needs it. If the loop cannot
 * be created, for example because no file descriptor is free, the process ends
 * with a fatal log line.
 */

#ifndef LE_EVENTLOOP_H_INCLUDE_GUARD
#define LE_EVENTLOOP_H_INCLUDE_GUARD

#include "le_basics.h"
#include "le_thread.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A function that a loop calls. */
typedef void (*le_event_DeferredFunc_t)(void* param1Ptr, void* param2Ptr);

/* Runs the calling thread's loop without end. (le_eventLoop_ext.h has a
 * function that returns.) */
void le_event_RunLoop(void) __attribute__((noreturn));

/* For a program with a loop of its own: returns a file descriptor that is
 * readable when le_event_ServiceLoop() has a handler to call. Poll it for
 * reading; do not read from it. Before polling, call le_event_ServiceLoop()
 * until it returns LE_WOULD_BLOCK. */
int le_event_GetFd(void);

/* Calls at most one handler of the calling thread. Never waits. LE_OK: call
 * this function again before you poll. LE_WOULD_BLOCK: no handler is due. */
le_result_t le_event_ServiceLoop(void);

/* Queues a function. The calling thread's loop calls it after all functions
 * that were queued before. */
void le_event_QueueFunction(le_event_DeferredFunc_t func, void* param1Ptr,
                            void* param2Ptr);

/* Queues a function for the loop of `thread` (NULL: the calling thread). Any
 * thread may call this. Functions that are still queued when `thread` ends are
 * not called. Fatal: a stale reference. */
void le_event_QueueFunctionToThread(le_thread_Ref_t thread,
                                    le_event_DeferredFunc_t func,
                                    void* param1Ptr, void* param2Ptr);

/* As le_event_QueueFunctionToThread(). LE_DUPLICATE: the function is queued for
 * that thread already, with the same parameters, and is not queued again. */
le_result_t le_event_QueueFunctionToThreadUnique(le_thread_Ref_t thread,
                                                 le_event_DeferredFunc_t func,
                                                 void* param1Ptr,
                                                 void* param2Ptr);

/* ======== Events ======== */

/* An event has an identifier. Any thread may report the event. Each handler
 * that exists at the time of the report is called once, by the loop of the
 * thread that added the handler. The handler gets a copy of the report, or,
 * with le_event_ReportWithRefCounting(), a reference to the reported object. */
typedef struct le_event_Id* le_event_Id_t;
typedef struct le_event_Handler* le_event_HandlerRef_t;

/* Called for each report of the event. A copy is valid until the handler
 * returns, and is aligned for any type. An object of le_mem.h is valid until
 * the handler releases its reference. */
typedef void (*le_event_HandlerFunc_t)(void* reportPtr);
/* A layered handler. The loop calls it for each report. secondLayerFunc is the
 * argument of le_event_AddLayeredHandler(). If secondLayerFunc is not NULL, the
 * layered handler casts it to the right type and calls it. */
typedef void (*le_event_LayeredHandlerFunc_t)(void* reportPtr,
                                              void* secondLayerFunc);

/* Creates an event whose reports have this size, which may be 0. The name is
 * copied. The event is never deleted. Fatal: a NULL name. */
le_event_Id_t le_event_CreateId(const char* name, size_t payloadSize);
/* Creates an event whose reports are objects of le_mem.h. */
le_event_Id_t le_event_CreateIdWithRefCounting(const char* name);

/* Adds a handler of the calling thread. The end of the thread removes the
 * handler. The name has no effect. Fatal: the event or the handler is NULL. */
le_event_HandlerRef_t le_event_AddHandler(const char* name,
                                          le_event_Id_t eventId,
                                          le_event_HandlerFunc_t handlerFunc);
/* Adds a layered handler. secondLayerFunc may be NULL. */
le_event_HandlerRef_t le_event_AddLayeredHandler(
    const char* name, le_event_Id_t eventId,
    le_event_LayeredHandlerFunc_t firstLayerFunc, void* secondLayerFunc);
/* Removes a handler. Any thread. The handler is not called any more, not even
 * for earlier reports. If the handler is running on another thread, it runs to
 * its end. Fatal: a stale reference. */
void le_event_RemoveHandler(le_event_HandlerRef_t handlerRef);

/* Reports an event. payloadSize bytes are copied. If the event's reports are
 * larger, the remaining bytes are 0. Fatal:
 *  - payloadSize exceeds the size of the event's reports.
 *  - payloadPtr is NULL, but payloadSize is not 0.
 *  - The event was created with reference counting. */
void le_event_Report(le_event_Id_t eventId, const void* payloadPtr,
                     size_t payloadSize);
/* Reports an object of le_mem.h, and takes the caller's reference. Each handler
 * gets a reference, which it must release. Fatal: the event was created without
 * reference counting; the object is NULL. */
void le_event_ReportWithRefCounting(le_event_Id_t eventId, void* objectPtr);

/* Each handler has a context pointer, which belongs to the program. It is NULL
 * until it is set.
 * le_event_SetContextPtr() is fatal for a stale reference.
 * le_event_GetContextPtr() returns the pointer of the handler that is running
 * on this thread, and is fatal if no handler is running. */
void le_event_SetContextPtr(le_event_HandlerRef_t handlerRef, void* contextPtr);
void* le_event_GetContextPtr(void);

/* ======== Components ======== */

/* This function initializes a component:
 *
 *   COMPONENT_INIT
 *   {
 *     ...
 *   }
 *
 * The Bazel target //messaging:component_main has a main() that queues this
 * function and runs the loop. If there is a function COMPONENT_INIT_ONCE, the
 * loop calls that function first.
 *
 * A program of several components compiles each component with its own
 * -DLE_COMPONENT_NAME=NAME. Then the functions are _NAME_COMPONENT_INIT and
 * _NAME_COMPONENT_INIT_ONCE. The Bazel macro le_api_component
 * (bazel/api_component.bzl) registers them for main(). */
void _le_event_InitComponent(void);
#ifndef COMPONENT_INIT
#ifdef LE_COMPONENT_HAS_NO_NAME_
#define COMPONENT_INIT_NAME _le_event_InitComponent
#define COMPONENT_INIT_ONCE_NAME _le_event_InitComponentOnce
#else
#define COMPONENT_INIT_NAME CAT(_, CAT(LE_COMPONENT_NAME, _COMPONENT_INIT))
#define COMPONENT_INIT_ONCE_NAME \
  CAT(_, CAT(LE_COMPONENT_NAME, _COMPONENT_INIT_ONCE))
#endif
#define COMPONENT_INIT LE_CI_LINKAGE LE_SHARED void COMPONENT_INIT_NAME(void)
#define COMPONENT_INIT_ONCE \
  LE_CI_LINKAGE LE_SHARED void COMPONENT_INIT_ONCE_NAME(void)
#endif
#define LE_EVENT_INIT_HANDLER COMPONENT_INIT

#ifdef __cplusplus
}
#endif

#endif /* LE_EVENTLOOP_H_INCLUDE_GUARD */
