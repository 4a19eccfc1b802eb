/* Copyright 2026 The le_messaging Authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * le_semaphore.h: counting semaphores within a process. Any thread. A stale reference is
 * fatal.
 */

#ifndef LE_SEMAPHORE_H_INCLUDE_GUARD
#define LE_SEMAPHORE_H_INCLUDE_GUARD

#include "le_basics.h"
#include "le_clock.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct le_sem* le_sem_Ref_t;

/* With that count. Fatal: a negative one. */
le_sem_Ref_t le_sem_Create(const char* name, int32_t initialCount);
/* Fatal: a thread waits for it. */
void le_sem_Delete(le_sem_Ref_t semaphorePtr);

/* Takes one off the count; waits while it is 0. Both waits are cancellation points, see
 * le_thread_Cancel(). */
void le_sem_Wait(le_sem_Ref_t semaphorePtr);
/* LE_WOULD_BLOCK: it is 0. */
le_result_t le_sem_TryWait(le_sem_Ref_t semaphorePtr);
/* LE_TIMEOUT: it was 0 for so long. */
le_result_t le_sem_WaitWithTimeOut(le_sem_Ref_t semaphorePtr,
                                   le_clk_Time_t timeToWait);
/* Adds one, and wakes a thread that waits. */
void le_sem_Post(le_sem_Ref_t semaphorePtr);
/* The count at this moment. */
int le_sem_GetValue(le_sem_Ref_t semaphorePtr);

#ifdef __cplusplus
}
#endif

#endif /* LE_SEMAPHORE_H_INCLUDE_GUARD */
