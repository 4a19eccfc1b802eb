// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#include "transports/closer.h"

#include <deque>
#include <map>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "event/base/mutex.h"

namespace le {
namespace transports {
namespace {

// One close that lasts leaves the user's others to go on.
constexpr int kMaxThreadsOfAUser = 4;
constexpr int kMaxThreads = 64;

// What is to be closed, and the threads that do it. Each ends when nothing is left
// that it may take.
class Closer {
 public:
  struct Item {
    std::shared_ptr<void> held;
    event::UniqueFd fd;
  };

  // Whether a thread must be started for it.
  bool Add(uid_t user, Item item) {
    event::MutexLock lock(&mutex_);
    User& of = users_[user];
    of.waiting.push_back(std::move(item));
    ++waiting_;
    // Each thread that is not inside a close takes one.
    if (threads_ - closing_ >= waiting_ || threads_ == kMaxThreads ||
        of.closing == kMaxThreadsOfAUser) {
      return false;
    }
    ++threads_;
    return true;
  }
  void Work() {
    uid_t user = 0;
    Item item;
    while (Next(&user, &item)) {
      item.fd.reset();
      item.held.reset();
      Closed(user);
    }
  }

 private:
  struct User {
    std::deque<Item> waiting;
    int closing = 0;
  };

  bool Next(uid_t* user, Item* item) {
    event::MutexLock lock(&mutex_);
    for (auto& of : users_) {
      if (of.second.waiting.empty() ||
          of.second.closing == kMaxThreadsOfAUser) {
        continue;
      }
      *user = of.first;
      *item = std::move(of.second.waiting.front());
      of.second.waiting.pop_front();
      --waiting_;
      ++of.second.closing;
      ++closing_;
      return true;
    }
    --threads_;
    return false;
  }
  void Closed(uid_t user) {
    event::MutexLock lock(&mutex_);
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
  int closing_ ABSL_GUARDED_BY(mutex_) = 0;  // of these, inside a close
};

struct State final : event::ModuleState {
  const std::shared_ptr<Closer> closer = std::make_shared<Closer>();
};

}  // namespace

void CloseElsewhere(event::Process* process, uid_t user, event::UniqueFd fd,
                    std::shared_ptr<void> held) {
  if (!fd || process->killed()) return;
  // A thread may outlive the process's state.
  const std::shared_ptr<Closer> closer =
      process->State<State>([] { return std::make_unique<State>(); })->closer;
  if (!closer->Add(user, {std::move(held), std::move(fd)})) return;
  std::unique_ptr<event::ThreadHandle> thread =
      process->StartThread("closer", [closer] { closer->Work(); });
  if (thread == nullptr) {
    closer->Work();
  } else {
    thread->Detach();
  }
}

}  // namespace transports
}  // namespace le
