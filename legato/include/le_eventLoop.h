/* Copyright 2026 The le_messaging Authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * le_eventLoop.h: the event loop of a thread.
 *
 * A loop calls, one at a time and on its thread: queued functions, handlers of
 * descriptors, of timers, of sessions and of services. None of these may let a C++
 * exception out: fatal. (le_thread_Exit() is none.)
 */

#ifndef LE_EVENTLOOP_H_INCLUDE_GUARD
#define LE_EVENTLOOP_H_INCLUDE_GUARD

#include "le_basics.h"
#include "le_thread.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Something to be called by a loop. */
typedef void (*le_event_DeferredFunc_t)(void* param1Ptr, void* param2Ptr);

/* Runs the calling thread's loop, for ever. le_eventLoop_ext.h has a loop that returns. */
void le_event_RunLoop(void) __attribute__((noreturn));

/* For a program with a loop of its own: a descriptor that becomes readable when
 * le_event_ServiceLoop() has something to do. Poll it for reading; do not read from it.
 * Call le_event_ServiceLoop() until it says LE_WOULD_BLOCK before polling. */
int le_event_GetFd(void);

/* Calls at most one handler of the calling thread. LE_OK: call again before you wait.
 * LE_WOULD_BLOCK: there is nothing to do. Never waits. */
le_result_t le_event_ServiceLoop(void);

/* Has the function called by the calling thread's loop, after all that was queued
 * before. */
void le_event_QueueFunction(le_event_DeferredFunc_t func, void* param1Ptr,
                            void* param2Ptr);

/* The same, on that thread (NULL: the calling one). Any thread. Functions that are still
 * queued when the thread ends are not called. Fatal: a stale reference. */
void le_event_QueueFunctionToThread(le_thread_Ref_t thread,
                                    le_event_DeferredFunc_t func,
                                    void* param1Ptr, void* param2Ptr);

/* The beginning of a program that links //messaging:component_main:
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
