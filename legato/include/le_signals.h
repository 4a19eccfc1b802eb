/* Copyright 2026 The le_messaging Authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * le_signals.h: signals that the loop delivers, so that a handler may call any
 * function.
 *
 * A signal that is sent to the process must be blocked in all its threads. A
 * thread inherits the blocked signals of its creator, so block the signal
 * before the first thread is started.
 */

#ifndef LE_SIGNALS_H_INCLUDE_GUARD
#define LE_SIGNALS_H_INCLUDE_GUARD

#include <signal.h>

#include "le_basics.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A function that the loop calls when the signal has arrived. If the same
 * signal arrives several times before the call, there is one call. A C++
 * exception that leaves the function is fatal. */
typedef void (*le_sig_EventHandlerFunc_t)(int sigNum);

/* Blocks a signal in the calling thread. Fatal: no such signal. */
void le_sig_Block(int sigNum);

/* Sets or replaces the handler of a signal for the calling thread, and blocks
 * the signal. NULL removes the handler, and the signal stays blocked. Fatal:
 * SIGKILL, SIGSTOP; a signal that reports an error of the program, such as
 * SIGSEGV; no such signal. If no file descriptor is free, an error is logged,
 * and signals wait until one is free. */
void le_sig_SetEventHandler(int sigNum,
                            le_sig_EventHandlerFunc_t sigEventHandler);

/* Removes all handlers of the calling thread. The end of the thread also does
 * this. */
void le_sig_DeleteAll(void);

#ifdef __cplusplus
}
#endif

#endif /* LE_SIGNALS_H_INCLUDE_GUARD */
