/* Copyright 2026 The le_messaging Authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * le_eventLoop.h: the event loop of a thread.
 *
 * A loop calls queued functions, and handlers of file descriptors, timers, sessions
 * and services. It calls one at a time, on its thread. A C++ exception that leaves one
 * of them is fatal. (le_thread_Exit() is no exception in this sense.)
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

/* Runs the calling thread's loop without end. le_eventLoop_ext.h has a loop that
 * returns. */
void le_event_RunLoop(void) __attribute__((noreturn));

/* For a program with a loop of its own: a file descriptor that is readable when
 * le_event_ServiceLoop() has something to do. Poll it for reading; do not read from it.
 * Before polling, call le_event_ServiceLoop() until it returns LE_WOULD_BLOCK. */
int le_event_GetFd(void);

/* Calls at most one handler of the calling thread. Never waits. LE_OK: call it again
 * before you poll. LE_WOULD_BLOCK: there is nothing to do. */
le_result_t le_event_ServiceLoop(void);

/* Queues a function. The calling thread's loop calls it after all functions that were
 * queued before. */
void le_event_QueueFunction(le_event_DeferredFunc_t func, void* param1Ptr,
                            void* param2Ptr);

/* The same, for the loop of another thread (NULL: the calling thread). Any thread.
 * Functions that are still queued when the thread ends are not called. Fatal: a stale
 * reference. */
void le_event_QueueFunctionToThread(le_thread_Ref_t thread,
                                    le_event_DeferredFunc_t func,
                                    void* param1Ptr, void* param2Ptr);

/* The entry point of a program that links //messaging:component_main:
 *
 *   COMPONENT_INIT
 *   {
 *     ...
 *   }
 */
void _le_event_InitComponent(void);
#define COMPONENT_INIT void _le_event_InitComponent(void)

#ifdef __cplusplus
}
#endif

#endif /* LE_EVENTLOOP_H_INCLUDE_GUARD */
