/* Copyright 2026 The le_messaging Authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * client FILE TIMES: ends after TIMES servers have served it.
 */

#include <err.h>

#include "file_facts.h"

static int TimesLeft;

static void Done(void) {
  printf("client: served\n");
  fflush(stdout);
  if (--TimesLeft == 0) exit(EXIT_SUCCESS);
}

int main(int argc, char** argv) {
  if (argc != 3) errx(EXIT_FAILURE, "arguments: FILE TIMES");
  TimesLeft = atoi(argv[2]);
  StartClient(argv[1], Done);
  le_event_RunLoop();
}
