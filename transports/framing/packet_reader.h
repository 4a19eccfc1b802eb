// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// Parses packets into frames: the receiving side of transports/wire.md.
//
// The reader makes no system calls, except to close the descriptor of a partial
// frame that is dropped. The code that receives the packets does this for each
// packet:
//
//   PacketReader::Room room(&reader, pool);   memory for the packet
//   ... put `size` bytes into room.parts(), and collect the attachments ...
//   switch (reader.Accept(&room, size, &attachments, &frame, &why)) ...
//
// If a packet has several frames, the reader keeps it until TakeBuffered() has
// returned the last frame. Do not call Accept() before that.

#ifndef LE_MESSAGING_TRANSPORTS_FRAMING_PACKET_READER_H_
#define LE_MESSAGING_TRANSPORTS_FRAMING_PACKET_READER_H_

#include <sys/uio.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <utility>

#include "absl/base/attributes.h"
#include "absl/base/optimization.h"
#include "absl/status/status.h"
#include "absl/types/optional.h"
#include "event/process.h"
#include "transports/buffer.h"
#include "transports/framing/framing.h"
#include "transports/framing/packet_attachments.h"
#include "transports/framing/slot_cache.h"
#include "transports/transport.h"

namespace le {
namespace transports {

class PacketReader {
  struct Partial;

 public:
  // The memory of a packet that does not fit into a payload's buffer.
  struct Memory {
    uint8_t bytes[kMaxPacketBytes];
    // The unread rest of the packet, and its sender:
    uint32_t at;
    uint32_t end;
    absl::optional<event::Credentials> sender;
  };

  // The memory for the next packet. A Room is valid until the reader is next
  // used.
  class Room {
   public:
    // The payload's buffer is allocated from `pool`.
    Room(PacketReader* reader, BufferPool* pool) : pool_(pool) {
      if (ABSL_PREDICT_FALSE(reader->partial_ != nullptr)) {
        PutAfter(reader->partial_.get());
      } else if (pool->capacity() >= kMaxPacketBytes - kFrameHeaderBytes) {
        // Any packet fits into the payload's buffer, so receive it there
        // directly.
        payload_ = pool->Allocate();
        parts_[0] = {payload_.headroom(), kMaxPacketBytes};
      } else {
        memory_ = memories_.Take();
        parts_[0] = {memory_->bytes, kMaxPacketBytes};
      }
    }
    ABSL_ATTRIBUTE_ALWAYS_INLINE ~Room() {
      if (memory_ != nullptr) memories_.PutBack(std::move(memory_));
    }
    Room(const Room&) = delete;
    Room& operator=(const Room&) = delete;

    struct iovec* parts() {
      return parts_;
    }
    size_t part_count() const { return part_count_; }
    // Call it if parts() was written to and Accept() is not called.
    void Discard() {
      if (payload_) payload_.MarkDirty();
    }

   private:
    friend class PacketReader;
    void PutAfter(Partial* partial);
    const uint8_t* bytes() const {
      return static_cast<const uint8_t*>(parts_[0].iov_base);
    }

    BufferPool* const pool_;
    struct iovec parts_[2];
    size_t part_count_ = 1;
    // The packet is in payload_ or memory_. But if the packet is the next part
    // of a partial frame, its header is in header_ and its payload in the
    // reader's partial_.
    Buffer payload_;
    std::unique_ptr<Memory> memory_;
    uint8_t header_[kFrameHeaderBytes];
  };

  enum class Result {
    kFrame,
    kConnection,  // a frame, whose descriptor is the socket of a connection
    // Like kConnection. In addition, the last packet on that connection
    // promised that the next packet has no attachments.
    kPromisedConnection,
    kNothing,  // no frame yet
    kBroken,   // the sender broke a rule; the reader must not be used again
    // Like kBroken. The cause: this library does not understand the packet's
    // version. The caller should send VersionRefusal().
    kOtherVersion,
  };

  // Parses a packet of `size` bytes and its attachments. `room` has as many of
  // the bytes as fit. Results:
  //  - kFrame, kConnection, kPromisedConnection: `frame` is filled.
  //  - kConnection, kPromisedConnection: the caller makes the connection from
  //    the frame's descriptor.
  //  - kBroken, kOtherVersion: `why` has the reason.
  // Descriptors that no frame takes stay in `attachments`.
  Result Accept(Room* room, size_t size, PacketAttachments* attachments,
                IncomingFrame* frame, absl::Status* why);

  // Whether frames of the last packet are left.
  bool HasBuffered() const { return rest_ != nullptr; }
  // Returns the next frame of the last packet, like Accept(). The payload's
  // buffer is allocated from `pool`.
  Result TakeBuffered(BufferPool* pool, IncomingFrame* frame,
                      absl::Status* why);

  // Removes and returns the descriptor of the partial frame, if there is one.
  event::UniqueFd TakeDescriptor();
  // Whether the last packet was a part of an incomplete frame, or an
  // announcement.
  bool HasPartial() const { return partial_ != nullptr || announced_; }

  // Whether the sender promised that the next packet has no attachments. Always
  // false while credentials are wanted.
  bool ExpectsPlain() const { return plain_next_ && !wants_credentials_; }
  // Sets whether frames get the `sender` of their packet.
  void WantCredentials(bool on) { wants_credentials_ = on; }
  bool wants_credentials() const { return wants_credentials_; }

  // Whether the sender has announced more packets. FoundNoMore() resets this.
  bool may_have_more() const { return may_have_more_; }
  void FoundNoMore() { may_have_more_ = false; }

  // Drops buffered and partial frames.
  void Reset();

 private:
  static inline SlotCache<Memory> memories_;

  // A fragmented frame that has arrived in part.
  struct Partial {
    FrameHeader header;
    Buffer payload;
    size_t filled = 0;
    IncomingFrame frame;  // complete except for the payload
  };

  // Whether the packet is one whole frame without attachments, as nearly every
  // packet is.
  static bool IsOneWholeFrame(const FrameHeader& header, size_t size) {
    return size >= kFrameHeaderBytes && header.version == kWireVersion &&
           (header.flags & ~FrameHeader::kOfPacket) == 0 &&
           header.length == size - kFrameHeaderBytes;
  }
  // Whether the last `left` bytes of a packet begin with a valid frame that is
  // not the packet's first. If not, ParseFrameHeader() and CheckPayload() give
  // the reason.
  static bool IsFurtherFrame(const FrameHeader& header, size_t left) {
    const uint64_t end = kFrameHeaderBytes + uint64_t{header.length};
    return header.version == kWireVersion &&
           (header.flags & ~FrameHeader::kMore) == 0 &&
           (header.has(FrameHeader::kMore) ? left >= end + kFrameHeaderBytes
                                           : left == end);
  }
  void HandOver(Room* room, size_t length, IncomingFrame* frame) {
    if (room->payload_) {
      room->payload_.ZeroFrom(length);
      room->payload_.set_size(length);
      frame->payload = std::move(room->payload_);
    } else {
      frame->payload = room->pool_->Allocate();
      frame->payload.Assign(room->bytes() + kFrameHeaderBytes, length);
    }
  }

  Result AcceptAny(Room* room, size_t size, PacketAttachments* attachments,
                   IncomingFrame* frame, absl::Status* why);
  absl::Status AcceptFirst(Room* room, size_t size,
                           PacketAttachments* attachments, IncomingFrame* frame,
                           Result* result);
  absl::Status AcceptPart(Room* room, size_t size,
                          PacketAttachments* attachments, IncomingFrame* frame,
                          Result* result);
  absl::Status TakeAttachments(const FrameHeader& header,
                               PacketAttachments* attachments,
                               IncomingFrame* frame);
  void KeepRest(Room* room, size_t at, size_t size,
                const PacketAttachments& attachments);
  static Result ResultFor(const FrameHeader& header,
                          const IncomingFrame& frame);

  // At most one of rest_ and partial_ is not null.
  std::unique_ptr<Memory> rest_;
  std::unique_ptr<Partial> partial_;

  bool plain_next_ = false;     // the sender said that its next packet is plain
  bool may_have_more_ = false;  // the sender announced more packets
  bool announced_ = false;      // the last packet was an announcement
  bool wants_credentials_ = false;
};

ABSL_ATTRIBUTE_ALWAYS_INLINE inline PacketReader::Result PacketReader::Accept(
    Room* room, size_t size, PacketAttachments* attachments,
    IncomingFrame* frame, absl::Status* why) {
  FrameHeader header;
  std::memcpy(&header, room->bytes(), kFrameHeaderBytes);
  if (ABSL_PREDICT_TRUE(IsOneWholeFrame(header, size) &&
                        size <= kMaxPacketBytes &&
                        header.length <= room->pool_->capacity() &&
                        attachments->empty() && partial_ == nullptr)) {
    plain_next_ = header.has(FrameHeader::kPlainNext);
    may_have_more_ = header.has(FrameHeader::kMoreToCome);
    announced_ = false;
    frame->type = header.type;
    frame->id = header.id;
    if (room->payload_) {
      // The packet was written to these bytes, so they may differ from zero.
      room->payload_.MarkCleanFrom(
          std::max<size_t>(room->payload_.clean_from(), header.length));
    }
    HandOver(room, header.length, frame);
    return Result::kFrame;
  }
  return AcceptAny(room, size, attachments, frame, why);
}

}  // namespace transports
}  // namespace le

#endif  // LE_MESSAGING_TRANSPORTS_FRAMING_PACKET_READER_H_
