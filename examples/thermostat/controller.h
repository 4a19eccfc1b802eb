// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef LE_MESSAGING_EXAMPLES_THERMOSTAT_CONTROLLER_H_
#define LE_MESSAGING_EXAMPLES_THERMOSTAT_CONTROLLER_H_

#include <algorithm>
#include <utility>

#include "examples/thermostat/sensor.h"
#include "examples/thermostat/thermostat.le.h"
#include "le/messaging.h"

namespace thermostat {

constexpr le::Protocol kSensor = {SENSOR_PROTOCOL, sizeof(Sensor_Message_t)};
// Requests.
constexpr Sensor_Message_t kMeasure = {/*wantsFile=*/0, 0};
constexpr Sensor_Message_t kOpenFile = {/*wantsFile=*/1, 0};

// Measures after each period, switches the heater, and pushes the state to all
// displays.
class Controller final : public ThermostatService {
 public:
  static constexpr int kLowest = 5000, kHighest = 30000;
  static constexpr int kTolerance = 500;  // makes the heater switch less often

  // `sensor` is made by CreateKeptOpen(). Its session may still be closed.
  Controller(le::Client sensor, absl::Duration period, absl::Duration timeout)
      : timeout_(timeout), sensor_(std::move(sensor)) {
    state_.set_target(20000);
    displays_.Publish(state_);
    timer_.StartPeriodic(period).IgnoreError();
  }

  void SetTarget(const Target& target, le::Reply<State> reply) override {
    if (target.temperature() < kLowest || target.temperature() > kHighest) {
      return std::move(reply).Fail(absl::OutOfRangeError("5 to 30 degrees"));
    }
    state_.set_target(target.temperature());
    Control();
    *reply = state_;
    std::move(reply).Send();
  }

  void Watch(const Nothing&, le::Sink<State> display) override {
    displays_.AddWithKept(std::move(display));
  }

  void OpenSensorFile(const Nothing&, le::ReplyWithFd<Nothing> reply) override {
    // The request to the sensor ends at the display's deadline at the latest.
    const absl::Duration timeout = std::min(reply.remaining(), timeout_);
    sensor_
        .RequestAsync<le::WithFd<Sensor_Message_t>>(
            kOpenFile, timeout,
            [reply = std::move(reply)](auto response) mutable {
              if (!response.ok()) {
                return std::move(reply).Fail(response.status());
              }
              std::move(reply).Send(std::move(response->fd));
            })
        .Detach();
  }

 private:
  void Measure() {
    if (measurement_.pending()) return;
    measurement_ = sensor_.RequestAsync<Sensor_Message_t>(
        kMeasure, timeout_, [this](const auto& measured) {
          state_.set_sensor_works(measured.ok());
          if (measured.ok()) state_.set_temperature(measured->temperature);
          Control();
        });
  }

  void Control() {
    if (!state_.sensor_works() ||
        state_.temperature() > state_.target() + kTolerance) {
      state_.set_heater_is_on(false);
    } else if (state_.temperature() < state_.target() - kTolerance) {
      state_.set_heater_is_on(true);
    }
    displays_.Publish(state_);
  }

  const absl::Duration timeout_;
  le::Client sensor_;
  State state_;
  // A slow display gets the newest state only.
  le::Topic<State> displays_{le::SlowStream::kSkipsItems, /*kept_items=*/1};
  le::Call measurement_;
  le::Timer timer_{[this] { Measure(); }};
};

}  // namespace thermostat

#endif  // LE_MESSAGING_EXAMPLES_THERMOSTAT_CONTROLLER_H_
