// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// The C API: the clock.

#include <cstddef>
#include <cstdio>
#include <ctime>
#include <string>

#include "event/base/log.h"
#include "event/os_process.h"
#include "le_clock.h"
#include "legato/duration.h"

using le::event::CheckNotForked;
using le::event::Misuse;
using le::legato::ToDuration;
using le::legato::ToTime;

namespace {

le_clk_Time_t Read(clockid_t clock) {
  timespec now = {};
  clock_gettime(clock, &now);
  le_clk_Time_t time;
  time.sec = now.tv_sec;
  time.usec = now.tv_nsec / 1000;
  return time;
}

// Expands %J and %K, which strftime() does not have.
std::string WithFractions(const char* format, int microseconds) {
  std::string expanded;
  for (const char* at = format; *at != '\0'; ++at) {
    if (at[0] != '%' || at[1] == '\0') {
      expanded += *at;
      continue;
    }
    ++at;
    char text[16] = {'%', *at};
    if (*at == 'J') {
      std::snprintf(text, sizeof(text), "%03d", microseconds / 1000);
    } else if (*at == 'K') {
      std::snprintf(text, sizeof(text), "%06d", microseconds);
    }
    expanded += text;
  }
  return expanded;
}

le_result_t Format(const char* function, le_clk_Time_t time,
                   tm* (*convert)(const time_t*, tm*), const char* format,
                   char* buffer, size_t buffer_size, size_t* size) {
  CheckNotForked(function);
  if (format == nullptr) Misuse(function, "the format is NULL");
  if (buffer == nullptr || buffer_size == 0) {
    Misuse(function, "the buffer is NULL, or its size is 0");
  }
  time = ToTime(ToDuration(time));
  tm broken_down = {};
  if (convert(&time.sec, &broken_down) == nullptr) {
    if (size != nullptr) *size = 0;
    buffer[0] = '\0';
    return LE_OUT_OF_RANGE;
  }
  // strftime() returns 0 both for an empty text and for an error. With the
  // blank at its end the text is never empty.
  const std::string never_empty =
      WithFractions(format, static_cast<int>(time.usec)) + " ";
  std::string text(buffer_size + 1, '\0');
  const size_t written =
      std::strftime(&text[0], text.size(), never_empty.c_str(), &broken_down);
  if (size != nullptr) *size = written == 0 ? 0 : written - 1;
  if (written == 0) {
    buffer[0] = '\0';
    return LE_OVERFLOW;
  }
  text.copy(buffer, written - 1);
  buffer[written - 1] = '\0';
  return LE_OK;
}

}  // namespace

le_clk_Time_t le_clk_GetRelativeTime(void) {
  CheckNotForked(__func__);
  return Read(CLOCK_BOOTTIME);
}

le_clk_Time_t le_clk_GetAbsoluteTime(void) {
  CheckNotForked(__func__);
  return Read(CLOCK_REALTIME);
}

le_clk_Time_t le_clk_Add(le_clk_Time_t timeA, le_clk_Time_t timeB) {
  return ToTime(ToDuration(timeA) + ToDuration(timeB));
}

le_clk_Time_t le_clk_Sub(le_clk_Time_t timeA, le_clk_Time_t timeB) {
  return ToTime(ToDuration(timeA) - ToDuration(timeB));
}

le_clk_Time_t le_clk_Multiply(le_clk_Time_t timeA, int scaleFactor) {
  return ToTime(ToDuration(timeA) * scaleFactor);
}

bool le_clk_GreaterThan(le_clk_Time_t timeA, le_clk_Time_t timeB) {
  return timeA.sec > timeB.sec ||
         (timeA.sec == timeB.sec && timeA.usec > timeB.usec);
}

bool le_clk_Equal(le_clk_Time_t timeA, le_clk_Time_t timeB) {
  return timeA.sec == timeB.sec && timeA.usec == timeB.usec;
}

le_result_t le_clk_ConvertToUTCString(le_clk_Time_t time,
                                      const char* formatSpecStrPtr,
                                      char* destStrPtr, size_t destSize,
                                      size_t* numBytesPtr) {
  return Format(__func__, time, &gmtime_r, formatSpecStrPtr, destStrPtr,
                destSize, numBytesPtr);
}

le_result_t le_clk_ConvertToLocalTimeString(le_clk_Time_t time,
                                            const char* formatSpecStrPtr,
                                            char* destStrPtr, size_t destSize,
                                            size_t* numBytesPtr) {
  return Format(__func__, time, &localtime_r, formatSpecStrPtr, destStrPtr,
                destSize, numBytesPtr);
}

le_result_t le_clk_GetUTCDateTimeString(const char* formatSpecStrPtr,
                                        char* destStrPtr, size_t destSize,
                                        size_t* numBytesPtr) {
  return Format(__func__, Read(CLOCK_REALTIME), &gmtime_r, formatSpecStrPtr,
                destStrPtr, destSize, numBytesPtr);
}

le_result_t le_clk_GetLocalDateTimeString(const char* formatSpecStrPtr,
                                          char* destStrPtr, size_t destSize,
                                          size_t* numBytesPtr) {
  return Format(__func__, Read(CLOCK_REALTIME), &localtime_r, formatSpecStrPtr,
                destStrPtr, destSize, numBytesPtr);
}
