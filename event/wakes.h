// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef LE_MESSAGING_EVENT_WAKES_H_
#define LE_MESSAGING_EVENT_WAKES_H_

#include <cstddef>
#include <cstdint>

#include "event/loop.h"
#include "event/process.h"

namespace le {
namespace event {

// Whom to wake once a lock has been released: declare it before the lock. Who is
// woken earlier runs into that lock, and sleeps again at once.
class Wakes {
 public:
  Wakes() = default;
  Wakes(const Wakes&) = delete;
  Wakes& operator=(const Wakes&) = delete;
  ~Wakes() {
    for (size_t i = 0; i < words_; ++i) word_[i].wake(word_[i].word);
    for (size_t i = 0; i < loops_; ++i) loop_[i]->WakeAfterPost();
  }

  // As Parker::Unpark(). The parker may be gone when it is woken.
  void Unpark(Parker* parker) {
    if (words_ == kMost) return parker->Unpark();
    const Parker::LaterWake wake = parker->UnparkQuietly();
    if (wake.word != nullptr) word_[words_++] = wake;
  }
  // As Loop::Post().
  void Post(Loop* loop, Task* task) {
    if (loops_ == kMost) return loop->Post(task);
    if (loop->PostQuietly(task)) loop_[loops_++] = loop;
  }

 private:
  // Nearly always one; more are woken as ever.
  static constexpr size_t kMost = 4;

  Parker::LaterWake word_[kMost];
  Loop* loop_[kMost];
  size_t words_ = 0;
  size_t loops_ = 0;
};

}  // namespace event
}  // namespace le

#endif  // LE_MESSAGING_EVENT_WAKES_H_
