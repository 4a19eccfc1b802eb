/* Copyright 2026 The le_messaging Authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * le_test.h: tests that print TAP, the Test Anything Protocol, on standard
 * output.
 */

#ifndef LE_TEST_H_INCLUDE_GUARD
#define LE_TEST_H_INCLUDE_GUARD

#include <stdio.h>

#include "le_basics.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Sets the number of tests. LE_TEST_NO_PLAN: the number is not known. */
#define LE_TEST_NO_PLAN (-1)
#define LE_TEST_PLAN(count) le_test_Plan_(count)

#define LE_TEST_INIT LE_TEST_PLAN(LE_TEST_NO_PLAN)

/* One test. Its text is a printf() format with arguments. The arguments are
 * evaluated after the condition. LE_TEST_ASSERT ends the process if the test
 * fails. The text of LE_TEST is the condition. */
#define LE_TEST_OK(condition, ...)                         \
  do {                                                     \
    const bool leTestPassed_ = (condition) ? true : false; \
    le_test_Ok_(leTestPassed_, __VA_ARGS__);               \
  } while (0)
#define LE_TEST(condition) LE_TEST_OK(condition, "%s", #condition)
#define LE_TEST_ASSERT(condition, ...)                             \
  do {                                                             \
    const bool leTestPassed_ = (condition) ? true : false;         \
    if (!le_test_Ok_(leTestPassed_, __VA_ARGS__)) LE_TEST_FATAL(); \
  } while (0)

/* A block of tests. If the condition is true, the tests are expected to fail,
 * and a failure does not count. */
#define LE_TEST_BEGIN_TODO(condition) \
  do {                                \
    const bool leTestTodo_ = le_test_SetTodo_((condition) ? true : false);
#define LE_TEST_END_TODO()             \
  (void)le_test_SetTodo_(leTestTodo_); \
  }                                    \
  while (0)

/* A block of `count` tests. If the condition is true, they are skipped. */
#define LE_TEST_BEGIN_SKIP(condition, count) \
  do {                                       \
    if (condition) {                         \
      le_test_Skip_(count);                  \
      break;                                 \
    }
#define LE_TEST_END_SKIP() \
  }                        \
  while (0)

/* Prints one line. The format must be a string literal, also in LE_TEST_INFO
 * and LE_TEST_FATAL. A program may replace this macro: it defines the macro
 * before it includes this header. The result lines of tests ("ok 1 - ...")
 * still go to standard output. */
#ifndef LE_TEST_OUTPUT
#define LE_TEST_OUTPUT(...) le_test_Output_(__VA_ARGS__)
#endif

/* A comment line. */
#define LE_TEST_INFO(...) LE_TEST_OUTPUT("# " __VA_ARGS__)

/* Prints the line "Bail out!", with an optional text, and ends the process as
 * LE_TEST_EXIT does. No plan is printed. If no test has failed yet, one failure
 * is counted. */
#define LE_TEST_FATAL(...)                    \
  do {                                        \
    LE_TEST_OUTPUT("Bail out! " __VA_ARGS__); \
    le_test_BailOut_();                       \
  } while (0)

/* Ends the process. The exit status is the number of failed tests, at most 126.
 * It does not depend on the plan. The macro is a block, so a semicolon after it
 * is optional. */
#define LE_TEST_EXIT \
  { le_test_Exit_(); }
#define LE_TEST_SUMMARY LE_TEST_EXIT

/* The number of tests that have failed so far. */
#define LE_TEST_NUM_FAILURES le_test_NumFailures_()

/* ---- Tests in other processes ---- */

typedef struct le_test_Child* le_test_ChildRef_t;

/* Starts a program. The parameters are strings: the program's path, or its name
 * in PATH, and then its arguments. If the program cannot be started, the error
 * is logged, and LE_TEST_JOIN counts one failure. */
#define LE_TEST_FORK(...) le_test_Fork_(__VA_ARGS__, (char*)NULL)

/* Waits for the end of a program and adds its failures to those of this
 * process. The number of its failures is its exit status, or 1 if a signal has
 * ended the program. A child can be joined once. */
#define LE_TEST_JOIN(child) le_test_Join_(child)

/* For the macros. */
void le_test_Plan_(int count);
bool le_test_Ok_(bool passed, const char* format, ...)
    __attribute__((format(printf, 2, 3)));
bool le_test_SetTodo_(bool todo);
void le_test_Skip_(int count);
void le_test_Exit_(void) __attribute__((noreturn));
void le_test_BailOut_(void) __attribute__((noreturn));
void le_test_Output_(const char* format, ...)
    __attribute__((format(printf, 1, 2)));
int le_test_NumFailures_(void);
le_test_ChildRef_t le_test_Fork_(const char* program, ...)
    __attribute__((sentinel));
void le_test_Join_(le_test_ChildRef_t child);

#ifdef __cplusplus
}
#endif

#endif /* LE_TEST_H_INCLUDE_GUARD */
