// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef LE_MESSAGING_MESSAGING_MACHINE_BUSY_TIME_H_
#define LE_MESSAGING_MESSAGING_MACHINE_BUSY_TIME_H_

#include <cstdint>
#include <utility>

#include "absl/time/time.h"

namespace le {
namespace messaging {

// The time of the event loop that a session has used.
//
// In a turn, the loop receives messages of the session and runs their handlers.
// Reading the clock twice takes 50 to 80 ns. So only each kInterval-th turn is
// timed, and also counts for the turns since the last timed one. While turns
// take kSlow or longer, each turn is timed. A sum of many turns is right on
// average.
class BusyTime {
 public:
  static constexpr uint32_t kInterval = 9;
  static constexpr absl::Duration kSlow = absl::Microseconds(50);

  // A turn begins. If this returns true, the turn is timed, and Begin() and
  // End() must follow.
  bool OnTurn() { return ++waiting_ >= interval_; }
  void Begin(absl::Time now) {
    turns_ = std::exchange(waiting_, 0);
    began_ = now;
  }
  bool is_timing() const { return turns_ > 0; }
  void End(absl::Time now) {
    const absl::Duration time = now - began_;
    total_ += std::exchange(turns_, 0) * time;
    interval_ = time < kSlow ? kInterval : 1;
  }
  absl::Duration total() const { return total_; }

 private:
  uint32_t waiting_ = 0;  // turns since the last one that was timed
  uint32_t interval_ = 1;
  // The number of turns that the turn between Begin() and End() counts for.
  uint32_t turns_ = 0;
  absl::Time began_;
  absl::Duration total_;
};

}  // namespace messaging
}  // namespace le

#endif  // LE_MESSAGING_MESSAGING_MACHINE_BUSY_TIME_H_
