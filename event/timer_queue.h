// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef LE_MESSAGING_EVENT_TIMER_QUEUE_H_
#define LE_MESSAGING_EVENT_TIMER_QUEUE_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "event/loop.h"

namespace le {
namespace event {

// The running timers of one loop, by deadline; equal deadlines in the order of
// starting. It is given the time and reads no clock. One thread.
class TimerQueue {
 public:
  explicit TimerQueue(Loop* loop) : loop_(loop) {}
  ~TimerQueue();  // stops what is left
  TimerQueue(const TimerQueue&) = delete;
  TimerQueue& operator=(const TimerQueue&) = delete;

  // Starts, or starts anew. Fatal if the timer runs in another loop. A deadline
  // in the past becomes the last given time, so that a timer that is always
  // late does not come before timers that were due earlier.
  void Start(Timer* timer, Instant deadline);
  void Stop(Timer* timer);  // no-op unless it runs here

  bool empty() const { return heap_.empty(); }
  // InfiniteFuture() if there is none.
  Instant NextDeadline() const;

  // Marks the timers that run now. Those started later belong to the next
  // round, so that a timer that starts itself anew in the past cannot hold a
  // round for ever.
  void BeginRound() { round_end_ = next_order_; }
  // Takes out the first timer of this round whose deadline has come. Null if
  // there is none.
  Timer* PopExpired(Instant now);

 private:
  static bool Before(const Timer* a, const Timer* b);
  void Place(Timer* timer, size_t index);
  void SiftUp(size_t index);
  void SiftDown(size_t index);
  void RemoveAt(size_t index);

  Loop* const loop_;
  std::vector<Timer*> heap_;
  Instant last_now_ = absl::InfinitePast();
  uint64_t next_order_ = 1;
  uint64_t round_end_ = 1;
};

}  // namespace event
}  // namespace le

#endif  // LE_MESSAGING_EVENT_TIMER_QUEUE_H_
