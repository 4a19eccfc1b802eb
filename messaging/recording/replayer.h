// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// Sends recorded messages to a service again.

#ifndef LE_MESSAGING_MESSAGING_RECORDING_REPLAYER_H_
#define LE_MESSAGING_MESSAGING_RECORDING_REPLAYER_H_

#include <cstdint>
#include <functional>
#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "messaging/recording/pcapng.h"

namespace le {
namespace recording {

struct ReplayOptions {
  std::string interface;  // of the sessions. Empty: the recorded service's name
  double speed = 1;       // 0: without pauses
  absl::Duration timeout = absl::Seconds(5);  // of each opening and message
};

struct ReplayCounts {
  uint64_t sent = 0;
  uint64_t same = 0;       // responses
  uint64_t different = 0;  // responses that differ or are missing
  uint64_t unknown = 0;    // responses to requests whose response was not
                           // recorded
  // Messages that were not sent: they had a file descriptor, were captured in
  // part, were larger than the largest message, or had an unknown type.
  uint64_t skipped = 0;
};

// Sends the clients' messages at the recorded times, with one session for each
// recorded session. Before each message, waits for the responses that precede
// the message in the recording. So a service that keeps a state sees the
// recorded order. Zeros at the end of a response do not count as a difference.
// Calls `on_difference` with a line for each difference.
//   FailedPrecondition  the service has another protocol
//   DeadlineExceeded    messages were still queued at the end of a session
//   Unavailable         the session was closed too early
//   the errors of Client::Create(), Client::Open() and Message::Send()
absl::Status Replay(
    const Recording& recording, const ReplayOptions& options,
    const std::function<void(const std::string&)>& on_difference,
    ReplayCounts* counts);

}  // namespace recording
}  // namespace le

#endif  // LE_MESSAGING_MESSAGING_RECORDING_REPLAYER_H_
