// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#include "examples/thermostat/controller.h"

int main() {
  auto sensor = le::Client::CreateKeptOpen("sensor", thermostat::kSensor);
  thermostat::Controller controller(*std::move(sensor), absl::Seconds(1),
                                    absl::Seconds(1));
  const absl::Status ended = le::ServeUntilSignal("thermostat", &controller,
                                                  SIGTERM, absl::Seconds(5));
  return ended.ok() ? EXIT_SUCCESS : EXIT_FAILURE;
}
