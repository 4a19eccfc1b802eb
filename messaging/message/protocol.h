// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef LE_MESSAGING_MESSAGING_MESSAGE_PROTOCOL_H_
#define LE_MESSAGING_MESSAGING_MESSAGE_PROTOCOL_H_

#include <cstddef>
#include <string>
#include <utility>

#include "event/base/ref.h"
#include "messaging/message/message_pool.h"

namespace le {
namespace messaging {

// An identifier, the size of the largest message, and a pool of messages. Any
// thread. A protocol is destroyed only with its process.
class Protocol {
 public:
  Protocol(std::string id, size_t max_message_size)
      : id_(std::move(id)),
        max_message_size_(max_message_size),
        count_(id_),
        pool_(event::Ref<MessagePool>::Adopt(
            new MessagePool(max_message_size, &count_))) {}

  const std::string& id() const { return id_; }
  size_t max_message_size() const { return max_message_size_; }

  // The pool for all threads.
  MessagePool* pool() const { return pool_.get(); }

 private:
  const std::string id_;
  const size_t max_message_size_;
  MessageCount count_;
  const event::Ref<MessagePool> pool_;
};

}  // namespace messaging
}  // namespace le

#endif  // LE_MESSAGING_MESSAGING_MESSAGE_PROTOCOL_H_
