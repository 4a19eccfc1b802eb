/* Copyright 2026 The le_messaging Authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * le_thread.h: threads. Each has an event loop and destructors.
 *
 * The main thread, and each thread that le_thread_Start() has not started, is
 * adopted when it first uses the library: the library creates an object for the
 * thread. A stale reference is fatal, except for le_thread_Join(),
 * le_thread_Cancel() and le_thread_GetName(). If the library is part of a
 * plug-in, dlclose() has no effect after a thread has used the library.
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
 * exception that leaves the function is fatal. */
typedef void* (*le_thread_MainFunc_t)(void* contextPtr);
/* A function that runs when a thread ends. A C++ exception that leaves the
 * function is fatal. */
typedef void (*le_thread_Destructor_t)(void* contextPtr);

/* Creates a thread, but does not start it. The name is copied. Fatal: the name
 * or mainFunc is NULL. */
le_thread_Ref_t le_thread_Create(const char* name,
                                 le_thread_MainFunc_t mainFunc,
                                 void* contextPtr);

/* Levels of priority. A higher number is a higher priority. The levels RT_1 to
 * RT_32 are real-time priorities. */
typedef enum {
  LE_THREAD_PRIORITY_IDLE = 0, /* SCHED_IDLE: mostly waits for others */
  LE_THREAD_PRIORITY_LOW,
  LE_THREAD_PRIORITY_MEDIUM, /* the default */
  LE_THREAD_PRIORITY_HIGH,
  LE_THREAD_PRIORITY_RT_1,
  LE_THREAD_PRIORITY_RT_2,
  LE_THREAD_PRIORITY_RT_3,
  LE_THREAD_PRIORITY_RT_4,
  LE_THREAD_PRIORITY_RT_5,
  LE_THREAD_PRIORITY_RT_6,
  LE_THREAD_PRIORITY_RT_7,
  LE_THREAD_PRIORITY_RT_8,
  LE_THREAD_PRIORITY_RT_9,
  LE_THREAD_PRIORITY_RT_10,
  LE_THREAD_PRIORITY_RT_11,
  LE_THREAD_PRIORITY_RT_12,
  LE_THREAD_PRIORITY_RT_13,
  LE_THREAD_PRIORITY_RT_14,
  LE_THREAD_PRIORITY_RT_15,
  LE_THREAD_PRIORITY_RT_16,
  LE_THREAD_PRIORITY_RT_17,
  LE_THREAD_PRIORITY_RT_18,
  LE_THREAD_PRIORITY_RT_19,
  LE_THREAD_PRIORITY_RT_20,
  LE_THREAD_PRIORITY_RT_21,
  LE_THREAD_PRIORITY_RT_22,
  LE_THREAD_PRIORITY_RT_23,
  LE_THREAD_PRIORITY_RT_24,
  LE_THREAD_PRIORITY_RT_25,
  LE_THREAD_PRIORITY_RT_26,
  LE_THREAD_PRIORITY_RT_27,
  LE_THREAD_PRIORITY_RT_28,
  LE_THREAD_PRIORITY_RT_29,
  LE_THREAD_PRIORITY_RT_30,
  LE_THREAD_PRIORITY_RT_31,
  LE_THREAD_PRIORITY_RT_32
} le_thread_Priority_t;
#define LE_THREAD_PRIORITY_RT_LOWEST LE_THREAD_PRIORITY_RT_1
#define LE_THREAD_PRIORITY_RT_HIGHEST LE_THREAD_PRIORITY_RT_32
#define LE_THREAD_PRIORITY_NORMAL LE_THREAD_PRIORITY_MEDIUM /* old name */

/* Sets the priority with which the thread will start. MEDIUM is the nice value
 * of the main thread. If the system does not permit the priority, the thread
 * keeps the priority of the thread that starts it, and the error is logged.
 * LE_OUT_OF_RANGE: no such level. Fatal: the thread has been started. */
le_result_t le_thread_SetPriority(le_thread_Ref_t threadRef,
                                  le_thread_Priority_t priority);

/* Checks the size of the stack that the thread needs, in bytes. The stack does
 * not change: each thread has a stack of the system's default size (mostly
 * 8 MiB), and only its used part occupies memory.
 *   LE_OVERFLOW      less than the system's minimum
 *   LE_OUT_OF_RANGE  more than the default size
 * Fatal: the thread has been started. */
le_result_t le_thread_SetStackSize(le_thread_Ref_t threadRef, size_t size);
/* As le_thread_SetStackSize(), for a stack that the program provides. The
 * memory of that stack is not used. LE_BAD_PARAMETER: NULL, or a size that
 * le_thread_SetStackSize() refuses. */
le_result_t le_thread_SetStack(le_thread_Ref_t threadRef, void* stackPtr,
                               size_t size);
/* Define a stack, _thread_stack_NAME, and pass it to le_thread_SetStack(). The
 * stack has at least LE_THREAD_STACK_MIN_SIZE bytes. On every machine, this is
 * at least the system's minimum. */
#define LE_THREAD_STACK_MIN_SIZE 131072
#define LE_THREAD_DEFINE_STATIC_STACK(name, size)                       \
  static uint8_t _thread_stack_##name[(size) < LE_THREAD_STACK_MIN_SIZE \
                                          ? LE_THREAD_STACK_MIN_SIZE    \
                                          : (size)]                     \
      __attribute__((aligned(16)))
#define LE_THREAD_SET_STATIC_STACK(threadRef, name)       \
  le_thread_SetStack((threadRef), (_thread_stack_##name), \
                     sizeof(_thread_stack_##name))

/* Makes the thread joinable: le_thread_Join() must be called for it. The
 * reference of a thread that is not joinable is stale as soon as the thread
 * ends. Fatal: the thread has been started. */
void le_thread_SetJoinable(le_thread_Ref_t threadRef);

/* Starts a thread. Fatal: the thread has been started; the system cannot create
 * a thread. */
void le_thread_Start(le_thread_Ref_t threadRef);

/* Waits for the end of a joinable thread. Then the reference is stale, and
 * *resultPtrPtr (may be NULL) is the thread's result.
 *   LE_DEADLOCK      the thread is the calling thread
 *   LE_NOT_POSSIBLE  the thread is not joinable, or was not started
 *   LE_NOT_FOUND     a stale reference */
le_result_t le_thread_Join(le_thread_Ref_t threadRef, void** resultPtrPtr);

/* The calling thread. */
le_thread_Ref_t le_thread_GetCurrent(void);

/* Copies a thread's name, or "(dead)" for a stale reference. LE_OVERFLOW: the
 * buffer is too small, and the name was truncated. */
le_result_t le_thread_GetName(le_thread_Ref_t threadRef, char* buffer,
                              size_t bufferSize);
/* The calling thread's name. Valid for the life of the thread. */
const char* le_thread_GetMyName(void);

/* Runs the destructors of the calling thread, and ends it with this result.
 * Fatal: the thread is ending already (a call from a destructor, or from a
 * handler that is called because the thread ends). */
void le_thread_Exit(void* resultPtr) __attribute__((noreturn));

/* Ends a thread at its next cancellation point. These calls are cancellation
 * points, even if the thread is already waiting in them:
 *   le_event_RunLoop(), le_event_RunLoopUntilStopped()
 *                             between two turns of the loop
 *   le_event_ServiceLoop()    at its beginning, outside handlers
 *   le_sem_Wait(), le_sem_WaitWithTimeOut()
 *                             whatever the count is; the count does not change
 *   le_thread_Sleep()
 * Other calls are not cancellation points, for example le_thread_Join(), the
 * blocking calls of le_msg, and system calls. The thread ends as by
 * le_thread_Exit(NULL). The thread's destructors are not cancelled.
 * LE_NOT_FOUND: the thread has ended or was not started, or the reference is
 * stale. */
le_result_t le_thread_Cancel(le_thread_Ref_t threadRef);

/* Waits for this number of seconds. The loop does not run meanwhile. Returns
 * LE_OK. Fatal: a negative number. */
le_result_t le_thread_Sleep(int timeInSecs);

/* Adds a destructor to a thread that has not been started. The destructor runs
 * when the thread ends, after the destructors that the thread itself adds.
 * Fatal: the destructor is NULL; the thread has been started. */
void le_thread_AddChildDestructor(le_thread_Ref_t threadRef,
                                  le_thread_Destructor_t destructor,
                                  void* contextPtr);
/* Adds a destructor to the calling thread. The destructor runs when the thread
 * ends, after the sessions and services of the thread have been closed. The
 * destructor that was added last runs first. Fatal: the destructor is NULL. */
le_thread_DestructorRef_t le_thread_AddDestructor(
    le_thread_Destructor_t destructor, void* contextPtr);
/* Removes a destructor. Only the thread that added it may call this. */
void le_thread_RemoveDestructor(le_thread_DestructorRef_t destructorRef);

/* Adopts the calling thread and sets its name. No-op if the thread has been
 * adopted. */
void le_thread_InitLegatoThreadData(const char* name);
/* Ends an adopted thread's use of the library. The thread's sessions and
 * services are closed, its destructors run, and its timers and monitors are
 * deleted. Fatal: a call from a handler. */
void le_thread_CleanupLegatoThreadData(void);

#ifdef __cplusplus
}
#endif

#endif /* LE_THREAD_H_INCLUDE_GUARD */
