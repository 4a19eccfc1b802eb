// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef LE_MESSAGING_MESSAGING_PROTOCOL_H_
#define LE_MESSAGING_MESSAGING_PROTOCOL_H_

#include <cstddef>
#include <mutex>
#include <string>

#include "messaging/message/message_pool.h"

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

  // The messages of all threads.
  MessagePool* pool() const { return pool_; }
  // Makes sure that this many messages exist before the first one is needed.
  void Reserve(size_t messages);
  // A pool had to grow for a message of `session`.
  void OnMessageMade(Session* session);

 private:
  const std::string id_;
  const size_t max_message_size_;
  MessagePool* const pool_;
  std::mutex mutex_;
  size_t made_ = 0;
  size_t warn_at_;
};

}  // namespace messaging
}  // namespace le

#endif  // LE_MESSAGING_MESSAGING_PROTOCOL_H_
