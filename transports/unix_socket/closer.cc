// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#include "transports/unix_socket/closer.h"

#include <deque>
#include <memory>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "event/base/mutex.h"

namespace le {
namespace transports {
namespace {

// One that a close holds up leaves the others to go on.
constexpr int kMaxThreads = 16;

// What is to be closed, and the threads that do it. Each ends when nothing is left.
class Closer {
 public:
  // Whether a thread must be started for it.
  bool Add(event::UniqueFd fd) {
    event::MutexLock lock(&mutex_);
    const bool behind = !waiting_.empty() || threads_ == 0;
    waiting_.push_back(std::move(fd));
    if (!behind || threads_ == kMaxThreads) return false;
    ++threads_;
    return true;
  }
  void Work() {
    while (const event::UniqueFd next = Next()) {
    }
  }

 private:
  event::UniqueFd Next() {
    event::MutexLock lock(&mutex_);
    if (waiting_.empty()) {
      --threads_;
      return event::UniqueFd();
    }
    event::UniqueFd next = std::move(waiting_.front());
    waiting_.pop_front();
    return next;
  }

  event::Mutex mutex_;
  std::deque<event::UniqueFd> waiting_ ABSL_GUARDED_BY(mutex_);
  int threads_ ABSL_GUARDED_BY(mutex_) = 0;
};

struct State final : event::ModuleState {
  const std::shared_ptr<Closer> closer = std::make_shared<Closer>();
};

}  // namespace

void CloseElsewhere(event::Process* process, event::UniqueFd fd) {
  // A thread may outlive the process's state.
  const std::shared_ptr<Closer> closer =
      process->State<State>([] { return std::make_unique<State>(); })->closer;
  if (!closer->Add(std::move(fd))) return;
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
