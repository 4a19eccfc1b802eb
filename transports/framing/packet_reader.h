// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// Packets in, frames out: the receiving side of transports/wire.md.
//
// Pure: it makes no system call but to close descriptors that nobody takes, and
// takes no time. Whoever has the packets, a socket or shared memory, does this
// for each:
//
//   PacketReader::Room room(&reader, pool);   where the packet is to be put
//   ... put `size` bytes into room.parts(), gather what came with them ...
//   switch (reader.Accept(&room, size, &attachments, &frame, &why)) ...
//
// A packet with several frames is kept until TakeBuffered() has handed out the
// last. Until then, no further packet may be accepted.

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
    // What is left of it, and who sent it:
    uint32_t at;
    uint32_t end;
    absl::optional<event::Credentials> sender;
  };

  // Where the next packet is to be put. Valid until Accept(), or until the
  // reader is used otherwise.
  class Room {
   public:
    // `pool`: for the payload.
    Room(PacketReader* reader, BufferPool* pool) : pool_(pool) {
      if (ABSL_PREDICT_FALSE(reader->partial_ != nullptr)) {
        PutAfter(reader->partial_.get());
      } else if (pool->capacity() >= kMaxPacketBytes - kFrameHeaderBytes) {
        // Any packet fits into the buffer that its payload is handed out in.
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
    // Call if the buffer was written to but Accept() will not follow.
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
    // One of these, or a partial frame's header here and its payload there.
    Buffer payload_;
    std::unique_ptr<Memory> memory_;
    uint8_t header_[kFrameHeaderBytes];
  };

  enum class Result {
    kFrame,
    kConnection,  // a frame, whose descriptor is the socket of a connection
    // The same, and the far end of that connection has been promised a packet
    // without attachments.
    kPromisedConnection,
    kNothing,  // no frame yet
    kBroken,   // the sender broke a rule; the reader must not be used again
    // The same: its packet has another version. The caller should send
    // VersionRefusal().
    kOtherVersion,
  };

  // Takes a packet of `size` bytes, of which as many as fit are in `room`, and
  // what came with it. kFrame and the two connections: `frame` is filled; the
  // caller makes the connection from the descriptor. kBroken: `why` says which rule.
  // Descriptors that are in no frame stay in `attachments`.
  Result Accept(Room* room, size_t size, PacketAttachments* attachments,
                IncomingFrame* frame, absl::Status* why);

  // Whether frames of the last packet are left.
  bool HasBuffered() const { return rest_ != nullptr; }
  // The next of them; as Accept(). Its payload's buffer is of `pool`.
  Result TakeBuffered(BufferPool* pool, IncomingFrame* frame,
                      absl::Status* why);

  // Whether a part of a frame has been accepted, or the announcement of a
  // packet, and the rest has not.
  // The descriptor of a frame that has arrived in part, if there is one.
  event::UniqueFd TakeDescriptor();
  bool HasPartial() const { return partial_ != nullptr || announced_; }

  // Whether the sender promised that the next packet has no attachments. Always
  // false while credentials are wanted.
  bool ExpectsPlain() const { return plain_next_ && !wants_credentials_; }
  // Frames say who sent them, if their packets do.
  void WantCredentials(bool on) { wants_credentials_ = on; }
  bool wants_credentials() const { return wants_credentials_; }

  // Whether the sender said that more is coming, and has not been found wrong.
  bool may_have_more() const { return may_have_more_; }
  void FoundNoMore() { may_have_more_ = false; }

  // Drops what is buffered and partial.
  void Reset();

 private:
  static inline SlotCache<Memory> memories_;

  // A fragmented frame of which the first part has come.
  struct Partial {
    FrameHeader header;
    Buffer payload;
    size_t filled = 0;
    IncomingFrame frame;  // all of it but the payload
  };

  // What nearly every packet is.
  static bool IsOneWholeFrame(const FrameHeader& header, size_t size) {
    return size >= kFrameHeaderBytes && header.version == kWireVersion &&
           (header.flags & ~FrameHeader::kOfPacket) == 0 &&
           header.length == size - kFrameHeaderBytes;
  }
  // Whether `left` bytes begin with a frame that may come after the first of its
  // packet. ParseFrameHeader() and CheckPayload() say why one may not.
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

  // At most one of these is not null.
  std::unique_ptr<Memory> rest_;
  std::unique_ptr<Partial> partial_;

  bool plain_next_ = false;     // what the sender said of its next packet
  bool may_have_more_ = false;  // likewise
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
      // What the packet has overwritten is not zero, whatever it was before.
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
