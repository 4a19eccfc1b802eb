/* Copyright 2026 The le_messaging Authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * le_timer.h: timers on the event loop.
 *
 * A timer belongs to the thread that created it. A call on another thread, or
 * with a stale reference, is fatal. Timers use monotonic time.
 */

#ifndef LE_TIMER_H_INCLUDE_GUARD
#define LE_TIMER_H_INCLUDE_GUARD

#include "le_basics.h"
#include "le_clock.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct le_timer* le_timer_Ref_t;

/* Called when the timer expires. The handler may change or delete the timer. */
typedef void (*le_timer_ExpiryHandler_t)(le_timer_Ref_t timerRef);

/* Creates a stopped timer that expires once. It has no interval and no
 * handler. */
le_timer_Ref_t le_timer_Create(const char* name);
/* Deletes the timer, running or not. */
void le_timer_Delete(le_timer_Ref_t timerRef);

/* Sets the interval: the time from the start to the first expiry, and from each
 * expiry to the next one. Returns LE_OK. If the timer is running, its next
 * expiry moves. If the new expiry is in the past, the timer expires in the next
 * turn of the loop. */
le_result_t le_timer_SetInterval(le_timer_Ref_t timerRef,
                                 le_clk_Time_t interval);
/* As le_timer_SetInterval(), in milliseconds. */
le_result_t le_timer_SetMsInterval(le_timer_Ref_t timerRef, uint32_t interval);
/* Return the interval, or 0 if none was set. An interval that does not fit into
 * a uint32_t is UINT32_MAX milliseconds. */
le_clk_Time_t le_timer_GetInterval(le_timer_Ref_t timerRef);
uint32_t le_timer_GetMsInterval(le_timer_Ref_t timerRef);

/* The next four functions are for a stopped timer. LE_BUSY: the timer is
 * running, and nothing changes. */
le_result_t le_timer_SetHandler(le_timer_Ref_t timerRef,
                                le_timer_ExpiryHandler_t handlerFunc);
/* Sets how many times the timer expires. 0: without end. */
le_result_t le_timer_SetRepeat(le_timer_Ref_t timerRef, uint32_t repeatCount);
/* Has no effect: no timer wakes a suspended system. */
le_result_t le_timer_SetWakeup(le_timer_Ref_t timerRef, bool wakeupEnabled);
le_result_t le_timer_SetContextPtr(le_timer_Ref_t timerRef, void* contextPtr);
void* le_timer_GetContextPtr(le_timer_Ref_t timerRef);

/* Return the time until the next expiry, or 0 if the timer is not running or is
 * due. A time that does not fit into a uint32_t is UINT32_MAX milliseconds. */
le_clk_Time_t le_timer_GetTimeRemaining(le_timer_Ref_t timerRef);
uint32_t le_timer_GetMsTimeRemaining(le_timer_Ref_t timerRef);

/* How many times the timer has expired since its last start. */
uint32_t le_timer_GetExpiryCount(le_timer_Ref_t timerRef);

/* Starts the timer. LE_BUSY: the timer is running. */
le_result_t le_timer_Start(le_timer_Ref_t timerRef);
/* Stops the timer. LE_FAULT: the timer is not running. */
le_result_t le_timer_Stop(le_timer_Ref_t timerRef);
/* Stops the timer if it is running, and starts it. */
void le_timer_Restart(le_timer_Ref_t timerRef);
bool le_timer_IsRunning(le_timer_Ref_t timerRef);

#ifdef __cplusplus
}
#endif

#endif /* LE_TIMER_H_INCLUDE_GUARD */
