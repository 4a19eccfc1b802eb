// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#include "messaging/session/owner.h"

#include <algorithm>
#include <deque>
#include <memory>
#include <utility>
#include <vector>

#include "event/deferred_wakes.h"

namespace le {
namespace messaging {

using event::MutexLock;
using event::Thread;

class Owner::ThreadState final : public event::ModuleState {
 public:
  explicit ThreadState(Thread* thread)
      : owner_(event::Ref<Owner>::Adopt(new Owner(thread))) {
    thread->AddExitHook([owner = owner_.get()] { owner->Shutdown(); });
  }
  ~ThreadState() override { owner_->OnThreadGone(); }

  event::Ref<Owner> owner() const { return owner_; }

 private:
  const event::Ref<Owner> owner_;
};

// The objects that ended threads have left and that the program has not
// deleted. Other threads may have references to them, so the objects stay
// valid.
class Owner::Abandoned final : public event::ModuleState {
 public:
  static Abandoned* Of(event::Process* process) {
    return process->State<Abandoned>(
        [] { return std::make_unique<Abandoned>(); });
  }
  ~Abandoned() override {
    for (Owned* object : objects_) object->Delete();
  }

  void Add(Owned* object) {
    Owned* oldest = nullptr;
    {
      MutexLock lock(&mutex_);
      objects_.push_back(object);
      if (objects_.size() > kMaxObjects) {
        oldest = objects_.front();
        objects_.pop_front();
      }
    }
    if (oldest != nullptr) oldest->Delete();
  }
  bool Take(Owned* object) {
    MutexLock lock(&mutex_);
    const auto it = std::find(objects_.begin(), objects_.end(), object);
    if (it == objects_.end()) return false;
    objects_.erase(it);
    return true;
  }

 private:
  // Bounds the memory of a program whose threads end and leave objects. If
  // there are more objects than this, the oldest is deleted.
  static constexpr size_t kMaxObjects = 1024;

  event::Mutex mutex_;
  std::deque<Owned*> objects_ ABSL_GUARDED_BY(mutex_);
};

bool Owner::TakeAbandoned(Owned* object) {
  return Abandoned::Of(event::Process::Current())->Take(object);
}

event::Ref<Owner> Owner::OfCurrentThread() {
  Thread* const thread = Thread::Current();
  return thread
      ->State<ThreadState>(
          [thread] { return std::make_unique<ThreadState>(thread); })
      ->owner();
}

bool Owner::CurrentHasService() {
  const Thread* const thread = Thread::CurrentOrNull();
  const auto* const state =
      thread == nullptr ? nullptr : thread->StateOrNull<ThreadState>();
  return state != nullptr && !state->owner()->services_.alone();
}

// Creates both loops now, if they do not exist. Other threads may post to the
// thread's loop from now on. The control loop needs file descriptors, and
// clients may use up all of them later.
Owner::Owner(Thread* thread)
    : thread_(thread), thread_name_(thread->name()), loop_(thread->loop()) {
  thread->control_loop();
}

void RingPlace::LinkBefore(RingPlace* place) {
  previous = place->previous;
  next = place;
  previous->next = this;
  place->previous = this;
}

void RingPlace::Unlink() {
  previous->next = next;
  next->previous = previous;
  previous = next = this;
}

// ---- Schedule --------------------------------------------------------------

bool Owner::Schedule(Scheduled* object) {
  event::DeferredWakes wakes;
  MutexLock lock(&mutex_);
  if (loop_ == nullptr || object->is_scheduled()) return false;
  object->is_scheduled_.store(true, std::memory_order_release);
  object->LinkBefore(&scheduled_);
  ++scheduled_count_;
  if (!posted_) {
    posted_ = true;
    wakes.Post(loop_, this);
  }
  return true;
}

bool Owner::CancelSchedule(Scheduled* object) {
  MutexLock lock(&mutex_);
  if (!object->is_scheduled()) return false;
  object->is_scheduled_.store(false, std::memory_order_release);
  object->Unlink();
  --scheduled_count_;
  return true;
}

Scheduled* Owner::TakeScheduled() {
  MutexLock lock(&mutex_);
  if (scheduled_.alone()) return nullptr;
  auto* const object = static_cast<Scheduled*>(scheduled_.next);
  object->Unlink();
  object->is_scheduled_.store(false, std::memory_order_release);
  if (--scheduled_count_ > 0 && !posted_ && loop_ != nullptr) {
    posted_ = true;
    loop_->Post(this);
  }
  return object;
}

void Owner::Run() {
  const auto keep = event::Ref<Owner>::Share(this);
  size_t count;
  {
    MutexLock lock(&mutex_);
    posted_ = false;
    count = scheduled_count_;
  }
  // Objects that are scheduled from now on wait for the next turn.
  for (; count > 0; --count) {
    Scheduled* const object = TakeScheduled();
    if (object == nullptr) return;
    object->RunScheduled();
  }
}

// ---- Objects ---------------------------------------------------------------

bool Owner::Remove(Owned* object) {
  RingPlace* const place = object;
  if (place->alone()) return false;
  place->Unlink();
  return true;
}

void Owner::ShutdownAll(RingPlace* ring) {
  while (!ring->alone()) {
    auto* const object = static_cast<Owned*>(ring->next);
    Remove(object);
    static_cast<RingPlace*>(object)->LinkBefore(&shut_down_);
    object->Shutdown();
  }
}

// ---- The end of the thread -------------------------------------------------

void Owner::Shutdown() {
  ending_ = true;
  {
    MutexLock lock(&mutex_);
    loop_ = nullptr;
  }
  // The handlers that run here may create or delete objects. A new object needs
  // no Shutdown(): see Add().
  ShutdownAll(&services_);
  ShutdownAll(&sessions_);
  // A deleted session may still be scheduled, because the program may have used
  // one of its messages.
  while (Scheduled* const object = TakeScheduled()) object->RunScheduled();
}

void Owner::OnThreadGone() {
  event::Process* const process = thread()->process();
  std::vector<Owned*> left;
  for (RingPlace* ring : {&shut_down_, &services_, &sessions_}) {
    while (!ring->alone()) {
      auto* const object = static_cast<Owned*>(ring->next);
      Remove(object);
      // No code of a killed process may run.
      if (!process->killed() && object->Abandon()) left.push_back(object);
    }
  }
  for (auto& entry : pools_) entry.second->DropOwner();
  pools_.clear();
  thread()->loop()->Cancel(this);
  thread_.store(nullptr, std::memory_order_relaxed);
  for (Owned* object : left) Abandoned::Of(process)->Add(object);
}

// ---- Messages --------------------------------------------------------------

event::Ref<MessagePool> Owner::PoolOf(Protocol* protocol) {
  event::Ref<MessagePool>& pool = pools_[protocol];
  if (!pool)
    pool = event::Ref<MessagePool>::Adopt(new MessagePool(protocol->pool()));
  return pool;
}

}  // namespace messaging
}  // namespace le
