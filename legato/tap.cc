// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// The C API: tests that print TAP.

#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <utility>

#include "event/base/mutex.h"
#include "event/os_process.h"
#include "le_test.h"
#include "legato/format.h"

using le::event::CheckNotForked;
using le::event::Mutex;
using le::event::MutexLock;
using le::legato::FormatV;

namespace {
Mutex g_test_mutex;
int g_tests ABSL_GUARDED_BY(g_test_mutex) = 0;
int g_failures ABSL_GUARDED_BY(g_test_mutex) = 0;
bool g_todo ABSL_GUARDED_BY(g_test_mutex) = false;
int g_plan ABSL_GUARDED_BY(g_test_mutex) = LE_TEST_NO_PLAN;
}  // namespace

void le_test_Plan_(int count) {
  CheckNotForked("LE_TEST_PLAN");
  MutexLock lock(&g_test_mutex);
  g_plan = count;
  if (count != LE_TEST_NO_PLAN) std::printf("1..%d\n", count);
  std::fflush(stdout);
}

bool le_test_Ok_(bool passed, const char* format, ...) {
  CheckNotForked("LE_TEST_OK");
  va_list arguments;
  va_start(arguments, format);
  const std::string text = FormatV(format, arguments);
  va_end(arguments);
  MutexLock lock(&g_test_mutex);
  ++g_tests;
  if (!passed && !g_todo) ++g_failures;
  std::printf("%sok %d - %s%s\n", passed ? "" : "not ", g_tests, text.c_str(),
              g_todo ? " # TO"
                       "DO"
                     : "");
  std::fflush(stdout);
  return passed;
}

void le_test_Info_(const char* format, ...) {
  CheckNotForked("LE_TEST_INFO");
  va_list arguments;
  va_start(arguments, format);
  const std::string text = FormatV(format, arguments);
  va_end(arguments);
  MutexLock lock(&g_test_mutex);
  std::printf("# %s\n", text.c_str());
  std::fflush(stdout);
}

bool le_test_SetTodo_(bool todo) {
  CheckNotForked("LE_TEST_BEGIN_TODO");
  MutexLock lock(&g_test_mutex);
  return std::exchange(g_todo, todo);
}

void le_test_Skip_(int count) {
  CheckNotForked("LE_TEST_BEGIN_SKIP");
  MutexLock lock(&g_test_mutex);
  for (int i = 0; i < count; ++i) {
    std::printf("ok %d # SKIP\n", ++g_tests);
  }
  std::fflush(stdout);
}

void le_test_Exit_(void) {
  CheckNotForked("LE_TEST_EXIT");
  bool passed;
  {
    MutexLock lock(&g_test_mutex);
    if (g_plan == LE_TEST_NO_PLAN) std::printf("1..%d\n", g_tests);
    passed =
        g_failures == 0 && (g_plan == LE_TEST_NO_PLAN || g_plan == g_tests);
    std::fflush(stdout);
  }
  std::exit(passed ? EXIT_SUCCESS : EXIT_FAILURE);
}
