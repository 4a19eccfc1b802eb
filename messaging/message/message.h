// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef LE_MESSAGING_MESSAGING_MESSAGE_MESSAGE_H_
#define LE_MESSAGING_MESSAGING_MESSAGE_MESSAGE_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "event/base/ref.h"
#include "event/base/thread_cached_free_list.h"
#include "event/base/unique_fd.h"
#include "event/loop.h"
#include "messaging/message/message_owner.h"
#include "transports/buffer.h"
#include "transports/transport.h"

namespace le {
namespace messaging {

class MessagePool;

// A payload, at most one file descriptor in each direction, and the id of a
// request. Ref() and Unref() are thread-safe. Only one thread at a time may use
// the other functions.
//
// The memory of a message is reused for messages only. Each reuse increments
// the generation, a number of 6 bits that wraps. alignas(64) leaves the low 6
// bits of the address zero, so a reference of the C API has the generation
// there.
class alignas(64) Message {
 public:
  static constexpr uintptr_t kGenerationBits = 63;

  Message(const Message&) = delete;
  Message& operator=(const Message&) = delete;

  void Ref() { references_.fetch_add(1, std::memory_order_relaxed); }
  // Releasing the last reference frees the message. If the message is an
  // unanswered request, the client is notified.
  void Unref();

  MessageOwner* owner() const { return owner_; }
  uint8_t generation() const { return generation_; }

  // Returns a frame of `type` that refers to the payload and the file
  // descriptor to send.
  transports::OutgoingFrame ToFrame(uint8_t type, uint64_t id);

  // The frame was not sent, and the holder keeps the message. The holder may
  // still write through a pointer that payload() returned earlier. So if no
  // size was set, no byte counts as zero any more.
  void OnFrameRefused() {
    if (!size_was_set_ && payload_) payload_.MarkDirty();
  }

  // The caller may write to the whole payload.
  void* payload() {
    Unpack();
    payload_.MarkDirty();
    return payload_.data();
  }
  // The caller only reads, and only the first size() bytes. The pointer is
  // valid until the message is freed. After payload() or PayloadForWriting() it
  // may point to a former copy of the payload.
  const void* PayloadForReading() {
    if (packed_ != nullptr && !payload_ && size() <= received_bytes_) {
      return packed_.get();
    }
    Unpack();
    return payload_.data();
  }
  // Sets the size. The caller may write to that many bytes.
  void* PayloadForWriting(size_t size) {
    Unpack();
    SetSize(size);
    if (size > payload_.clean_from()) payload_.MarkCleanFrom(size);
    return payload_.data();
  }
  // False: the program has written to bytes that are recorded as zero. These
  // are behind the size of PayloadForWriting(), or behind the received bytes.
  // Checks only the first 4 KiB of them.
  bool IsCleanAsPromised() const;
  // The size of the protocol's largest message.
  size_t capacity() const;
  // The size that was set at this end or at the far end. If none was set, the
  // capacity.
  size_t size() const;
  void SetSize(size_t size);

  // ---- The received file descriptor, and the one to send ----
  bool has_received_descriptor() const {
    return static_cast<bool>(received_descriptor_);
  }
  int TakeReceivedDescriptor() {
    if (received_descriptor_) owner_->OnDescriptorTaken();
    return received_descriptor_.release();
  }
  bool has_descriptor_to_send() const {
    return static_cast<bool>(descriptor_to_send_);
  }
  void SetDescriptorToSend(int fd) { descriptor_to_send_.reset(fd); }

  bool is_received_request() const { return is_received_request_; }
  size_t received_bytes() const { return received_bytes_; }
  // The bytes that the session is charged for the payload of a received
  // request. If the pool was large when the request was received
  // (Buffer::IsOfLargePool()), the charge is at least the memory that the
  // payload occupies. Otherwise it may be less.
  size_t charged_bytes() const { return charged_bytes_; }
  // Measures the time from `now` to the response. Only some requests are
  // measured, so the time counts for `requests` requests (machine/latency.h).
  void StartTimer(uint32_t requests, event::Instant now) {
    timed_requests_ = requests;
    received_at_ = now;
  }
  uint32_t timed_requests() const { return timed_requests_; }  // 0: not timed
  event::Instant received_at() const { return received_at_; }
  bool owes_response() const {
    return request_id_.load(std::memory_order_acquire) != 0;
  }
  // Removes and returns the request's id, or returns 0 if the request was
  // answered. The caller must answer the request.
  uint64_t TakeRequestId() {
    return request_id_.exchange(0, std::memory_order_acq_rel);
  }

  // Moves a received payload from its full-size buffer to memory of the
  // payload's size. Does nothing if this saves little or there is no memory.
  // Unpack() copies the payload back to a buffer before a write. It does so
  // before a read or a send only if more bytes are needed than were received:
  // the packed copy lacks the zeros at the end.
  void Pack();
  size_t held_bytes() const;

 private:
  friend class MessagePool;
  friend class event::ThreadCachedFreeList<Message>;
  Message() = default;
  ~Message() = default;
  void Unpack() {
    if (packed_ != nullptr) UnpackNow();
  }
  void UnpackNow();
  bool IsSoleReference() const {
    return references_.load(std::memory_order_acquire) == 1;
  }
  // Prepares the message for its next use.
  void Reset();

  std::atomic<int> references_{1};
  bool is_received_request_ = false;
  bool size_was_set_ = false;
  bool received_size_was_set_ = false;
  uint8_t generation_ = 0;
  uint32_t received_bytes_ = 0;  // the size of the received payload
  uint32_t charged_bytes_ = 0;
  uint32_t timed_requests_ = 0;
  event::Instant received_at_;     // if it is timed
  MessageOwner* owner_ = nullptr;  // holds a reference
  MessagePool* pool_ = nullptr;
  Message* next_free = nullptr;  // in the pool
  size_t size_ = 0;
  std::atomic<uint64_t> request_id_{0};
  transports::Buffer payload_;
  // The received payload, packed. If there is also a buffer, the payload was
  // unpacked into the buffer. This copy is then kept because the program may
  // have a pointer from PayloadForReading().
  std::unique_ptr<uint8_t[]> packed_;
  event::UniqueFd received_descriptor_;
  event::UniqueFd descriptor_to_send_;
};

}  // namespace messaging
}  // namespace le

#endif  // LE_MESSAGING_MESSAGING_MESSAGE_MESSAGE_H_
