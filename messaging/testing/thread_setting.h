// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef LE_MESSAGING_MESSAGING_TESTING_THREAD_SETTING_H_
#define LE_MESSAGING_MESSAGING_TESTING_THREAD_SETTING_H_

#include "messaging/testing/scenario.h"

namespace le {
namespace messaging {
namespace testing {

enum class Wire { kLoopback, kUnixSockets };

// Runs each party in a thread of this process. For the library each party is a
// process (PartyProcess).
void RunInThreads(const Scenario& scenario, Wire wire);

}  // namespace testing
}  // namespace messaging
}  // namespace le

#endif  // LE_MESSAGING_MESSAGING_TESTING_THREAD_SETTING_H_
