// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#include "messaging/message/message.h"

#include <algorithm>
#include <cstring>
#include <new>
#include <utility>

#include "event/base/asan.h"
#include "messaging/machine/wire.h"
#include "messaging/message/message_pool.h"

namespace le {
namespace messaging {

void Message::Unref() {
  // The only reference can be released without a locked instruction.
  if (!IsSoleReference() &&
      references_.fetch_sub(1, std::memory_order_acq_rel) != 1) {
    return;
  }
  MessageOwner* const owner = owner_;
  if (owes_response()) owner->GiveUp(TakeRequestId(), charged_bytes_);
  if (received_descriptor_) {
    owner->DropDescriptor(std::move(received_descriptor_));
  }
  pool_->Free(this);
  owner->Unref();
}

void Message::Reset() {
  descriptor_to_send_.reset();
  payload_.reset();
  packed_.reset();
  is_received_request_ = size_was_set_ = received_size_was_set_ = false;
  generation_ = (generation_ + 1) & kGenerationBits;
  size_ = 0;
  timed_requests_ = 0;
}

transports::OutgoingFrame Message::ToFrame(uint8_t type, uint64_t id) {
  transports::OutgoingFrame frame;
  frame.type = type;
  if (size_was_set_) frame.type |= kLengthWasSet;
  frame.id = id;
  if (descriptor_to_send_) frame.descriptor = &descriptor_to_send_;
  // A payload that is still packed was not written to.
  const size_t packed_length = size_was_set_ ? size_ : received_bytes_;
  if (packed_ != nullptr && !payload_ && packed_length <= received_bytes_) {
    frame.payload = absl::MakeConstSpan(packed_.get(), packed_length);
    return frame;
  }
  Unpack();
  // The length is the size of SetSize(). Without SetSize(), the zeros at the
  // end are not sent.
  size_t length = size_;
  if (!size_was_set_) {
    length = transports::LengthWithoutZeroTail(payload_.data(),
                                               payload_.clean_from());
    // Another holder of the message may still write to the payload.
    if (IsSoleReference()) payload_.MarkCleanFrom(length);
  }
  payload_.set_size(length);
  frame.payload = absl::MakeConstSpan(payload_.data(), length);
  frame.headroom = payload_.headroom();
  // The transport may keep the payload if there is no other reference. Under
  // asan the payload is freed with the message, to detect a later access.
  if (IsSoleReference() && !event::kAsan) frame.movable_payload = &payload_;
  return frame;
}

namespace {
// The check is made at each call of the C API, so it must cost little for a
// payload of 16 MiB too. A write beyond the promised size usually changes one
// of the first bytes after this size.
constexpr size_t kCheckedBytes = 4096;
}  // namespace

bool Message::IsCleanAsPromised() const {
  if (!payload_) return true;
  const size_t clean_from = payload_.clean_from();
  const size_t checked =
      std::min(payload_.capacity() - clean_from, kCheckedBytes);
  return transports::LengthWithoutZeroTail(payload_.data() + clean_from,
                                           checked) == 0;
}

size_t Message::capacity() const { return pool_->buffers()->capacity(); }

size_t Message::size() const {
  return size_was_set_ || received_size_was_set_ ? size_ : capacity();
}

void Message::SetSize(size_t size) {
  size_was_set_ = true;
  size_ = size;
}

namespace {
// Packing needs an allocation and two copies, so it must save at least this
// number of bytes.
constexpr size_t kWorthPackingBytes = 2048;
}  // namespace

void Message::Pack() {
  if (!payload_) return;  // packed already
  const size_t size = payload_.size();
  if (size + kWorthPackingBytes > payload_.capacity()) return;
  packed_.reset(new (std::nothrow) uint8_t[size + 1]);
  if (packed_ == nullptr) return;
  std::memcpy(packed_.get(), payload_.data(), size);
  payload_.reset();
}

void Message::UnpackNow() {
  if (payload_) return;
  payload_ = pool_->AllocateBuffer();
  payload_.Assign(packed_.get(), received_bytes_);
  if (!owes_response()) return;
  charged_bytes_ += static_cast<uint32_t>(payload_.capacity());
  owner_->OnChargeGrown(payload_.capacity());
}

size_t Message::held_bytes() const {
  return sizeof(*this) + (packed_ != nullptr ? received_bytes_ : 0) +
         (payload_ ? payload_.capacity() : 0);
}

}  // namespace messaging
}  // namespace le
