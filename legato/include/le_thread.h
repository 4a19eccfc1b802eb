/* Copyright 2026 The le_messaging Authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * le_thread.h: threads, with an event loop and destructors each.
 *
 * The main thread, and threads that were started otherwise, are adopted when they first
 * use the library. A stale reference is fatal. A plug-in that has the library in it is
 * never unloaded once a thread has used it: dlclose() has no effect.
 */

#ifndef LE_THREAD_H_INCLUDE_GUARD
#define LE_THREAD_H_INCLUDE_GUARD

#include "le_basics.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct le_thread* le_thread_Ref_t;
typedef struct le_thread_Destructor* le_thread_DestructorRef_t;

/* What a thread runs; its result is for le_thread_Join(). It must not throw: fatal. */
typedef void* (*le_thread_MainFunc_t)(void* contextPtr);
/* What is run when a thread ends. It must not throw: fatal. */
typedef void (*le_thread_Destructor_t)(void* contextPtr);

/* A thread that has not been started. The name is copied. Fatal: NULL. */
le_thread_Ref_t le_thread_Create(const char* name,
                                 le_thread_MainFunc_t mainFunc,
                                 void* contextPtr);

/* Its end will be waited for by le_thread_Join(). Before the start only (later:
 * fatal). Otherwise the reference is stale as soon as the thread ends. */
void le_thread_SetJoinable(le_thread_Ref_t threadRef);

/* Starts it. Twice: fatal. If the system has no room for a thread: fatal too. */
void le_thread_Start(le_thread_Ref_t threadRef);

/* Waits for the end of a joinable thread, after which the reference is stale.
 * *resultPtrPtr (may be NULL) becomes the result. LE_DEADLOCK: the calling thread
 * itself. LE_NOT_POSSIBLE: not joinable, or not started. */
le_result_t le_thread_Join(le_thread_Ref_t threadRef, void** resultPtrPtr);

/* The calling thread. */
le_thread_Ref_t le_thread_GetCurrent(void);

/* Copies a thread's name, cut if need be. LE_OVERFLOW: it was cut. */
le_result_t le_thread_GetName(le_thread_Ref_t threadRef, char* buffer,
                              size_t bufferSize);
/* The calling thread's name; valid for its life. */
const char* le_thread_GetMyName(void);

/* Ends the calling thread, after its destructors, with that result. Fatal: it is ending
 * already, and this is one of its destructors, or a handler that its end calls. */
void le_thread_Exit(void* resultPtr) __attribute__((noreturn));

/* Ends a thread where it next comes to, or is in, one of these calls (they are its
 * cancellation points, as pthreads has it):
 *   le_event_RunLoop(), le_event_RunLoopUntilStopped()   between two turns of the loop
 *   le_event_ServiceLoop()                  at its beginning, outside handlers
 *   le_sem_Wait(), le_sem_WaitWithTimeOut() also if there is something to take, which
 *                                           stays
 * No other call ends it, neither one that blocks (le_thread_Join(), those of le_msg)
 * nor one of the system. It ends as by le_thread_Exit(NULL). LE_NOT_FOUND: it has
 * ended, or has not been started. */
le_result_t le_thread_Cancel(le_thread_Ref_t threadRef);

/* Something to be run when the calling thread ends; last added, first run. The sessions
 * and services of the thread are closed before. */
le_thread_DestructorRef_t le_thread_AddDestructor(
    le_thread_Destructor_t destructor, void* contextPtr);
/* Takes it back. The thread that added it only. */
void le_thread_RemoveDestructor(le_thread_DestructorRef_t destructorRef);

/* Adopts the calling thread, under that name. No-op if it has been adopted. */
void le_thread_InitLegatoThreadData(const char* name);
/* Ends an adopted thread's use of the library: its destructors run, its sessions and
 * services are closed. Timers and monitors that it still has are deleted. Fatal: in a
 * handler. */
void le_thread_CleanupLegatoThreadData(void);

#ifdef __cplusplus
}
#endif

#endif /* LE_THREAD_H_INCLUDE_GUARD */
