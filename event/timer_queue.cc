// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#include "event/timer_queue.h"

#include <algorithm>

#include "event/base/log.h"

namespace le {
namespace event {

TimerQueue::~TimerQueue() {
  for (Timer* timer : heap_) timer->loop_ = nullptr;
}

bool TimerQueue::Before(const Timer* a, const Timer* b) {
  if (a->deadline_ != b->deadline_) return a->deadline_ < b->deadline_;
  return a->order_ < b->order_;
}

void TimerQueue::Place(Timer* timer, size_t index) {
  heap_[index] = timer;
  timer->index_ = index;
}

void TimerQueue::SiftUp(size_t index) {
  Timer* const timer = heap_[index];
  while (index > 0) {
    const size_t parent = (index - 1) / 2;
    if (!Before(timer, heap_[parent])) break;
    Place(heap_[parent], index);
    index = parent;
  }
  Place(timer, index);
}

void TimerQueue::SiftDown(size_t index) {
  Timer* const timer = heap_[index];
  for (;;) {
    size_t child = 2 * index + 1;
    if (child >= heap_.size()) break;
    if (child + 1 < heap_.size() && Before(heap_[child + 1], heap_[child])) {
      ++child;
    }
    if (!Before(heap_[child], timer)) break;
    Place(heap_[child], index);
    index = child;
  }
  Place(timer, index);
}

void TimerQueue::RemoveAt(size_t index) {
  Timer* const last = heap_.back();
  heap_.pop_back();
  if (index == heap_.size()) return;
  Place(last, index);
  SiftUp(index);
  SiftDown(last->index_);
}

void TimerQueue::Start(Timer* timer, Instant deadline) {
  if (timer->loop_ == nullptr) {
    heap_.push_back(timer);  // may throw, so do it before other changes
    timer->loop_ = loop_;
    timer->index_ = heap_.size() - 1;
  } else if (timer->loop_ != loop_) {
    Fatal("Loop::StartTimer: the timer runs in another loop");
  }
  timer->deadline_ = std::max(deadline, last_now_);
  timer->order_ = next_order_++;
  SiftUp(timer->index_);
  SiftDown(timer->index_);
}

void TimerQueue::Stop(Timer* timer) {
  if (timer->loop_ != loop_) return;
  timer->loop_ = nullptr;
  RemoveAt(timer->index_);
}

Instant TimerQueue::NextDeadline() const {
  return heap_.empty() ? absl::InfiniteFuture() : heap_[0]->deadline_;
}

Timer* TimerQueue::PopExpired(Instant now) {
  last_now_ = now;
  if (heap_.empty()) return nullptr;
  Timer* const timer = heap_[0];
  if (timer->deadline_ > now || timer->order_ >= round_end_) return nullptr;
  Stop(timer);
  return timer;
}

}  // namespace event
}  // namespace le
