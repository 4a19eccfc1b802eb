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

// The options of one call:
//   client.Count(request, le::CallOptions().Timeout(absl::Seconds(2)));
class CallOptions {
 public:
  // The default window of a stream: see Window(). It is well below the default
  // limit of a session's queue (at least 1 MiB), so that one stream does not
  // fill the queue.
  static constexpr uint32_t kDefaultWindowItems = 256;
  static constexpr uint32_t kDefaultWindowBytes = 256 * 1024;

  // The call ends after this time with DeadlineExceeded, and the server is
  // notified. A stream must end within this time. Default: no timeout. A server
  // that is suspended or busy for longer still executes the call afterwards,
  // because it reads the request before the notice.
  //
  // For a one-way message, the timeout limits the wait for room in the queue.
  // In a handler, a one-way call waits only if it has a timeout, from Timeout()
  // or from Under(). The handler's loop is blocked meanwhile.
  CallOptions& Timeout(absl::Duration timeout) {
    timeout_ = timeout;
    return *this;
  }
  // For a nested call, which a server makes while it handles another call.
  // `reply` is the Reply or Sink of the other call. The deadline of the other
  // call becomes a timeout of the nested call. If Timeout() is also set, the
  // shorter of the two applies. The same expression may move `reply` into the
  // closure of the nested call. If the client of `reply` cancels its call, the
  // nested call goes on.
  template <typename ReplyOrSink>
  CallOptions& Under(const ReplyOrSink& reply) {
    const absl::Duration left = reply.remaining();
    if (left < under_.remaining()) under_ = internal::Deadline::In(left);
    return *this;
  }
  // For a stream: how many items, and about how many bytes of items, the server
  // may send before the client has handled them. Each number is at least 1. The
  // largest numbers are 1,048,576 items and 1 GiB. A number outside this range
  // becomes the nearest number of the range.
  CallOptions& Window(uint32_t items, uint32_t bytes) {
    window_.items = std::clamp<int64_t>(items, 1, internal::Credit::kMaxItems);
    window_.bytes = std::clamp<int64_t>(bytes, 1, internal::Credit::kMaxBytes);
    return *this;
  }

  // The time until the call must end: the shorter of the timeouts of Timeout()
  // and Under().
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
