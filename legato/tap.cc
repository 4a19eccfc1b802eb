// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// The C API le_test.h: functions for test programs. They print results in the
// Test Anything Protocol (TAP).

#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "event/base/log.h"
#include "event/base/mutex.h"
#include "event/os_process.h"
#include "le_test.h"
#include "legato/format.h"
#include "legato/refs.h"

using le::event::CheckNotForked;
using le::event::Log;
using le::event::LogLevel;
using le::event::Misuse;
using le::event::Mutex;
using le::event::MutexLock;
using le::legato::FormatV;

struct le_test_Child {};

namespace {

// A program that LE_TEST_FORK has started, or could not start.
struct Child {
  pid_t pid;
};
constexpr pid_t kNotStarted = 0;
using Children = le::legato::ProcessRefs<Child, le_test_ChildRef_t>;

Mutex g_test_mutex;
int g_tests ABSL_GUARDED_BY(g_test_mutex) = 0;
int g_failures ABSL_GUARDED_BY(g_test_mutex) = 0;
bool g_todo ABSL_GUARDED_BY(g_test_mutex) = false;
bool g_plans_at_end ABSL_GUARDED_BY(g_test_mutex) = true;

[[noreturn]] void Exit(int failures) {
  // In a shell, 127 means that the command is missing, and 128 + N means that
  // signal N has ended it.
  constexpr int kMaxStatus = 126;
  std::exit(std::min(failures, kMaxStatus));
}
}  // namespace

void le_test_Plan_(int count) {
  CheckNotForked("LE_TEST_PLAN");
  MutexLock lock(&g_test_mutex);
  g_plans_at_end = count == LE_TEST_NO_PLAN;
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
              g_todo ? " # todo" : "");
  std::fflush(stdout);
  return passed;
}

void le_test_Output_(const char* format, ...) {
  CheckNotForked("LE_TEST_OUTPUT");
  va_list arguments;
  va_start(arguments, format);
  const std::string text = FormatV(format, arguments);
  va_end(arguments);
  MutexLock lock(&g_test_mutex);
  std::printf("%s\n", text.c_str());
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
  int failures;
  {
    MutexLock lock(&g_test_mutex);
    if (g_plans_at_end) std::printf("1..%d\n", g_tests);
    failures = g_failures;
    std::fflush(stdout);
  }
  Exit(failures);
}

void le_test_BailOut_(void) {
  CheckNotForked("LE_TEST_FATAL");
  Exit(std::max(le_test_NumFailures_(), 1));
}

int le_test_NumFailures_(void) {
  CheckNotForked("LE_TEST_NUM_FAILURES");
  MutexLock lock(&g_test_mutex);
  return g_failures;
}

le_test_ChildRef_t le_test_Fork_(const char* program, ...) {
  static constexpr char kMacro[] = "LE_TEST_FORK";
  CheckNotForked(kMacro);
  if (program == nullptr) Misuse(kMacro, "the program is NULL");
  std::vector<char*> arguments = {const_cast<char*>(program)};
  va_list list;
  va_start(list, program);
  while (arguments.back() != nullptr) {
    arguments.push_back(va_arg(list, char*));
  }
  va_end(list);
  Child child;
  const int error = posix_spawnp(&child.pid, program, nullptr, nullptr,
                                 arguments.data(), environ);
  if (error != 0) {
    Log(LogLevel::kError, absl::StrCat(kMacro, ": cannot start '", program,
                                       "': ", std::strerror(error)));
    child.pid = kNotStarted;
  }
  return Children::OfCurrentProcess()->Add(std::make_shared<Child>(child));
}

void le_test_Join_(le_test_ChildRef_t child) {
  const pid_t pid = Children::Get("LE_TEST_JOIN", child)->pid;
  Children::OfCurrentProcess()->Remove(child);
  int failures = 1;
  if (pid != kNotStarted) {
    int status = 0;
    pid_t ended;
    do {
      ended = waitpid(pid, &status, 0);
    } while (ended < 0 && errno == EINTR);
    if (ended == pid && WIFEXITED(status)) failures = WEXITSTATUS(status);
  }
  MutexLock lock(&g_test_mutex);
  g_failures += failures;
}
