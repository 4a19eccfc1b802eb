// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// A std::mutex with two additions:
//  - clang's -Wthread-safety checks the use of guarded variables.
//  - A simulation can switch threads when a lock is released.

#ifndef LE_MESSAGING_EVENT_BASE_MUTEX_H_
#define LE_MESSAGING_EVENT_BASE_MUTEX_H_

#include <atomic>
#include <mutex>

#include "absl/base/optimization.h"
#include "absl/base/thread_annotations.h"

namespace le {
namespace event {

class ABSL_LOCKABLE Mutex {
 public:
  Mutex() = default;
  Mutex(const Mutex&) = delete;
  Mutex& operator=(const Mutex&) = delete;

  void Lock() ABSL_EXCLUSIVE_LOCK_FUNCTION() {
    mutex_.lock();
    TellLocked();
  }
  // Returns false if the mutex is locked, perhaps by the calling thread.
  bool TryLock() ABSL_EXCLUSIVE_TRYLOCK_FUNCTION(true) {
    if (!mutex_.try_lock()) return false;
    TellLocked();
    return true;
  }
  void Unlock() ABSL_UNLOCK_FUNCTION() {
    mutex_.unlock();
    // Another thread may have destroyed the mutex by now, so do not use it.
    TellUnlocked();
  }

  // Called after each lock and unlock of any mutex, by the thread that locks or
  // unlocks. There is no observer outside a simulation. Set the observer only
  // while no lock is held.
  struct Observer {
    void (*on_locked)();
    void (*on_unlocked)();
  };
  static void SetObserver(const Observer* observer) {
    observer_.store(observer, std::memory_order_release);
  }

 private:
  friend class RecursiveMutex;
  static void TellLocked() {
    if (const Observer* o = Current(); ABSL_PREDICT_FALSE(o != nullptr)) {
      o->on_locked();
    }
  }
  static void TellUnlocked() {
    if (const Observer* o = Current(); ABSL_PREDICT_FALSE(o != nullptr)) {
      o->on_unlocked();
    }
  }
  static const Observer* Current() {
    return observer_.load(std::memory_order_relaxed);
  }
  static inline std::atomic<const Observer*> observer_{nullptr};

  std::mutex mutex_;
};

// A recursive mutex, with the same observer. Lock it with std::lock_guard. The
// thread-safety analysis does not check it.
class RecursiveMutex {
 public:
  RecursiveMutex() = default;
  RecursiveMutex(const RecursiveMutex&) = delete;
  RecursiveMutex& operator=(const RecursiveMutex&) = delete;

  void lock() {
    mutex_.lock();
    Mutex::TellLocked();
  }
  void unlock() {
    mutex_.unlock();
    Mutex::TellUnlocked();
  }

 private:
  std::recursive_mutex mutex_;
};

// Holds a Mutex from its construction until its destruction or Unlock().
class ABSL_SCOPED_LOCKABLE MutexLock {
 public:
  explicit MutexLock(Mutex* mutex) ABSL_EXCLUSIVE_LOCK_FUNCTION(mutex)
      : mutex_(mutex) {
    mutex_->Lock();
  }
  ~MutexLock() ABSL_UNLOCK_FUNCTION() {
    if (mutex_ != nullptr) mutex_->Unlock();
  }
  MutexLock(const MutexLock&) = delete;
  MutexLock& operator=(const MutexLock&) = delete;

  // Unlocks before the end of the scope. Call it at most once.
  void Unlock() ABSL_UNLOCK_FUNCTION() {
    mutex_->Unlock();
    mutex_ = nullptr;
  }

 private:
  Mutex* mutex_;
};

}  // namespace event
}  // namespace le

#endif  // LE_MESSAGING_EVENT_BASE_MUTEX_H_
