/* Copyright 2026 The le_messaging Authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * le_timer.h: timers on the event loop.
 *
 * A timer belongs to the thread that created it. A call on another thread, or with a
 * stale reference, is fatal. Time is monotonic.
 */

#ifndef LE_TIMER_H_INCLUDE_GUARD
#define LE_TIMER_H_INCLUDE_GUARD

#include "le_basics.h"
#include "le_clock.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct le_timer* le_timer_Ref_t;

/* The timer has expired. The handler may change and delete it. */
typedef void (*le_timer_ExpiryHandler_t)(le_timer_Ref_t timerRef);

/* Creates a timer that is stopped, expires once, and has no interval and no handler. */
le_timer_Ref_t le_timer_Create(const char* name);
/* Deletes the timer, running or not. */
void le_timer_Delete(le_timer_Ref_t timerRef);

/* Set how long it runs. LE_OK. If it is running, the present period has this length from
 * now on: it ends at once if that has passed. */
le_result_t le_timer_SetInterval(le_timer_Ref_t timerRef,
                                 le_clk_Time_t interval);
/* In milliseconds. */
le_result_t le_timer_SetMsInterval(le_timer_Ref_t timerRef, uint32_t interval);
/* The interval, 0 until it is set. In milliseconds: at most 2^32 - 1. */
le_clk_Time_t le_timer_GetInterval(le_timer_Ref_t timerRef);
uint32_t le_timer_GetMsInterval(le_timer_Ref_t timerRef);

/* These four set what a stopped timer does. LE_BUSY: it is running; nothing changes. */
le_result_t le_timer_SetHandler(le_timer_Ref_t timerRef,
                                le_timer_ExpiryHandler_t handlerFunc);
/* How many times it expires. 0: without end. */
le_result_t le_timer_SetRepeat(le_timer_Ref_t timerRef, uint32_t repeatCount);
/* Whether it wakes a suspended system. Without effect here. */
le_result_t le_timer_SetWakeup(le_timer_Ref_t timerRef, bool wakeupEnabled);
le_result_t le_timer_SetContextPtr(le_timer_Ref_t timerRef, void* contextPtr);
void* le_timer_GetContextPtr(le_timer_Ref_t timerRef);

/* The time until it expires next. 0: it is not running, or is due. In milliseconds: at
 * most 2^32 - 1. */
le_clk_Time_t le_timer_GetTimeRemaining(le_timer_Ref_t timerRef);
uint32_t le_timer_GetMsTimeRemaining(le_timer_Ref_t timerRef);

/* How many times it has expired since it was started. */
uint32_t le_timer_GetExpiryCount(le_timer_Ref_t timerRef);

/* LE_BUSY: it is running already. */
le_result_t le_timer_Start(le_timer_Ref_t timerRef);
/* LE_FAULT: it is not running. */
le_result_t le_timer_Stop(le_timer_Ref_t timerRef);
/* Stops it if it is running, and starts it. */
void le_timer_Restart(le_timer_Ref_t timerRef);
bool le_timer_IsRunning(le_timer_Ref_t timerRef);

#ifdef __cplusplus
}
#endif

#endif /* LE_TIMER_H_INCLUDE_GUARD */
