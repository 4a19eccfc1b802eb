// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef LE_MESSAGING_EVENT_DEFERRED_WAKES_H_
#define LE_MESSAGING_EVENT_DEFERRED_WAKES_H_

#include <cstddef>
#include <cstdint>

#include "event/loop.h"
#include "event/process.h"

namespace le {
namespace event {

// Delays wakes until a lock is released. A thread that is woken before the
// unlock would block on the lock at once. Declare this object before the lock,
// so that its destructor runs after the unlock.
class DeferredWakes {
 public:
  DeferredWakes() = default;
  DeferredWakes(const DeferredWakes&) = delete;
  DeferredWakes& operator=(const DeferredWakes&) = delete;
  ~DeferredWakes() {
    for (size_t i = 0; i < words_; ++i) word_[i].wake(word_[i].word);
    for (size_t i = 0; i < loops_; ++i) loop_[i]->WakeAfterPost();
  }

  // Like Parker::Unpark(). The parker may be destroyed before the wake.
  void Unpark(Parker* parker) {
    if (words_ == kMaxDeferred) return parker->Unpark();
    const Parker::LaterWake wake = parker->UnparkQuietly();
    if (wake.word != nullptr) word_[words_++] = wake;
  }
  // Like Loop::Post().
  void Post(Loop* loop, Task* task) {
    if (loops_ == kMaxDeferred) return loop->Post(task);
    if (loop->PostQuietly(task)) loop_[loops_++] = loop;
  }

 private:
  // At most this many wakes of each kind are delayed. Further wakes are made at
  // once. Usually there is only one wake.
  static constexpr size_t kMaxDeferred = 4;

  Parker::LaterWake word_[kMaxDeferred];
  Loop* loop_[kMaxDeferred];
  size_t words_ = 0;
  size_t loops_ = 0;
};

}  // namespace event
}  // namespace le

#endif  // LE_MESSAGING_EVENT_DEFERRED_WAKES_H_
