// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#include "messaging/protocol.h"

#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "event/base/log.h"
#include "messaging/limits.h"
#include "messaging/session.h"

namespace le {
namespace messaging {

Protocol::Protocol(std::string id, size_t max_message_size)
    : id_(std::move(id)),
      max_message_size_(max_message_size),
      buffers_(transports::BufferPool::Create(max_message_size)),
      warn_at_(kDefaultPoolMessages * kPoolGrowthWarningFactor) {}

Protocol::~Protocol() {
  while (free_ != nullptr) {
    Message* const next = free_->next_;
    delete free_;
    free_ = next;
  }
}

Message* Protocol::NewMessage(Session* session, transports::Buffer payload) {
  Message* message = nullptr;
  size_t warn_of = 0;
  {
    std::lock_guard<std::mutex> lock(mutex_);
    if (++in_use_ > warn_at_) {
      warn_of = in_use_;
      warn_at_ *= kPoolGrowthWarningFactor;
    }
    if (free_ != nullptr) {
      message = free_;
      free_ = message->next_;
    }
  }
  if (warn_of != 0) {
    event::Log(event::LogLevel::kWarning,
               absl::StrCat("protocol '", id_, "': ", warn_of,
                            " messages are in use; the latest is for "
                            "interface '",
                            session->interface()->name,
                            "': are messages being released?"));
  }
  if (message == nullptr) message = new Message();
  message->references_.store(1, std::memory_order_relaxed);
  message->session_ = session;
  session->Ref();
  if (!payload) {
    payload = buffers_->Allocate();
    payload.ZeroFrom(0);
    payload.set_size(0);
  } else if (payload.capacity() != max_message_size_) {
    // It came from a pool of another size.
    transports::Buffer own = buffers_->Allocate();
    std::memcpy(own.data(), payload.data(), payload.size());
    own.set_size(payload.size());
    own.ZeroFrom(payload.size());
    payload = std::move(own);
  }
  message->payload_ = std::move(payload);
  return message;
}

void Protocol::FreeMessage(Message* message) {
  message->payload_.reset();
  message->packed_.reset();
  message->is_received_request_ = false;
  message->size_was_set_ = false;
  message->received_size_was_set_ = false;
  message->size_ = 0;
  message->session_ = nullptr;
  std::lock_guard<std::mutex> lock(mutex_);
  message->next_ = free_;
  free_ = message;
  --in_use_;
}

void Protocol::Reserve(size_t messages) {
  buffers_->Reserve(messages);
  std::lock_guard<std::mutex> lock(mutex_);
  size_t have = in_use_;
  for (Message* m = free_; m != nullptr; m = m->next_) ++have;
  for (; have < messages; ++have) {
    auto* const message = new Message();
    message->next_ = free_;
    free_ = message;
  }
  warn_at_ = messages * kPoolGrowthWarningFactor;
}

}  // namespace messaging
}  // namespace le
