/* Copyright 2026 The le_messaging Authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * A C program that calls each function of each header. It must compile as C99
 * without a warning. Each source file calls the functions of some headers. The
 * program prints TAP, and its exit status is the number of failures.
 */

#include "legato/c99_test.h"

#include <string.h>
#include <unistd.h>

#include "le_basics.h"
#include "le_eventLoop.h"
#include "le_log.h"
#include "le_print.h"
#include "le_test.h"
#include "le_thread.h"

/* ---- le_basics ---- */

#define PREFIX left
LE_SHARED int LeftRight(int unused);
LE_SHARED int LeftRight(int unused) {
  LE_UNUSED(unused);
  return 1;
}
static_assert(sizeof(int) >= 2, "an int");

/* The markers change no type and check nothing. */
LE_FULL_API static size_t Length(const char* LE_NONNULL text);
static size_t Length(const char* LE_NULLABLE text) {
  return text == NULL ? 0 : strlen(text);
}

/* C99 has one external definition of an inline function. */
LE_DECLARE_INLINE int Twice(int number) { return 2 * number; }
LE_DEFINE_INLINE int Twice(int number);

static void Basics(void) {
  static const int numbers[] = {1, 2, 3};
  int (*const twice)(int) = &Twice;
  char text[32];
  snprintf(text, sizeof(text), "%" PRIuS " %" PRIxS, sizeof(char), (size_t)255);
  LE_TEST_OK(strcmp(text, "1 ff") == 0, "formats of sizes");
  snprintf(text, sizeof(text), "%" PRIdS " %" PRIXS " %" PRIoS, (ssize_t)-1,
           (size_t)255, (size_t)8);
  LE_TEST_OK(strcmp(text, "-1 FF 10") == 0, "other formats of sizes");
  LE_TEST_OK(strcmp(STRINGIZE(CAT(PREFIX, _right)), "left_right") == 0,
                    "tokens");
  LE_TEST_OK(INDEX_OF_ARRAY_MEMBER(numbers, &numbers[2]) == 2, "index");
  LE_TEST_OK(LE_CONFIG_IS_ENABLED(LE_CONFIG_LINUX), "Linux");
  LE_TEST_OK(!LE_CONFIG_IS_ENABLED(LE_CONFIG_RPC), "no RPC");
  LE_TEST_OK((BIT0 | BIT1 | BIT2 | BIT3 | BIT4 | BIT5 | BIT6 | BIT7) == 0xff,
             "bits");
  LE_TEST_OK(LeftRight(0) == 1, "shared");
  LE_TEST_OK(Length(NULL) == 0, "a null argument is not checked");
  LE_TEST_OK(twice(2) == 4, "inline");
  LE_TEST_OK((inline_static_assert(sizeof(int) >= 2, "an int"), 1) == 1,
             "an assertion in an expression");
  LE_TEST_OK(strcmp(_le_log_GetResultCodeString(LE_OK), "LE_OK") == 0,
             "the old name of le_result_Txt()");
}

/* Calls a function that logs. Checks how each logged line ends: `ends` has the
 * expected ends in order, with a '|' behind each. */
static void CheckLog(void (*function)(void), const char* ends) {
  static char log[4096];
  const int standardError = dup(STDERR_FILENO);
  int fds[2];
  ssize_t logSize;
  const char* line;
  bool same = true;
  LE_ASSERT(standardError >= 0 && pipe(fds) == 0);
  dup2(fds[1], STDERR_FILENO);
  function();
  dup2(standardError, STDERR_FILENO);
  close(standardError);
  close(fds[1]);
  logSize = read(fds[0], log, sizeof(log) - 1);
  close(fds[0]);
  LE_ASSERT(logSize >= 0);
  log[logSize] = '\0';
  LE_TEST_INFO("%s", log);
  for (line = log; *line != '\0'; line += strcspn(line, "\n") + 1) {
    const size_t lineSize = strcspn(line, "\n");
    const size_t size = strcspn(ends, "|");
    same = same && ends[size] == '|' && lineSize >= size &&
           strncmp(line + lineSize - size, ends, size) == 0;
    ends += size + (ends[size] == '|' ? 1 : 0);
  }
  LE_TEST_OK(same && *ends == '\0', "the logged lines");
}

/* ---- le_print ---- */

static void Print(void) {
  const int numbers[] = {1, 2};
  LE_PRINT_VALUE("%d", numbers[0]);
  LE_PRINT_VALUE_IF(numbers[0] == 1, "%d", numbers[1]);
  LE_PRINT_VALUE_IF(numbers[0] == 2, "%d", numbers[1]);
  LE_PRINT_ARRAY("%d", 2, numbers);
}

static void Prints(void) {
  const le_log_Level_t before = le_log_GetFilterLevel();
  le_log_SetFilterLevel(LE_LOG_DEBUG);
  CheckLog(Print,
           "numbers[0]=1|numbers[1]=2|numbers|numbers[0]=1|"
           "numbers[1]=2|");
  le_log_SetFilterLevel(before);
}

/* ---- Logs and traces ---- */

static void Trace(void) {
  le_log_TraceRef_t trace = le_log_GetTraceRef("units");
  LE_TRACE(trace, "off: %d", 1)
  le_log_EnableTrace(trace);
  LE_TRACE(trace, "on: %d", 2);
  LE_TEST_OK(le_log_IsTraceEnabled(trace), "on");
  le_log_DisableTrace(trace);
  LE_TRACE(trace, "off: %d", 3);
}

static void LogAll(void) {
  LE_DEBUG("debug %d", 1);
  LE_INFO("info %d", 2);
  LE_WARN("warning %d", 3);
  LE_ERROR("error %d", 4);
  LE_CRIT("critical %d", 5);
  LE_EMERG("emergency %d", 6);
  LE_DEBUG_IF(true, "debug");
  LE_INFO_IF(true, "info");
  LE_WARN_IF(true, "warning");
  LE_ERROR_IF(true, "error");
  LE_CRIT_IF(true, "critical");
  LE_EMERG_IF(true, "emergency");
  LE_DEBUG_IF(false, "x");
  LE_INFO_IF(false, "x");
  LE_WARN_IF(false, "x");
  LE_ERROR_IF(false, "x");
  LE_CRIT_IF(false, "x");
  LE_EMERG_IF(false, "x");
  LE_FATAL_IF(false, "%s", LE_RESULT_TXT(LE_OK));
}

static void Dump(void) {
  LE_DUMP("abc", 3);
  LE_LOG_DUMP(LE_LOG_INFO, "0123456789abcdefg", 17);
}

static void Logs(void) {
  le_log_TraceRef_t trace = le_log_GetTraceRef("units");
  const le_log_Level_t before = le_log_GetFilterLevel();
  LE_TEST_OK(le_log_GetTraceRef("units") == trace, "the same trace");
  LE_TEST_OK(!LE_IS_TRACE_ENABLED(trace) && !le_log_IsTraceEnabled(NULL),
             "off");
  LE_TEST_OK(!LE_IS_TRACE_ENABLED(le_log_GetTraceRef("")), "an empty keyword");
  /* Generated code uses these macros without a semicolon. */
  LE_ASSERT(trace != NULL)
  LE_ASSERT_OK(LE_OK)
  LE_FATAL_IF(trace == NULL, "no trace")
  LE_INFO_IF(trace == NULL, "no trace")
  if (trace == NULL) LE_FATAL("no trace")
  CheckLog(Trace, "on: 2|");
  LE_TEST_OK(!le_log_IsTraceEnabled(trace), "off again");
  le_log_SetFilterLevel(LE_LOG_WARN);
  CheckLog(LogAll,
           "warning 3|error 4|critical 5|emergency 6|warning|error|"
           "critical|emergency|");
  le_log_SetFilterLevel(LE_LOG_DEBUG);
  CheckLog(LogAll,
           "debug 1|info 2|warning 3|error 4|critical 5|emergency 6|"
           "debug|info|warning|error|critical|emergency|");
  CheckLog(Dump,
           "0000: 61 62 63|"
           "0000: 30 31 32 33 34 35 36 37 38 39 61 62 63 64 65 66|"
           "0010: 67|");
  le_log_SetFilterLevel(LE_LOG_ERR);
  LE_TEST_OK(le_log_GetFilterLevel() == LE_LOG_ERR, "level");
  {
    int evaluated = 0;
    LE_WARN("%d", ++evaluated);
    LE_DEBUG_IF(true, "%d", ++evaluated);
    LE_TEST_OK(evaluated == 0,
               "arguments of an unwritten line are not evaluated");
  }
  le_log_SetFilterLevel(before);
}

/* ---- le_test ---- */

static void Macros(void) {
  LE_TEST_BEGIN_TODO(true);
  LE_TEST_OK(false, "fails, and does not count");
  LE_TEST_END_TODO();
  LE_TEST_BEGIN_SKIP(true, 2)
  LE_TEST_OK(false, "is skipped");
  LE_TEST_END_SKIP();
  LE_TEST(1 == 1);
  {
    int evaluated = 0;
    LE_TEST_OK((evaluated = 1) == 1, "the text is evaluated last: %d",
               evaluated);
    LE_TEST_OK(evaluated == 1, "the condition was evaluated");
    LE_TEST_ASSERT(evaluated == 1, "%s", "an assertion with an argument");
  }
  LE_TEST_OUTPUT("# %s", "a line");
  LE_TEST_INFO("%s", "a remark");
  LE_TEST_OK(LE_TEST_NUM_FAILURES == 0, "no test has failed");
  {
    le_test_ChildRef_t child = LE_TEST_FORK("true");
    LE_TEST_JOIN(child);
    child = LE_TEST_FORK("sh", "-c", "exit 0");
    LE_TEST_JOIN(child);
  }
  LE_TEST_OK(LE_TEST_NUM_FAILURES == 0, "no child has failed");
}

/* Uses the macros in both forms: with a semicolon, and without one before a
 * brace. */
static void ExitIf(int how) {
  if (how == 1) {
    LE_TEST_EXIT
  }
  if (how == 2) LE_TEST_EXIT;
  if (how == 3) {
    LE_TEST_SUMMARY
  }
  if (how == 4) LE_TEST_FATAL();
  if (how == 5) LE_TEST_FATAL("%d", how);
}

/* ---- A component without a name ---- */

static bool Initialized;

COMPONENT_INIT { Initialized = true; }

int main(void) {
  le_thread_InitLegatoThreadData("units");
  LE_TEST_PLAN(LE_TEST_NO_PLAN);
  LE_TEST_INIT;
  LE_TEST(strcmp(le_thread_GetMyName(), "units") == 0);
  LE_TEST(le_thread_GetCurrent() == le_thread_GetCurrent());
  LE_TEST(strcmp(le_result_Txt(LE_OK), "LE_OK") == 0);
  Basics();
  Prints();
  Logs();
  TestPackValues();
  TestPackSizes();
  TestPackTuplesAndReferences();
  TestPackStrings();
  TestPackArrays();
  TestSafeReferences();
  TestLists();
  TestSingleLists();
  TestHashMaps();
  TestMemory();
  TestSubPools();
  TestLargerPools();
  TestMutexes();
  TestThreads();
  TestSemaphores();
  TestRunningThreads();
  TestEvents();
  TestSignalHandlers();
  TestMonitors();
  TestTimers();
  TestArguments();
  TestArgumentsThatRegister();
  TestNegativeNumbers();
  TestUtf8();
  TestCodePoints();
  TestTimes();
  _le_event_InitComponent();
  LE_TEST_OK(Initialized, "the component was initialized");
  Macros();
  ExitIf(0);
  le_thread_CleanupLegatoThreadData();
  LE_TEST_SUMMARY;
}
