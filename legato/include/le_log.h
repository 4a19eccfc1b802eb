/* Copyright 2026 The le_messaging Authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * le_log.h: log lines, and fatal errors.
 *
 * The environment variable LE_LOG_LEVEL (debug, info, warning, error, critical or
 * emergency, in upper or lower case) is the lowest level that is written. The default
 * is info. A set-uid program ignores the variable. At debug level the library logs each
 * opening, advertising, hiding and closing.
 *
 * Formats and arguments are those of printf(). Any thread. Of all functions of this
 * library, only these may also be called in the child of a fork, so that it can log why
 * it cannot exec.
 */

#ifndef LE_LOG_H_INCLUDE_GUARD
#define LE_LOG_H_INCLUDE_GUARD

#include <stdbool.h>

#include "le_basics.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum {
  LE_LOG_DEBUG = 0,
  LE_LOG_INFO,
  LE_LOG_WARN,
  LE_LOG_ERR,
  LE_LOG_CRIT,
  LE_LOG_EMERG
} le_log_Level_t;

/* For the macros. */
void le_log_Send_(le_log_Level_t level, const char* file, unsigned line,
                  const char* function, const char* format, ...)
    __attribute__((format(printf, 5, 6)));
void le_log_Fatal_(const char* file, unsigned line, const char* function,
                   const char* format, ...)
    __attribute__((format(printf, 4, 5), noreturn));

#define LE_LOG_AT_(level, ...) \
  le_log_Send_((level), __FILE__, __LINE__, __func__, __VA_ARGS__)

/* One line at that level. */
#define LE_DEBUG(...) LE_LOG_AT_(LE_LOG_DEBUG, __VA_ARGS__)
#define LE_INFO(...) LE_LOG_AT_(LE_LOG_INFO, __VA_ARGS__)
#define LE_WARN(...) LE_LOG_AT_(LE_LOG_WARN, __VA_ARGS__)
#define LE_ERROR(...) LE_LOG_AT_(LE_LOG_ERR, __VA_ARGS__)
#define LE_CRIT(...) LE_LOG_AT_(LE_LOG_CRIT, __VA_ARGS__)
#define LE_EMERG(...) LE_LOG_AT_(LE_LOG_EMERG, __VA_ARGS__)

#define LE_LOG_IF_(condition, level, ...)          \
  do {                                             \
    if (condition) LE_LOG_AT_(level, __VA_ARGS__); \
  } while (0)

/* The same, if the condition holds. */
#define LE_DEBUG_IF(condition, ...) \
  LE_LOG_IF_(condition, LE_LOG_DEBUG, __VA_ARGS__)
#define LE_INFO_IF(condition, ...) \
  LE_LOG_IF_(condition, LE_LOG_INFO, __VA_ARGS__)
#define LE_WARN_IF(condition, ...) \
  LE_LOG_IF_(condition, LE_LOG_WARN, __VA_ARGS__)
#define LE_ERROR_IF(condition, ...) \
  LE_LOG_IF_(condition, LE_LOG_ERR, __VA_ARGS__)
#define LE_CRIT_IF(condition, ...) \
  LE_LOG_IF_(condition, LE_LOG_CRIT, __VA_ARGS__)
#define LE_EMERG_IF(condition, ...) \
  LE_LOG_IF_(condition, LE_LOG_EMERG, __VA_ARGS__)

/* Logs at emergency level and ends the process with EXIT_FAILURE. If LE_ABORT_ON_FATAL is
 * set in the environment, and not to 0, the process ends by abort() and leaves a core
 * (set-uid programs ignore this). The same holds for all misuse that is fatal. */
#define LE_FATAL(...) le_log_Fatal_(__FILE__, __LINE__, __func__, __VA_ARGS__)
#define LE_FATAL_IF(condition, ...)       \
  do {                                    \
    if (condition) LE_FATAL(__VA_ARGS__); \
  } while (0)

/* Fatal unless the condition holds, or the result is LE_OK. */
#define LE_ASSERT(condition)                                     \
  do {                                                           \
    if (!(condition)) LE_FATAL("Assert failed: %s", #condition); \
  } while (0)
#define LE_ASSERT_OK(result)                                  \
  do {                                                        \
    const le_result_t leAssertResult_ = (result);             \
    if (leAssertResult_ != LE_OK)                             \
      LE_FATAL("Assert failed: %s is %s, not LE_OK", #result, \
               le_result_Txt(leAssertResult_));               \
  } while (0)

#ifdef __cplusplus
}
#endif

#endif /* LE_LOG_H_INCLUDE_GUARD */
