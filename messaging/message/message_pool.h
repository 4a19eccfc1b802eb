// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef LE_MESSAGING_MESSAGING_MESSAGE_POOL_H_
#define LE_MESSAGING_MESSAGING_MESSAGE_POOL_H_

#include <atomic>
#include <cstddef>

#include "event/base/thread_cached_free_list.h"
#include "messaging/message/message.h"
#include "transports/buffer.h"

namespace le {
namespace messaging {

class Protocol;
class Session;

// Messages of one protocol and their buffers, recycled. A protocol has one pool
// for all threads, and a thread that owns sessions one of its own besides, in
// which it takes no lock. Any thread uses either.
class MessagePool {
 public:
  // `source` null: for all threads. Otherwise for the calling thread; takes what
  // `source`, which must outlive it, has left before it makes more.
  MessagePool(Protocol* protocol, MessagePool* source);

  // Held by whoever made it and by sessions, and so by their messages.
  void Ref() { references_.fetch_add(1, std::memory_order_relaxed); }
  void Unref() {
    if (references_.fetch_sub(1, std::memory_order_acq_rel) == 1) delete this;
  }
  // The thread whose pool it is ends (or has): nobody is at home from now on.
  void LeaveHome();

  // A message of `session` (which gains a reference) around `payload`; without
  // one, a zero-filled payload.
  Message* New(Session* session, transports::Buffer payload);
  // By the message itself, when its last reference is gone.
  void Free(Message* message);
  // Makes one more, and keeps it ready.
  void Add();

  transports::BufferPool* buffers() const { return buffers_.get(); }

 private:
  ~MessagePool();

  Protocol* const protocol_;
  MessagePool* const source_;
  transports::BufferPool::Ptr buffers_;
  event::ThreadCachedFreeList<Message> free_;
  std::atomic<int> references_{1};
};

}  // namespace messaging
}  // namespace le

#endif  // LE_MESSAGING_MESSAGING_MESSAGE_POOL_H_
