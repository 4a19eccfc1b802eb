// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// The client's end of a session.
//
//   a call ───────► ClientSession ──► machine: decides what to do
//                     │       ▲
//                Send │       │ Receive
//                     ▼       │            inbox ──► handlers, by the loop
//                    Connection ──► Link ──┘
//
// An opening begins with Open() or OpenSync(). It ends when the attempt to open
// the session fails, or when the open session ends. Each opening has a number,
// its epoch.
//
// Invariants:
//  - A handler runs only on the owner's loop, or in Shutdown(). No lock is held
//    during its call, and the machine has changed its state before.
//  - The loop makes the deliveries in the inbox before it receives further
//    frames. A blocking call receives further frames into the inbox.
//  - mutex_ guards the machine, the inbox and the choice of the connection. A
//    request gets its number, its connection and its epoch in one critical
//    section. The lock is never held across a handler, a wait, a post or a call
//    of the connection.
//  - Only the owner's thread changes connection_. So this thread may use the
//    connection without a reference. Other threads copy the reference under the
//    lock. A closed connection is kept until the next opening.

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

// The calls of a client session to the program, except completions. The owner's
// loop makes them. A handler may close or delete the session.
class ClientHandler {
 public:
  virtual ~ClientHandler() = default;
  // A message that is not a response.
  virtual void OnMessage(ClientSession* session,
                         event::Ref<Message> message) = 0;
  // The session was closed, but not by the program. close_reason() says why.
  // The program may open the session again.
  virtual void OnClosed(ClientSession* session) = 0;
  // The queue has room again, after a message did not fit.
  virtual void OnRoom(ClientSession* session) = 0;
};

class ClientSession final : public Session,
                            public Owned,
                            private OpenAttempt::Observer {
 public:
  // The calling thread owns the session, and has a reference until Delete().
  // `introducer` is the runtime's introducer or its introducer for local
  // services.
  ClientSession(Interface interface, directory::Introducer* introducer,
                std::unique_ptr<ClientHandler> handler);

  bool is_client() const override { return true; }
  const Interface* interface() const override { return &interface_; }
  Owner* owner() const override { return owner_.get(); }
  CloseReason close_reason() override;
  ClientHandler* handler() const { return handler_.get(); }

  // ---- The owner's thread ----
  bool is_closed();

  // The session must be closed. The loop calls `done` with kOk, kTimedOut,
  // kOtherProtocol or kClosed. The result is kClosed if the program has closed
  // the session before `done` is called, or if the owner's thread is ending.
  void Open(Completion done, event::Instant deadline);
  // Like Open(), but blocks. If `waits` is false, the opening fails if the
  // service is not offered now. In this case the result may also be
  // kNotOffered, kNoBinding, kServiceFull or kNoDirectory.
  Result OpenSync(bool waits, event::Instant deadline);
  // Any thread. Returns why the session is not open yet, or why the last
  // opening failed. The owner gets the present cause. Other threads get the
  // cause that was reported last.
  directory::WaitCause wait_cause();
  // The result of the last attempt to open the session. An attempt that was
  // cancelled, for example by Close(), does not count.
  const absl::Status& open_status() const { return open_status_; }
  // Closes the session. The loop then completes the open requests with kClosed.
  void Close();
  // Closes the session, and takes over the caller's reference.
  void Delete() override;
  // Like Delete(), but nothing is delivered any more, not even a completion.
  void Drop();
  bool is_deleted();

  void SetLimits(const SessionLimits& limits);

  // How the program learns that a request was made while the session is not
  // open.
  enum class Refusal {
    kLogged,
    kReported,  // by the result alone
  };

  // Sets *response if the result is kOk.
  Result RequestSync(event::Ref<Message> message, event::Instant deadline,
                     event::Ref<Message>* response,
                     Refusal refusal = Refusal::kLogged);
  // Returns false if the request is complete already.
  bool CancelRequest(uint64_t id);

  // ---- Any thread ----
  Result Send(event::Ref<Message> message, event::Instant deadline) override;
  Result TrySend(Message* message) override;
  void Flush() override;
  size_t QueuedBytes() override;
  // The deadline also bounds the wait for room. Returns the request's id, or 0
  // if the request is complete already. In both cases the loop calls
  // `completion` later. Exception: if the owner's thread is ending, there may
  // be no call.
  uint64_t Request(event::Ref<Message> message, Completion completion,
                   event::Instant deadline, Refusal refusal = Refusal::kLogged);
  SessionLimits limits();
  // Copies the server's credentials, which the kernel has reported. Returns
  // false if the session is not open.
  bool ServerCredentials(event::Credentials* credentials);

 private:
  class Deadlines;
  using Epoch = ClientSessionMachine::Epoch;

  static constexpr Epoch kNoEpoch = 0;
  // The connection of one opening, for a send.
  struct Route {
    transports::ConnectionRef shared;  // for threads other than the owner's
    transports::Connection* connection = nullptr;  // null: not open
    Epoch epoch = kNoEpoch;
  };

  struct AddedRequest {
    Result result = Result::kClosed;
    uint64_t id = 0;
    Route route;
    bool pipelined = false;  // other requests are open
    bool logs = true;        // false: do not log the refusal
  };

  ~ClientSession() override;

  // Session
  MessagePool* pool() const override { return pool_.get(); }
  bool DeliverOwed() override;
  void OnFrame(transports::IncomingFrame&& frame) override;
  void OnConnectionClosed(const absl::Status& status) override;
  void OnRoom() override;
  void GiveUp(uint64_t, size_t) override {}
  void DropDescriptor(event::UniqueFd fd) override;
  // OpenAttempt::Observer
  absl::Status OnTaken(std::unique_ptr<transports::Connection> connection,
                       const Hello& hello,
                       const event::Credentials& server) override;
  void OnEnded(const absl::Status& status) override;
  void OnCause(const directory::WaitCause& cause) override;
  // Owned
  void Shutdown() override;
  bool Abandon() override;

  transports::SendLimits send_limits();
  void WarnOfFailedOpening(absl::string_view why);
  void StartOpening(const Completion& done, event::Loop* loop, bool waits,
                    event::Instant deadline);

  Route RouteLocked() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Like RouteLocked(), but takes no lock on the owner's thread.
  Route PresentRoute() ABSL_LOCKS_EXCLUDED(mutex_);
  AddedRequest AddRequestLocked(Completion* completion, event::Instant deadline)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  Result SendRequest(const AddedRequest& added, Message* message,
                     event::Instant deadline);
  // Sends over `route`. Returns kOk, kClosed or kNoRoom.
  Result SendNow(const Route& route, const transports::OutgoingFrame& frame);
  // Like SendNow(), but if there is no room, gathers the frame or waits for
  // room. Returns kTimedOut if there is no room until `deadline`. Returns
  // kClosed if the session closes during the wait.
  Result SendOn(const Route& route, transports::OutgoingFrame* frame,
                event::Instant deadline);
  // For a thread that may wait: whether it may gather the frame once the server
  // has received nothing for kRoomPatience.
  bool MayGather(const transports::OutgoingFrame& frame);
  // Like SendNow(), but with the limit of gathered bytes.
  Result SendGathered(const Route& route, transports::OutgoingFrame* frame);
  // Like SendGathered(), but ends the session if the frame exceeds that limit.
  Result Gather(const Route& route, transports::OutgoingFrame* frame);
  // Whether the calling thread must not wait for room, because the server may
  // wait for this thread. True if this thread is in a handler, or if the server
  // runs on this thread.
  bool MustNotWait();
  Result EndForNoRoom(const Route& route, absl::string_view why);
  // Waits until there may be room, or `deadline` has passed. The owner's thread
  // receives frames. Returns false if the session has closed.
  bool WaitForRoom(transports::Connection* connection, event::Instant deadline,
                   event::Instant* warn_at);
  // Like Connection::Wait(), but also returns soon after the end of the
  // session. Logs a warning at *warn_at, once for each send.
  void WaitOrWarn(transports::Connection* connection, uint32_t events,
                  event::Instant deadline, event::Instant* warn_at);
  void WarnOfNoRoom(transports::Connection* connection);

  // For blocking calls, and for the timer of the deadlines. Receives one frame.
  // Completes a blocking request at once, and puts any other delivery into the
  // inbox.
  //   kOk          a frame was received
  //   kWouldBlock  no frame arrived until `deadline`. If `deadline` is
  //                InfiniteFuture(): none arrived for kResponsePatience.
  //   kClosed      the session has closed
  // A frame that has arrived is received even after the deadline. Ignorable
  // frames are dropped, and the wait continues. After the deadline, at most
  // kMaxIgnorableFramesTooLate of them are received.
  transports::IoResult ReceiveIntoInbox(event::Instant deadline);
  void TakeFrame(transports::IncomingFrame&& frame);
  // Returns the delivery for `frame`, if there is one. If `into_inbox` is
  // false, cancels the delivery's reservation in the inbox.
  absl::optional<Delivery> ToDelivery(transports::IncomingFrame&& frame,
                                      bool into_inbox);
  bool MayHoldMore(bool with_descriptor);
  bool ReceiveArrivedFrames(int* frames);

  // Ends the present opening if the session is open. Logs `fault`, if there is
  // one. LogForPeer() bounds the number of lines, because the program and the
  // server decide how often this is called.
  void End(CloseReason reason, absl::string_view fault = {});
  void EndForStatus(const absl::Status& status);
  // Any thread. Ends the opening of that epoch. The loop then calls
  // SettleEnd().
  void EndLater(Epoch epoch, CloseReason reason, absl::string_view fault);
  // Acts only if the opening has ended and its connection is still attached.
  // Closes the connection, and puts the completions of the opening's requests
  // into the inbox. Completes a blocking request at once.
  void SettleEnd();
  // Called when the machine has left an opening because of the program or the
  // end of the thread. Puts the completions of the opening's requests, and of
  // an unfinished attempt, into the inbox with kClosed. The messages and the
  // end of the opening are not reported to the program any more.
  // FinishLeaving() must follow.
  void LeaveOpeningLocked() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void FinishLeaving() ABSL_LOCKS_EXCLUDED(mutex_);

  void Owe(Delivery delivery);
  // If a blocking call waits for the completion, delivers it at once. Otherwise
  // the loop delivers it.
  void Complete(const Completion& completion, Result result,
                event::Ref<Message> response = {});
  void Deliver(Delivery delivery);
  // If the session is deleted and nothing is due, leaves the owner. If the
  // owner is ending, a deleted session leaves it even if something is due.
  void LeaveOwnerIfDone();
  void WarnOfDroppedMessage();
  void WarnOfNoResponse();
  // Returns the last words of a log line. They follow "the session is" or "a
  // session that is".
  const char* WhyNotOpen();
  void WarnOfRefusedRequest(const AddedRequest& refused, Refusal refusal);
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
  // Set when a refusal with kTooMany is logged. While it is set, such refusals
  // are not logged. A later request clears it if at most half of the permitted
  // requests are open then.
  bool logged_too_many_ ABSL_GUARDED_BY(mutex_) = false;
  // The owner's thread has ended. So the inbox accepts no further deliveries.
  bool is_abandoned_ ABSL_GUARDED_BY(mutex_) = false;
  directory::WaitCause wait_cause_ ABSL_GUARDED_BY(mutex_);
  // The connection of the present or the last opening. The owner changes it,
  // under the lock.
  transports::ConnectionRef connection_ ABSL_GUARDED_BY(mutex_);
  // The machine's epoch while the state is kOpen, otherwise kNoEpoch. Changed
  // only under the lock. It is atomic, because any thread may read it without
  // the lock.
  std::atomic<Epoch> open_epoch_{kNoEpoch};

  // Only the owner's thread uses the members from here on. Exception: any
  // thread may call link_.Schedule().
  Link link_{this};
  std::unique_ptr<OpenAttempt> attempt_;
  Completion opening_;  // reports the end of attempt_
  absl::Status open_status_;
  bool dropped_ = false;
  std::unique_ptr<Deadlines> deadlines_;
};

}  // namespace messaging
}  // namespace le

#endif  // LE_MESSAGING_MESSAGING_SESSION_CLIENT_SESSION_H_
