/* Copyright 2026 The le_messaging Authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * le_semaphore.h: counting semaphores within a process. Any thread. A stale
 * reference is always fatal.
 */

#ifndef LE_SEMAPHORE_H_INCLUDE_GUARD
#define LE_SEMAPHORE_H_INCLUDE_GUARD

#include "le_basics.h"
#include "le_clock.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct le_sem* le_sem_Ref_t;

/* Creates a semaphore with this count. Fatal: a negative count. */
le_sem_Ref_t le_sem_Create(const char* name, int32_t initialCount);
/* Returns the semaphore of this name. If several have the name, returns the one
 * that was created first. NULL: there is none. Fatal: a NULL name. */
le_sem_Ref_t le_sem_FindSemaphore(const char* name);
/* Deletes a semaphore. Fatal: a thread is waiting for it. */
void le_sem_Delete(le_sem_Ref_t semaphorePtr);

/* Waits while the count is 0, then decrements the count. This function and
 * le_sem_WaitWithTimeOut() are cancellation points: see le_thread_Cancel(). */
void le_sem_Wait(le_sem_Ref_t semaphorePtr);
/* Decrements the count, but never waits. LE_WOULD_BLOCK: the count is 0. */
le_result_t le_sem_TryWait(le_sem_Ref_t semaphorePtr);
/* As le_sem_Wait(), with a timeout. LE_TIMEOUT: the count was 0 until the end
 * of timeToWait. */
le_result_t le_sem_WaitWithTimeOut(le_sem_Ref_t semaphorePtr,
                                   le_clk_Time_t timeToWait);
/* Increments the count and wakes the waiting threads. The first thread to check
 * the count decrements it: a waiting thread, or a thread that calls a wait
 * function now. Fatal: the count is INT32_MAX. */
void le_sem_Post(le_sem_Ref_t semaphorePtr);
/* The count at this moment. */
int le_sem_GetValue(le_sem_Ref_t semaphorePtr);

#ifdef __cplusplus
}
#endif

#endif /* LE_SEMAPHORE_H_INCLUDE_GUARD */
