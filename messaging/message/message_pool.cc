// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#include "messaging/message/message_pool.h"

#include <utility>

#include "messaging/message/protocol.h"
#include "messaging/session/session.h"

namespace le {
namespace messaging {

using transports::BufferPool;

MessagePool::MessagePool(Protocol* protocol, MessagePool* source)
    : protocol_(protocol),
      source_(source),
      buffers_(source == nullptr
                   ? BufferPool::Create(protocol->max_message_size())
                   : BufferPool::CreateForThisThread(source->buffers())),
      free_(/*has_owner=*/source != nullptr) {}

MessagePool::~MessagePool() {
  // What a thread leaves is there for the others.
  while (Message* const message = free_.Take()) {
    if (source_ != nullptr) {
      source_->free_.PutBack(message);
    } else {
      delete message;
    }
  }
}

void MessagePool::LeaveHome() {
  free_.DropOwner();
  buffers_->LeaveHome();
}

Message* MessagePool::New(Session* session, transports::Buffer payload) {
  Message* message = free_.Take();
  if (message == nullptr && source_ != nullptr) message = source_->free_.Take();
  if (message == nullptr) {
    protocol_->OnMessageMade(session);
    message = new Message();
  }
  message->references_.store(1, std::memory_order_relaxed);
  message->session_ = session;
  message->pool_ = this;
  session->Ref();
  if (!payload) {
    payload = buffers_->Allocate();
    payload.ZeroFrom(0);
  } else if (payload.capacity() != buffers_->capacity()) {
    // It came from a pool of another size.
    transports::Buffer own = buffers_->Allocate();
    own.Assign(payload.data(), payload.size());
    payload = std::move(own);
  }
  message->payload_ = std::move(payload);
  return message;
}

void MessagePool::Free(Message* message) {
  message->Reset();
  free_.PutBack(message);
}

void MessagePool::Add() { free_.PutBack(new Message()); }

}  // namespace messaging
}  // namespace le
