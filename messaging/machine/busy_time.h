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
// Reading the clock twice takes about 80 ns. So only each kInterval-th turn is
// timed, and also counts for the turns since the last timed one. While turns
// take kSlow or longer, each turn is timed. A sum of many turns is right on
// average.
class BusyTime {
 public:
  static constexpr uint32_t kInterval = 9;
  static constexpr absl::Duration kSlow = absl::Microseconds(50);

  // Returns the number of turns for which this turn counts. 0: this turn is not
  // timed.
  uint32_t OnTurn() {
    if (++waiting_ < interval_) return 0;
    return std::exchange(waiting_, 0);
  }
  void Add(uint32_t turns, absl::Duration time) {
    total_ += turns * time;
    interval_ = time < kSlow ? kInterval : 1;
  }
  absl::Duration total() const { return total_; }

 private:
  uint32_t waiting_ = 0;  // turns since the last one that was timed
  uint32_t interval_ = 1;
  absl::Duration total_;
};

}  // namespace messaging
}  // namespace le

#endif  // LE_MESSAGING_MESSAGING_MACHINE_BUSY_TIME_H_
