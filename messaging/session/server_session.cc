// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#include "messaging/session/server_session.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "event/base/log.h"
#include "event/peer_log.h"
#include "messaging/machine/session_machine.h"
#include "messaging/session/service.h"

namespace le {
namespace messaging {

using event::LogLevel;
using event::MutexLock;
using transports::IoResult;

ServerSession::ServerSession(Service* service)
    : service_(event::Ref<Service>::Share(service)) {}

ServerSession::~ServerSession() = default;

const Interface* ServerSession::interface() const {
  return service_->interface();
}

Owner* ServerSession::owner() const { return service_->owner(); }

MessagePool* ServerSession::pool() const { return service_->pool(); }

absl::Status ServerSession::Start(
    std::unique_ptr<transports::Connection> connection) {
  // Attach before the hello. A client retries if the connection breaks before the
  // hello; after it, a close means a lost session.
  absl::Status attached =
      link_.Attach(connection.get(), service_->send_limits());
  if (!attached.ok()) return attached;
  connection_ = transports::ConnectionRef(std::move(connection));

  Hello hello;
  hello.thread_token = owner()->thread()->token();
  transports::OutgoingFrame frame;
  frame.type = kHelloFrame;
  frame.payload =
      absl::MakeConstSpan(reinterpret_cast<uint8_t*>(&hello), sizeof(hello));
  frame.attach_credentials = true;
  if (connection_->Send(frame) != IoResult::kOk) {
    absl::Status broken = connection_->close_status();
    link_.Close();
    return broken;
  }
  if (service_->handler()->WantsCloses()) RememberClient();
  link_.Schedule();
  return absl::OkStatus();
}

void ServerSession::SetSendLimits(const transports::SendLimits& limits) {
  if (link_.attached() != nullptr) link_.attached()->SetSendLimits(limits);
}

// ---- Ending ----------------------------------------------------------------

bool ServerSession::Apply(ServerEvent event, CloseReason reason) {
  ServerLife life = life_.load(std::memory_order_acquire);
  for (;;) {
    const absl::optional<ServerLife> next = Next(life, event, reason);
    if (!next.has_value()) return false;
    if (life_.compare_exchange_weak(life, *next, std::memory_order_acq_rel)) {
      return true;
    }
  }
}

void ServerSession::Close(CloseReason reason) {
  const auto keep = event::Ref<ServerSession>::Share(this);
  if (!Apply(ServerEvent::kEnd, reason)) return;
  Settle();
  if (life().state == ServerState::kClosing) link_.Schedule();
}

void ServerSession::End(CloseReason reason) {
  const auto keep = event::Ref<ServerSession>::Share(this);
  if (Apply(ServerEvent::kEnd, reason)) Settle();
  DeliverOwed();
}

void ServerSession::Settle() {
  if (link_.attached() != nullptr) {
    if (service_->handler()->WantsCloses()) RememberClient();
    link_.Close();
    LogDebug("a session is closed: ", CloseReasonText(close_reason()));
  }
  // No user knows of it, or none has anything more to be told.
  if (life().state == ServerState::kGone) LeaveService();
}

void ServerSession::EndForFault(CloseReason reason, absl::string_view details) {
  LogClosing(client(), reason, details);
  End(reason);
}

void ServerSession::OnConnectionClosed(const absl::Status& status) {
  const CloseReason reason = ReasonOf(status);
  if (reason == CloseReason::kByPeer) {
    End(reason);
  } else {
    EndForFault(reason, status.message());
  }
}

void ServerSession::Shutdown() {
  const auto keep = event::Ref<ServerSession>::Share(this);
  Close(CloseReason::kThreadEnded);
  DeliverOwed();
  // The thread may end within a close handler, which then does not return.
  if (Apply(ServerEvent::kTold)) Settle();
}

void ServerSession::LeaveService() {
  link_.CancelSchedule();
  service_->Forget(this);
  Unref();  // the service's
}

// ---- Who the client is -----------------------------------------------------

bool ServerSession::ClientCredentials(event::Credentials* credentials) {
  if (life().state == ServerState::kGone) return false;
  if (!knows_client_.load(std::memory_order_acquire)) {
    // They are those of the moment of connect, whenever the kernel is asked.
    const absl::StatusOr<event::Credentials> client = connection_->peer();
    if (!client.ok()) return false;
    *credentials = *client;
    return true;
  }
  *credentials = client_;
  return true;
}

void ServerSession::RememberClient() {
  if (knows_client_.load(std::memory_order_relaxed)) return;
  if (!ClientCredentials(&client_)) return;
  knows_client_.store(true, std::memory_order_release);
}

event::Credentials ServerSession::client() {
  event::Credentials client;
  ClientCredentials(&client);
  return client;
}

absl::StatusOr<event::UniqueFd> ServerSession::ClientPidFd() {
  if (!is_open()) return absl::UnavailableError("the session is closed");
  return connection_->PeerPidFd();
}

// ---- Sending ---------------------------------------------------------------

Result ServerSession::Send(event::Ref<Message> message, event::Instant) {
  return SendFrame(message->ToFrame(kMessageFrame, 0), /*may_be_dropped=*/true);
}

void ServerSession::Flush() {
  if (is_open()) connection_->Flush();
}

void ServerSession::Respond(event::Ref<Message> request, uint64_t id) {
  transports::OutgoingFrame frame = request->ToFrame(kResponseFrame, id);
  frame.more_to_come = unanswered_.fetch_sub(1, std::memory_order_relaxed) > 1;
  SendFrame(frame, /*may_be_dropped=*/false);
}

void ServerSession::GiveUp(uint64_t request) {
  unanswered_.fetch_sub(1, std::memory_order_relaxed);
  transports::OutgoingFrame frame;
  frame.type = kUnansweredFrame;
  frame.id = request;
  SendFrame(frame, /*may_be_dropped=*/false);
}

Result ServerSession::SendFrame(const transports::OutgoingFrame& frame,
                                bool may_be_dropped) {
  if (!is_open()) return Result::kClosed;
  switch (connection_->Send(frame)) {
    case IoResult::kOk:
      return Result::kOk;
    case IoResult::kWouldBlock:
      break;
    default:
      return Result::kClosed;
  }
  // The client makes no room. A response that went missing would leave it
  // waiting for ever.
  if (!may_be_dropped || !service_->drops_when_slow()) {
    // Asked first: once it has ended, the owner may close the connection.
    const event::Credentials slow = client();
    const size_t queued = connection_->queued_bytes();
    if (Apply(ServerEvent::kEnd, CloseReason::kSlowReader)) {
      LogClosing(slow, CloseReason::kSlowReader,
                 absl::StrCat(queued, " bytes wait for it"));
      link_.Schedule();
    }
    return Result::kClosed;
  }
  const uint32_t dropped = dropped_.fetch_add(1, std::memory_order_relaxed) + 1;
  // Told ever more rarely: there may be very many.
  if ((dropped & (dropped - 1)) == 0) {
    const event::Credentials slow = client();
    event::LogForPeer(
        LogLevel::kWarning, slow.uid,
        absl::StrCat("service '", interface_name(), "': pid ", slow.pid,
                     " of user ", slow.uid, " reads slowly: ", dropped,
                     " messages to it were dropped so far"));
  }
  return Result::kClosed;
}

// ---- What the loop brings --------------------------------------------------

void ServerSession::OnFrame(transports::IncomingFrame&& frame) {
  const ServerFault fault = ClassifyServerFrame(
      frame.type, frame.id, unanswered_.load(std::memory_order_relaxed),
      service_->max_open_requests());
  if (fault.reason != CloseReason::kNone) {
    EndForFault(fault.reason, fault.details);
    return;
  }
  if (PlainType(frame.type) == kRequestFrame) {
    unanswered_.fetch_add(1, std::memory_order_relaxed);
  }
  service_->handler()->OnMessage(
      this, service_->pool()->NewReceived(this, std::move(frame)));
}

bool ServerSession::DeliverOwed() {
  const auto keep = event::Ref<ServerSession>::Share(this);
  if (Apply(ServerEvent::kAnnounce)) service_->handler()->OnOpen(this);
  if (life().state != ServerState::kClosing) return true;
  Settle();  // if another thread has ended it
  if (Apply(ServerEvent::kTell)) {
    service_->handler()->OnClose(this);
    if (Apply(ServerEvent::kTold)) Settle();
  }
  return true;
}

}  // namespace messaging
}  // namespace le
