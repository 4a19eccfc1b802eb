// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#include "messaging/server_session.h"

#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "event/base/log.h"
#include "messaging/service.h"

namespace le {
namespace messaging {

ServerSession::ServerSession(Service* service)
    : Session(service->owner(), service->interface()->protocol),
      service_(service) {
  service_->Ref();
}

ServerSession::~ServerSession() { service_->Unref(); }

const Interface* ServerSession::interface() const {
  return service_->interface();
}

CloseReason ServerSession::close_reason() {
  std::lock_guard<std::mutex> lock(mutex());
  return machine_.close_reason();
}

absl::Status ServerSession::Start(
    std::unique_ptr<transports::Connection> connection,
    const transports::SendLimits& limits) {
  // Before the client is told: it tries again if its connection breaks, but it
  // would take a session that is open and closes at once for lost.
  absl::Status adopted = Adopt(std::move(connection), limits);
  if (!adopted.ok()) return adopted;

  Hello hello;
  hello.thread_token = owner()->token();
  transports::OutgoingFrame frame;
  frame.type = kHelloFrame;
  frame.payload =
      absl::MakeConstSpan(reinterpret_cast<uint8_t*>(&hello), sizeof(hello));
  frame.attach_credentials = true;
  if (this->connection()->Send(frame) != transports::IoResult::kOk) {
    return this->connection()->close_status();
  }
  if (service_->HasHandlers(Service::When::kClose)) RememberClient();
  Owe(Delivery{Delivery::Kind::kServiceOpen});
  return absl::OkStatus();
}

transports::SendLimits ServerSession::send_limits() const {
  return service_->send_limits();
}

void ServerSession::SetSendLimits(const transports::SendLimits& limits) {
  if (connection() != nullptr) connection()->SetSendLimits(limits);
}

// ---- Closing ---------------------------------------------------------------

bool ServerSession::CloseMachine(CloseReason reason) {
  std::lock_guard<std::mutex> lock(mutex());
  return machine_.Close(reason);
}

void ServerSession::Close(CloseReason reason) {
  if (!CloseMachine(reason)) return;
  RememberClient();
  DropConnection();
  std::vector<Delivery> undelivered;  // released without the lock
  {
    // Nothing but the close handlers comes after a close. A session that was
    // never announced is neither opened nor closed, as far as users know.
    std::lock_guard<std::mutex> lock(mutex());
    undelivered = inbox().TakeAll();
    inbox().Push(Delivery{Delivery::Kind::kServiceClose});
  }
  ScheduleDelivery();
}

void ServerSession::OnFarEndClosed(CloseReason reason) {
  if (!CloseMachine(reason)) return;
  DropConnection();
  Owe(Delivery{Delivery::Kind::kServiceClose});
}

void ServerSession::OnDoomed(CloseReason reason) {
  if (connection() == nullptr) return;  // it closed first
  LogClosing(
      reason,
      absl::StrCat(connection() == nullptr ? 0 : connection()->queued_bytes(),
                   " bytes wait for it"));
  Close(reason);
}

void ServerSession::Abolish() {
  const SessionRef keep(this);
  Close(CloseReason::kThreadEnded);
  DeliverAll();
  CancelDelivery();
}

// ---- Any thread ------------------------------------------------------------

bool ServerSession::ClientCredentials(event::Credentials* credentials) {
  {
    std::lock_guard<std::mutex> lock(mutex());
    if (gone_) return false;
    if (knows_client_) {
      *credentials = client_;
      return true;
    }
  }
  // They are those of the moment of connect, whenever the kernel is asked.
  const transports::ConnectionRef connection = ConnectionOrNull();
  if (!connection) return false;
  const absl::StatusOr<event::Credentials> client = connection->peer();
  if (!client.ok()) return false;
  std::lock_guard<std::mutex> lock(mutex());
  client_ = *client;
  knows_client_ = true;
  *credentials = client_;
  return true;
}

void ServerSession::RememberClient() {
  event::Credentials unused;
  ClientCredentials(&unused);
}

event::Credentials ServerSession::far_end() {
  event::Credentials client;
  ClientCredentials(&client);
  return client;
}

absl::StatusOr<event::UniqueFd> ServerSession::ClientPidFd() {
  const transports::ConnectionRef connection = SharedConnection();
  if (!connection) {
    return absl::UnavailableError("the session is closed");
  }
  return connection->PeerPidFd();
}

void ServerSession::Respond(MessageRef request, uint64_t id) {
  bool others;
  {
    std::lock_guard<std::mutex> lock(mutex());
    machine_.OnRequestDone();
    others = machine_.unanswered() > 0;
  }
  Transmit(kResponseFrame, id, request.get(), absl::InfinitePast(), others);
}

void ServerSession::GiveUp(uint64_t request) {
  {
    std::lock_guard<std::mutex> lock(mutex());
    machine_.OnRequestDone();
  }
  Transmit(kUnansweredFrame, request, nullptr, absl::InfinitePast(),
           /*others=*/false);
}

Session::Full ServerSession::WhenFull(bool is_response) {
  // A response that went missing would leave the client waiting for ever.
  if (!service_->limits().drop_when_slow || is_response) return Full::kDoom;
  const uint32_t dropped = dropped_.fetch_add(1, std::memory_order_relaxed) + 1;
  // Told ever more rarely: there may be very many.
  if ((dropped & (dropped - 1)) == 0) {
    const event::Credentials client = far_end();
    event::Log(
        event::LogLevel::kWarning,
        absl::StrCat("service '", interface()->name, "': pid ", client.pid,
                     " of user ", client.uid, " reads slowly: ", dropped,
                     " messages to it were dropped so far"));
  }
  return Full::kDrop;
}

// ---- What the loop brings --------------------------------------------------

FrameVerdict ServerSession::Judge(uint8_t type, uint64_t id) {
  return machine_.OnFrame(type, id, service_->limits().session.open_requests);
}

void ServerSession::Deliver(Delivery delivery) {
  switch (delivery.kind) {
    case Delivery::Kind::kServiceOpen:
      announced_ = true;
      service_->CallHandlers(Service::When::kOpen, this);
      return;
    case Delivery::Kind::kMessage:
      service_->Receive(this, std::move(delivery.message));
      return;
    case Delivery::Kind::kServiceClose:
      if (announced_) service_->CallHandlers(Service::When::kClose, this);
      {
        std::lock_guard<std::mutex> lock(mutex());
        gone_ = true;
      }
      service_->Forget(this);
      CancelDelivery();  // nothing comes after this
      Unref();           // the service's
      return;
    default:
      return;  // never owed to a server
  }
}

}  // namespace messaging
}  // namespace le
