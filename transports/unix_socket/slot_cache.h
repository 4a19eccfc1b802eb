// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef LE_MESSAGING_TRANSPORTS_UNIX_SOCKET_SLOT_CACHE_H_
#define LE_MESSAGING_TRANSPORTS_UNIX_SOCKET_SLOT_CACHE_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

namespace le {
namespace transports {

// A few objects that are needed briefly and often, kept from one use to the
// next: mostly without a lock, and without one for each thread, which would be
// gone before the thread has closed its sessions. Never destroyed.
template <typename T>
class SlotCache {
 public:
  // One that was put back, or a new one.
  std::unique_ptr<T> Take() {
    T* const kept = slot()->exchange(nullptr, std::memory_order_acquire);
    if (kept != nullptr) return std::unique_ptr<T>(kept);
    std::lock_guard<std::mutex> lock(mutex_);
    if (more_.empty()) return std::unique_ptr<T>(new T);
    std::unique_ptr<T> last = std::move(more_.back());
    more_.pop_back();
    return last;
  }
  void PutBack(std::unique_ptr<T> object) {
    std::unique_ptr<T> former(
        slot()->exchange(object.release(), std::memory_order_acq_rel));
    if (former == nullptr) return;
    std::lock_guard<std::mutex> lock(mutex_);
    if (more_.size() < kMost) more_.push_back(std::move(former));
  }

 private:
  // Threads that run at a time should seldom meet.
  static constexpr size_t kSlots = 16;
  // Beyond those, for a burst.
  static constexpr size_t kMost = 16;

  std::atomic<T*>* slot() {
    static thread_local char here;
    const auto address = reinterpret_cast<uintptr_t>(&here);
    // Stacks and thread-local storage lie whole pages apart.
    return &slots_[((address >> 12) ^ (address >> 20)) % kSlots];
  }

  std::atomic<T*> slots_[kSlots] = {};
  std::mutex mutex_;
  std::vector<std::unique_ptr<T>> more_;
};

}  // namespace transports
}  // namespace le

#endif  // LE_MESSAGING_TRANSPORTS_UNIX_SOCKET_SLOT_CACHE_H_
