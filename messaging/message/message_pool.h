// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef LE_MESSAGING_MESSAGING_MESSAGE_MESSAGE_POOL_H_
#define LE_MESSAGING_MESSAGING_MESSAGE_MESSAGE_POOL_H_

#include <cstddef>
#include <string>

#include "event/base/mutex.h"
#include "event/base/ref.h"
#include "event/base/thread_cached_free_list.h"
#include "messaging/message/message.h"
#include "transports/buffer.h"
#include "transports/transport.h"

namespace le {
namespace messaging {

// Counts the messages that the pools of a protocol have made, and warns when
// there are many more than expected: a leak of messages shows as growth. Any
// thread.
class MessageCount {
 public:
  explicit MessageCount(std::string protocol_id);
  // One more was made, for a session of that interface.
  void Add(const std::string& interface_name);
  // Sets the expected number. Returns how many the caller must make; they are
  // counted already.
  size_t Expect(size_t messages);

 private:
  const std::string protocol_id_;
  event::Mutex mutex_;
  size_t made_ ABSL_GUARDED_BY(mutex_) = 0;
  size_t warn_at_ ABSL_GUARDED_BY(mutex_);
};

// Messages of one protocol and their buffers, recycled. A protocol has one pool
// for all threads, and a thread that owns sessions one of its own besides, in
// which it takes no lock. Any thread uses either.
class MessagePool : public event::RefCounted<MessagePool> {
 public:
  // For all threads. `count` must outlive the pool.
  MessagePool(size_t message_bytes, MessageCount* count);
  // For the calling thread. Takes what `source`, which must outlive it, has left
  // before it makes more.
  explicit MessagePool(MessagePool* source);

  // The thread whose pool it is ends, or has ended.
  void DropOwner();

  // A zero-filled message of `owner`.
  event::Ref<Message> New(MessageOwner* owner);
  // A message of `owner` out of a frame that has arrived.
  event::Ref<Message> NewReceived(MessageOwner* owner,
                                  transports::IncomingFrame&& frame);
  // By the message itself, when its last reference is gone.
  void Free(Message* message);
  // Makes sure that this many messages exist before the first one is needed.
  void Reserve(size_t messages);

  transports::BufferPool* buffers() const { return buffers_.get(); }
  // Any thread.
  transports::Buffer AllocateBuffer();

 private:
  friend class event::RefCounted<MessagePool>;
  ~MessagePool();
  Message* Take(MessageOwner* owner);

  MessagePool* const source_;
  MessageCount* const count_;
  transports::BufferPool::Ptr buffers_;
  event::ThreadCachedFreeList<Message> free_;
};

}  // namespace messaging
}  // namespace le

#endif  // LE_MESSAGING_MESSAGING_MESSAGE_MESSAGE_POOL_H_
