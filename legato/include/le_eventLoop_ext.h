/* Copyright 2026 The le_messaging Authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * le_eventLoop_ext.h: functions beyond Legato's event loop: a loop that
 * returns, and a queue for a thread that may have ended.
 */

#ifndef LE_EVENTLOOP_EXT_H_INCLUDE_GUARD
#define LE_EVENTLOOP_EXT_H_INCLUDE_GUARD

#include "le_eventLoop.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Runs the calling thread's loop and returns after le_event_StopLoop().
 * Handlers that are due, but were not called, stay due. The loop may be run
 * again. le_thread_Cancel() ends the thread here as in le_event_RunLoop().
 * Fatal: a call from a handler. */
void le_event_RunLoopUntilStopped(void);

/* As le_event_RunLoopUntilStopped(), with a result instead of the fatal error.
 * LE_OK: the loop was stopped. LE_BUSY: the call is from a handler, and has no
 * effect. */
le_result_t le_event_TryRunLoopUntilStopped(void);

/* Makes le_event_RunLoopUntilStopped() return on a thread (NULL: the calling
 * thread). Any thread. le_event_RunLoopUntilStopped() returns at the end of the
 * loop's current turn, after all handlers that were ready in this turn. If it
 * is not running on the thread, its next call there returns at once.
 * le_event_RunLoop() is not affected. Fatal: a stale reference. */
void le_event_StopLoop(le_thread_Ref_t thread);

/* As le_event_QueueFunctionToThread(), for a thread that may have ended. Any
 * thread. After an error, the function will not be called.
 *   LE_OK         the function is queued
 *   LE_NOT_FOUND  the thread has ended, or the reference is stale
 *   LE_NO_MEMORY  there is no memory */
le_result_t le_event_TryQueueFunctionToThread(le_thread_Ref_t thread,
                                              le_event_DeferredFunc_t func,
                                              void* param1Ptr, void* param2Ptr);

#ifdef __cplusplus
}
#endif

#endif /* LE_EVENTLOOP_EXT_H_INCLUDE_GUARD */
