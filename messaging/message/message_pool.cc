// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#include "messaging/message/message_pool.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "event/base/log.h"
#include "event/peer_log.h"
#include "messaging/machine/limits.h"
#include "messaging/machine/wire.h"

namespace le {
namespace messaging {

using event::LogLevel;
using event::MutexLock;
using transports::BufferPool;

// ---- MessageCount ----------------------------------------------------------

MessageCount::MessageCount(std::string protocol_id)
    : protocol_id_(std::move(protocol_id)), warn_at_(kPoolWarningMessages) {}

void MessageCount::Add(const std::string& interface_name) {
  size_t many;
  {
    MutexLock lock(&mutex_);
    if (++made_ <= warn_at_) return;
    many = made_;
    warn_at_ *= kPoolGrowthWarningFactor;
  }
  event::Log(LogLevel::kWarning,
             absl::StrCat("protocol '", protocol_id_, "': ", many,
                          " messages are in use; the latest is for interface '",
                          interface_name,
                          "': release messages after use, or set the "
                          "expected number by le_msg_SetProtocolPoolSize()"));
}

size_t MessageCount::Expect(size_t messages) {
  MutexLock lock(&mutex_);
  warn_at_ = std::max<size_t>(messages, 1) * kPoolGrowthWarningFactor;
  if (made_ >= messages) return 0;
  const size_t missing = messages - made_;
  made_ = messages;
  return missing;
}

// ---- MessagePool -----------------------------------------------------------

MessagePool::MessagePool(size_t message_bytes, MessageCount* count)
    : source_(nullptr),
      count_(count),
      buffers_(BufferPool::Create(message_bytes)),
      free_(/*has_owner=*/false) {}

MessagePool::MessagePool(MessagePool* source)
    : source_(source),
      count_(source->count_),
      buffers_(BufferPool::CreateForThisThread(source->buffers())),
      free_(/*has_owner=*/true) {}

MessagePool::~MessagePool() {
  // A thread's pool leaves its free messages to the pool of all threads.
  while (Message* const message = free_.Take()) {
    if (source_ != nullptr) {
      source_->free_.PutBack(message);
    } else {
      delete message;
    }
  }
}

void MessagePool::DropOwner() {
  free_.DropOwner();
  buffers_->DropOwner();
}

Message* MessagePool::Take(MessageOwner* owner) {
  Message* message = free_.Take();
  if (message == nullptr && source_ != nullptr) message = source_->free_.Take();
  if (message == nullptr) {
    message = new Message();
    count_->Add(owner->interface_name());
  }
  message->references_.store(1, std::memory_order_relaxed);
  owner->Ref();
  message->owner_ = owner;
  message->pool_ = this;
  return message;
}

event::Ref<Message> MessagePool::New(MessageOwner* owner) {
  auto message = event::Ref<Message>::Adopt(Take(owner));
  message->payload_ = buffers_->Allocate();
  message->payload_.ZeroFrom(0);
  return message;
}

event::Ref<Message> MessagePool::NewReceived(
    MessageOwner* owner, transports::IncomingFrame&& frame) {
  auto message = event::Ref<Message>::Adopt(Take(owner));
  message->received_size_was_set_ = (frame.type & kLengthWasSet) != 0;
  message->size_ = frame.payload.size();
  message->received_bytes_ = static_cast<uint32_t>(frame.payload.size());
  if (frame.payload.capacity() == buffers_->capacity()) {
    message->payload_ = std::move(frame.payload);
  } else {  // the buffer is of another size
    message->payload_ = buffers_->Allocate();
    message->payload_.Assign(frame.payload.data(), message->size_);
  }
  if (message->payload_.IsTooLargeFor(message->received_bytes_)) {
    message->Pack();
  }
  message->charged_bytes_ =
      message->payload_ && message->payload_.IsOfLargePool()
          ? static_cast<uint32_t>(message->payload_.capacity())
          : message->received_bytes_;
  message->received_descriptor_ = std::move(frame.descriptor);
  if (frame.descriptor_lost) {
    event::LogForPeer(
        LogLevel::kWarning, event::kUnknownPeer,
        absl::StrCat("interface '", owner->interface_name(),
                     "': the file descriptor of a message ",
                     frame.lost_by_sender
                         ? "could not be sent: it had been closed, or the "
                           "sender's log says why"
                         : "could not be received: the service refuses file "
                           "descriptors, or this process has reached "
                           "RLIMIT_NOFILE"));
  }
  if (PlainType(frame.type) == kRequestFrame) {
    message->is_received_request_ = true;
    message->request_id_.store(frame.id, std::memory_order_release);
  }
  return message;
}

transports::Buffer MessagePool::AllocateBuffer() {
  const bool takes_own = source_ == nullptr || buffers_->IsOwner();
  return (takes_own ? this : source_)->buffers_->Allocate();
}

void MessagePool::Free(Message* message) {
  message->Reset();
  free_.PutBack(message);
}

void MessagePool::Reserve(size_t messages) {
  buffers_->Reserve(messages);
  for (size_t i = count_->Expect(messages); i > 0; --i) {
    free_.PutBack(new Message());
  }
}

}  // namespace messaging
}  // namespace le
