// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// Frames of one connection that are not with the kernel yet, as packets.

#ifndef LE_MESSAGING_TRANSPORTS_UNIX_SOCKET_OUTPUT_QUEUE_H_
#define LE_MESSAGING_TRANSPORTS_UNIX_SOCKET_OUTPUT_QUEUE_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "event/base/unique_fd.h"
#include "transports/framing/framing.h"
#include "transports/transport.h"

namespace le {
namespace transports {

// One packet that is ready to go.
struct OutputPacket {
  std::unique_ptr<std::vector<uint8_t>> memory;  // its bytes
  event::UniqueFd descriptor;  // or the socket of a connection
  bool vouched = false;
  size_t frames = 0;       // that end in this packet
  size_t last_header = 0;  // where the last of them begins
  bool is_fragment = false;

  std::vector<uint8_t>& bytes() const { return *memory; }
};

// Small frames share packets. Not thread-safe.
class OutputQueue {
 public:
  bool empty() const { return first_ == packets_.size(); }
  size_t bytes() const { return bytes_; }
  size_t frames() const { return frames_; }
  size_t descriptors() const { return descriptors_; }

  // Copies the payload from `sent` on, of which that much is with the kernel
  // already (0: nothing of the frame is). Takes the descriptor.
  void Push(FrameHeader header, absl::Span<const uint8_t> payload, size_t sent,
            event::UniqueFd descriptor, bool vouched, size_t max_packet);

  // A packet that says that the next one is not plain, though it was said that it
  // would be. Done by the queue itself, if that was said by a packet in it.
  void PushAnnouncement();
  // Whether the last packet says that the next one will be plain. Not empty.
  bool EndsWithPromise() const;

  OutputPacket* front() { return &packets_[first_]; }
  void Pop();
  void Clear();
  // Cuts packets that have turned out to be too large for the socket.
  void Recut(size_t max_packet);

 private:
  OutputPacket* Open(event::UniqueFd descriptor, bool vouched);
  void PushFragments(FrameHeader header, absl::Span<const uint8_t> payload,
                     size_t sent, event::UniqueFd descriptor, bool vouched,
                     size_t max_packet);

  std::vector<OutputPacket> packets_;  // from first_ on
  size_t first_ = 0;
  size_t bytes_ = 0;
  size_t frames_ = 0;
  size_t descriptors_ = 0;
};

}  // namespace transports
}  // namespace le

#endif  // LE_MESSAGING_TRANSPORTS_UNIX_SOCKET_OUTPUT_QUEUE_H_
