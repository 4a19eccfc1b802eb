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

// A cache of a few objects that are needed briefly and often. It never waits
// for a lock. It replaces thread_local objects, which would be destroyed before
// an ending thread closes its sessions. A static SlotCache is initialized at
// compile time and never destroyed.
template <typename T>
class SlotCache {
 public:
  // Returns an object that was put back, or a new one.
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
  // With this number of slots, two running threads seldom use the same slot.
  static constexpr size_t kSlots = 16;
  // After a burst, up to this many objects are kept in addition to the slots.
  static constexpr size_t kMaxMore = 16;

  ABSL_ATTRIBUTE_NOINLINE T* TakeMore() {
    {
      std::unique_lock<std::mutex> lock(mutex_, std::try_to_lock);
      if (lock.owns_lock() && more_count_ > 0) return more_[--more_count_];
    }
    return new T;
  }
  ABSL_ATTRIBUTE_NOINLINE void PutMore(T* object) {
    {
      std::unique_lock<std::mutex> lock(mutex_, std::try_to_lock);
      if (lock.owns_lock() && more_count_ < kMaxMore) {
        more_[more_count_++] = object;
        return;
      }
    }
    delete object;
  }

  std::atomic<T*>* slot() {
    static thread_local char here;
    const auto address = reinterpret_cast<uintptr_t>(&here);
    // The thread-local storage of each thread begins in another page, so the
    // page's number selects the slot.
    return &slots_[((address >> 12) ^ (address >> 20)) % kSlots];
  }

  std::atomic<T*> slots_[kSlots] = {};
  // This is not an event::Mutex, because in a simulation each unlock of an
  // event::Mutex is a step. Addresses decide whether a call locks this mutex,
  // and the steps of a simulation must not depend on addresses.
  std::mutex mutex_;
  T* more_[kMaxMore] = {};  // guarded by mutex_, as is more_count_
  size_t more_count_ = 0;
};

}  // namespace transports
}  // namespace le

#endif  // LE_MESSAGING_TRANSPORTS_FRAMING_SLOT_CACHE_H_
