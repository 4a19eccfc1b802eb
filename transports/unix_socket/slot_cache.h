// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef LE_MESSAGING_TRANSPORTS_UNIX_SOCKET_SLOT_CACHE_H_
#define LE_MESSAGING_TRANSPORTS_UNIX_SOCKET_SLOT_CACHE_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>

namespace le {
namespace transports {

// A few objects that are needed briefly and often, kept from one use to the
// next: without a lock, and without one for each thread, which would be gone
// before the thread has closed its sessions. Never destroyed.
template <typename T>
class SlotCache {
 public:
  // One that was put back, or a new one.
  std::unique_ptr<T> Take() {
    T* const kept = slot()->exchange(nullptr, std::memory_order_acquire);
    return std::unique_ptr<T>(kept != nullptr ? kept : new T);
  }
  void PutBack(std::unique_ptr<T> object) {
    delete slot()->exchange(object.release(), std::memory_order_acq_rel);
  }

 private:
  // Threads that run at a time should seldom meet.
  static constexpr size_t kSlots = 16;

  std::atomic<T*>* slot() {
    static thread_local char here;
    const auto address = reinterpret_cast<uintptr_t>(&here);
    // Stacks and thread-local storage lie whole pages apart.
    return &slots_[((address >> 12) ^ (address >> 20)) % kSlots];
  }

  std::atomic<T*> slots_[kSlots] = {};
};

}  // namespace transports
}  // namespace le

#endif  // LE_MESSAGING_TRANSPORTS_UNIX_SOCKET_SLOT_CACHE_H_
