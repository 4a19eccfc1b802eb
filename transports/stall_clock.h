// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef LE_MESSAGING_TRANSPORTS_STALL_CLOCK_H_
#define LE_MESSAGING_TRANSPORTS_STALL_CLOCK_H_

#include <cstddef>
#include <cstdint>

#include "absl/types/optional.h"
#include "event/loop.h"

namespace le {
namespace transports {

// Finds out since when the far end has received nothing. See
// Connection::stalled_since(). Not thread-safe.
class StallClock {
 public:
  // Call it when a frame or a part of a frame has left the queue.
  void OnTaken() { taken_ = true; }
  // Call it only while a frame is queued. `unreceived` is the number of bytes
  // that have left the queue and that the far end has not received. If this
  // number falls, the far end has received a packet, even if there is no room
  // yet for the queue's next packet. If the number is unknown now or was
  // unknown at the last call, the far end may have received a packet, so the
  // clock starts again.
  event::Instant Since(event::Instant now, absl::optional<size_t> unreceived) {
    if (taken_ || !unreceived.has_value() || *unreceived < unreceived_) {
      since_ = now;
    }
    taken_ = false;
    unreceived_ = unreceived.value_or(SIZE_MAX);
    return since_;
  }

 private:
  bool taken_ = true;      // since the last call of Since()
  size_t unreceived_ = 0;  // at the last call of Since()
  event::Instant since_;
};

}  // namespace transports
}  // namespace le

#endif  // LE_MESSAGING_TRANSPORTS_STALL_CLOCK_H_
