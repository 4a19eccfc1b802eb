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

void Append(std::vector<uint8_t>* bytes, const FrameHeader& header,
            absl::Span<const uint8_t> payload) {
  const auto* raw = reinterpret_cast<const uint8_t*>(&header);
  bytes->insert(bytes->end(), raw, raw + kFrameHeaderBytes);
  bytes->insert(bytes->end(), payload.begin(), payload.end());
}

// The memory of packets that are gone, for the next: shared by thousands of
// connections, of which few have anything to send.
SlotCache<std::vector<uint8_t>>* Spares() {
  static auto* const spares = new SlotCache<std::vector<uint8_t>>;
  return spares;
}

}  // namespace

OutputPacket* OutputQueue::Open(event::UniqueFd descriptor, bool vouched) {
  if ((descriptor || vouched) && !empty() && EndsWithPromise()) {
    PushAnnouncement();
  }
  packets_.emplace_back();
  packets_.back().memory = Spares()->Take();
  OutputPacket* const packet = &packets_.back();
  packet->memory->clear();
  packet->descriptor = std::move(descriptor);
  if (packet->descriptor) ++descriptors_;
  packet->vouched = vouched;
  return packet;
}

void OutputQueue::PushAnnouncement() {
  FrameHeader header;
  header.flags = FrameHeader::kAnnouncement;
  OutputPacket* const packet = Open({}, false);
  packet->is_fragment = true;  // nothing joins it
  Append(packet->memory.get(), header, {});
  bytes_ += kFrameHeaderBytes;
}

bool OutputQueue::EndsWithPromise() const {
  FrameHeader header;
  std::memcpy(&header, packets_.back().bytes().data(), kFrameHeaderBytes);
  return header.has(FrameHeader::kPlainNext);
}

void OutputQueue::Push(FrameHeader header, absl::Span<const uint8_t> payload,
                       size_t sent, event::UniqueFd descriptor, bool vouched,
                       size_t max_packet) {
  ++frames_;
  const size_t size = kFrameHeaderBytes + payload.size();
  if (sent > 0 || size > max_packet) {
    PushFragments(header, payload, sent, std::move(descriptor), vouched,
                  max_packet);
    return;
  }
  OutputPacket* packet = empty() ? nullptr : &packets_.back();
  if (packet != nullptr && !packet->is_fragment && !packet->vouched &&
      !descriptor && !vouched && packet->bytes().size() + size <= max_packet) {
    FrameHeader previous;
    uint8_t* const at = packet->bytes().data() + packet->last_header;
    std::memcpy(&previous, at, kFrameHeaderBytes);
    previous.flags |= FrameHeader::kMore;
    std::memcpy(at, &previous, kFrameHeaderBytes);
    header.flags &= static_cast<uint16_t>(~FrameHeader::kOfPacket);
  } else {
    if (!descriptor && !vouched) header.flags |= FrameHeader::kPlainNext;
    packet = Open(std::move(descriptor), vouched);
  }
  packet->last_header = packet->bytes().size();
  ++packet->frames;
  Append(packet->memory.get(), header, payload);
  bytes_ += size;
}

void OutputQueue::PushFragments(FrameHeader header,
                                absl::Span<const uint8_t> payload, size_t sent,
                                event::UniqueFd descriptor, bool vouched,
                                size_t max_packet) {
  while (sent < payload.size()) {
    const size_t part =
        std::min(max_packet - kFrameHeaderBytes, payload.size() - sent);
    const bool plain = sent > 0 || (!descriptor && !vouched);
    OutputPacket* const packet =
        plain ? Open({}, false) : Open(std::move(descriptor), vouched);
    packet->is_fragment = true;
    if (sent == 0) {
      header.flags |= FrameHeader::kFragmented;
      if (plain) header.flags |= FrameHeader::kPlainNext;
    } else {
      header.flags = FrameHeader::kContinuation | FrameHeader::kPlainNext;
      header.length = static_cast<uint32_t>(part);
    }
    Append(packet->memory.get(), header, payload.subspan(sent, part));
    bytes_ += packet->bytes().size();
    sent += part;
    packet->frames = sent == payload.size() ? 1 : 0;
  }
}

void OutputQueue::Pop() {
  OutputPacket& packet = packets_[first_];
  bytes_ -= packet.bytes().size();
  frames_ -= packet.frames;
  if (packet.descriptor) --descriptors_;
  Spares()->PutBack(std::move(packet.memory));
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
    size_t at = 0;
    while (at < packet.bytes().size()) {
      FrameHeader header;
      std::memcpy(&header, packet.bytes().data() + at, kFrameHeaderBytes);
      if (header.has(FrameHeader::kAnnouncement)) {
        PushAnnouncement();
        break;
      }
      header.flags &= static_cast<uint16_t>(~FrameHeader::kOfPacket);
      const bool fragmented = header.has(FrameHeader::kFragmented);
      const bool continuation = header.has(FrameHeader::kContinuation);
      const size_t part = packet.is_fragment
                              ? packet.bytes().size() - kFrameHeaderBytes
                              : header.length;
      const auto payload = absl::MakeConstSpan(
          packet.bytes().data() + at + kFrameHeaderBytes, part);
      at += kFrameHeaderBytes + part;
      header.flags &= static_cast<uint16_t>(~FrameHeader::kMore);
      if (!fragmented && !continuation) {
        Push(header, payload, 0, std::move(packet.descriptor), packet.vouched,
             max_packet);
        continue;
      }
      // A part becomes several parts.
      for (size_t sent = 0; sent < part;) {
        const size_t piece =
            std::min(max_packet - kFrameHeaderBytes, part - sent);
        const bool is_first = fragmented && sent == 0;
        OutputPacket* const cut =
            is_first ? Open(std::move(packet.descriptor), packet.vouched)
                     : Open({}, false);
        cut->is_fragment = true;
        FrameHeader piece_header = header;
        if (!is_first) {
          piece_header.flags = FrameHeader::kContinuation;
          piece_header.length = static_cast<uint32_t>(piece);
        }
        if (!cut->descriptor && !cut->vouched) {
          piece_header.flags |= FrameHeader::kPlainNext;
        }
        Append(cut->memory.get(), piece_header, payload.subspan(sent, piece));
        bytes_ += cut->bytes().size();
        sent += piece;
        if (sent == part) cut->frames = packet.frames;
      }
      frames_ += packet.frames;
    }
  }
}

}  // namespace transports
}  // namespace le
