// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// The client's end of a session.
//
//   user's call ──► ClientSession ──► machine: what is to be done
//                     │       ▲
//                Send │       │ Receive
//                     ▼       │            inbox ──► handlers, by the loop
//                    Connection ──► Link ──┘
//
// Invariants:
//  - A handler runs on the owner's loop only, when no lock is held and the
//    machine has settled. What is in the inbox comes before anything that the
//    connection still has.
//  - mutex_ guards the machine, the inbox and which connection is the present
//    one. A request takes its number, its connection and its epoch under one
//    lock. The lock is never held across a handler, a wait, a post or a call of
//    the connection.
//  - The connection changes on the owner's thread only, which uses the one that
//    its link has attached. Others copy it under the lock. A closed connection
//    stays until the next opening.

#ifndef LE_MESSAGING_MESSAGING_SESSION_CLIENT_SESSION_H_
#define LE_MESSAGING_MESSAGING_SESSION_CLIENT_SESSION_H_

#include <atomic>
#include <memory>

#include "directory/introducer.h"
#include "event/base/mutex.h"
#include "messaging/machine/limits.h"
#include "messaging/machine/session_machine.h"
#include "messaging/session/inbox.h"
#include "messaging/session/link.h"
#include "messaging/session/open_attempt.h"
#include "messaging/session/session.h"

namespace le {
namespace messaging {

// What a client session tells its user, besides completions. By the owner's
// loop. Each may do anything to the session.
class ClientHandler {
 public:
  virtual ~ClientHandler() = default;
  // A message that answers no request.
  virtual void OnMessage(ClientSession* session,
                         event::Ref<Message> message) = 0;
  // The session is closed, and not by its user; close_reason() says why. It may
  // be opened again.
  virtual void OnClosed(ClientSession* session) = 0;
  // There is room again for a message that found none.
  virtual void OnRoom(ClientSession* session) = 0;
};

class ClientSession final : public Session,
                            public Owned,
                            private OpenAttempt::Observer {
 public:
  // Of the calling thread, which has a reference until Delete(). `introducer`
  // may be another than the runtime's: local services have one.
  ClientSession(Interface interface, directory::Introducer* introducer,
                std::unique_ptr<ClientHandler> handler);

  bool is_client() const override { return true; }
  const Interface* interface() const override { return &interface_; }
  Owner* owner() const override { return owner_.get(); }
  CloseReason close_reason() override;
  ClientHandler* handler() const { return handler_.get(); }

  // ---- The owner's thread ----
  bool is_closed();

  // The session must be closed, or its thread be ending, which refuses it.
  // `done` is told by the loop: kOk, kTimedOut, kOtherProtocol, or kClosed if
  // the user has closed meanwhile.
  void Open(Completion done, event::Instant deadline);
  // The same, blocking. Without `waits` also kNotOffered, kNoBinding and
  // kNoDirectory.
  Result OpenSync(bool waits, event::Instant deadline);
  // Why it is not open yet, or why the last opening failed. Any thread; the
  // owner's thread has it as of now, others as of when that last changed.
  directory::WaitCause wait_cause();
  // Why the last opening failed, in words.
  const absl::Status& open_status() const { return open_status_; }
  // Requests that wait are told kClosed, by the loop.
  void Close();
  // Closes, and takes the caller's reference.
  void Delete() override;
  bool is_deleted();

  void SetLimits(const SessionLimits& limits);

  // *response is set if the result is kOk.
  Result RequestSync(event::Ref<Message> message, event::Instant deadline,
                     event::Ref<Message>* response);
  // False: completed already.
  bool CancelRequest(uint64_t id);

  // ---- Any thread ----
  Result Send(event::Ref<Message> message, event::Instant deadline) override;
  Result TrySend(Message* message) override;
  void Flush() override;
  // The deadline is for room and response together. Returns the request's id,
  // or 0 if it is over already; `completion` is told all the same, unless the
  // owner's thread is ending.
  uint64_t Request(event::Ref<Message> message, Completion completion,
                   event::Instant deadline);
  SessionLimits limits();
  transports::SendLimits send_limits();
  // The kernel's word on who the server is. False if the session is not open.
  bool ServerCredentials(event::Credentials* credentials);

 private:
  class Deadlines;
  using Epoch = ClientSessionMachine::Epoch;

  static constexpr Epoch kNoEpoch = 0;
  // One opening's connection, to send on.
  struct Route {
    transports::ConnectionRef shared;  // for threads other than the owner's
    transports::Connection* connection = nullptr;  // null: not open
    Epoch epoch = kNoEpoch;
  };

  struct AddedRequest {
    Result result = Result::kClosed;
    uint64_t id = 0;
    Route route;
    bool pipelined = false;  // other requests wait
  };

  ~ClientSession() override;

  // Session, for the link and for messages.
  MessagePool* pool() const override { return pool_.get(); }
  bool DeliverOwed() override;
  void OnFrame(transports::IncomingFrame&& frame) override;
  void OnConnectionClosed(const absl::Status& status) override;
  void OnRoom() override;
  void GiveUp(uint64_t, size_t) override {}
  // OpenAttempt::Observer
  absl::Status OnTaken(std::unique_ptr<transports::Connection> connection,
                       const Hello& hello,
                       const event::Credentials& server) override;
  void OnEnded(const absl::Status& status) override;
  void OnCause(const directory::WaitCause& cause) override;
  // Owned
  void Shutdown() override;
  bool Abandon() override;

  void StartOpening(const Completion& done, event::Loop* loop, bool waits,
                    event::Instant deadline);

  Route RouteLocked() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  AddedRequest AddRequestLocked(Completion* completion, event::Instant deadline)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  Result SendRequest(const AddedRequest& added, Message* message,
                     event::Instant deadline);
  // Sends on `route`. kOk, kClosed, kNoRoom.
  Result SendNow(const Route& route, const transports::OutgoingFrame& frame);
  // The same, and waits for room for as long as its opening lasts.
  Result SendOn(const Route& route, transports::OutgoingFrame* frame,
                event::Instant deadline);
  // Its connection took nothing more: waits until it may, or has `frame` gathered.
  Result MakeRoom(const Route& route, transports::OutgoingFrame* frame,
                  event::Instant deadline);
  // Whether the caller would stop a loop that the peer may be waiting for.
  bool MustNotWait();
  Result WaitForRoom(transports::Connection* connection,
                     event::Instant deadline);

  // Receives a frame without waiting for longer than `deadline`, for a caller
  // that blocks: what comes is put into the inbox. kClosed: the opening has
  // ended.
  transports::IoResult ReceiveIntoInbox(event::Instant deadline);
  void TakeFrame(transports::IncomingFrame&& frame);
  // What `frame` means, ready to be delivered; or nothing.
  absl::optional<Delivery> ToDelivery(transports::IncomingFrame&& frame);
  bool MayHoldMore(bool with_descriptor);
  void TakeWhatHasCome();

  // Ends the present opening, if it is open.
  void End(CloseReason reason);
  void EndForFault(CloseReason reason, absl::string_view details);
  void EndAsTold(const absl::Status& status);
  // Any thread: the opening of that epoch must end. The loop does the rest.
  void EndLater(Epoch epoch, CloseReason reason);
  // Closes the connection of an opening that has ended, and owes its requests
  // their completions.
  void SettleEnd();
  // Takes what is left of an opening that the user is told nothing more of: the
  // machine has left it. True if that owes completions. Then FinishLeaving().
  bool LeaveOpeningLocked(std::vector<Delivery>* replaced)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void FinishLeaving(bool owes) ABSL_LOCKS_EXCLUDED(mutex_);

  void Owe(Delivery delivery);
  // Now if the caller waits on its stack, else by the loop.
  void Complete(const Completion& completion, Result result,
                event::Ref<Message> response = {});
  void Deliver(Delivery delivery);
  // The owner has no more to do with it once it is deleted and nothing is due.
  void LeaveOwnerIfDone();
  void WarnOfDroppedMessage();
  void WarnOfRefusedRequest(Result why);
  void ArmDeadline();
  void DropDeadlines();
  void ArmDeadlineFor(event::Instant deadline);

  const Interface interface_;
  directory::Introducer* const introducer_;
  const event::Ref<Owner> owner_;
  const event::Ref<MessagePool> pool_;
  const std::unique_ptr<ClientHandler> handler_;

  event::Mutex mutex_;
  ClientSessionMachine machine_ ABSL_GUARDED_BY(mutex_);
  Inbox inbox_ ABSL_GUARDED_BY(mutex_);
  event::Credentials server_ ABSL_GUARDED_BY(mutex_);
  SessionLimits limits_ ABSL_GUARDED_BY(mutex_);
  directory::WaitCause wait_cause_ ABSL_GUARDED_BY(mutex_);
  // Of the present or the last opening. Changed by the owner, under the lock.
  transports::ConnectionRef connection_ ABSL_GUARDED_BY(mutex_);
  // The machine's epoch while it is kOpen, else kNoEpoch: for the owner, who
  // sends without the lock. Changed under the lock.
  std::atomic<Epoch> open_epoch_{kNoEpoch};

  // The owner's thread only from here.
  Link link_{this};
  std::unique_ptr<OpenAttempt> attempt_;
  Completion opening_;  // whom to tell of the attempt
  absl::Status open_status_;
  std::unique_ptr<Deadlines> deadlines_;
};

}  // namespace messaging
}  // namespace le

#endif  // LE_MESSAGING_MESSAGING_SESSION_CLIENT_SESSION_H_
