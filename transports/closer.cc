// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#include "transports/closer.h"

#include <signal.h>

#include <algorithm>
#include <deque>
#include <list>
#include <map>
#include <new>
#include <string>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "event/base/mutex.h"
#include "event/base/sys.h"
#include "event/deferred_wakes.h"
#include "event/peer_log.h"

namespace le {
namespace transports {
namespace {

// The most threads that close file descriptors of one user at a time. The first
// one is the user's own. The others are shared threads, so that the user's
// other closes continue while one blocks.
constexpr int kMaxThreadsOfAUser = 4;
constexpr int kMaxSharedThreads = 60;

// If none of a user's closes has ended for this time, a line is logged.
constexpr absl::Duration kLong = absl::Seconds(5);

// How long an idle thread waits for the next file descriptor before it ends. A
// directory closes one file descriptor for each introduction. With this time, a
// busy directory keeps its thread. (The start of a thread takes longer than the
// close.) The time is short, because a process in a test waits for its threads
// at its end.
constexpr absl::Duration kIdleTime = absl::Milliseconds(10);

// The number of file descriptors that wait to be closed, of all users and all
// simulated processes.
std::atomic<size_t> g_waiting{0};
// g_waiting plus the number of file descriptors that are being closed.
std::atomic<size_t> g_unfinished{0};

}  // namespace

// The file descriptors that wait to be closed, and the threads that close them.
// If there is no file descriptor that a thread may close, one thread waits for
// the next file descriptor, and the other threads end.
//
// A user without a close under way may always have a thread, which is the
// user's own. So no user delays the closes of others. The number of threads is
// bounded by the number of users that have closes under way. Each of these
// users has a connection or a file descriptor that is charged to it until the
// close ends.
class Closer {
 public:
  struct Item {
    event::HeldRef held;
    event::UniqueFd fd;
  };

  ~Closer() {
    for (const auto& of : users_) {
      g_waiting.fetch_sub(of.second.waiting.size());
      g_unfinished.fetch_sub(of.second.waiting.size());
    }
  }

  bool HasMany(uid_t user) {
    event::MutexLock lock(&mutex_);
    const auto of = users_.find(user);
    return of != users_.end() && of->second.HasMany();
  }
  // Returns false if the user has few closes.
  bool BeginWait(FewClosesWait* wait) {
    event::MutexLock lock(&mutex_);
    const auto of = users_.find(wait->user_);
    if (of == users_.end() || !of->second.HasMany()) return false;
    std::list<FewClosesWait*>& waits = of->second.waits;
    waits.splice(waits.end(), wait->node_);
    return true;
  }
  // Call it when the wait has ended or is cancelled. If the user has few
  // closes, ends its next wait.
  void EndWait(FewClosesWait* wait) {
    event::DeferredWakes wakes;
    event::MutexLock lock(&mutex_);
    const auto of = users_.find(wait->user_);
    if (wait->node_.empty()) {
      wait->node_.splice(wait->node_.end(), of->second.waits, wait->self_);
    } else {
      wait->loop_->Cancel(wait);
    }
    if (of == users_.end()) return;
    PostNextLocked(&of->second, &wakes);
    ForgetIfIdleLocked(of);
  }

  // Finds a user whose closes last long and have not been reported yet. Returns
  // the line for the log and sets *uid. Returns "" if there is no such user.
  std::string TakeLong(event::Instant now, uid_t* uid) {
    event::MutexLock lock(&mutex_);
    if (lasting_.empty()) return "";
    User* const user = lasting_.front();
    const absl::Duration lasts = now - user->since;
    if (lasts < kLong) return "";
    user->lasting.splice(user->lasting.end(), lasting_, user->lasting_self);
    *uid = user->uid;
    return absl::StrCat(
        "file descriptors from user ", user->uid,
        " are slow to close. None was closed for ",
        absl::FormatDuration(absl::Trunc(lasts, absl::Seconds(1))), ", ",
        user->closing, " are being closed, and ", user->waiting.size(),
        " wait");
  }

  // Adds the item. If it returns true, the caller must start a thread, then
  // call Started() or NotStarted().
  bool Add(uid_t uid, Item item) {
    event::DeferredWakes wakes;
    event::MutexLock lock(&mutex_);
    User& user = users_.try_emplace(uid, uid).first->second;
    user.waiting.push_back(std::move(item));
    PlaceLocked(&user);
    g_waiting.fetch_add(1, std::memory_order_relaxed);
    g_unfinished.fetch_add(1, std::memory_order_relaxed);
    if (idle_ != nullptr && MayTakeLocked() > 0) {
      wakes.Unpark(std::exchange(idle_, nullptr));
    }
    // No new thread is needed if there are enough threads outside a close. A
    // thread that is being started does not count, because its start may fail.
    if (threads_ - starting_ - closing_ >= MayTakeLocked()) return false;
    ++threads_;
    ++starting_;
    return true;
  }
  void Started() {
    event::MutexLock lock(&mutex_);
    --starting_;
  }
  // Returns the item of `fd` if no started thread is left to close it.
  // Otherwise returns an empty item.
  Item NotStarted(uid_t uid, int fd) {
    event::DeferredWakes wakes;
    event::MutexLock lock(&mutex_);
    --starting_;
    --threads_;
    Item item;
    const auto of = users_.find(uid);
    if (threads_ > starting_ || of == users_.end()) return item;
    std::deque<Item>& waiting = of->second.waiting;
    for (auto own = waiting.begin(); own != waiting.end(); ++own) {
      if (own->fd.get() != fd) continue;
      item = std::move(*own);
      waiting.erase(own);
      g_waiting.fetch_sub(1, std::memory_order_relaxed);
      g_unfinished.fetch_sub(1, std::memory_order_relaxed);
      break;
    }
    PlaceLocked(&of->second);
    PostNextLocked(&of->second, &wakes);
    ForgetIfIdleLocked(of);
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
      switch (Next(may_wait ? parker.get() : nullptr, process->Now(), &user,
                   &item)) {
        case What::kClose:
          item.fd.reset();
          item.held.reset();
          Closed(user, process->Now());
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
    explicit User(uid_t user) : uid(user) {}

    const uid_t uid;
    std::deque<Item> waiting;
    int closing = 0;
    int for_shared = 0;  // how many of `waiting` shared threads may take
    // The list that holds this user's node. If null, `node` holds it.
    std::list<User*>* place = nullptr;
    std::list<User*> node{this};
    const std::list<User*>::iterator self = node.begin();
    std::list<FewClosesWait*> waits;  // begun, and not posted
    // The last time when `closing` was 0 or a close ended.
    event::Instant since;
    std::list<User*> lasting{this};  // empty while lasting_ has the node
    const std::list<User*>::iterator lasting_self = lasting.begin();

    bool HasMany() const { return waiting.size() >= kMaxClosesOfAUser; }
  };
  using Users = std::map<uid_t, User>;

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
  What Next(event::Parker* parker, event::Instant now, uid_t* uid, Item* item) {
    event::DeferredWakes wakes;
    event::MutexLock lock(&mutex_);
    if (MayTakeLocked() > 0) {
      User* const user = (for_own_.empty() ? for_shared_ : for_own_).front();
      *uid = user->uid;
      *item = std::move(user->waiting.front());
      user->waiting.pop_front();
      g_waiting.fetch_sub(1, std::memory_order_relaxed);
      ++closing_;
      if (++user->closing > 1) {
        ++shared_;
      } else {
        BeganOrEndedLocked(user, now);
      }
      PlaceLocked(user);
      PostNextLocked(user, &wakes);
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
  void Closed(uid_t uid, event::Instant now) {
    event::MutexLock lock(&mutex_);
    g_unfinished.fetch_sub(1, std::memory_order_relaxed);
    --closing_;
    const auto of = users_.find(uid);
    if (--of->second.closing > 0) --shared_;
    BeganOrEndedLocked(&of->second, now);
    PlaceLocked(&of->second);
    ForgetIfIdleLocked(of);
  }
  // Must be called when the user's first close begins, and when a close ends.
  void BeganOrEndedLocked(User* user, event::Instant now)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    user->since = now;
    std::list<User*>& from = user->lasting.empty() ? lasting_ : user->lasting;
    std::list<User*>& to = user->closing > 0 ? lasting_ : user->lasting;
    to.splice(to.end(), from, user->lasting_self);
  }
  void ForgetIfIdleLocked(Users::iterator of)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    const User& user = of->second;
    if (user.waiting.empty() && user.closing == 0 && user.waits.empty()) {
      users_.erase(of);
    }
  }
  // If the user has few closes, its longest wait ends.
  void PostNextLocked(User* user, event::DeferredWakes* wakes)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    if (user->waits.empty() || user->HasMany()) return;
    FewClosesWait* const wait = user->waits.front();
    wait->node_.splice(wait->node_.end(), user->waits, wait->self_);
    wakes->Post(wait->loop_, wait);
  }
  // How many file descriptors threads may take now.
  int MayTakeLocked() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return static_cast<int>(for_own_.size()) +
           std::min(may_take_shared_, kMaxSharedThreads - shared_);
  }
  // Must be called after a change of `waiting` or `closing`. Puts the user at
  // the end of its list, so that users take turns.
  void PlaceLocked(User* user) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    const bool own = user->closing == 0 && !user->waiting.empty();
    may_take_shared_ -= user->for_shared;
    user->for_shared = std::min(static_cast<int>(user->waiting.size()),
                                kMaxThreadsOfAUser - user->closing) -
                       (own ? 1 : 0);
    may_take_shared_ += user->for_shared;
    std::list<User*>& from = user->place != nullptr ? *user->place : user->node;
    user->place = own                    ? &for_own_
                  : user->for_shared > 0 ? &for_shared_
                                         : nullptr;
    std::list<User*>& to = user->place != nullptr ? *user->place : user->node;
    to.splice(to.end(), from, user->self);
  }

  event::Mutex mutex_;
  Users users_ ABSL_GUARDED_BY(mutex_);
  // The users with a file descriptor that a thread may take. for_own_: the
  // user's own thread may take it. for_shared_: a shared thread may take it.
  std::list<User*> for_own_ ABSL_GUARDED_BY(mutex_);
  std::list<User*> for_shared_ ABSL_GUARDED_BY(mutex_);
  int may_take_shared_ ABSL_GUARDED_BY(mutex_) = 0;  // the sum of for_shared
  // The users that have closes under way and are not reported, in the order of
  // `since`.
  std::list<User*> lasting_ ABSL_GUARDED_BY(mutex_);
  int threads_ ABSL_GUARDED_BY(mutex_) = 0;
  int starting_ ABSL_GUARDED_BY(mutex_) = 0;  // part of threads_
  int closing_ ABSL_GUARDED_BY(mutex_) = 0;   // part of threads_
  int shared_ ABSL_GUARDED_BY(mutex_) = 0;    // part of closing_
  // The parker of the thread that waits for a file descriptor to close. This
  // thread is part of threads_.
  event::Parker* idle_ ABSL_GUARDED_BY(mutex_) = nullptr;
};

namespace {

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

// Call it at each request for a close or a wait, because no thread waits only
// to report.
void LogLong(event::Process* process, Closer* closer) {
  uid_t user = 0;
  const std::string line = closer->TakeLong(process->Now(), &user);
  if (!line.empty()) event::LogForPeer(event::LogLevel::kWarning, user, line);
}

}  // namespace

void CloseElsewhere(event::Process* process, uid_t user, event::UniqueFd fd,
                    event::HeldRef held) {
  if (!fd || process->killed()) return;
  const int number = fd.get();
  std::shared_ptr<Closer> closer;
  try {
    closer = State::Of(process);
    LogLong(process, closer.get());
    if (!closer->Add(user, {std::move(held), std::move(fd)})) return;
  } catch (const std::bad_alloc&) {
    return;  // the destructor of `fd` or of the item closes it here
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

bool FewClosesWait::Begin(event::Process* process, uid_t user,
                          event::Loop* loop) {
  closer_ = State::Of(process);
  LogLong(process, closer_.get());
  user_ = user;
  loop_ = loop;
  if (!closer_->BeginWait(this)) closer_.reset();
  return waits();
}

void FewClosesWait::Cancel() {
  if (const std::shared_ptr<Closer> closer = std::move(closer_)) {
    closer->EndWait(this);
  }
}

void FewClosesWait::Run() {
  Cancel();
  OnFewCloses();
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
