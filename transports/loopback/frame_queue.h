// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef LE_MESSAGING_TRANSPORTS_LOOPBACK_FRAME_QUEUE_H_
#define LE_MESSAGING_TRANSPORTS_LOOPBACK_FRAME_QUEUE_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "absl/types/optional.h"
#include "event/base/unique_fd.h"
#include "event/process.h"
#include "transports/buffer.h"
#include "transports/transport.h"

namespace le {
namespace transports {

// A frame between two ends.
struct QueuedFrame {
  uint8_t type = 0;
  uint64_t id = 0;
  Buffer payload;
  event::UniqueFd descriptor;
  bool descriptor_lost = false;
  bool lost_by_sender = false;
  std::unique_ptr<Connection> connection;
  absl::optional<event::Credentials> sender;

  size_t cost() const { return payload.size() + kFrameOverheadBytes; }
  bool has_descriptor() const { return descriptor || connection != nullptr; }
};

// A queue of frames that counts their bytes and descriptors. Its ring never
// shrinks, so in the steady state the queue allocates nothing. Not thread-safe.
class FrameQueue {
 public:
  bool empty() const { return count_ == 0; }
  size_t bytes() const { return bytes_; }
  size_t descriptors() const { return descriptors_; }
  QueueSize size() const { return {bytes_, count_, descriptors_}; }

  void Push(QueuedFrame frame) {
    bytes_ += frame.cost();
    if (frame.has_descriptor()) ++descriptors_;
    if (count_ == ring_.size()) Grow();
    ring_[(first_ + count_) % ring_.size()] = std::move(frame);
    ++count_;
  }
  QueuedFrame Pop() {
    QueuedFrame frame = std::move(ring_[first_]);
    first_ = (first_ + 1) % ring_.size();
    --count_;
    bytes_ -= frame.cost();
    if (frame.has_descriptor()) --descriptors_;
    return frame;
  }

 private:
  void Grow() {
    std::vector<QueuedFrame> larger(std::max<size_t>(4, ring_.size() * 2));
    for (size_t i = 0; i < count_; ++i) {
      larger[i] = std::move(ring_[(first_ + i) % ring_.size()]);
    }
    ring_ = std::move(larger);
    first_ = 0;
  }

  std::vector<QueuedFrame> ring_;
  size_t first_ = 0;
  size_t count_ = 0;
  size_t bytes_ = 0;
  size_t descriptors_ = 0;
};

}  // namespace transports
}  // namespace le

#endif  // LE_MESSAGING_TRANSPORTS_LOOPBACK_FRAME_QUEUE_H_
