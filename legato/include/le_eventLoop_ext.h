/* Copyright 2026 The le_messaging Authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * le_eventLoop_ext.h: an event loop that returns. Legato has none.
 */

#ifndef LE_EVENTLOOP_EXT_H_INCLUDE_GUARD
#define LE_EVENTLOOP_EXT_H_INCLUDE_GUARD

#include "le_eventLoop.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Runs the calling thread's loop and returns after le_event_StopLoop(). Handlers that are
 * due and have not been called stay due: the loop may be run again.
 * le_thread_Cancel() ends the thread here as in le_event_RunLoop(). Fatal: a call from
 * a handler. */
void le_event_RunLoopUntilStopped(void);

/* Makes le_event_RunLoopUntilStopped() return on a thread (NULL: the calling one). It
 * returns at the end of the loop's present turn: all handlers that were ready in this
 * turn are called before. If the thread is not in that function, its next call of it
 * returns at once. le_event_RunLoop() is not affected. Any thread. Fatal: a stale
 * reference. */
void le_event_StopLoop(le_thread_Ref_t thread);

#ifdef __cplusplus
}
#endif

#endif /* LE_EVENTLOOP_EXT_H_INCLUDE_GUARD */
