// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// display         shows the states of the thermostat
// display TARGET  sets its target, in thousandths of a degree

#include <unistd.h>

#include <cstdio>
#include <cstdlib>

#include "examples/thermostat/thermostat.le.h"
#include "le/messaging.h"

using thermostat::State;
using thermostat::ThermostatClient;

static const le::CallOptions kIn2s =
    le::CallOptions().Timeout(absl::Seconds(2));

static void Show(const State& state) {
  printf("%.1f degrees%s, target %.1f, heater %s\n",
         state.temperature() / 1000.0,
         state.sensor_works() ? "" : " (the sensor does not work)",
         state.target() / 1000.0, state.heater_is_on() ? "on" : "off");
}

static absl::Status SetTarget(int32_t temperature) {
  auto client = ThermostatClient::Open("thermostat", absl::Seconds(10));
  if (!client.ok()) return client.status();
  thermostat::Target target;
  target.set_temperature(temperature);
  const absl::StatusOr<State> state = client->SetTarget(target, kIn2s);
  if (state.ok()) Show(*state);
  return state.status();
}

// Shows the sensor's file. Only the sensor needs permission to open it.
static void ShowSensorFile(ThermostatClient* client) {
  const auto file = client->OpenSensorFile({}, kIn2s);
  char text[64] = "";
  if (!file.ok()) {
    printf("no file: %s\n", file.status().ToString().c_str());
  } else if (pread(file->fd.get(), text, sizeof(text) - 1, 0) > 0) {
    printf("the sensor's file: %s\n", text);
  }
}

static absl::Status Watch() {
  le::Loop loop;
  auto client = ThermostatClient::Create("thermostat");
  if (!client.ok()) return client.status();
  absl::Status result;
  le::Stream states;

  const auto on_open = [&](const absl::Status& opened) {
    if (!opened.ok()) {  // the service has another protocol
      result = opened;
      return loop.Stop();
    }
    ShowSensorFile(&*client);
    states = client->Watch({}, {}, Show, [](const absl::Status& status) {
      printf("no more states: %s\n", status.ToString().c_str());
    });
  };
  result.Update(client->KeepOpen(on_open));
  if (result.ok()) result.Update(loop.Run());
  return result;
}

int main(int argc, char** argv) {
  setlinebuf(stdout);
  const absl::Status status = argc > 1 ? SetTarget(atoi(argv[1])) : Watch();
  if (!status.ok()) fprintf(stderr, "%s\n", status.ToString().c_str());
  return status.ok() ? EXIT_SUCCESS : EXIT_FAILURE;
}
