/* Copyright 2026 The le_messaging Authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * le_eventLoop_ext.h: event loops that can be left, which Legato's cannot.
 */

#ifndef LE_EVENTLOOP_EXT_H_INCLUDE_GUARD
#define LE_EVENTLOOP_EXT_H_INCLUDE_GUARD

#include "le_eventLoop.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Runs the calling thread's loop until le_event_StopLoop(), and returns. What is due by
 * then and has not been served stays due: the loop may be run again. le_thread_Cancel()
 * ends the thread here as in le_event_RunLoop(). Fatal: called by a handler. */
void le_event_RunLoopUntilStopped(void);

/* Makes le_event_RunLoopUntilStopped() return on that thread (NULL: the calling one) once
 * the handler that runs has returned, and what else was ready in the same turn of the
 * loop has been served. If the thread is not in that function, its next call of it
 * returns at once. le_event_RunLoop() goes on. Any thread. Fatal: a stale reference. */
void le_event_StopLoop(le_thread_Ref_t thread);

#ifdef __cplusplus
}
#endif

#endif /* LE_EVENTLOOP_EXT_H_INCLUDE_GUARD */
