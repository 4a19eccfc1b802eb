// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#include "examples/quickstart/quickstart.h"
#include "le/messaging.h"

int main() {
  setlinebuf(stdout);
  le::Loop loop;
  const auto server = le::Serve("fileFacts", quickstart::NewFileFacts());
  if (!server.ok() || !loop.RunUntilSignal(SIGTERM).ok()) return EXIT_FAILURE;
}
