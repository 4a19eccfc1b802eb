// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef LE_MESSAGING_EVENT_BASE_HOME_LIST_H_
#define LE_MESSAGING_EVENT_BASE_HOME_LIST_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <mutex>

namespace le {
namespace event {

// Tells threads of the operating system apart, without a system call: never
// null, the same for as long as the thread lives, and another for every other
// thread that lives.
inline const void* ThisThread() {
  static thread_local char here;
  return &here;
}

// Free objects of a pool, linked through their own `next_free`. Any thread takes
// and puts back; one thread may be the list's home, and needs no lock for it:
// what others put back waits at the door until the home has nothing left.
//
// Neither makes nor destroys an object: who does, counts.
template <typename T>
class HomeList {
 public:
  // With a home: the calling thread. Otherwise every access takes the lock.
  explicit HomeList(bool has_home) : home_(has_home ? ThisThread() : nullptr) {}
  HomeList(const HomeList&) = delete;
  HomeList& operator=(const HomeList&) = delete;

  // Any thread. Null if there is none.
  T* Take() {
    if (IsHome()) {
      T* object = inside_;
      if (object == nullptr) {
        if (door_.load(std::memory_order_relaxed) == nullptr) return nullptr;
        std::lock_guard<std::mutex> lock(mutex_);
        object = door_.exchange(nullptr, std::memory_order_relaxed);
      }
      inside_ = object->next_free;
      return object;
    }
    std::lock_guard<std::mutex> lock(mutex_);
    T* const object = door_.load(std::memory_order_relaxed);
    if (object != nullptr) {
      door_.store(object->next_free, std::memory_order_relaxed);
    }
    return object;
  }

  // Any thread.
  void PutBack(T* object) {
    if (IsHome()) {
      object->next_free = inside_;
      inside_ = object;
      return;
    }
    std::lock_guard<std::mutex> lock(mutex_);
    object->next_free = door_.load(std::memory_order_relaxed);
    door_.store(object, std::memory_order_relaxed);
  }

  // The home thread, or whoever speaks for it when it has ended: from now on
  // the list has no home.
  void LeaveHome() {
    std::lock_guard<std::mutex> lock(mutex_);
    home_.store(nullptr, std::memory_order_relaxed);
    while (T* const object = inside_) {
      inside_ = object->next_free;
      object->next_free = door_.load(std::memory_order_relaxed);
      door_.store(object, std::memory_order_relaxed);
    }
  }

  // Whether the calling thread is at home here.
  bool IsHome() const {
    return home_.load(std::memory_order_relaxed) == ThisThread();
  }

 private:
  std::atomic<const void*> home_;
  T* inside_ = nullptr;            // the home thread's alone
  std::mutex mutex_;               // for the door
  std::atomic<T*> door_{nullptr};  // changed under the lock
};

}  // namespace event
}  // namespace le

#endif  // LE_MESSAGING_EVENT_BASE_HOME_LIST_H_
