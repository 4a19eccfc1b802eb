// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef LE_MESSAGING_MESSAGING_CLIENT_SESSION_H_
#define LE_MESSAGING_MESSAGING_CLIENT_SESSION_H_

#include <memory>
#include <string>

#include "directory/introducer.h"
#include "messaging/machine/limits.h"
#include "messaging/session/session.h"

namespace le {
namespace messaging {

class OpenAttempt;

enum class OpenResult { kOk, kNotOffered, kNoBinding, kNoDirectory, kTimedOut };

class ClientSession final : public Session {
 public:
  // `introducer` may be another than the runtime's: local services have one.
  ClientSession(Interface interface, directory::Introducer* introducer);

  bool is_client() const override { return true; }
  const Interface* interface() const override { return &interface_; }
  CloseReason close_reason() override;

  // ---- The owner's thread ----
  bool is_closed();

  // At most one of the two handlers: `on_result` is told of a deadline too.
  void Open(SessionHandler on_open, OpenResultHandler on_result, void* context,
            event::Instant deadline);
  OpenResult OpenSync(bool waits, event::Instant deadline);
  void Close();
  // Closes, and lets go of the caller's reference. The thread keeps it until
  // what it owes has been delivered.
  void Delete();
  void Abolish() override;

  void SetLimits(const SessionLimits& limits);
  const SessionLimits& limits() const { return limits_; }
  transports::SendLimits send_limits() const override {
    return limits_.ToSend(interface_.protocol->max_message_size());
  }

  void SetReceiveHandler(MessageHandler handler, void* context);
  void SetCloseHandler(SessionHandler handler, void* context);
  SessionHandler close_handler() const { return close_handler_; }
  void* close_context() const { return close_context_; }

  // Takes the reference; *response gets one, if there is one.
  Result RequestSync(MessageRef message, event::Instant deadline,
                     MessageRef* response);
  // False: completed already.
  bool CancelRequest(uint64_t id);

  // Open, and with whom; false if closed.
  bool ServerCredentials(event::Credentials* credentials);

  // ---- Any thread ----
  // Takes the reference. The deadline is for room and response together.
  // Returns the request's id, or 0 if it is over already; the completion comes
  // all the same.
  uint64_t Request(MessageRef message, Completion completion,
                   event::Instant deadline);

  void GiveUp(uint64_t) override {}

 private:
  friend class OpenAttempt;
  class Deadlines;
  struct BlockedCaller;

  ~ClientSession() override;

  Full WhenFull(bool is_response) override;
  FrameVerdict Judge(uint8_t type, uint64_t id) override;
  void OnDoomed(CloseReason reason) override { OnFarEndClosed(reason); }
  event::Credentials far_end() override { return server_; }
  void OnDelivered() override { LeaveIfDone(); }
  void OnFarEndClosed(CloseReason reason) override;
  void Deliver(Delivery delivery) override;
  void CompleteBlockedCaller(Delivery delivery) override;

  void CloseFor(CloseReason reason);
  void ForgetFormerLife();
  void LeaveIfDone();
  void OweNull(const Completion& completion, Result result);
  void ArmDeadline(event::Instant deadline);

  const Interface interface_;
  directory::Introducer* const introducer_;
  ClientSessionMachine machine_;  // guarded by mutex()

  // The owner's thread only from here.
  std::unique_ptr<OpenAttempt> attempt_;
  std::unique_ptr<Deadlines> deadlines_;
  SessionLimits limits_;
  event::Credentials server_;  // written by the owner, under mutex()
  MessageHandler receive_handler_ = nullptr;
  void* receive_context_ = nullptr;
  SessionHandler close_handler_ = nullptr;
  void* close_context_ = nullptr;
  absl::optional<absl::Status> sync_open_result_;
  bool deleted_ = false;
  bool warned_of_no_receive_handler_ = false;
};

}  // namespace messaging
}  // namespace le

#endif  // LE_MESSAGING_MESSAGING_CLIENT_SESSION_H_
