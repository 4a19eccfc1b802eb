// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// le/call_options.h: options of one call of a typed client.

#ifndef LE_MESSAGING_SERVICES_LE_CALL_OPTIONS_H_
#define LE_MESSAGING_SERVICES_LE_CALL_OPTIONS_H_

#include <algorithm>
#include <cstdint>

#include "absl/time/time.h"
#include "le/internal/deadline.h"
#include "le/internal/envelope.h"

namespace le {

//   client.Count(request, le::CallOptions().Timeout(absl::Seconds(2)));
class CallOptions {
 public:
  // The default window of a stream. It is well below the queue of a session (1
  // MiB), so one stream cannot fill the queue. It is large enough for the items
  // of many turns of a loop.
  static constexpr uint32_t kDefaultWindowItems = 256;
  static constexpr uint32_t kDefaultWindowBytes = 256 * 1024;

  // The call ends after this time with DeadlineExceeded, and the server is
  // notified. A stream must end within this time. Default: no timeout.
  CallOptions& Timeout(absl::Duration timeout) {
    timeout_ = timeout;
    return *this;
  }
  // For a nested call: a server makes it while it handles another call. `reply`
  // is the Reply or Sink of that other call. The nested call ends at the
  // deadline of `reply` at the latest, even if Timeout() is longer. If `reply`
  // is finished, the nested call ends at once.
  template <typename ReplyOrSink>
  CallOptions& Under(const ReplyOrSink& reply) {
    const absl::Duration left = reply.remaining();
    if (left < under_.remaining()) under_ = internal::Deadline::In(left);
    return *this;
  }
  // For a stream: how many items, and about how many bytes of items, the server
  // may send before the client has handled them. Both numbers are at least 1.
  // The limits are 1,048,576 items and 1 GiB. Other numbers are adjusted.
  CallOptions& Window(uint32_t items, uint32_t bytes) {
    window_.items = std::clamp<int64_t>(items, 1, internal::Credit::kMaxItems);
    window_.bytes = std::clamp<int64_t>(bytes, 1, internal::Credit::kMaxBytes);
    return *this;
  }

  // The time until the call must end.
  absl::Duration timeout() const {
    return std::min(timeout_, under_.remaining());
  }
  const internal::Credit& window() const { return window_; }

 private:
  absl::Duration timeout_ = absl::InfiniteDuration();
  internal::Deadline under_;
  internal::Credit window_ = {kDefaultWindowItems, kDefaultWindowBytes};
};

}  // namespace le

#endif  // LE_MESSAGING_SERVICES_LE_CALL_OPTIONS_H_
