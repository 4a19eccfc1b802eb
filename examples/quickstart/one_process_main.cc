// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// one_process FILE: the same client and server in two threads of one process,
// linked with //messaging:le_messaging_loopback.

#include <err.h>

#include <thread>

#include "examples/quickstart/quickstart.h"
#include "le/messaging.h"
#include "le_messaging_loopback.h"

int main(int argc, char** argv) {
  if (argc != 2) errx(EXIT_FAILURE, "argument: FILE");
  setlinebuf(stdout);
  le_msg_SetLoopbackBindings("<*>.facts -> <self>.fileFacts\n");
  le::Loop loop;
  const auto server = le::Serve("fileFacts", quickstart::NewFileFacts());
  if (!server.ok()) return EXIT_FAILURE;
  absl::Status status;
  std::thread client([&] {
    status = quickstart::RunClient(argv[1], 1);
    loop.Stop();
  });
  const absl::Status ran = loop.Run();
  client.join();
  return ran.ok() && status.ok() ? EXIT_SUCCESS : EXIT_FAILURE;
}
