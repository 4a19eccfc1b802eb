// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#include "transports/unix_socket/output_queue.h"

#include <algorithm>
#include <cstring>
#include <memory>
#include <utility>

#include "transports/framing/slot_cache.h"

namespace le {
namespace transports {
namespace {

void Append(OutputPacket* packet, const FrameHeader& header,
            absl::Span<const uint8_t> payload) {
  const size_t at = packet->used;
  packet->used += kFrameHeaderBytes + payload.size();
  std::vector<uint8_t>& memory = *packet->memory;
  if (memory.size() < packet->used) {
    memory.resize(std::max(packet->used, 2 * at));
  }
  uint8_t* const to = memory.data() + at;
  std::memcpy(to, &header, kFrameHeaderBytes);
  std::copy(payload.begin(), payload.end(), to + kFrameHeaderBytes);
}

// The memory of packets that are gone, for the next: shared by thousands of
// connections, of which few have anything to send.
SlotCache<std::vector<uint8_t>>* Spares() {
  static auto* const spares = new SlotCache<std::vector<uint8_t>>;
  return spares;
}

}  // namespace

OutputPacket* OutputQueue::Open(event::UniqueFd descriptor,
                                bool attach_credentials) {
  if ((descriptor || attach_credentials) && !empty() && EndsWithPromise()) {
    PushAnnouncement();
  }
  packets_.emplace_back();
  OutputPacket* const packet = &packets_.back();
  packet->descriptor = std::move(descriptor);
  if (packet->descriptor) ++descriptors_;
  packet->attach_credentials = attach_credentials;
  return packet;
}

void OutputQueue::PushAnnouncement() {
  FrameHeader header;
  header.flags = FrameHeader::kAnnouncement;
  OutputPacket* const packet = Open({}, false);
  packet->is_alone = true;
  packet->memory = Spares()->Take();
  Append(packet, header, {});
  bytes_ += kFrameHeaderBytes;
}

void OutputQueue::Push(FrameHeader header, absl::Span<const uint8_t> payload,
                       Buffer* movable, size_t sent, event::UniqueFd descriptor,
                       bool attach_credentials, size_t max_packet) {
  ++frames_;
  const size_t size = kFrameHeaderBytes + payload.size();
  if (sent > 0 || size > max_packet) {
    OutputPacket* const packet =
        Open(std::move(descriptor), attach_credentials);
    packet->is_alone = packet->is_large = true;
    packet->promises_plain = true;  // its last fragment does
    packet->frames = 1;
    packet->sent = sent;
    // A buffer that is mostly empty would be memory that no limit counts.
    if (movable != nullptr && payload.size() >= movable->capacity() / 2) {
      packet->buffer = std::move(*movable);
      packet->buffer.set_size(payload.size());
      std::memcpy(packet->buffer.headroom(), &header, kFrameHeaderBytes);
    } else {
      packet->memory = std::make_unique<std::vector<uint8_t>>();
      Append(packet, header, payload);
    }
    bytes_ += size - sent;
    return;
  }
  OutputPacket* packet = empty() ? nullptr : &packets_.back();
  if (packet != nullptr && !packet->is_alone && !packet->attach_credentials &&
      !descriptor && !attach_credentials &&
      packet->bytes().size() + size <= max_packet) {
    FrameHeader previous;
    uint8_t* const at = packet->bytes().data() + packet->last_header;
    std::memcpy(&previous, at, kFrameHeaderBytes);
    previous.flags |= FrameHeader::kMore;
    std::memcpy(at, &previous, kFrameHeaderBytes);
    header.flags &= static_cast<uint16_t>(~FrameHeader::kOfPacket);
  } else {
    const bool plain = !descriptor && !attach_credentials;
    if (plain) header.flags |= FrameHeader::kPlainNext;
    packet = Open(std::move(descriptor), attach_credentials);
    packet->promises_plain = plain;
    packet->memory = Spares()->Take();
  }
  packet->last_header = packet->bytes().size();
  ++packet->frames;
  Append(packet, header, payload);
  bytes_ += size;
}

void OutputQueue::SetFrontSent(size_t sent) {
  OutputPacket* const packet = front();
  bytes_ -= sent - packet->sent;
  packet->sent = sent;
  if (sent > 0 && packet->descriptor) {
    packet->descriptor.reset();
    --descriptors_;
  }
}

void OutputQueue::Pop() {
  OutputPacket& packet = packets_[first_];
  bytes_ -= packet.bytes().size() - packet.sent;
  frames_ -= packet.frames;
  if (packet.descriptor) --descriptors_;
  if (packet.is_large) {
    packet.memory.reset();
    packet.buffer.reset();
  } else {
    Spares()->PutBack(std::move(packet.memory));
  }
  packet.descriptor.reset();
  if (++first_ == packets_.size()) {
    packets_.clear();
    first_ = 0;
  } else if (first_ > 64 && first_ * 2 > packets_.size()) {
    packets_.erase(packets_.begin(),
                   packets_.begin() + static_cast<ptrdiff_t>(first_));
    first_ = 0;
  }
}

void OutputQueue::Clear() {
  packets_.clear();
  first_ = bytes_ = frames_ = descriptors_ = 0;
}

void OutputQueue::Recut(size_t max_packet) {
  std::vector<OutputPacket> old = std::move(packets_);
  const size_t old_first = first_;
  Clear();
  for (size_t i = old_first; i < old.size(); ++i) {
    OutputPacket& packet = old[i];
    if (packet.is_alone) {
      bytes_ += packet.bytes().size() - packet.sent;
      frames_ += packet.frames;
      if (packet.descriptor) ++descriptors_;
      packets_.push_back(std::move(packet));
      continue;
    }
    for (absl::Span<const uint8_t> rest = packet.bytes(); !rest.empty();) {
      FrameHeader header;
      std::memcpy(&header, rest.data(), kFrameHeaderBytes);
      const auto payload = rest.subspan(kFrameHeaderBytes, header.length);
      rest.remove_prefix(kFrameHeaderBytes + payload.size());
      header.flags &=
          static_cast<uint16_t>(~(FrameHeader::kOfPacket | FrameHeader::kMore));
      Push(header, payload, nullptr, 0, std::move(packet.descriptor),
           packet.attach_credentials, max_packet);
    }
  }
}

}  // namespace transports
}  // namespace le
