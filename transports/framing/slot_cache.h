// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef LE_MESSAGING_TRANSPORTS_FRAMING_SLOT_CACHE_H_
#define LE_MESSAGING_TRANSPORTS_FRAMING_SLOT_CACHE_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>

#include "absl/base/attributes.h"
#include "absl/base/optimization.h"

namespace le {
namespace transports {

// A few objects that are needed briefly and often, kept from one use to the
// next: mostly without a lock, and without one for each thread, which would be
// gone before the thread has closed its sessions. Made before anything runs and
// never destroyed, if it is static.
template <typename T>
class SlotCache {
 public:
  // One that was put back, or a new one.
  std::unique_ptr<T> Take() {
    T* const kept = slot()->exchange(nullptr, std::memory_order_acquire);
    return std::unique_ptr<T>(ABSL_PREDICT_TRUE(kept != nullptr) ? kept
                                                                 : TakeMore());
  }
  void PutBack(std::unique_ptr<T> object) {
    T* const former =
        slot()->exchange(object.release(), std::memory_order_acq_rel);
    if (ABSL_PREDICT_FALSE(former != nullptr)) PutMore(former);
  }

 private:
  // Threads that run at a time should seldom meet.
  static constexpr size_t kSlots = 16;
  // Beyond those, for a burst.
  static constexpr size_t kMaxMore = 16;

  ABSL_ATTRIBUTE_NOINLINE T* TakeMore() {
    std::lock_guard<std::mutex> lock(mutex_);
    return more_count_ > 0 ? more_[--more_count_] : new T;
  }
  ABSL_ATTRIBUTE_NOINLINE void PutMore(T* object) {
    {
      std::lock_guard<std::mutex> lock(mutex_);
      if (more_count_ < kMaxMore) {
        more_[more_count_++] = object;
        return;
      }
    }
    delete object;
  }

  std::atomic<T*>* slot() {
    static thread_local char here;
    const auto address = reinterpret_cast<uintptr_t>(&here);
    // Stacks and thread-local storage lie whole pages apart.
    return &slots_[((address >> 12) ^ (address >> 20)) % kSlots];
  }

  std::atomic<T*> slots_[kSlots] = {};
  // Not an event::Mutex: whether it is needed depends on where the threads lie, and a
  // simulation, for which a lock is a step, must not.
  std::mutex mutex_;
  T* more_[kMaxMore] = {};  // under the lock
  size_t more_count_ = 0;
};

}  // namespace transports
}  // namespace le

#endif  // LE_MESSAGING_TRANSPORTS_FRAMING_SLOT_CACHE_H_
