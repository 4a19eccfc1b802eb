/* Copyright 2026 The le_messaging Authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * le_thread.h: threads. Each has an event loop and destructors.
 *
 * The main thread, and threads that were not started by this header, are
 * adopted when they first use the library. A stale reference is always fatal.
 * If the library is part of a plug-in, dlclose() has no effect after a thread
 * has used the library.
 */

#ifndef LE_THREAD_H_INCLUDE_GUARD
#define LE_THREAD_H_INCLUDE_GUARD

#include "le_basics.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct le_thread* le_thread_Ref_t;
typedef struct le_thread_Destructor* le_thread_DestructorRef_t;

/* The function that a thread runs. le_thread_Join() returns its result. A C++
 * exception that leaves it is fatal. */
typedef void* (*le_thread_MainFunc_t)(void* contextPtr);
/* A function that runs when a thread ends. A C++ exception that leaves it is
 * fatal. */
typedef void (*le_thread_Destructor_t)(void* contextPtr);

/* Creates a thread, but does not start it. The name is copied. Fatal: NULL. */
le_thread_Ref_t le_thread_Create(const char* name,
                                 le_thread_MainFunc_t mainFunc,
                                 void* contextPtr);

/* Makes the thread joinable: then le_thread_Join() must be called for it. The
 * reference of a thread that is not joinable is stale as soon as the thread
 * ends. Fatal: the thread has been started. */
void le_thread_SetJoinable(le_thread_Ref_t threadRef);

/* Starts a thread. Fatal: the thread has been started; the system cannot create
 * a thread. */
void le_thread_Start(le_thread_Ref_t threadRef);

/* Waits for the end of a joinable thread. Then the reference is stale, and
 * *resultPtrPtr (may be NULL) is the thread's result. LE_DEADLOCK: the thread
 * is the calling one. LE_NOT_POSSIBLE: the thread is not joinable, or not
 * started. */
le_result_t le_thread_Join(le_thread_Ref_t threadRef, void** resultPtrPtr);

/* The calling thread. */
le_thread_Ref_t le_thread_GetCurrent(void);

/* Copies a thread's name. LE_OVERFLOW: the buffer is too small, and the name
 * was truncated. */
le_result_t le_thread_GetName(le_thread_Ref_t threadRef, char* buffer,
                              size_t bufferSize);
/* The calling thread's name. Valid for the life of the thread. */
const char* le_thread_GetMyName(void);

/* Runs the destructors of the calling thread, and ends it with this result.
 * Fatal: the thread is ending already (a call from a destructor, or from a
 * handler that is called because the thread ends). */
void le_thread_Exit(void* resultPtr) __attribute__((noreturn));

/* Ends a thread at its next cancellation point. These calls are cancellation
 * points, also for a cancel that arrives during the call:
 *   le_event_RunLoop(),
 *   le_event_RunLoopUntilStopped()   between two turns of the loop
 *   le_event_ServiceLoop()           at its beginning, outside handlers
 *   le_sem_Wait(),
 *   le_sem_WaitWithTimeOut()         even if the count is not 0; the count does
 *                                    not change
 * No other call is a cancellation point: not le_thread_Join(), no blocking call
 * of le_msg, no system call. The thread ends as by le_thread_Exit(NULL). Its
 * destructors are not cancelled. LE_NOT_FOUND: the thread has ended, or has not
 * been started. */
le_result_t le_thread_Cancel(le_thread_Ref_t threadRef);

/* Waits for this number of seconds. The loop does not run meanwhile. Returns
 * LE_OK. Fatal: a negative number. */
le_result_t le_thread_Sleep(int timeInSecs);

/* Adds a function that runs when the calling thread ends. The function that was
 * added last runs first. The thread's sessions and services are closed before
 * it runs. */
le_thread_DestructorRef_t le_thread_AddDestructor(
    le_thread_Destructor_t destructor, void* contextPtr);
/* Removes a destructor. Only the thread that added it may call this. */
void le_thread_RemoveDestructor(le_thread_DestructorRef_t destructorRef);

/* Adopts the calling thread and sets its name. No-op if the thread has been
 * adopted. */
void le_thread_InitLegatoThreadData(const char* name);
/* Ends an adopted thread's use of the library. Its sessions and services are
 * closed, its destructors run, and its timers and monitors are deleted. Fatal:
 * a call from a handler. */
void le_thread_CleanupLegatoThreadData(void);

#ifdef __cplusplus
}
#endif

#endif /* LE_THREAD_H_INCLUDE_GUARD */
