// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#include "messaging/session/service.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "event/base/log.h"
#include "messaging/machine/wire.h"
#include "messaging/session/owner_state.h"
#include "messaging/session/runtime.h"

namespace le {
namespace messaging {

using event::LogLevel;

Service::Service(Runtime* runtime, Interface interface,
                 directory::Introducer* introducer)
    : runtime_(runtime),
      interface_(std::move(interface)),
      introducer_(introducer),
      owner_(event::Thread::Current()),
      owner_state_(OwnerState::Of(owner_)) {
  owner_->loop();  // other threads may post to it from now on
  owner_state_->Add(this);
}

Service::~Service() = default;

void Service::Unref() {
  if (references_.fetch_sub(1, std::memory_order_acq_rel) == 1) delete this;
}

void Service::Advertise() {
  if (offer_ != nullptr) return;
  directory::InterfaceDescription description;
  description.interface_name = interface_.name;
  description.protocol_id = interface_.protocol->id();
  description.max_message_size = interface_.protocol->max_message_size();
  offer_ = introducer_->Advertise(owner_->control_loop(), description, this);
}

void Service::Delete() {
  offer_.reset();
  deleted_ = true;
  runtime_->ReleaseServiceName(interface_.name);
  CloseSessions(CloseReason::kServiceDeleted);
  if (first_session_ == nullptr) owner_state_->Remove(this);
  Unref();
}

void Service::Abolish() {
  Ref();
  offer_.reset();
  while (first_session_ != nullptr) {
    ServerSession* const session = first_session_;
    session->Abolish();
    // It is still there only if the thread ends inside its close handler.
    if (first_session_ == session) Forget(session);
  }
  // It may have been deleted before, or by a close handler.
  if (!deleted_) Delete();
  Unref();
}

void Service::CloseSessions(CloseReason reason) {
  for (ServerSession* s = first_session_; s != nullptr; s = s->next_) {
    s->Close(reason);
  }
}

// ---- Sessions --------------------------------------------------------------

transports::SendLimits Service::send_limits() const {
  return limits_.session.ToSend(interface_.protocol->max_message_size());
}

void Service::SetLimits(const ServiceLimits& limits) {
  limits_ = limits;
  for (ServerSession* s = first_session_; s != nullptr; s = s->next_) {
    s->SetSendLimits(send_limits());
  }
}

void Service::OnClient(std::unique_ptr<transports::Connection> connection) {
  if (sessions_ >= limits_.sessions) {
    absl::StatusOr<event::Credentials> client = connection->peer();
    event::Log(LogLevel::kWarning,
               absl::StrCat("service '", interface_.name, "': turned away pid ",
                            client.ok() ? client->pid : -1, " of user ",
                            client.ok() ? client->uid : -1, ": there are ",
                            sessions_, " sessions, as many as there may be"));
    transports::OutgoingFrame frame;
    frame.type = kTurnedAwayFrame;
    connection->Send(frame);
    return;
  }
  auto* const session = new ServerSession(this);
  const absl::Status started =
      session->Start(std::move(connection), send_limits());
  if (!started.ok()) {
    event::Log(LogLevel::kWarning, absl::StrCat("service '", interface_.name,
                                                "': a session was not opened: ",
                                                started.message()));
    session->Unref();
    return;
  }
  session->next_ = first_session_;
  if (first_session_ != nullptr) first_session_->previous_ = session;
  first_session_ = session;
  ++sessions_;
}

void Service::Forget(ServerSession* session) {
  (session->previous_ == nullptr ? first_session_ : session->previous_->next_) =
      session->next_;
  if (session->next_ != nullptr) session->next_->previous_ = session->previous_;
  --sessions_;
  if (deleted_ && first_session_ == nullptr) {
    owner_state_->Remove(this);
  }
}

// ---- Handlers --------------------------------------------------------------

ServiceHandler* Service::AddHandler(When when, SessionHandler handler,
                                    void* context) {
  auto added = std::make_unique<ServiceHandler>();
  added->service = this;
  added->when = when;
  added->handler = handler;
  added->context = context;
  handlers_.push_back(std::move(added));
  if (when == When::kClose) {
    for (ServerSession* s = first_session_; s != nullptr; s = s->next_) {
      s->RememberClient();
    }
  }
  return handlers_.back().get();
}

void Service::RemoveHandler(ServiceHandler* handler) {
  Service* const service = handler->service;
  if (service == nullptr) return;
  handler->service = nullptr;
  if (service->iterating_ > 0) return;  // it is swept afterwards
  auto& handlers = service->handlers_;
  handlers.erase(std::find_if(
      handlers.begin(), handlers.end(),
      [handler](const auto& entry) { return entry.get() == handler; }));
}

Service* Service::OwnerOf(ServiceHandler* handler) { return handler->service; }

void Service::CallHandlers(When when, Session* session) {
  Ref();
  ++iterating_;
  // One that is added by a handler waits for the next session.
  const size_t count = handlers_.size();
  for (size_t i = 0; i < count; ++i) {
    ServiceHandler* const handler = handlers_[i].get();
    if (handler->service == nullptr || handler->when != when) continue;
    handler->handler(ToRef(session), handler->context);
  }
  if (--iterating_ == 0) {
    handlers_.erase(
        std::remove_if(handlers_.begin(), handlers_.end(),
                       [](const auto& h) { return h->service == nullptr; }),
        handlers_.end());
  }
  Unref();
}

bool Service::HasHandlers(When when) const {
  return std::any_of(handlers_.begin(), handlers_.end(), [when](const auto& h) {
    return h->service != nullptr && h->when == when;
  });
}

void Service::SetReceiveHandler(MessageHandler handler, void* context) {
  receive_handler_ = handler;
  receive_context_ = context;
}

void Service::Receive(ServerSession* session, MessageRef message) {
  if (receive_handler_ == nullptr) {
    if (!warned_of_no_receive_handler_) {
      warned_of_no_receive_handler_ = true;
      event::Log(LogLevel::kWarning,
                 absl::StrCat("service '", interface_.name,
                              "': messages are dropped: it has no receive "
                              "handler"));
    }
    return;
  }
  const OwnerState::ScopedMessage scope(owner_state_, message.get(), session);
  receive_handler_(ToRef(message.release()), receive_context_);
}

}  // namespace messaging
}  // namespace le
