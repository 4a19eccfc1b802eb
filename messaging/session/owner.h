// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// What a thread owns: sessions, services, and pools of messages for them.

#ifndef LE_MESSAGING_MESSAGING_SESSION_OWNER_H_
#define LE_MESSAGING_MESSAGING_SESSION_OWNER_H_

#include <atomic>
#include <map>
#include <string>

#include "event/base/mutex.h"
#include "event/base/ref.h"
#include "event/loop.h"
#include "event/process.h"
#include "messaging/message/message_pool.h"
#include "messaging/message/protocol.h"

namespace le {
namespace messaging {

// A place in a ring; alone in one at first.
struct RingPlace {
  RingPlace* previous = this;
  RingPlace* next = this;

  bool alone() const { return next == this; }
  // Before `place`, which stands for the end of a ring.
  void LinkBefore(RingPlace* place);
  void Unlink();
};

// What is to be run by its owner's loop.
class Scheduled : private RingPlace {
 public:
  // The owner's thread. Not scheduled any more when it begins.
  virtual void RunScheduled() = 0;
  // The owner's thread: another may schedule it at any moment.
  bool is_scheduled() const {
    return is_scheduled_.load(std::memory_order_acquire);
  }

 protected:
  Scheduled() = default;
  ~Scheduled() = default;

 private:
  friend class Owner;
  std::atomic<bool> is_scheduled_{false};  // changed under the owner's mutex
};

// A session or a service, as its thread sees it. The owner's thread only.
class Owned : private RingPlace {
 public:
  // The thread ends. Closes the object, and delivers what that owes. Nothing is
  // delivered after that; the user may still delete it.
  virtual void Shutdown() = 0;
  // The thread has gone. False: the user has deleted the object; it must not be
  // touched again. True: it stays valid until TakeAbandoned().
  virtual bool Abandon() = 0;
  // By the user, or in the place of one who never does.
  virtual void Delete() = 0;

 protected:
  Owned() = default;
  ~Owned() = default;

 private:
  friend class Owner;
};

// Identifies a thread in everything that it owns, even after the thread has ended.
// Each object holds a reference, so the identity is never reused.
class Owner final : public event::RefCounted<Owner>, private event::Task {
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
  // Any thread, also after the thread has gone.
  const std::string& thread_name() const { return thread_name_; }
  // Any thread: whether the thread has gone.
  bool gone() const { return thread() == nullptr; }
  // Any thread. True if an ended thread has left this object: the caller must delete
  // it. Beyond 1,024 such objects the oldest are deleted.
  static bool TakeAbandoned(Owned* object);
  // The thread is ending: nothing new begins.
  bool ending() const { return ending_; }

  // When the thread ends, services go first, each kind in the order of adding.
  void AddService(Owned* service) { Add(&services_, service); }
  void AddSession(Owned* session) { Add(&sessions_, session); }
  // False if it is not there.
  bool Remove(Owned* object);

  // The owner's thread only: messages for its sessions.
  event::Ref<MessagePool> PoolOf(Protocol* protocol);

  // Any thread. The loop will run `object`, which stays until then. False: it is
  // scheduled already, or the thread is ending.
  bool Schedule(Scheduled* object);
  // The owner's thread. False: it was not scheduled.
  bool CancelSchedule(Scheduled* object);

 private:
  friend class event::RefCounted<Owner>;
  class Abandoned;    // what threads of a process have left
  class ThreadState;  // keeps the owner for as long as its thread lives
  explicit Owner(event::Thread* thread);
  ~Owner() = default;
  void Run() override;
  // The next that is scheduled; null if none is. If others are, the loop comes
  // for them: the handlers of this one may run the loop, or not return.
  Scheduled* TakeScheduled();
  void Shutdown();
  void OnThreadGone();

  // One that is made while the thread ends has nothing to be shut down.
  void Add(RingPlace* ring, Owned* object) {
    static_cast<RingPlace*>(object)->LinkBefore(ending_ ? &shut_down_ : ring);
  }
  // Calls Shutdown() of each, once.
  void ShutdownAll(RingPlace* ring);

  std::atomic<event::Thread*> thread_;  // null once it has gone
  const std::string thread_name_;
  event::Mutex mutex_;
  event::Loop* loop_ ABSL_GUARDED_BY(mutex_);  // null once the thread ends
  RingPlace scheduled_ ABSL_GUARDED_BY(mutex_);
  size_t scheduled_count_ ABSL_GUARDED_BY(mutex_) = 0;
  bool posted_ ABSL_GUARDED_BY(mutex_) = false;
  bool ending_ = false;
  RingPlace services_;
  RingPlace sessions_;
  RingPlace shut_down_;
  std::map<Protocol*, event::Ref<MessagePool>> pools_;
};

}  // namespace messaging
}  // namespace le

#endif  // LE_MESSAGING_MESSAGING_SESSION_OWNER_H_
