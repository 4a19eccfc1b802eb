/* Copyright 2026 The le_messaging Authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * le_clock.h: durations.
 */

#ifndef LE_CLOCK_H_INCLUDE_GUARD
#define LE_CLOCK_H_INCLUDE_GUARD

#include <time.h>

/* Seconds and microseconds. */
typedef struct {
  time_t sec;
  long usec; /* 0 to 999,999 */
} le_clk_Time_t;

#endif /* LE_CLOCK_H_INCLUDE_GUARD */
