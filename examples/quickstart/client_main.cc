// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// client FILE TIMES

#include <err.h>

#include "examples/quickstart/quickstart.h"

int main(int argc, char** argv) {
  if (argc != 3) errx(EXIT_FAILURE, "arguments: FILE TIMES");
  setlinebuf(stdout);
  const absl::Status status = quickstart::RunClient(argv[1], atoi(argv[2]));
  if (!status.ok()) fprintf(stderr, "client: %s\n", status.ToString().c_str());
  return status.ok() ? EXIT_SUCCESS : EXIT_FAILURE;
}
