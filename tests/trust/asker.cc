// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// A program that users_test executes, in some tests with more rights than the
// caller has. It prints whether the kernel has set AT_SECURE, and the result of
// a try-open.

#include <sys/auxv.h>
#include <unistd.h>

#include <cstdio>

#include "legato.h"

int main() {
  const le_result_t result = le_msg_TryOpenSessionSync(
      le_msg_CreateSession(le_msg_GetProtocolRef("trust", 8), "asker"));
  std::printf("secure: %lu, result: %s\n", getauxval(AT_SECURE),
              LE_RESULT_TXT(result));
  std::fflush(stdout);
  // In a build with asan, exit() would run the leak checker. The leak checker
  // has no permission to inspect a privileged process.
  _exit(0);
}
