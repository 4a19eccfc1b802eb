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

// Counts the messages that the pools of a protocol have created. Warns if there
// are many more than expected, because this suggests a leak. Any thread.
class MessageCount {
 public:
  explicit MessageCount(std::string protocol_id);
  // Counts one more message, for a session of that interface.
  void Add(const std::string& interface_name);
  // Sets the expected number of messages. Returns how many of them are missing,
  // and counts these. The caller must create them.
  size_t Expect(size_t messages);

 private:
  const std::string protocol_id_;
  event::Mutex mutex_;
  size_t made_ ABSL_GUARDED_BY(mutex_) = 0;
  size_t warn_at_ ABSL_GUARDED_BY(mutex_);
};

// Messages of one protocol and their buffers, which are reused. A protocol has
// one pool for all threads. A thread that owns sessions also has a pool of its
// own, and uses its own pool without a lock. Other threads may free messages of
// that pool.
class MessagePool : public event::RefCounted<MessagePool> {
 public:
  // A pool for all threads. `count` must outlive it.
  MessagePool(size_t message_bytes, MessageCount* count);
  // A pool for the calling thread. Takes free messages of `source` before it
  // creates any. `source` must outlive it.
  explicit MessagePool(MessagePool* source);

  // The thread of the pool is ending, or has ended.
  void DropOwner();

  // Returns a zero-filled message of `owner`.
  event::Ref<Message> New(MessageOwner* owner);
  // Returns a message of `owner` with the contents of a received frame.
  event::Ref<Message> NewReceived(MessageOwner* owner,
                                  transports::IncomingFrame&& frame);
  // Called by the message after its last reference was released.
  void Free(Message* message);
  // Creates messages until the protocol has `messages`, and buffers until this
  // pool has `messages`.
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
