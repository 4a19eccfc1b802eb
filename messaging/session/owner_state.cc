// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#include "messaging/session/owner_state.h"

#include <memory>

#include "messaging/message/message.h"
#include "messaging/message/message_pool.h"
#include "messaging/message/protocol.h"
#include "messaging/session/client_session.h"
#include "messaging/session/service.h"

namespace le {
namespace messaging {

OwnerState* OwnerState::Of(event::Thread* thread) {
  return thread->State<OwnerState>(
      [thread] { return std::make_unique<OwnerState>(thread); });
}

OwnerState* OwnerState::OfCurrentOrNull() {
  event::Thread* const thread = event::Thread::CurrentOrNull();
  return thread == nullptr ? nullptr : thread->StateOrNull<OwnerState>();
}

OwnerState::OwnerState(event::Thread* thread) {
  thread->AddExitHook([this] { Abolish(); });
}

OwnerState::~OwnerState() {
  for (const auto& entry : pools_) {
    entry.second->LeaveHome();
    entry.second->Unref();
  }
}

MessagePool* OwnerState::PoolOf(Protocol* protocol) {
  MessagePool*& pool = pools_[protocol];
  if (pool == nullptr) pool = new MessagePool(protocol, protocol->pool());
  return pool;
}

void OwnerState::Abolish() {
  // A handler may make or delete others while this goes on.
  while (Service* const service = services_.TakeFirst()) service->Abolish();
  while (ClientSession* const session = sessions_.TakeFirst()) {
    session->Abolish();
  }
}

OwnerState::ScopedMessage::ScopedMessage(OwnerState* state, Message* message,
                                         ServerSession* session)
    : state_(state),
      previous_message_(state->current_message_),
      previous_session_(state->current_session_) {
  state_->current_message_ = message;
  state_->current_session_ = session;
}

OwnerState::ScopedMessage::~ScopedMessage() {
  state_->current_message_ = previous_message_;
  state_->current_session_ = previous_session_;
}

}  // namespace messaging
}  // namespace le
