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

// An entry of a ring. A new entry is alone in its ring.
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
  // The owner's thread. When RunScheduled() begins, the object is no longer
  // scheduled.
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

// A session or a service, as an object of its thread. Only the owner's thread
// may call a function, unless a comment says otherwise.
class Owned : private RingPlace {
 public:
  // Called when the thread ends. Closes the object, and makes the deliveries
  // that are due. Nothing is delivered afterwards. The program can still delete
  // the object.
  virtual void Shutdown() = 0;
  // Called when the thread has ended. Returns false if the program has deleted
  // the object. Then the object must not be used again. Otherwise the object
  // stays valid until Delete().
  virtual bool Abandon() = 0;
  // Deletes the object for the program. Any thread may delete an abandoned
  // object. The library deletes all abandoned objects at the end of the
  // process, and the oldest ones if there are too many.
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
  // Returns the calling thread's owner. The first call creates the owner, and
  // those of the thread's two loops that do not exist.
  static event::Ref<Owner> OfCurrentThread();

  // Whether the calling thread has a service.
  static bool CurrentHasService();

  // Any thread. Whether the calling thread is this owner's thread.
  bool IsCurrent() const {
    const event::Thread* const thread = thread_.load(std::memory_order_relaxed);
    return thread != nullptr && thread == event::Thread::CurrentOrNull();
  }

  // Returns the owner's thread, or null if the thread has ended.
  event::Thread* thread() const {
    return thread_.load(std::memory_order_relaxed);
  }
  event::Loop* loop() const { return thread()->loop(); }
  // Any thread, also after the end of the thread.
  const std::string& thread_name() const { return thread_name_; }
  // Any thread. Whether the thread has ended.
  bool gone() const { return thread() == nullptr; }
  // Any thread. Returns true if an ended thread has left this object, and no
  // other call has taken it. Then the caller must delete the object. The
  // library keeps at most 1,024 such objects, and deletes the oldest beyond
  // this limit.
  static bool TakeAbandoned(Owned* object);
  // Whether the thread is ending. Then no session is opened and no service is
  // offered any more.
  bool ending() const { return ending_; }

  // At the end of the thread, services are shut down before sessions, and each
  // kind in the order of adding.
  void AddService(Owned* service) { Add(&services_, service); }
  void AddSession(Owned* session) { Add(&sessions_, session); }
  // Returns false if this owner does not have the object.
  bool Remove(Owned* object);

  // The owner's thread. Returns the pool for messages of its sessions.
  event::Ref<MessagePool> PoolOf(Protocol* protocol);

  // Any thread. The loop will run `object`, which must exist until then.
  // Returns false if `object` is scheduled already, or if the thread is ending.
  bool Schedule(Scheduled* object);
  // The owner's thread. Returns false if the object was not scheduled.
  bool CancelSchedule(Scheduled* object);

 private:
  friend class event::RefCounted<Owner>;
  class Abandoned;    // objects that ended threads have left
  class ThreadState;  // keeps the owner while its thread exists
  explicit Owner(event::Thread* thread);
  ~Owner() = default;
  void Run() override;
  // Removes and returns the next scheduled object, or returns null. If more
  // objects are scheduled, first posts this task for them, because the handlers
  // of the returned object may run the loop or may not return.
  Scheduled* TakeScheduled();
  void Shutdown();
  void OnThreadGone();

  // An object that is created while the thread ends needs no Shutdown().
  void Add(RingPlace* ring, Owned* object) {
    static_cast<RingPlace*>(object)->LinkBefore(ending_ ? &shut_down_ : ring);
  }
  // Calls Shutdown() of each object, once.
  void ShutdownAll(RingPlace* ring);

  std::atomic<event::Thread*> thread_;  // null after the thread's end
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
