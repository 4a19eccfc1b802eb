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

// The running timers of one loop, sorted by deadline. Timers of equal deadlines
// expire in the order of their start. The caller passes the time, so this class
// reads no clock. Only one thread may use it.
class TimerQueue {
 public:
  explicit TimerQueue(Loop* loop) : loop_(loop) {}
  ~TimerQueue();  // stops the remaining timers
  TimerQueue(const TimerQueue&) = delete;
  TimerQueue& operator=(const TimerQueue&) = delete;

  // Starts or restarts a timer. Fatal if the timer runs in another loop. A past
  // deadline is replaced by the time of the last PopExpired(). Otherwise a
  // timer that restarts with old deadlines would always expire before the
  // others.
  void Start(Timer* timer, Instant deadline);
  void Stop(Timer* timer);  // ignores a timer that does not run here

  bool empty() const { return heap_.empty(); }
  // InfiniteFuture() if no timer runs.
  Instant NextDeadline() const;

  // Begins a round of the timers that run now. A timer that is started later
  // belongs to the next round. Otherwise a round would never end if a timer
  // restarted itself with a past deadline.
  void BeginRound() { round_end_ = next_order_; }
  // Stops and returns the first timer of this round whose deadline has passed,
  // or returns null.
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
