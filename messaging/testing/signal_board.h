// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// The events that have been signalled in one real process, mostly by
// Party::Signal().

#ifndef LE_MESSAGING_MESSAGING_TESTING_SIGNAL_BOARD_H_
#define LE_MESSAGING_MESSAGING_TESTING_SIGNAL_BOARD_H_

#include <functional>
#include <set>
#include <string>

#include "event/base/mutex.h"
#include "event/process.h"
#include "messaging/testing/party_loop.h"

namespace le {
namespace messaging {
namespace testing {

// Thread-safe. Must outlive its waiters.
class SignalBoard {
 public:
  void Signal(const std::string& event) {
    event::MutexLock lock(&mutex_);
    events_.insert(event);
    for (Waiter* waiter : waiters_) waiter->Wake();
  }

  void Await(const std::string& event) {
    Waiter waiter(this, /*by_loop=*/false);
    while (!Has(event)) {
      event::Thread::Current()->parker()->Park(absl::InfiniteFuture());
    }
  }

  void RunLoopUntil(const std::string& event) {
    Waiter waiter(this, /*by_loop=*/true);
    RunTurnsUntil([&] { return Has(event); });
  }

 private:
  bool Has(const std::string& event) {
    event::MutexLock lock(&mutex_);
    return events_.count(event) > 0;
  }

  // Wakes the thread that created this object, by its parker or by its loop.
  class Waiter final : private event::Task {
   public:
    Waiter(SignalBoard* board, bool by_loop)
        : board_(board),
          parker_(by_loop ? nullptr : event::Thread::Current()->parker()),
          loop_(by_loop ? event::Thread::Current()->loop() : nullptr) {
      event::MutexLock lock(&board_->mutex_);
      board_->waiters_.insert(this);
    }
    ~Waiter() override {
      event::MutexLock lock(&board_->mutex_);
      board_->waiters_.erase(this);
      if (posted_) loop_->Cancel(this);
    }
    // Called under the board's lock.
    void Wake() {
      if (parker_ != nullptr) {
        parker_->Unpark();
      } else if (!posted_) {
        posted_ = true;
        loop_->Post(this);
      }
    }

   private:
    void Run() override {
      event::MutexLock lock(&board_->mutex_);
      posted_ = false;
    }
    SignalBoard* const board_;
    event::Parker* const parker_;
    event::Loop* const loop_;
    bool posted_ = false;  // guarded by the board's lock
  };

  event::Mutex mutex_;
  std::set<std::string> events_ ABSL_GUARDED_BY(mutex_);
  std::set<Waiter*> waiters_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace testing
}  // namespace messaging
}  // namespace le

#endif  // LE_MESSAGING_MESSAGING_TESTING_SIGNAL_BOARD_H_
