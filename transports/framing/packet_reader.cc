// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#include "transports/framing/packet_reader.h"

#include "absl/strings/str_cat.h"

namespace le {
namespace transports {
namespace {

absl::Status TooLarge(size_t payload, size_t capacity) {
  return absl::InvalidArgumentError(
      absl::StrCat("a payload of ", payload, " bytes is more than the ",
                   capacity, " that are allowed"));
}

}  // namespace

// ---- Room ------------------------------------------------------------------

void PacketReader::Room::PutAfter(Partial* partial) {
  parts_[0] = {header_, kFrameHeaderBytes};
  parts_[1] = {partial->payload.data() + partial->filled,
               partial->header.length - partial->filled};
  part_count_ = 2;
}

// ---- PacketReader ----------------------------------------------------------

event::UniqueFd PacketReader::TakeDescriptor() {
  return partial_ == nullptr ? event::UniqueFd()
                             : std::move(partial_->frame.descriptor);
}

void PacketReader::Reset() {
  rest_.reset();
  partial_.reset();
  plain_next_ = may_have_more_ = announced_ = false;
}

PacketReader::Result PacketReader::ResultFor(const FrameHeader& header,
                                             const IncomingFrame& frame) {
  if (!header.has(FrameHeader::kConnection) || !frame.descriptor) {
    return Result::kFrame;
  }
  return header.has(FrameHeader::kExpectsPlain) ? Result::kPromisedConnection
                                                : Result::kConnection;
}

PacketReader::Result PacketReader::AcceptAny(Room* room, size_t size,
                                             PacketAttachments* attachments,
                                             IncomingFrame* frame,
                                             absl::Status* why) {
  Result result = Result::kNothing;
  if (partial_ != nullptr) {
    *why = AcceptPart(room, size, attachments, frame, &result);
  } else {
    *why = AcceptFirst(room, size, attachments, frame, &result);
  }
  if (why->ok()) return result;
  return absl::IsUnimplemented(*why) && !IsVersionRefusal(room->bytes())
             ? Result::kOtherVersion
             : Result::kBroken;
}

absl::Status PacketReader::TakeAttachments(const FrameHeader& header,
                                           PacketAttachments* attachments,
                                           IncomingFrame* frame) {
  const bool wants = header.has(FrameHeader::kDescriptor) ||
                     header.has(FrameHeader::kConnection);
  if (wants && ExpectsPlain()) {
    return absl::InvalidArgumentError(
        "a file descriptor in a packet that was announced without one");
  }
  if (attachments->descriptors() > (wants ? 1u : 0u)) {
    return absl::InvalidArgumentError(
        absl::StrCat(attachments->descriptors(), " file descriptors where ",
                     wants ? "one was" : "none was", " announced"));
  }
  if (!wants) {
    // The attachments are truncated only if a descriptor was lost.
    return attachments->truncated()
               ? absl::InvalidArgumentError(
                     "a file descriptor that was not announced")
               : absl::OkStatus();
  }
  frame->descriptor = attachments->TakeDescriptor();
  frame->descriptor_lost = !frame->descriptor;
  // If the kernel could not install the descriptor here, it reports truncation.
  frame->lost_by_sender = frame->descriptor_lost && !attachments->truncated();
  return absl::OkStatus();
}

// Parses a packet while no frame is partial.
absl::Status PacketReader::AcceptFirst(Room* room, size_t size,
                                       PacketAttachments* attachments,
                                       IncomingFrame* frame, Result* result) {
  BufferPool* const pool = room->pool_;
  const bool in_place = static_cast<bool>(room->payload_);
  // Do this before any return. Otherwise the next user of this buffer might see
  // the packet's bytes.
  if (in_place) {
    const size_t written = std::min(size, kMaxPacketBytes);
    room->payload_.MarkCleanFrom(
        std::max(room->payload_.clean_from(),
                 std::max(written, kFrameHeaderBytes) - kFrameHeaderBytes));
  }
  if (size > kMaxPacketBytes) {
    return absl::InvalidArgumentError("a packet over the limit");
  }
  const uint8_t* const bytes = room->bytes();
  FrameHeader header;
  absl::Status status = ParseFrameHeader(absl::MakeConstSpan(bytes, size),
                                         /*first=*/true, &header);
  if (status.ok()) status = CheckPayload(header, size);
  if (!status.ok()) return status;
  if (header.has(FrameHeader::kContinuation)) {
    return absl::InvalidArgumentError(
        "a continuation without a first fragment");
  }
  if (header.length > pool->capacity()) {
    return TooLarge(header.length, pool->capacity());
  }
  status = TakeAttachments(header, attachments, frame);
  if (!status.ok()) return status;
  plain_next_ = header.has(FrameHeader::kPlainNext);
  if (header.has(FrameHeader::kAnnouncement)) {
    if (announced_) {
      return absl::InvalidArgumentError(
          "two announcements, one after the other");
    }
    announced_ = true;
    return absl::OkStatus();
  }
  announced_ = false;
  if (wants_credentials_) frame->sender = attachments->sender();
  may_have_more_ =
      header.has(FrameHeader::kMoreToCome) || header.has(FrameHeader::kMore);
  frame->type = header.type;
  frame->id = header.id;

  if (header.has(FrameHeader::kFragmented)) {
    const size_t there = size - kFrameHeaderBytes;
    Buffer payload;
    if (in_place) {
      payload = std::move(room->payload_);
    } else {
      payload = pool->Allocate();
      payload.Assign(bytes + kFrameHeaderBytes, there);
    }
    // The next parts are received directly in this buffer, even parts that are
    // then refused. So mark the bytes of all parts as written now.
    payload.MarkCleanFrom(
        std::max<size_t>(payload.clean_from(), header.length));
    partial_ = std::make_unique<Partial>();
    partial_->header = header;
    partial_->filled = there;
    partial_->frame = std::move(*frame);
    partial_->payload = std::move(payload);
    return absl::OkStatus();
  }

  if (header.has(FrameHeader::kMore)) {
    KeepRest(room, kFrameHeaderBytes + header.length, size, *attachments);
  }
  HandOver(room, header.length, frame);
  *result = ResultFor(header, *frame);
  return absl::OkStatus();
}

// Keeps a packet's bytes from `at` on. If the packet is in a payload's buffer,
// copies the bytes; otherwise keeps the packet's memory.
void PacketReader::KeepRest(Room* room, size_t at, size_t size,
                            const PacketAttachments& attachments) {
  if (room->memory_ != nullptr) {
    rest_ = std::move(room->memory_);
  } else {
    rest_ = memories_.Take();
    std::memcpy(rest_->bytes, room->bytes() + at, size - at);
    size -= at;
    at = 0;
  }
  rest_->at = static_cast<uint32_t>(at);
  rest_->end = static_cast<uint32_t>(size);
  rest_->sender = attachments.sender();
}

PacketReader::Result PacketReader::TakeBuffered(BufferPool* pool,
                                                IncomingFrame* frame,
                                                absl::Status* why) {
  const uint8_t* const bytes = rest_->bytes + rest_->at;
  const size_t left = rest_->end - rest_->at;
  FrameHeader header;
  // A whole header is present, because the previous header had kMore and was
  // checked.
  std::memcpy(&header, bytes, kFrameHeaderBytes);
  header.flags &= static_cast<uint16_t>(~FrameHeader::kMayBeIgnored);
  if (ABSL_PREDICT_FALSE(!IsFurtherFrame(header, left) ||
                         header.length > pool->capacity())) {
    *why = ParseFrameHeader(absl::MakeConstSpan(bytes, left),
                            /*first=*/false, &header);
    if (why->ok()) *why = CheckPayload(header, left);
    if (why->ok()) *why = TooLarge(header.length, pool->capacity());
    return Result::kBroken;
  }
  frame->type = header.type;
  frame->id = header.id;
  // Credentials belong to the packet, so they apply to each of its frames.
  if (wants_credentials_) frame->sender = rest_->sender;
  frame->payload = pool->Allocate();
  frame->payload.Assign(bytes + kFrameHeaderBytes, header.length);
  rest_->at += static_cast<uint32_t>(kFrameHeaderBytes + header.length);
  if (!header.has(FrameHeader::kMore)) memories_.PutBack(std::move(rest_));
  return Result::kFrame;
}

// Parses a packet that should be the next part of the partial frame.
absl::Status PacketReader::AcceptPart(Room* room, size_t size,
                                      PacketAttachments* attachments,
                                      IncomingFrame* frame, Result* result) {
  if (size > kFrameHeaderBytes + room->parts_[1].iov_len) {
    return absl::InvalidArgumentError("a packet over the limit");
  }
  FrameHeader header;
  absl::Status status = ParseFrameHeader(
      absl::MakeConstSpan(room->bytes(), std::min(size, kFrameHeaderBytes)),
      /*first=*/true, &header);
  if (status.ok()) status = CheckPayload(header, size);
  if (!status.ok()) return status;
  if (!header.has(FrameHeader::kContinuation) ||
      header.id != partial_->header.id ||
      header.type != partial_->header.type) {
    return absl::InvalidArgumentError(
        "another packet in the place of a continuation");
  }
  if (attachments->descriptors() > 0 || attachments->truncated()) {
    return absl::InvalidArgumentError("a file descriptor with a continuation");
  }
  plain_next_ = header.has(FrameHeader::kPlainNext);
  partial_->filled += header.length;
  const size_t length = partial_->header.length;
  if (partial_->filled < length) return absl::OkStatus();

  *frame = std::move(partial_->frame);
  partial_->payload.ZeroFrom(length);
  partial_->payload.set_size(length);
  frame->payload = std::move(partial_->payload);
  *result = ResultFor(partial_->header, *frame);
  partial_.reset();
  return absl::OkStatus();
}

}  // namespace transports
}  // namespace le
