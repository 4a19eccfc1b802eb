// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// le/internal/back_off.h: the delays between the openings of a session. Not an
// API.

#ifndef LE_MESSAGING_MESSAGING_CPP_LE_INTERNAL_BACK_OFF_H_
#define LE_MESSAGING_MESSAGING_CPP_LE_INTERNAL_BACK_OFF_H_

#include <algorithm>
#include <utility>

#include "absl/time/time.h"

namespace le {
namespace internal {

// A server may accept each session and close it at once. Without delays, the
// client would then open about 2,000 sessions a second. The client, the server
// and the directory would be busy all the time.
class BackOff {
 public:
  // The second delay. A person does not notice it.
  static constexpr absl::Duration kMinDelay = absl::Milliseconds(10);
  // One opening in five seconds costs almost nothing. When the server works
  // again, a person is willing to wait five seconds.
  static constexpr absl::Duration kMaxDelay = absl::Seconds(5);
  // After a session that has lived this long, the delays begin at zero again.
  // If each session lives just this long, the client opens about one session a
  // second. (A response does not reset the delays: a server may answer one
  // request and then fail.)
  static constexpr absl::Duration kLongLife = absl::Seconds(1);

  // The delay before the next opening: zero, then kMinDelay, then twice the
  // delay before, up to kMaxDelay.
  absl::Duration NextDelay() {
    return std::exchange(next_,
                         std::min(std::max(2 * next_, kMinDelay), kMaxDelay));
  }
  void Reset() { next_ = absl::ZeroDuration(); }

 private:
  absl::Duration next_ = absl::ZeroDuration();
};

}  // namespace internal
}  // namespace le

#endif  // LE_MESSAGING_MESSAGING_CPP_LE_INTERNAL_BACK_OFF_H_
