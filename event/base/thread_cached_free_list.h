// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef LE_MESSAGING_EVENT_BASE_THREAD_CACHED_FREE_LIST_H_
#define LE_MESSAGING_EVENT_BASE_THREAD_CACHED_FREE_LIST_H_

#include <atomic>

#include "absl/base/attributes.h"
#include "event/base/mutex.h"
#include "event/base/this_thread.h"

namespace le {
namespace event {

// The free objects of a pool, linked by their member `next_free`. Any thread
// may take objects and put them back.
//
// One thread may own the free list. It has a list of its own (owner_list_),
// which it uses without a lock. All other threads use a second list
// (shared_list_), which a lock guards. When the owner's list is empty, the
// owner takes over the whole second list.
//
// The pool makes, destroys and counts the objects.
template <typename T>
class ThreadCachedFreeList {
 public:
  // With `has_owner`, the calling thread becomes the owner. Without an owner,
  // each access takes the lock.
  explicit ThreadCachedFreeList(bool has_owner)
      : owner_(has_owner ? ThisThread() : nullptr) {}
  ThreadCachedFreeList(const ThreadCachedFreeList&) = delete;
  ThreadCachedFreeList& operator=(const ThreadCachedFreeList&) = delete;

  // Any thread. Returns null if no object is free. Only the owner gets objects
  // of the owner's list.
  T* Take() {
    if (!IsOwner()) return TakeShared();
    T* const object = owner_list_ != nullptr ? owner_list_ : TakeAllShared();
    if (object != nullptr) owner_list_ = object->next_free;
    return object;
  }

  // Any thread.
  void PutBack(T* object) {
    if (IsOwner()) {
      object->next_free = owner_list_;
      owner_list_ = object;
      return;
    }
    MutexLock lock(&mutex_);
    PutIntoSharedList(object);
  }

  // Removes the owner, so that all threads can take all objects. The owner may
  // call it. After the owner has ended, any thread may call it.
  void DropOwner() {
    MutexLock lock(&mutex_);
    owner_.store(nullptr, std::memory_order_relaxed);
    while (T* const object = owner_list_) {
      owner_list_ = object->next_free;
      PutIntoSharedList(object);
    }
  }

  // Whether the calling thread is the owner.
  bool IsOwner() const {
    return owner_.load(std::memory_order_relaxed) == ThisThread();
  }

 private:
  ABSL_ATTRIBUTE_NOINLINE T* TakeShared() {
    MutexLock lock(&mutex_);
    T* const object = shared_list_.load(std::memory_order_relaxed);
    if (object != nullptr) {
      shared_list_.store(object->next_free, std::memory_order_relaxed);
    }
    return object;
  }

  // Empties the second list and returns its first object, which links to the
  // rest.
  ABSL_ATTRIBUTE_NOINLINE T* TakeAllShared() {
    if (shared_list_.load(std::memory_order_relaxed) == nullptr) return nullptr;
    MutexLock lock(&mutex_);
    return shared_list_.exchange(nullptr, std::memory_order_relaxed);
  }

  void PutIntoSharedList(T* object) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    object->next_free = shared_list_.load(std::memory_order_relaxed);
    shared_list_.store(object, std::memory_order_relaxed);
  }

  std::atomic<const void*> owner_;
  T* owner_list_ = nullptr;  // used by the owner and DropOwner()
  Mutex mutex_;
  // Changed only under the lock. The owner checks without the lock whether this
  // list is empty.
  std::atomic<T*> shared_list_{nullptr};
};

}  // namespace event
}  // namespace le

#endif  // LE_MESSAGING_EVENT_BASE_THREAD_CACHED_FREE_LIST_H_
