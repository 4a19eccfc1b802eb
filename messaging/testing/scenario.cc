// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#include "messaging/testing/scenario.h"

#include "messaging/testing/process_setting.h"
#include "messaging/testing/sim_setting.h"
#include "messaging/testing/thread_setting.h"

namespace le {
namespace messaging {
namespace testing {

void RunScenario(const Scenario& scenario, Setting setting, int seeds) {
  switch (setting) {
    case Setting::kSimulated:
      RunSimulated(scenario, seeds);
      return;
    case Setting::kThreads:
      RunInThreads(scenario, Wire::kLoopback);
      return;
    case Setting::kUnixThreads:
      RunInThreads(scenario, Wire::kUnixSockets);
      return;
    case Setting::kUnixProcesses:
      RunInProcesses(scenario);
      return;
  }
}

std::string SettingName(const ::testing::TestParamInfo<Setting>& info) {
  switch (info.param) {
    case Setting::kSimulated:
      return "Simulated";
    case Setting::kThreads:
      return "Threads";
    case Setting::kUnixThreads:
      return "UnixThreads";
    case Setting::kUnixProcesses:
      return "UnixProcesses";
  }
  return "Unknown";
}

}  // namespace testing
}  // namespace messaging
}  // namespace le
