// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// The packets of one connection that the kernel has not accepted yet. A packet
// is *plain* if it has no descriptor and no credentials. transports/wire.md
// defines announcements.

#ifndef LE_MESSAGING_TRANSPORTS_UNIX_SOCKET_OUTPUT_QUEUE_H_
#define LE_MESSAGING_TRANSPORTS_UNIX_SOCKET_OUTPUT_QUEUE_H_

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <vector>

#include "absl/types/span.h"
#include "event/base/ref.h"
#include "event/base/unique_fd.h"
#include "transports/buffer.h"
#include "transports/framing/framing.h"
#include "transports/transport.h"

namespace le {
namespace transports {

// Memory of any size, without initial values.
struct PacketMemory {
  std::unique_ptr<uint8_t[]> bytes;
  size_t size = 0;
};

// Either a packet that is ready to be sent, or one frame that is too large for
// a packet.
struct OutputPacket {
  // The packet's bytes are in `memory`, or in `buffer` and its headroom.
  std::unique_ptr<PacketMemory> memory;  // `used` bytes are valid
  size_t used = 0;
  Buffer buffer;
  event::UniqueFd descriptor;  // or the socket of a passed connection
  event::HeldRef held;         // kept until a passed socket is closed
  bool attach_credentials = false;
  size_t frames = 0;            // number of frames; an announcement has none
  size_t last_header = 0;       // offset of the last frame's header
  bool is_alone = false;        // no other frame may share this packet
  bool is_large = false;        // one frame, cut into fragments on sending
  bool promises_plain = false;  // says that the next packet is plain
  // If is_large: the number of payload bytes that the kernel has accepted.
  size_t sent = 0;

  absl::Span<uint8_t> bytes() const {
    return memory != nullptr
               ? absl::MakeSpan(memory->bytes.get(), used)
               : absl::MakeSpan(buffer.headroom(),
                                kFrameHeaderBytes + buffer.size());
  }
  FrameHeader header() const {
    FrameHeader header;
    std::memcpy(&header, bytes().data(), kFrameHeaderBytes);
    return header;
  }
  absl::Span<const uint8_t> payload() const {
    return bytes().subspan(kFrameHeaderBytes);
  }
};

// A queue of packets. Small frames share packets. A large frame is kept whole,
// because the packet limit may change before the frame is sent. If memory is
// short, Push() throws std::bad_alloc and does not change the queue. Not
// thread-safe.
class OutputQueue {
 public:
  bool empty() const { return first_ == packets_.size(); }
  size_t bytes() const { return bytes_; }
  size_t frames() const { return frames_; }
  size_t descriptors() const { return descriptors_; }
  QueueSize size() const { return {bytes_, frames_, descriptors_}; }

  // Adds a frame. The kernel has already accepted `sent` bytes of its payload;
  // 0 means that not even the header was accepted. `movable` is the buffer that
  // holds the payload, or null. A large payload keeps its buffer if the payload
  // fills at least half of it. Otherwise the payload is copied. `held` is kept
  // with the descriptor. `promised_plain`: the packet before this one promises
  // that the next packet is plain. If so, and the frame is not plain, an
  // announcement that revokes the promise goes before the frame.
  void Push(FrameHeader header, absl::Span<const uint8_t> payload,
            Buffer* movable, size_t sent, event::UniqueFd descriptor,
            bool attach_credentials, size_t max_packet, bool promised_plain,
            event::HeldRef held = {});

  // Whether the queue's last packet promises that the next packet is plain. The
  // queue must not be empty.
  bool EndsWithPromise() const { return packets_.back().promises_plain; }

  OutputPacket* front() { return &packets_[first_]; }
  // Removes and returns the front's descriptor, so that the caller can close
  // it.
  event::UniqueFd TakeDescriptor();
  // Records that the kernel has accepted `sent` bytes of the front's payload.
  // The front must be large.
  void SetFrontSent(size_t sent);
  void Pop();
  // Like Pop(), but keeps the packet's memory and file descriptor until
  // Clear(). Takes no lock.
  void Skip();
  void Clear();
  // Divides packets that are too large for the socket into smaller packets. (If
  // memory is short, frames are lost.)
  void Recut(size_t max_packet);

 private:
  // Adds a frame to `packet`. Together they must fit in a packet.
  void Join(OutputPacket* packet, FrameHeader header,
            absl::Span<const uint8_t> payload, size_t max_packet);
  // Reserves space, so that adding two packets cannot fail.
  void ReserveTwo();
  void Add(OutputPacket packet);

  std::vector<OutputPacket> packets_;  // the queue begins at first_
  size_t first_ = 0;
  size_t bytes_ = 0;
  size_t frames_ = 0;
  size_t descriptors_ = 0;
};

}  // namespace transports
}  // namespace le

#endif  // LE_MESSAGING_TRANSPORTS_UNIX_SOCKET_OUTPUT_QUEUE_H_
