// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// Sensor, controller and displays in every setting of the test kit.

#include <fcntl.h>
#include <unistd.h>

#include <fstream>
#include <string>
#include <utility>
#include <vector>

#include "examples/thermostat/controller.h"
#include "examples/thermostat/sensor.h"
#include "gtest/gtest.h"
#include "messaging/testing/scenario.h"

namespace thermostat {
namespace {

using le::messaging::testing::AllSettings;
using le::messaging::testing::KillingSettings;
using le::messaging::testing::Party;
using le::messaging::testing::RunScenario;
using le::messaging::testing::Scenario;
using le::messaging::testing::Setting;
using le::messaging::testing::SettingName;

const char* SensorFile() {
  static auto* const name =
      new std::string(::testing::TempDir() + "temperature");
  return name->c_str();
}
void Write(const std::string& text) { std::ofstream(SensorFile()) << text; }

void RunSensor(Party* party) {
  Write("15000\n");
  StartSensor(SensorFile());
  party->RunLoopUntil("done");
}

void RunController(Party* party, absl::Duration timeout = absl::Minutes(1)) {
  auto sensor = le::Client::CreateKeptOpen("sensor", kSensor);
  ASSERT_TRUE(sensor.ok()) << sensor.status();
  Controller controller(*std::move(sensor), absl::Milliseconds(10), timeout);
  const auto server = le::Serve("thermostat", &controller);
  ASSERT_TRUE(server.ok()) << server.status();
  party->RunLoopUntil("done");
}

class Display {
 public:
  explicit Display(Party* party) : party_(party) {
    auto client = ThermostatClient::Open("thermostat");
    EXPECT_TRUE(client.ok()) << client.status();
    client_ = *std::move(client);
    states_ = client_.Watch(
        {}, {}, [this](const State& state) { state_ = state; },
        [](const absl::Status& status) { ADD_FAILURE() << status; });
  }

  ThermostatClient& client() { return client_; }
  const State& state() const { return state_; }
  void AwaitTemperature(int temperature) {
    party_->RunLoopUntil([&] {
      return state_.sensor_works() && state_.temperature() == temperature;
    });
  }
  absl::StatusOr<State> SetTarget(int temperature) {
    Target target;
    target.set_temperature(temperature);
    return client_.SetTarget(target);
  }

 private:
  Party* const party_;
  ThermostatClient client_ = *ThermostatClient::Create("thermostat");
  State state_;
  le::Stream states_;
};

class ThermostatTest : public ::testing::TestWithParam<Setting> {};
INSTANTIATE_TEST_SUITE_P(Everywhere, ThermostatTest, AllSettings(),
                         SettingName);

TEST_P(ThermostatTest, AllDisplaysFollowTheHeater) {
  Scenario scenario;
  scenario.Add("sensor", [](Party* party) {
    Write("15000\n");
    StartSensor(SensorFile());
    party->RunLoopUntil("it was cold");
    Write("25000\n");
    party->RunLoopUntil("done");
  });
  scenario.Add("controller", [](Party* party) { RunController(party); });
  scenario.Add("display", [](Party* party) {
    Display display(party);
    display.AwaitTemperature(15000);
    EXPECT_TRUE(display.state().heater_is_on());
    EXPECT_EQ(display.state().target(), 20000);
    party->Await("the other display is there");
    party->Signal("it was cold");
    display.AwaitTemperature(25000);
    EXPECT_FALSE(display.state().heater_is_on());
    party->Await("the other display is satisfied");
    party->Signal("done");
  });
  scenario.Add("other display", [](Party* party) {
    Display display(party);
    display.AwaitTemperature(15000);
    party->Signal("the other display is there");
    display.AwaitTemperature(25000);
    EXPECT_FALSE(display.state().heater_is_on());
    party->Signal("the other display is satisfied");
  });
  RunScenario(scenario, GetParam());
}

TEST_P(ThermostatTest, ADisplaySetsTheTarget) {
  Scenario scenario;
  scenario.Add("sensor", RunSensor);
  scenario.Add("controller", [](Party* party) { RunController(party); });
  scenario.Add("display", [](Party* party) {
    Display display(party);
    display.AwaitTemperature(15000);
    // (target, heater). Within the tolerance the heater stays as it is.
    for (const auto& [target, heater_is_on] :
         std::vector<std::pair<int, bool>>{{15500, true},
                                           {14500, true},
                                           {14499, false},
                                           {15500, false},
                                           {15501, true},
                                           {Controller::kLowest, false},
                                           {Controller::kHighest, true}}) {
      const absl::StatusOr<State> state = display.SetTarget(target);
      EXPECT_TRUE(state.ok()) << state.status();
      EXPECT_EQ(state->target(), target);
      EXPECT_EQ(state->heater_is_on(), heater_is_on) << target;
    }
    for (const int target :
         {Controller::kLowest - 1, Controller::kHighest + 1}) {
      EXPECT_TRUE(absl::IsOutOfRange(display.SetTarget(target).status()));
    }
    party->RunLoopUntil(
        [&] { return display.state().target() == Controller::kHighest; });
    party->Signal("done");
  });
  RunScenario(scenario, GetParam());
}

TEST_P(ThermostatTest, ADisplayReadsTheSensorsFile) {
  Scenario scenario;
  scenario.Add("sensor", RunSensor);
  scenario.Add("controller", [](Party* party) { RunController(party); });
  scenario.Add("display", [](Party* party) {
    Display display(party);
    display.AwaitTemperature(15000);
    const absl::StatusOr<le::WithFd<Nothing>> file =
        display.client().OpenSensorFile({});
    EXPECT_TRUE(file.ok()) << file.status();
    char text[7] = "";
    EXPECT_EQ(file.ok() ? read(file->fd.get(), text, sizeof(text)) : 0, 6);
    EXPECT_STREQ(text, "15000\n");
    party->Signal("done");
  });
  RunScenario(scenario, GetParam());
}

TEST_P(ThermostatTest, ASensorWithoutTemperatureSwitchesTheHeaterOff) {
  Scenario scenario;
  scenario.Add("sensor", [](Party* party) {
    Write("15000\n");
    StartSensor(SensorFile());
    party->RunLoopUntil("it was cold");
    Write("no number\n");
    party->RunLoopUntil("done");
  });
  scenario.Add("controller", [](Party* party) { RunController(party); });
  scenario.Add("display", [](Party* party) {
    Display display(party);
    display.AwaitTemperature(15000);
    EXPECT_TRUE(display.state().heater_is_on());
    party->Signal("it was cold");
    party->RunLoopUntil([&] { return !display.state().sensor_works(); });
    EXPECT_FALSE(display.state().heater_is_on());
    EXPECT_TRUE(absl::IsAborted(display.client().OpenSensorFile({}).status()));
    party->Signal("done");
  });
  RunScenario(scenario, GetParam());
}

TEST_P(ThermostatTest, ACallEndsAtTheDeadlineThoughTheSensorHangs) {
  Scenario scenario;
  scenario.Add("sensor", [](Party* party) {
    std::vector<le::Message> kept;
    auto service = le::Service::Create("sensor", kSensor);
    ASSERT_TRUE(service.ok()) << service.status();
    EXPECT_TRUE(service
                    ->OnMessage([&](le::Message request) {
                      kept.push_back(std::move(request));
                      party->Signal("the sensor hangs");
                    })
                    .ok());
    EXPECT_TRUE(service->Advertise().ok());
    party->RunLoopUntil("done");
  });
  scenario.Add("controller", [](Party* party) {
    RunController(party, absl::Milliseconds(20));
  });
  scenario.Add("display", [](Party* party) {
    Display display(party);
    party->Await("the sensor hangs");
    // The deadline of the display, and that of the controller.
    for (const absl::Duration timeout :
         {absl::Milliseconds(5), absl::InfiniteDuration()}) {
      const auto file = display.client().OpenSensorFile(
          {}, le::CallOptions().Timeout(timeout));
      EXPECT_TRUE(absl::IsDeadlineExceeded(file.status())) << file.status();
    }
    EXPECT_TRUE(display.SetTarget(21000).ok());
    EXPECT_FALSE(display.state().sensor_works());
    party->Signal("done");
  });
  RunScenario(scenario, GetParam());
}

class ThermostatDeathTest : public ThermostatTest {};
INSTANTIATE_TEST_SUITE_P(Everywhere, ThermostatDeathTest, KillingSettings(),
                         SettingName);

TEST_P(ThermostatDeathTest, TheHeaterIsOffWithoutSensor) {
  Scenario scenario;
  scenario.Add("sensor", RunSensor);
  scenario.Add("controller", [](Party* party) { RunController(party); });
  scenario.Add("display", [](Party* party) {
    Display display(party);
    display.AwaitTemperature(15000);
    EXPECT_TRUE(display.state().heater_is_on());
    party->Kill("sensor");
    party->RunLoopUntil([&] { return !display.state().sensor_works(); });
    EXPECT_FALSE(display.state().heater_is_on());
    party->Start("sensor");
    display.AwaitTemperature(15000);
    EXPECT_TRUE(display.state().heater_is_on());
    party->Signal("done");
  });
  RunScenario(scenario, GetParam());
}

}  // namespace
}  // namespace thermostat
