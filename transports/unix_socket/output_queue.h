// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// Frames of one connection that are not with the kernel yet, as packets.

#ifndef LE_MESSAGING_TRANSPORTS_UNIX_SOCKET_OUTPUT_QUEUE_H_
#define LE_MESSAGING_TRANSPORTS_UNIX_SOCKET_OUTPUT_QUEUE_H_

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <vector>

#include "absl/types/span.h"
#include "event/base/unique_fd.h"
#include "transports/buffer.h"
#include "transports/framing/framing.h"
#include "transports/transport.h"

namespace le {
namespace transports {

// One packet that is ready to go, or one frame that is too large for a packet.
struct OutputPacket {
  // Its bytes stand in one of the two. In a buffer, they begin in the headroom.
  std::unique_ptr<std::vector<uint8_t>> memory;  // its first `used` bytes
  size_t used = 0;
  Buffer buffer;
  event::UniqueFd descriptor;  // or the socket of a connection
  bool attach_credentials = false;
  size_t frames = 0;            // that end in this packet
  size_t last_header = 0;       // where the last of them begins
  bool is_alone = false;        // no other frame may join it
  bool is_large = false;        // one frame, cut into fragments as it is sent
  bool promises_plain = false;  // says that the next packet is plain
  size_t sent = 0;  // bytes of its payload that the kernel has; if large

  absl::Span<uint8_t> bytes() const {
    return memory != nullptr
               ? absl::MakeSpan(memory->data(), used)
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

// Small frames share packets. Large ones are kept whole: the limit of a packet
// may change before they leave. Where memory is short, std::bad_alloc leaves the
// queue as it was. Not thread-safe.
class OutputQueue {
 public:
  bool empty() const { return first_ == packets_.size(); }
  size_t bytes() const { return bytes_; }
  size_t frames() const { return frames_; }
  size_t descriptors() const { return descriptors_; }

  // `sent` bytes of the payload are with the kernel already (0: nothing of the
  // frame is). Takes the descriptor. Copies the payload, or takes `movable`, the
  // buffer that holds it, if that is not null and saves copying a large frame.
  void Push(FrameHeader header, absl::Span<const uint8_t> payload,
            Buffer* movable, size_t sent, event::UniqueFd descriptor,
            bool attach_credentials, size_t max_packet);

  // A packet that says that the next one is not plain, though it was said that it
  // would be. Done by the queue itself, if that was said by a packet in it.
  void PushAnnouncement();
  // Whether the last packet says that the next one will be plain. Not empty.
  bool EndsWithPromise() const { return packets_.back().promises_plain; }

  OutputPacket* front() { return &packets_[first_]; }
  // So much of the front's payload is with the kernel now. It is large.
  void SetFrontSent(size_t sent);
  void Pop();
  void Clear();
  // Divides packets that have turned out to be too large for the socket. (If
  // memory is short, frames are lost.)
  void Recut(size_t max_packet);

 private:
  // Adds a frame to a packet that has room for it.
  void Join(OutputPacket* packet, FrameHeader header,
            absl::Span<const uint8_t> payload);
  // So that two packets can be added without memory.
  void ReserveTwo();
  void Add(OutputPacket packet);

  std::vector<OutputPacket> packets_;  // from first_ on
  size_t first_ = 0;
  size_t bytes_ = 0;
  size_t frames_ = 0;
  size_t descriptors_ = 0;
};

}  // namespace transports
}  // namespace le

#endif  // LE_MESSAGING_TRANSPORTS_UNIX_SOCKET_OUTPUT_QUEUE_H_
