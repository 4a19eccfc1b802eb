// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef LE_MESSAGING_MESSAGING_TESTING_SIM_SETTING_H_
#define LE_MESSAGING_MESSAGING_TESTING_SIM_SETTING_H_

#include "messaging/testing/scenario.h"

namespace le {
namespace messaging {
namespace testing {

// Runs each party, and the directory, in a simulated process. Once for each
// seed.
void RunSimulated(const Scenario& scenario, int seeds);

}  // namespace testing
}  // namespace messaging
}  // namespace le

#endif  // LE_MESSAGING_MESSAGING_TESTING_SIM_SETTING_H_
