// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef LE_MESSAGING_MESSAGING_TESTING_PROCESS_SETTING_H_
#define LE_MESSAGING_MESSAGING_TESTING_PROCESS_SETTING_H_

#include "messaging/testing/scenario.h"

namespace le {
namespace messaging {
namespace testing {

// Runs each party and the directory in a real process of its own.
void RunInProcesses(const Scenario& scenario);

}  // namespace testing
}  // namespace messaging
}  // namespace le

#endif  // LE_MESSAGING_MESSAGING_TESTING_PROCESS_SETTING_H_
