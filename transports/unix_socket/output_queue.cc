// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#include "transports/unix_socket/output_queue.h"

#include <algorithm>
#include <cstring>
#include <memory>
#include <utility>

#include "absl/types/optional.h"
#include "transports/framing/slot_cache.h"

namespace le {
namespace transports {
namespace {

// Gives the packet memory of at least `size` bytes.
void Reserve(OutputPacket* packet, size_t size) {
  PacketMemory* const memory = packet->memory.get();
  if (memory->size >= size) return;
  std::unique_ptr<uint8_t[]> bytes(new uint8_t[size]);
  if (packet->used > 0) {
    std::memcpy(bytes.get(), memory->bytes.get(), packet->used);
  }
  memory->bytes = std::move(bytes);
  memory->size = size;
}

// The packet must have room for the header and the payload.
void Append(OutputPacket* packet, const FrameHeader& header,
            absl::Span<const uint8_t> payload) {
  uint8_t* const to = packet->memory->bytes.get() + packet->used;
  packet->used += kFrameHeaderBytes + payload.size();
  std::memcpy(to, &header, kFrameHeaderBytes);
  std::copy(payload.begin(), payload.end(), to + kFrameHeaderBytes);
}

// Keeps the memory of sent packets for new packets. All connections share this
// cache: there may be thousands of connections, but few have packets to send.
SlotCache<PacketMemory>* Spares() {
  static auto* const spares = new SlotCache<PacketMemory>;
  return spares;
}

OutputPacket Announcement() {
  FrameHeader header;
  header.flags = FrameHeader::kAnnouncement;
  OutputPacket packet;
  packet.is_alone = true;
  packet.memory = Spares()->Take();
  Reserve(&packet, kFrameHeaderBytes);
  Append(&packet, header, {});
  return packet;
}

}  // namespace

void OutputQueue::Push(FrameHeader header, absl::Span<const uint8_t> payload,
                       Buffer* movable, size_t sent, event::UniqueFd descriptor,
                       bool attach_credentials, size_t max_packet,
                       bool promised_plain, event::HeldRef held) {
  const size_t size = kFrameHeaderBytes + payload.size();
  const bool is_large = sent > 0 || size > max_packet;
  const bool plain = !descriptor && !attach_credentials;
  size_t memory_size = size;
  if (!is_large && plain && !empty()) {
    OutputPacket* const last = &packets_.back();
    if (!last->is_alone && !last->attach_credentials) {
      if (last->bytes().size() + size <= max_packet) {
        return Join(last, header, payload, max_packet);
      }
      // A full packet is queued, so this one will probably become full too.
      memory_size = max_packet;
    }
  }

  OutputPacket packet;
  packet.attach_credentials = attach_credentials;
  packet.frames = 1;
  // The last fragment of a large frame always promises that the next packet is
  // plain.
  packet.promises_plain = is_large || plain;
  packet.is_alone = packet.is_large = is_large;
  packet.sent = sent;
  // The payload of a buffer that is less than half full is copied. Otherwise
  // the queue would keep unused memory that no limit counts.
  const bool moves = is_large && movable != nullptr &&
                     payload.size() >= movable->capacity() / 2;
  if (!moves) {
    packet.memory =
        is_large ? std::make_unique<PacketMemory>() : Spares()->Take();
    Reserve(&packet, memory_size);
  }
  absl::optional<OutputPacket> announcement;
  if (!plain && promised_plain) announcement = Announcement();
  ReserveTwo();
  // From here on nothing allocates memory.
  if (moves) {
    packet.buffer = std::move(*movable);
    packet.buffer.set_size(payload.size());
    std::memcpy(packet.buffer.headroom(), &header, kFrameHeaderBytes);
  } else {
    if (plain && !is_large) header.flags |= FrameHeader::kPlainNext;
    Append(&packet, header, payload);
  }
  packet.descriptor = std::move(descriptor);
  packet.held = std::move(held);
  if (announcement.has_value()) Add(*std::move(announcement));
  Add(std::move(packet));
}

void OutputQueue::Join(OutputPacket* packet, FrameHeader header,
                       absl::Span<const uint8_t> payload, size_t max_packet) {
  const size_t size = kFrameHeaderBytes + payload.size();
  const size_t needed = packet->used + size;
  if (packet->memory->size < needed) {
    Reserve(packet, std::max(needed, std::min(2 * needed, max_packet)));
  }
  FrameHeader previous;
  uint8_t* const at = packet->bytes().data() + packet->last_header;
  std::memcpy(&previous, at, kFrameHeaderBytes);
  previous.flags |= FrameHeader::kMore;
  std::memcpy(at, &previous, kFrameHeaderBytes);
  header.flags &= static_cast<uint16_t>(~FrameHeader::kOfPacket);
  packet->last_header = packet->used;
  Append(packet, header, payload);
  ++packet->frames;
  ++frames_;
  bytes_ += size;
}

void OutputQueue::ReserveTwo() {
  if (packets_.capacity() - packets_.size() < 2) {
    packets_.reserve(2 * packets_.size() + 2);
  }
}

void OutputQueue::Add(OutputPacket packet) {
  bytes_ += packet.bytes().size() - packet.sent;
  frames_ += packet.frames;
  if (packet.descriptor) ++descriptors_;
  packets_.push_back(std::move(packet));
}

void OutputQueue::SetFrontSent(size_t sent) {
  OutputPacket* const packet = front();
  bytes_ -= sent - packet->sent;
  packet->sent = sent;
  if (sent > 0) TakeDescriptor();
}

event::UniqueFd OutputQueue::TakeDescriptor() {
  if (front()->descriptor) --descriptors_;
  return std::move(front()->descriptor);
}

void OutputQueue::Skip() {
  const OutputPacket& packet = packets_[first_];
  bytes_ -= packet.bytes().size() - packet.sent;
  frames_ -= packet.frames;
  if (packet.descriptor) --descriptors_;
  ++first_;
}

void OutputQueue::Pop() {
  OutputPacket& packet = packets_[first_];
  Skip();
  if (packet.is_large) {
    packet.memory.reset();
    packet.buffer.reset();
  } else {
    Spares()->PutBack(std::move(packet.memory));
  }
  packet.descriptor.reset();
  packet.held.reset();
  if (empty()) {
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
      ReserveTwo();
      Add(std::move(packet));
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
           packet.attach_credentials, max_packet, !empty() && EndsWithPromise(),
           std::move(packet.held));
    }
  }
}

}  // namespace transports
}  // namespace le
