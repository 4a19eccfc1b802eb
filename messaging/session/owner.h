// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// What a thread owns: sessions, services, and pools of messages for them.

#ifndef LE_MESSAGING_MESSAGING_SESSION_OWNER_H_
#define LE_MESSAGING_MESSAGING_SESSION_OWNER_H_

#include <atomic>
#include <map>

#include "event/base/mutex.h"
#include "event/base/ref.h"
#include "event/loop.h"
#include "event/process.h"
#include "messaging/message/message_pool.h"
#include "messaging/message/protocol.h"

namespace le {
namespace messaging {

// A place in a ring; alone in one at first.
struct OwnedLink {
  OwnedLink* previous = this;
  OwnedLink* next = this;
};

// A session or a service, as its thread sees it. The owner's thread only.
class Owned : private OwnedLink {
 public:
  // The thread ends. Closes the object, and delivers what that owes. Nothing is
  // delivered after that; the user may still delete it.
  virtual void Shutdown() = 0;
  // The thread has ended, and the user has not deleted the object.
  virtual void Abandon() = 0;

 protected:
  Owned() = default;
  ~Owned() = default;

 private:
  friend class Owner;
};

// Identifies a thread in everything that it owns, even after the thread has ended.
// Each object holds a reference, so the identity is never reused.
class Owner final : public event::RefCounted<Owner> {
 public:
  // Of the calling thread. Made at first use, with the thread's loop.
  static event::Ref<Owner> OfCurrentThread();

  // Any thread: whether it is the calling one.
  bool IsCurrent() const {
    const event::Thread* const thread = thread_.load(std::memory_order_relaxed);
    return thread != nullptr && thread == event::Thread::CurrentOrNull();
  }

  // The owner's thread only, until it has ended.
  event::Thread* thread() const {
    return thread_.load(std::memory_order_relaxed);
  }
  event::Loop* loop() const { return thread()->loop(); }
  // The thread is ending: nothing new begins.
  bool ending() const { return ending_; }

  // When the thread ends, services go first, each kind in the order of adding.
  void AddService(Owned* service) { Add(&services_, service); }
  void AddSession(Owned* session) { Add(&sessions_, session); }
  // False if it is not there.
  bool Remove(Owned* object);

  // The owner's thread only: messages for its sessions.
  event::Ref<MessagePool> PoolOf(Protocol* protocol);

  // Any thread. Guards what others post to the loop.
  event::Mutex* mutex() ABSL_LOCK_RETURNED(mutex_) { return &mutex_; }
  // Null once the thread is ending: nothing may be posted.
  event::Loop* loop_to_post_to() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return loop_;
  }

 private:
  friend class event::RefCounted<Owner>;
  class ThreadState;  // keeps the owner for as long as its thread lives
  explicit Owner(event::Thread* thread);
  ~Owner() = default;
  void Shutdown();
  void OnThreadGone();

  // One that is made while the thread ends has nothing to be shut down.
  void Add(OwnedLink* ring, Owned* object) {
    Append(ending_ ? &shut_down_ : ring, object);
  }
  static void Append(OwnedLink* ring, Owned* object);
  // Calls Shutdown() of each, once.
  void ShutdownAll(OwnedLink* ring);

  std::atomic<event::Thread*> thread_;  // null once it has gone
  event::Mutex mutex_;
  event::Loop* loop_ ABSL_GUARDED_BY(mutex_);
  bool ending_ = false;
  OwnedLink services_;
  OwnedLink sessions_;
  OwnedLink shut_down_;
  std::map<Protocol*, event::Ref<MessagePool>> pools_;
};

}  // namespace messaging
}  // namespace le

#endif  // LE_MESSAGING_MESSAGING_SESSION_OWNER_H_
