// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef LE_MESSAGING_MESSAGING_TESTING_SIM_SETTING_H_
#define LE_MESSAGING_MESSAGING_TESTING_SIM_SETTING_H_

#include "messaging/testing/scenario.h"

namespace le {
namespace messaging {
namespace testing {

// Runs the scenario once for each seed, until a run fails. Each party and the
// directory have a simulated process.
void RunSimulated(const Scenario& scenario, int seeds);

}  // namespace testing
}  // namespace messaging
}  // namespace le

#endif  // LE_MESSAGING_MESSAGING_TESTING_SIM_SETTING_H_
