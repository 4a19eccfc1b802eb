/* Copyright 2026 The le_messaging Authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * le_signals.h: handlers of signals. The event loop calls them, so a handler
 * may call any function.
 *
 * All threads of the process must block a signal that is sent to the process
 * (and not to one thread). A thread inherits the blocked signals of its
 * creator. So block the signal before the first thread is started.
 */

#ifndef LE_SIGNALS_H_INCLUDE_GUARD
#define LE_SIGNALS_H_INCLUDE_GUARD

#include <signal.h>

#include "le_basics.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A function that the loop calls when the signal has arrived. If the same
 * signal arrives several times before the call, there is one call. A real-time
 * signal has one call for each arrival. A C++ exception that leaves the
 * function is fatal. */
typedef void (*le_sig_EventHandlerFunc_t)(int sigNum);

/* Blocks a signal in the calling thread. Fatal: no such signal. */
void le_sig_Block(int sigNum);

/* Sets or replaces the handler of a signal for the calling thread, and blocks
 * the signal. NULL removes the handler, and the signal stays blocked. If no
 * file descriptor is free, an error is logged, and signals wait until a file
 * descriptor is free. Fatal:
 *  - The signal is SIGKILL or SIGSTOP.
 *  - The signal reports an error of the program, as SIGSEGV does.
 *  - There is no such signal. */
void le_sig_SetEventHandler(int sigNum,
                            le_sig_EventHandlerFunc_t sigEventHandler);

/* Removes all handlers of the calling thread. The end of the thread also does
 * this. */
void le_sig_DeleteAll(void);

#ifdef __cplusplus
}
#endif

#endif /* LE_SIGNALS_H_INCLUDE_GUARD */
