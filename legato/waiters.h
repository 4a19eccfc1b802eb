// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// The threads that wait for a mutex or a semaphore.

#ifndef LE_MESSAGING_LEGATO_WAITERS_H_
#define LE_MESSAGING_LEGATO_WAITERS_H_

#include "event/base/mutex.h"
#include "event/process.h"

namespace le {
namespace legato {

// A list of waiting threads. The owner's lock guards the list.
class Waiters {
 public:
  // The entry of the calling thread in the list. It is on the thread's stack.
  class Entry {
   public:
    Entry(event::Mutex* mutex, Waiters* waiters)
        : mutex_(mutex),
          waiters_(waiters),
          parker_(event::Thread::Current()->parker()) {
      event::MutexLock lock(mutex_);
      next_ = waiters_->first_;
      waiters_->first_ = this;
    }
    ~Entry() {
      event::MutexLock lock(mutex_);
      Entry** at = &waiters_->first_;
      while (*at != this) at = &(*at)->next_;
      *at = next_;
    }
    Entry(const Entry&) = delete;
    Entry& operator=(const Entry&) = delete;

    event::Parker* parker() const { return parker_; }

   private:
    friend class Waiters;
    event::Mutex* const mutex_;
    Waiters* const waiters_;
    event::Parker* const parker_;
    Entry* next_;
  };

  void Wake() const {
    for (const Entry* e = first_; e != nullptr; e = e->next_) {
      e->parker_->Unpark();
    }
  }
  bool empty() const { return first_ == nullptr; }

 private:
  Entry* first_ = nullptr;
};

}  // namespace legato
}  // namespace le

#endif  // LE_MESSAGING_LEGATO_WAITERS_H_
