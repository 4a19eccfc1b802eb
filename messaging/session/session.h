// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// One end of a session: ties its state machine to a connection, to its owner's
// loop and to the user's handlers.
//
//   user's call ──► Session ──► machine ──► what is to be done
//                    │   ▲                       │
//               Send │   │ Receive               ▼
//                    ▼   │              inbox ──► handlers, by the loop
//                  Connection
//
// Invariants:
//  - A handler runs on the owner's loop only, when no lock is held and the
//    machine has settled. What is in the inbox comes before anything that the
//    connection still has.
//  - mutex_ guards the machine, the connection's pointer and the inbox. It is
//    never held across a handler, a wait, a post or a call of the connection.
//  - The connection's pointer changes on the owner's thread only. That thread
//    reads it without the lock; others copy it under the lock.
//  - A message that comes or goes on the owner's thread costs one lock, the
//    connection's.

#ifndef LE_MESSAGING_MESSAGING_SESSION_H_
#define LE_MESSAGING_MESSAGING_SESSION_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>

#include "absl/strings/string_view.h"
#include "event/loop.h"
#include "event/process.h"
#include "messaging/c_api/handles.h"
#include "messaging/machine/close_reason.h"
#include "messaging/machine/session_machine.h"
#include "messaging/message/message.h"
#include "messaging/message/protocol.h"
#include "messaging/session/delivery.h"
#include "transports/transport.h"

namespace le {
namespace messaging {

// A name on one side of a binding.
struct Interface {
  std::string name;
  Protocol* protocol = nullptr;
};

class Session : private event::Task, private transports::Connection::Observer {
 public:
  // Any thread. The last reference frees the session.
  void Ref() { references_.fetch_add(1, std::memory_order_relaxed); }
  void Unref();

  virtual bool is_client() const = 0;
  virtual const Interface* interface() const = 0;
  Protocol* protocol() const { return interface()->protocol; }
  // Any thread. A message of this session around `payload`, see MessagePool.
  Message* NewMessage(transports::Buffer payload);
  event::Thread* owner() const { return owner_; }
  bool IsOwner() const { return event::Thread::CurrentOrNull() == owner_; }

  void* context() const { return context_; }
  void set_context(void* context) { context_ = context; }
  virtual CloseReason close_reason() = 0;

  // Any thread. Sends a message that wants no response; takes the reference.
  // kOk, kClosed, kTimedOut.
  Result Send(MessageRef message, event::Instant deadline);
  // Any thread.
  void Flush();

  // Any thread. A received request was released unanswered.
  virtual void GiveUp(uint64_t request) = 0;

  // The owner's thread. Closes because the owner ends, and runs what is owed.
  virtual void Abolish() = 0;

 protected:
  Session(event::Thread* owner, Protocol* protocol);
  ~Session() override;

  // Goes on with `connection`, attached to the owner's loop.
  absl::Status Adopt(std::unique_ptr<transports::Connection> connection,
                     const transports::SendLimits& limits);
  // Closes and forgets the connection. The machine knows already.
  void DropConnection();
  transports::Connection* connection() const { return connection_.get(); }
  // For any thread. To send on: null if the session is doomed.
  transports::ConnectionRef SharedConnection();
  transports::ConnectionRef ConnectionOrNull();

  // What may wait to be sent, and what may be held that has been received.
  virtual transports::SendLimits send_limits() const = 0;

  // What to do when there is no room for a frame.
  enum class Full { kWait, kDrop, kDoom };
  virtual Full WhenFull(bool is_response) = 0;

  // Sends a frame of `type`; with a message, its payload and descriptor.
  // `others`: requests besides this one are under way.
  Result Transmit(uint8_t type, uint64_t id, Message* message,
                  event::Instant deadline, bool others);

  // A session that must close, though not on this thread or not now: by the
  // loop.
  void Doom(CloseReason reason);
  virtual void OnDoomed(CloseReason reason) = 0;
  // For the log; the owner's thread.
  virtual event::Credentials far_end() = 0;
  // Says in the log whose session is closed, and why.
  void LogClosing(CloseReason reason, absl::string_view what);

  // Puts a delivery in line; the loop will come. Any thread.
  void Owe(Delivery delivery);
  // Sees to it that the loop comes. Any thread, without the lock.
  void ScheduleDelivery();
  // Runs what is owed at this moment.
  void DeliverInbox();
  // Runs all that is owed, and what comes to be owed by it.
  void DeliverAll();
  // The loop need not come any more, or cannot: the owner's thread ends.
  void CancelDelivery();
  bool IsDeliveryPosted();
  // The loop has delivered what there was.
  virtual void OnDelivered() {}

  // Receives a frame without waiting for longer than `deadline`. Whatever comes
  // is put in line. kClosed: the session is closed now.
  transports::IoResult ReceiveAndHold(event::Instant deadline);

  // The machine's word on a frame, but for messages that want no response, which
  // are always delivered. Called under the lock.
  virtual FrameVerdict Judge(uint8_t type, uint64_t id) = 0;
  // The connection is closed, but not by the user. Puts in line what is owed.
  virtual void OnFarEndClosed(CloseReason reason) = 0;
  // Calls the user.
  virtual void Deliver(Delivery delivery) = 0;
  // A completion that no loop delivers: somebody waits for it on its stack.
  virtual void CompleteBlockedCaller(Delivery delivery) = 0;

  std::mutex& mutex() { return mutex_; }
  Inbox& inbox() { return inbox_; }  // guarded by mutex()

 private:
  // The loop has come to deliver.
  void Run() override;
  void OnReadable() override;

  enum class Held { kNow, kLater };
  void HandleFrame(transports::IncomingFrame&& frame, Held held);
  MessageRef MakeMessage(transports::IncomingFrame&& frame);
  void CloseForFault(CloseReason reason, absl::string_view what);
  // Likewise, for what the connection says of its end.
  void CloseAsTold(const absl::Status& status);
  Result WaitForRoom(transports::Connection* connection,
                     event::Instant deadline);
  bool MayHoldMore(bool with_descriptor);

  event::Thread* const owner_;
  MessagePool* const pool_;  // the owner's
  std::mutex mutex_;
  transports::ConnectionRef connection_;
  Inbox inbox_;
  void* context_ = nullptr;
  std::atomic<int> references_{1};
  bool delivery_posted_ = false;
  std::atomic<CloseReason> doom_{CloseReason::kNone};
};

// Keeps a session alive while its handlers run.
class SessionRef {
 public:
  explicit SessionRef(Session* session) : session_(session) { session->Ref(); }
  ~SessionRef() { session_->Unref(); }
  SessionRef(const SessionRef&) = delete;
  SessionRef& operator=(const SessionRef&) = delete;

 private:
  Session* const session_;
};

}  // namespace messaging
}  // namespace le

#endif  // LE_MESSAGING_MESSAGING_SESSION_H_
