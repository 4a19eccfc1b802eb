/* Copyright 2026 The le_messaging Authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * le_log.h: log lines, and fatal errors.
 *
 * The environment variable LE_LOG_LEVEL (debug, info, warning, error, critical
 * or emergency, in upper or lower case) is the lowest level that is written.
 * The default is info. A set-uid program ignores the variable. At debug level
 * the library logs when a session is opened or closed, and when a service is
 * advertised or hidden.
 *
 * Formats and arguments are those of printf(). Any thread may log. The child of
 * a fork may log too, so that it can report why exec failed. The child may call
 * no other function of the library, with one exception: functions that use only
 * the caller's memory (le_pack, le_dls, le_utf8, and functions whose header
 * says so). The Sort functions of lists allocate memory, and the child may call
 * them too.
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

/* Called by the macros. */
void le_log_Send_(le_log_Level_t level, const char* file, unsigned line,
                  const char* function, const char* format, ...)
    __attribute__((format(printf, 5, 6)));
void le_log_Fatal_(const char* file, unsigned line, const char* function,
                   const char* format, ...)
    __attribute__((format(printf, 4, 5), noreturn));

bool le_log_IsEnabled_(le_log_Level_t level);

/* If the line is not written, its arguments are not evaluated. */
#define LE_LOG_AT_(level, ...)                                            \
  (le_log_IsEnabled_(level)                                               \
       ? le_log_Send_((level), __FILE__, __LINE__, __func__, __VA_ARGS__) \
       : (void)0)

/* Logs one line at the level of the name. */
#define LE_DEBUG(...) LE_LOG_AT_(LE_LOG_DEBUG, __VA_ARGS__)
#define LE_INFO(...) LE_LOG_AT_(LE_LOG_INFO, __VA_ARGS__)
#define LE_WARN(...) LE_LOG_AT_(LE_LOG_WARN, __VA_ARGS__)
#define LE_ERROR(...) LE_LOG_AT_(LE_LOG_ERR, __VA_ARGS__)
#define LE_CRIT(...) LE_LOG_AT_(LE_LOG_CRIT, __VA_ARGS__)
#define LE_EMERG(...) LE_LOG_AT_(LE_LOG_EMERG, __VA_ARGS__)

#define LE_LOG_IF_(condition, level, ...)          \
  {                                                \
    if (condition) LE_LOG_AT_(level, __VA_ARGS__); \
  }

/* Log the line if the condition is true. As in Legato, these macros and
 * LE_FATAL, LE_ASSERT and LE_TRACE are blocks, and need no semicolon. */
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

/* Logs at emergency level and ends the process with EXIT_FAILURE. If the
 * environment variable LE_ABORT_ON_FATAL is set, and is neither "" nor "0", the
 * process calls abort() instead, and leaves a core dump (set-uid programs
 * ignore the variable). Each misuse that a comment calls fatal ends the process
 * in this way. */
#define LE_FATAL(...) \
  { le_log_Fatal_(__FILE__, __LINE__, __func__, __VA_ARGS__); }
#define LE_FATAL_IF(condition, ...)      \
  {                                      \
    if (condition) LE_FATAL(__VA_ARGS__) \
  }

/* Fatal if the condition is false, or if the result is not LE_OK. */
#define LE_ASSERT(condition)                                    \
  {                                                             \
    if (!(condition)) LE_FATAL("Assert failed: %s", #condition) \
  }
#define LE_ASSERT_OK(result)                                   \
  {                                                            \
    const le_result_t leAssertResult_ = (le_result_t)(result); \
    if (leAssertResult_ != LE_OK)                              \
      LE_FATAL("Assert failed: %s is %s, not LE_OK", #result,  \
               le_result_Txt(leAssertResult_))                 \
  }

/* Logs bytes in hexadecimal, 16 per line, at this level. Any size. */
#define LE_LOG_DUMP(level, dataPtr, dataLength) \
  le_log_Dump_((level), __FILE__, __LINE__, __func__, (dataPtr), (dataLength))
#define LE_DUMP(dataPtr, dataLength) \
  LE_LOG_DUMP(LE_LOG_DEBUG, dataPtr, dataLength)
/* Called by the macros. */
void le_log_Dump_(le_log_Level_t level, const char* file, unsigned line,
                  const char* function, const void* dataPtr, size_t dataLength);

/* Set and get the lowest level that is written, for the whole process. */
void le_log_SetFilterLevel(le_log_Level_t level);
le_log_Level_t le_log_GetFilterLevel(void);

/* A type of Legato's header. No function uses it. */
typedef struct le_log_Session* le_log_SessionRef_t;

/* ---- Traces: log lines with a keyword, off until they are enabled ---- */

typedef struct le_log_Trace* le_log_TraceRef_t;

/* Returns the trace of a keyword. The same keyword always has the same trace.
 * The trace is never freed. The environment variable LE_LOG_TRACE is a list of
 * keywords, separated by colons (set-uid programs ignore the variable). A trace
 * whose keyword is in the list is enabled when it is created. COMPONENT/KEYWORD
 * in the list has the same effect as KEYWORD: the component is ignored. Fatal:
 * the keyword is NULL. */
le_log_TraceRef_t le_log_GetTraceRef(const char* keyword);
/* Returns whether the trace is enabled. NULL: false. */
bool le_log_IsTraceEnabled(le_log_TraceRef_t traceRef);
#define LE_IS_TRACE_ENABLED(traceRef) (le_log_IsTraceEnabled(traceRef))
/* Enable and disable a trace. Fatal: traceRef is NULL. */
void le_log_EnableTrace(le_log_TraceRef_t traceRef);
void le_log_DisableTrace(le_log_TraceRef_t traceRef);

/* Logs one line at info level, if the trace is enabled. */
#define LE_TRACE(traceRef, ...)                                             \
  {                                                                         \
    if (le_log_IsTraceEnabled(traceRef))                                    \
      le_log_Trace_((traceRef), __FILE__, __LINE__, __func__, __VA_ARGS__); \
  }
/* Called by the macro. */
void le_log_Trace_(le_log_TraceRef_t traceRef, const char* file, unsigned line,
                   const char* function, const char* format, ...)
    __attribute__((format(printf, 5, 6)));

#ifdef __cplusplus
}
#endif

#endif /* LE_LOG_H_INCLUDE_GUARD */
