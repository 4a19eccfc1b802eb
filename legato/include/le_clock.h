/* Copyright 2026 The le_messaging Authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * le_clock.h: points in time and durations. Any thread.
 */

#ifndef LE_CLOCK_H_INCLUDE_GUARD
#define LE_CLOCK_H_INCLUDE_GUARD

#include <time.h>

#include "le_basics.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
  time_t sec;
  long usec; /* 0 to 999,999 */
} le_clk_Time_t;

/* The time since an unspecified point in the past. It never decreases, and it
 * advances while the system is suspended. */
le_clk_Time_t le_clk_GetRelativeTime(void);
/* The time since the beginning of 1970, in UTC. */
le_clk_Time_t le_clk_GetAbsoluteTime(void);

/* The child of a fork may call the functions from here to le_clk_Equal().
 *
 * Return timeA + timeB, timeA - timeB, and timeA * scaleFactor. The
 * microseconds of a result are never negative, even if the result is below 0.
 * If a result is out of range, it becomes the largest or the smallest time. */
le_clk_Time_t le_clk_Add(le_clk_Time_t timeA, le_clk_Time_t timeB);
le_clk_Time_t le_clk_Sub(le_clk_Time_t timeA, le_clk_Time_t timeB);
le_clk_Time_t le_clk_Multiply(le_clk_Time_t timeA, int scaleFactor);

/* Return whether timeA > timeB, and whether timeA == timeB. */
bool le_clk_GreaterThan(le_clk_Time_t timeA, le_clk_Time_t timeB);
bool le_clk_Equal(le_clk_Time_t timeA, le_clk_Time_t timeB);

/* Formats for the functions below. */
#define LE_CLK_STRING_FORMAT_DATE_TIME "%c"
#define LE_CLK_STRING_FORMAT_DATE "%x"
#define LE_CLK_STRING_FORMAT_TIME "%X"

/* Write a time as text: the given time or the current one, in UTC or in the
 * local time zone. The format is that of strftime(), with two additions: %J is
 * the millisecond in 3 digits, and %K is the microsecond in 6 digits.
 * *numBytesPtr (may be NULL) is the length without the terminating '\0'.
 *
 * On an error, the text is empty and the length is 0:
 *  - LE_OVERFLOW: the buffer is too small.
 *  - LE_OUT_OF_RANGE: the year does not fit into struct tm.
 * Fatal: the format or the buffer is NULL, or destSize is 0. */
le_result_t le_clk_ConvertToUTCString(le_clk_Time_t time,
                                      const char* formatSpecStrPtr,
                                      char* destStrPtr, size_t destSize,
                                      size_t* numBytesPtr);
le_result_t le_clk_ConvertToLocalTimeString(le_clk_Time_t time,
                                            const char* formatSpecStrPtr,
                                            char* destStrPtr, size_t destSize,
                                            size_t* numBytesPtr);
le_result_t le_clk_GetUTCDateTimeString(const char* formatSpecStrPtr,
                                        char* destStrPtr, size_t destSize,
                                        size_t* numBytesPtr);
le_result_t le_clk_GetLocalDateTimeString(const char* formatSpecStrPtr,
                                          char* destStrPtr, size_t destSize,
                                          size_t* numBytesPtr);

#ifdef __cplusplus
}
#endif

#endif /* LE_CLOCK_H_INCLUDE_GUARD */
