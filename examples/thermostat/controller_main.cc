// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#include "examples/thermostat/controller.h"

int main() {
  le::Loop loop;
  thermostat::Controller controller(
      le::Client::Create("sensor", thermostat::kSensor).value(),
      absl::Seconds(1), absl::Seconds(1));
  const auto server = le::Serve("thermostat", &controller);
  return server.ok() && loop.RunUntilSignal(SIGTERM).ok() ? EXIT_SUCCESS
                                                          : EXIT_FAILURE;
}
