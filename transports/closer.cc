// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#include "transports/closer.h"

#include <signal.h>

#include <deque>
#include <map>
#include <new>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "event/base/mutex.h"
#include "event/base/sys.h"
#include "event/deferred_wakes.h"

namespace le {
namespace transports {
namespace {

// The most threads that close file descriptors of one user at a time. It is
// more than one, so that the user's other closes continue while one blocks.
constexpr int kMaxThreadsOfAUser = 4;
constexpr int kMaxThreads = 64;

// How long a thread waits for the next file descriptor. A directory closes one
// for each introduction. So a busy directory keeps its thread: the start of a
// thread takes longer than the rest. The end of a process in a test waits for
// its threads. So the time is short.
constexpr absl::Duration kIdleTime = absl::Milliseconds(10);

// The number of file descriptors that wait to be closed, of all users and all
// simulated processes.
std::atomic<size_t> g_waiting{0};
// Those, and the file descriptors that are being closed.
std::atomic<size_t> g_unfinished{0};

// The file descriptors that wait to be closed, and the threads that close them.
// If there is no file descriptor that a thread may close, one thread waits for
// the next one, and other threads end.
class Closer {
 public:
  struct Item {
    event::HeldRef held;
    event::UniqueFd fd;
  };

  ~Closer() {
    g_waiting.fetch_sub(static_cast<size_t>(waiting_));
    g_unfinished.fetch_sub(static_cast<size_t>(waiting_));
  }

  bool HasMany(uid_t user) {
    event::MutexLock lock(&mutex_);
    const auto of = users_.find(user);
    return of != users_.end() && of->second.waiting.size() >= kMaxClosesOfAUser;
  }

  // Adds the item. If it returns true, the caller must start a thread, then
  // call Started() or NotStarted().
  bool Add(uid_t user, Item item) {
    event::DeferredWakes wakes;
    event::MutexLock lock(&mutex_);
    User& of = users_[user];
    of.waiting.push_back(std::move(item));
    ++waiting_;
    g_waiting.fetch_add(1, std::memory_order_relaxed);
    g_unfinished.fetch_add(1, std::memory_order_relaxed);
    if (idle_ != nullptr && of.closing < kMaxThreadsOfAUser) {
      wakes.Unpark(std::exchange(idle_, nullptr));
    }
    // No new thread is needed if there are enough threads outside a close to
    // take each waiting item. A thread that is being started does not count,
    // because its start may fail.
    if (threads_ - starting_ - closing_ >= waiting_ ||
        threads_ == kMaxThreads || of.closing == kMaxThreadsOfAUser) {
      return false;
    }
    ++threads_;
    ++starting_;
    return true;
  }
  void Started() {
    event::MutexLock lock(&mutex_);
    --starting_;
  }
  // Returns the item of `fd` if no thread is left to close it. Otherwise
  // returns an empty item.
  Item NotStarted(uid_t user, int fd) {
    event::MutexLock lock(&mutex_);
    --starting_;
    --threads_;
    Item item;
    const auto of = users_.find(user);
    if (threads_ > starting_ || of == users_.end()) return item;
    std::deque<Item>& waiting = of->second.waiting;
    for (auto own = waiting.begin(); own != waiting.end(); ++own) {
      if (own->fd.get() != fd) continue;
      item = std::move(*own);
      waiting.erase(own);
      TakenLocked();
      g_unfinished.fetch_sub(1, std::memory_order_relaxed);
      break;
    }
    if (waiting.empty() && of->second.closing == 0) users_.erase(of);
    return item;
  }
  void Work() {
    event::Process* const process = event::Process::Current();
    std::unique_ptr<event::Parker> parker;
    try {
      parker = process->CreateParker();
    } catch (const std::bad_alloc&) {
      // Without a parker the thread cannot wait, so it ends when nothing is
      // left.
    }
    // The destructor also runs when a killed thread of a simulation unwinds.
    const NotIdle at_end(this, parker.get());
    bool may_wait = true;
    for (;;) {
      uid_t user = 0;
      Item item;
      switch (Next(may_wait ? parker.get() : nullptr, &user, &item)) {
        case What::kClose:
          item.fd.reset();
          item.held.reset();
          Closed(user);
          may_wait = true;
          break;
        case What::kWait:
          may_wait = parker->Park(process->Now() + kIdleTime);
          NoLongerIdle(parker.get());
          break;
        case What::kEnd:
          return;
      }
    }
  }

 private:
  struct User {
    std::deque<Item> waiting;
    int closing = 0;
  };

  enum class What { kClose, kWait, kEnd };

  class NotIdle {
   public:
    NotIdle(Closer* closer, event::Parker* parker)
        : closer_(closer), parker_(parker) {}
    ~NotIdle() { closer_->NoLongerIdle(parker_); }

   private:
    Closer* const closer_;
    event::Parker* const parker_;
  };

  // Says what the calling thread must do. kClose: close `item`. kWait: park.
  // kEnd: end. If `parker` is null, the result is never kWait.
  What Next(event::Parker* parker, uid_t* user, Item* item) {
    event::MutexLock lock(&mutex_);
    for (auto& of : users_) {
      if (of.second.waiting.empty() ||
          of.second.closing == kMaxThreadsOfAUser) {
        continue;
      }
      *user = of.first;
      *item = std::move(of.second.waiting.front());
      of.second.waiting.pop_front();
      TakenLocked();
      ++of.second.closing;
      ++closing_;
      return What::kClose;
    }
    if (parker != nullptr && idle_ == nullptr) {
      idle_ = parker;
      return What::kWait;
    }
    --threads_;
    return What::kEnd;
  }
  void NoLongerIdle(event::Parker* parker) {
    event::MutexLock lock(&mutex_);
    if (idle_ == parker) idle_ = nullptr;
  }
  void TakenLocked() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    --waiting_;
    g_waiting.fetch_sub(1, std::memory_order_relaxed);
  }
  void Closed(uid_t user) {
    event::MutexLock lock(&mutex_);
    g_unfinished.fetch_sub(1, std::memory_order_relaxed);
    --closing_;
    auto of = users_.find(user);
    if (--of->second.closing == 0 && of->second.waiting.empty()) {
      users_.erase(of);
    }
  }

  event::Mutex mutex_;
  std::map<uid_t, User> users_ ABSL_GUARDED_BY(mutex_);
  int waiting_ ABSL_GUARDED_BY(mutex_) = 0;
  int threads_ ABSL_GUARDED_BY(mutex_) = 0;
  int starting_ ABSL_GUARDED_BY(mutex_) = 0;  // part of threads_
  int closing_ ABSL_GUARDED_BY(mutex_) = 0;   // part of threads_
  // The parker of the thread that waits for a file descriptor to close. This
  // thread is part of threads_.
  event::Parker* idle_ ABSL_GUARDED_BY(mutex_) = nullptr;
};

// Blocks all signals. A thread that is started meanwhile inherits this, so it
// runs no signal handler of the program. Otherwise a handler might be delayed
// by a long close.
class SignalsBlocked {
 public:
  SignalsBlocked() {
    sigset_t all;
    sigfillset(&all);
    blocked_ = event::sys::SigMask(SIG_SETMASK, &all, &before_) == 0;
  }
  ~SignalsBlocked() {
    if (blocked_) event::sys::SigMask(SIG_SETMASK, &before_, nullptr);
  }

 private:
  sigset_t before_;
  bool blocked_;
};

struct State final : event::ModuleState {
  const std::shared_ptr<Closer> closer = std::make_shared<Closer>();

  // Shared, because a thread may outlive this State.
  static std::shared_ptr<Closer> Of(event::Process* process) {
    return process->State<State>([] { return std::make_unique<State>(); })
        ->closer;
  }
};

}  // namespace

void CloseElsewhere(event::Process* process, uid_t user, event::UniqueFd fd,
                    event::HeldRef held) {
  if (!fd || process->killed()) return;
  const int number = fd.get();
  std::shared_ptr<Closer> closer;
  try {
    closer = State::Of(process);
    if (!closer->Add(user, {std::move(held), std::move(fd)})) return;
  } catch (const std::bad_alloc&) {
    return;  // `fd` or the temporary item closes it here
  }
  std::unique_ptr<event::ThreadHandle> thread;
  try {
    const SignalsBlocked blocked;
    thread = process->StartThread("closer", [closer] { closer->Work(); });
  } catch (const std::bad_alloc&) {
  }
  if (thread == nullptr) {
    Closer::Item item = closer->NotStarted(user, number);
    item.fd.reset();
  } else {
    closer->Started();
    thread->Detach();
  }
}

void CloseSentBy(event::Process* process, uid_t user, event::UniqueFd fd,
                 event::HeldRef held) {
  if (process->IsStranger(user)) {
    CloseElsewhere(process, user, std::move(fd), std::move(held));
  } else {
    fd.reset();
  }
}

bool HasManyCloses(event::Process* process, uid_t user) {
  return State::Of(process)->HasMany(user);
}

bool MayHaveManyCloses() {
  return g_waiting.load(std::memory_order_relaxed) >= kMaxClosesOfAUser;
}

bool AnyCloseIsUnfinished() {
  return g_unfinished.load(std::memory_order_relaxed) > 0;
}

bool AnyCloseWaits() { return g_waiting.load(std::memory_order_relaxed) > 0; }

}  // namespace transports
}  // namespace le
