// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// A recorded session as a test. `sdir record` writes the messages of a running
// service to a file. A test sends the clients' messages to the service again,
// and compares the responses:
//
//   scenario.Add("client", [](Party* party) {
//     ReplayFile("testdata/facts.pcapng");
//     party->Signal("done");
//   });
//
// In Setting::kSimulated the pauses take virtual time, and each seed gives
// another order of events.

#ifndef LE_MESSAGING_MESSAGING_TESTING_REPLAY_H_
#define LE_MESSAGING_MESSAGING_TESTING_REPLAY_H_

#if __cplusplus < 201703L
#error "le_messaging needs C++17: --cxxopt=-std=c++17 (README.md, Depend on it)"
#endif

#include <string>

namespace le {
namespace messaging {
namespace testing {

// Sends the messages of the clients in the file again. Opens a new session for
// each recorded one, by a client interface with the name of the recorded
// service. Waits for the service, and returns when each request has its
// response or has timed out. The current test fails if a response is missing or
// differs from the recorded one, or if the recording has nothing to compare.
// Zeros at the end of a response do not count as a difference. Messages that
// had a file descriptor or were captured in part are not sent.
//
// `speed` is 1 for the recorded times, 10 for a tenth of the pauses, and 0 for
// no pauses.
void ReplayFile(const std::string& path, double speed = 0);

}  // namespace testing
}  // namespace messaging
}  // namespace le

#endif  // LE_MESSAGING_MESSAGING_TESTING_REPLAY_H_
