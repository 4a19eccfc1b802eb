// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#include "examples/thermostat/controller.h"

int main() {
  thermostat::Controller controller(
      le::Client::Create("sensor", thermostat::kSensor).value(),
      absl::Seconds(1), absl::Seconds(1));
  auto server = le::Serve("thermostat", &controller);
  if (!server.ok()) return EXIT_FAILURE;
  const auto end_streams = [&] { controller.EndStreams(); };
  return server->RunUntilSignal(SIGTERM, absl::Seconds(5), end_streams).ok()
             ? EXIT_SUCCESS
             : EXIT_FAILURE;
}
