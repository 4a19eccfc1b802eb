// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef LE_MESSAGING_MESSAGING_PROTOCOL_H_
#define LE_MESSAGING_MESSAGING_PROTOCOL_H_

#include <cstddef>
#include <memory>
#include <mutex>
#include <string>

#include "messaging/message.h"
#include "transports/buffer.h"

namespace le {
namespace messaging {

// An identifier and a largest message, and the pool of messages that fit.
// Thread-safe. Lives as long as its process.
class Protocol {
 public:
  Protocol(std::string id, size_t max_message_size);
  ~Protocol();

  const std::string& id() const { return id_; }
  size_t max_message_size() const { return max_message_size_; }
  transports::BufferPool* buffers() const { return buffers_.get(); }

  // A message of `session` (which gains a reference) around `payload`; without
  // one, a zero-filled payload.
  Message* NewMessage(Session* session, transports::Buffer payload);
  // By the message itself, when its last reference is gone.
  void FreeMessage(Message* message);

  // Makes sure that this many messages exist before the first one is needed.
  void Reserve(size_t messages);

 private:
  const std::string id_;
  const size_t max_message_size_;
  const transports::BufferPool::Ptr buffers_;
  std::mutex mutex_;
  Message* free_ = nullptr;
  size_t in_use_ = 0;
  size_t warn_at_;
};

}  // namespace messaging
}  // namespace le

#endif  // LE_MESSAGING_MESSAGING_PROTOCOL_H_
