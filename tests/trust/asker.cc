// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// A program that others execute with more rights than they have: says whether
// the kernel tells it so, and what came of looking for a directory.

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
  // Not exit(): a leak checker may not look at a process with such rights.
  _exit(0);
}
