/* Copyright 2026 The le_messaging Authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * le_test.h: tests that print TAP, the Test Anything Protocol, on standard output.
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

/* One test, with a printf() format. LE_TEST prints the condition as its text.
 * LE_TEST_ASSERT ends the process if the test fails. */
#define LE_TEST_OK(condition, ...) \
  le_test_Ok_((condition) ? true : false, __VA_ARGS__)
#define LE_TEST(condition) LE_TEST_OK(condition, "%s", #condition)
#define LE_TEST_ASSERT(condition, ...)                                       \
  do {                                                                       \
    if (!le_test_Ok_((condition) ? true : false, __VA_ARGS__)) LE_TEST_EXIT; \
  } while (0)

/* A block of tests that are expected to fail if the condition is true. Such a
 * failure does not count. */
#define LE_TEST_BEGIN_TODO(condition) \
  do {                                \
    const bool leTestTodo_ = le_test_SetTodo_((condition) ? true : false);
#define LE_TEST_END_TODO()             \
  (void)le_test_SetTodo_(leTestTodo_); \
  }                                    \
  while (0)

/* A block of tests that are skipped if the condition is true. count: their
 * number. */
#define LE_TEST_BEGIN_SKIP(condition, count) \
  do {                                       \
    if (condition) {                         \
      le_test_Skip_(count);                  \
      break;                                 \
    }
#define LE_TEST_END_SKIP() \
  }                        \
  while (0)

/* A test that fails. It ends the process. */
#define LE_TEST_FATAL(...)           \
  do {                               \
    le_test_Ok_(false, __VA_ARGS__); \
    LE_TEST_EXIT;                    \
  } while (0)

/* Prints a comment line. */
#define LE_TEST_INFO(...) le_test_Info_(__VA_ARGS__)

/* Ends the process: with 0 if no test has failed and the number of tests is the
 * planned one, otherwise with EXIT_FAILURE. */
#define LE_TEST_EXIT le_test_Exit_()
#define LE_TEST_SUMMARY LE_TEST_EXIT

/* Called by the macros. */
void le_test_Plan_(int count);
bool le_test_Ok_(bool passed, const char* format, ...)
    __attribute__((format(printf, 2, 3)));
void le_test_Info_(const char* format, ...)
    __attribute__((format(printf, 1, 2)));
bool le_test_SetTodo_(bool todo);
void le_test_Skip_(int count);
void le_test_Exit_(void) __attribute__((noreturn));

#ifdef __cplusplus
}
#endif

#endif /* LE_TEST_H_INCLUDE_GUARD */
