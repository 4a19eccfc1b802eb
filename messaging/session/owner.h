// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// The objects that a thread owns: sessions, services, and pools of messages for
// them.

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

// An entry of a ring. At first it is the only one in its ring.
struct RingPlace {
  RingPlace* previous = this;
  RingPlace* next = this;

  bool alone() const { return next == this; }
  // Inserts this entry before `place`, which may represent the end of the ring.
  void LinkBefore(RingPlace* place);
  void Unlink();
};

// An object that its owner's loop runs.
class Scheduled : private RingPlace {
 public:
  // The owner's thread. The object is no longer scheduled when this is called.
  virtual void RunScheduled() = 0;
  // The owner's thread. Another thread may schedule the object at any moment.
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

// A session or a service, as an object of its thread. The owner's thread only.
class Owned : private RingPlace {
 public:
  // The thread ends. Closes the object, and makes the deliveries that are due.
  // Nothing is delivered afterwards. The user may still delete the object.
  virtual void Shutdown() = 0;
  // The thread has ended. False: the user has deleted the object, and it must
  // not be used again. True: it stays valid until TakeAbandoned().
  virtual bool Abandon() = 0;
  // The user deletes the object, or the library deletes an abandoned object: at
  // the end of the process, or because there are too many.
  virtual void Delete() = 0;

 protected:
  Owned() = default;
  ~Owned() = default;

 private:
  friend class Owner;
};

// Identifies a thread for its objects, even after the thread has ended. Each
// object holds a reference, so no later thread has the same identity.
class Owner final : public event::RefCounted<Owner>, private event::Task {
 public:
  // The calling thread's owner. Created at first use, with the thread's loops.
  static event::Ref<Owner> OfCurrentThread();

  // Any thread. Whether it is the calling thread.
  bool IsCurrent() const {
    const event::Thread* const thread = thread_.load(std::memory_order_relaxed);
    return thread != nullptr && thread == event::Thread::CurrentOrNull();
  }

  // The owner's thread, until it has ended.
  event::Thread* thread() const {
    return thread_.load(std::memory_order_relaxed);
  }
  event::Loop* loop() const { return thread()->loop(); }
  // Any thread, also after the end of the thread.
  const std::string& thread_name() const { return thread_name_; }
  // Any thread. Whether the thread has ended.
  bool gone() const { return thread() == nullptr; }
  // Any thread. True: an ended thread has left this object, and the caller must
  // delete it. Beyond 1,024 such objects the oldest are deleted.
  static bool TakeAbandoned(Owned* object);
  // The thread is ending, so no session or service may begin.
  bool ending() const { return ending_; }

  // At the end of the thread, services are shut down before sessions, and each
  // kind in the order of adding.
  void AddService(Owned* service) { Add(&services_, service); }
  void AddSession(Owned* session) { Add(&sessions_, session); }
  // False: this owner does not have the object.
  bool Remove(Owned* object);

  // The owner's thread. Returns the pool for messages of its sessions.
  event::Ref<MessagePool> PoolOf(Protocol* protocol);

  // Any thread. The loop will run `object`, which must exist until then. False:
  // it is scheduled already, or the thread is ending.
  bool Schedule(Scheduled* object);
  // The owner's thread. False: the object was not scheduled.
  bool CancelSchedule(Scheduled* object);

 private:
  friend class event::RefCounted<Owner>;
  class Abandoned;    // objects that ended threads have left
  class ThreadState;  // keeps the owner while its thread exists
  explicit Owner(event::Thread* thread);
  ~Owner() = default;
  void Run() override;
  // Returns the next scheduled object, or null. If there are more, posts this
  // task for them, because the handlers of the returned object may run the loop,
  // or not return.
  Scheduled* TakeScheduled();
  void Shutdown();
  void OnThreadGone();

  // An object that is created while the thread ends needs no Shutdown().
  void Add(RingPlace* ring, Owned* object) {
    static_cast<RingPlace*>(object)->LinkBefore(ending_ ? &shut_down_ : ring);
  }
  // Calls Shutdown() of each object, once.
  void ShutdownAll(RingPlace* ring);

  std::atomic<event::Thread*> thread_;  // null after its end
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
