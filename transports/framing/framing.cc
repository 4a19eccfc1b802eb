// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#include "transports/framing/framing.h"

#include <cstring>

#include "absl/strings/str_cat.h"

namespace le {
namespace transports {

absl::Status ParseFrameHeader(absl::Span<const uint8_t> bytes, bool first,
                              FrameHeader* header) {
  if (bytes.size() < kFrameHeaderBytes) {
    return absl::InvalidArgumentError(absl::StrCat(
        "a packet ends within a header, after ", bytes.size(), " bytes"));
  }
  std::memcpy(header, bytes.data(), kFrameHeaderBytes);
  if (header->version != kWireVersion) {
    return absl::InvalidArgumentError(
        absl::StrCat("version ", header->version,
                     " of the wire format; this is ", kWireVersion));
  }
  if ((header->flags & ~FrameHeader::kAllFlags) != 0) {
    return absl::InvalidArgumentError(
        absl::StrCat("unknown flags ", header->flags));
  }
  const bool descriptor = header->has(FrameHeader::kDescriptor);
  const bool connection = header->has(FrameHeader::kConnection);
  if (descriptor && connection) {
    return absl::InvalidArgumentError("a descriptor and a connection at once");
  }
  if (!first && (descriptor || connection)) {
    return absl::InvalidArgumentError(
        "a descriptor with a frame that is not the first of its packet");
  }
  const uint16_t of_frame = header->flags & ~FrameHeader::kOfPacket;
  if ((header->has(FrameHeader::kContinuation) &&
       of_frame != FrameHeader::kContinuation) ||
      (header->has(FrameHeader::kFragmented) &&
       header->has(FrameHeader::kMore)) ||
      (header->has(FrameHeader::kAnnouncement) &&
       header->flags != FrameHeader::kAnnouncement) ||
      (header->has(FrameHeader::kExpectsPlain) && !connection)) {
    return absl::InvalidArgumentError("flags that exclude each other");
  }
  if (!first && (header->has(FrameHeader::kOfPacket) ||
                 header->has(FrameHeader::kAnnouncement))) {
    return absl::InvalidArgumentError(
        "a packet's flag in a frame that is not its first");
  }
  if (!first && (header->has(FrameHeader::kFragmented) ||
                 header->has(FrameHeader::kContinuation))) {
    return absl::InvalidArgumentError("a fragment that shares its packet");
  }
  return absl::OkStatus();
}

absl::Status CheckPayload(const FrameHeader& header, size_t packet_rest) {
  const size_t there = packet_rest - kFrameHeaderBytes;
  if (header.has(FrameHeader::kAnnouncement) && there != 0) {
    return absl::InvalidArgumentError("an announcement with a payload");
  }
  if (header.has(FrameHeader::kFragmented)) {
    if (there == 0 || there >= header.length) {
      return absl::InvalidArgumentError(absl::StrCat(
          "a fragment of ", there, " bytes of a payload of ", header.length));
    }
    return absl::OkStatus();
  }
  if (header.has(FrameHeader::kMore)
          ? there < uint64_t{header.length} + kFrameHeaderBytes
          : there != header.length) {
    return absl::InvalidArgumentError(
        absl::StrCat("a payload of ", header.length, " bytes where ", there,
                     " bytes follow"));
  }
  if (header.has(FrameHeader::kContinuation) && there == 0) {
    return absl::InvalidArgumentError("an empty continuation");
  }
  return absl::OkStatus();
}

}  // namespace transports
}  // namespace le
