// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#include "messaging/session/owner.h"

#include <memory>
#include <utility>

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

event::Ref<Owner> Owner::OfCurrentThread() {
  Thread* const thread = Thread::Current();
  return thread
      ->State<ThreadState>(
          [thread] { return std::make_unique<ThreadState>(thread); })
      ->owner();
}

// Makes both loops now. Other threads may post to the loop from now on. The control
// loop takes file descriptors, which clients may have used up later.
Owner::Owner(Thread* thread) : thread_(thread), loop_(thread->loop()) {
  thread->control_loop();
}

// ---- Objects ---------------------------------------------------------------

void Owner::Append(OwnedLink* ring, Owned* object) {
  OwnedLink* const link = object;
  link->previous = ring->previous;
  link->next = ring;
  link->previous->next = link;
  ring->previous = link;
}

bool Owner::Remove(Owned* object) {
  OwnedLink* const link = object;
  if (link->next == link) return false;
  link->previous->next = link->next;
  link->next->previous = link->previous;
  link->previous = link->next = link;
  return true;
}

void Owner::ShutdownAll(OwnedLink* ring) {
  while (ring->next != ring) {
    auto* const object = static_cast<Owned*>(ring->next);
    Remove(object);
    Append(&shut_down_, object);
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
  // A handler may make or delete others while this goes on. What it makes is
  // ended from the beginning, see ending().
  ShutdownAll(&services_);
  ShutdownAll(&sessions_);
}

void Owner::OnThreadGone() {
  for (OwnedLink* ring : {&shut_down_, &services_, &sessions_}) {
    while (ring->next != ring) {
      auto* const object = static_cast<Owned*>(ring->next);
      Remove(object);
      // No code may run in the name of a killed process.
      if (!thread()->process()->killed()) object->Abandon();
    }
  }
  for (auto& entry : pools_) entry.second->DropOwner();
  pools_.clear();
  thread_.store(nullptr, std::memory_order_relaxed);
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
