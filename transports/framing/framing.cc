// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#include "transports/framing/framing.h"

#include <algorithm>
#include <cstring>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"

namespace le {
namespace transports {
namespace {

// A refusal's text has at most this many bytes. Both sender and receiver cut
// off the rest.
constexpr size_t kMaxRefusalBytes = 256;

absl::Status RefusedBy(absl::Span<const uint8_t> packet) {
  const absl::string_view text(
      reinterpret_cast<const char*>(packet.data()) + kFrameHeaderBytes,
      std::min(packet.size() - kFrameHeaderBytes, kMaxRefusalBytes));
  return absl::UnimplementedError(
      absl::StrCat("the peer refuses: ", absl::CHexEscape(text)));
}

absl::Status OtherVersion(uint8_t version) {
  return absl::UnimplementedError(absl::StrCat(
      "a packet of version ", version,
      " of the wire format came to a library that understands versions ",
      kLowestWireVersion, " to ", kWireVersion, ": update the program that ",
      version > kWireVersion ? "received" : "sent", " it"));
}

}  // namespace

std::string VersionRefusal(absl::string_view why) {
  FrameHeader header;
  header.version = FrameHeader::kFrozenVersion;
  header.flags = FrameHeader::kVersionRefused;
  why = why.substr(0, kMaxRefusalBytes);
  header.length = static_cast<uint32_t>(why.size());
  return absl::StrCat(
      absl::string_view(reinterpret_cast<const char*>(&header), sizeof(header)),
      why);
}

bool IsVersionRefusal(const void* packet) {
  FrameHeader header;
  std::memcpy(&header, packet, sizeof(header));
  return header.version == FrameHeader::kFrozenVersion &&
         header.flags == FrameHeader::kVersionRefused;
}

absl::Status ParseFrameHeader(absl::Span<const uint8_t> bytes, bool first,
                              FrameHeader* header) {
  if (bytes.size() < kFrameHeaderBytes) {
    return absl::InvalidArgumentError(absl::StrCat(
        "a packet ends within a header, after ", bytes.size(), " bytes"));
  }
  std::memcpy(header, bytes.data(), kFrameHeaderBytes);
  if (first && IsVersionRefusal(bytes.data())) return RefusedBy(bytes);
  if (header->version < kLowestWireVersion || header->version > kWireVersion) {
    return OtherVersion(header->version);
  }
  header->flags &= static_cast<uint16_t>(~FrameHeader::kMayBeIgnored);
  if ((header->flags & ~FrameHeader::kAllFlags) != 0) {
    return absl::InvalidArgumentError(
        absl::StrCat("unknown flags ", header->flags));
  }
  const bool descriptor = header->has(FrameHeader::kDescriptor);
  const bool connection = header->has(FrameHeader::kConnection);
  if (descriptor && connection) {
    return absl::InvalidArgumentError(
        "a frame with both a descriptor and a connection");
  }
  if (!first && (descriptor || connection)) {
    return absl::InvalidArgumentError(
        "a descriptor or a connection in a frame that is not the first of its "
        "packet");
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
        "a flag of the whole packet in a frame that is not the first of the "
        "packet");
  }
  if (!first && (header->has(FrameHeader::kFragmented) ||
                 header->has(FrameHeader::kContinuation))) {
    return absl::InvalidArgumentError(
        "a fragment in a packet with other frames");
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
  const bool more = header.has(FrameHeader::kMore);
  if (more ? there < uint64_t{header.length} + kFrameHeaderBytes
           : there != header.length) {
    return absl::InvalidArgumentError(absl::StrCat(
        "the header has a payload of ", header.length, " bytes",
        more ? " and another frame" : "", ", but ", there, " bytes follow"));
  }
  if (header.has(FrameHeader::kContinuation) && there == 0) {
    return absl::InvalidArgumentError("an empty continuation");
  }
  return absl::OkStatus();
}

}  // namespace transports
}  // namespace le
