// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// Frames in packets: the format of transports/wire.md. Pure: bytes in, words
// out.

#ifndef LE_MESSAGING_TRANSPORTS_FRAMING_FRAMING_H_
#define LE_MESSAGING_TRANSPORTS_FRAMING_FRAMING_H_

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "transports/wire_version.h"

namespace le {
namespace transports {

struct FrameHeader {
  static constexpr uint16_t kDescriptor = 1;
  static constexpr uint16_t kConnection = 2;
  static constexpr uint16_t kMore = 4;
  static constexpr uint16_t kFragmented = 8;
  static constexpr uint16_t kContinuation = 16;
  // Of a packet, in its first header:
  static constexpr uint16_t kPlainNext = 32;
  static constexpr uint16_t kMoreToCome = 64;
  static constexpr uint16_t kAnnouncement = 128;
  // Flags that describe the packet and not the frame.
  static constexpr uint16_t kOfPacket = kPlainNext | kMoreToCome;
  // Of a connection that is passed:
  static constexpr uint16_t kExpectsPlain = 256;
  static constexpr uint16_t kAllFlags = 511;
  // A receiver ignores those of these that it does not know.
  static constexpr uint16_t kMayBeIgnored = 0x7000;
  // Alone, with kFrozenVersion: the packet is a version refusal.
  static constexpr uint16_t kVersionRefused = 512;
  static constexpr uint8_t kFrozenVersion = 1;

  uint8_t version = kWireVersion;
  uint8_t type = 0;
  uint16_t flags = 0;
  uint32_t length = 0;
  uint64_t id = 0;

  bool has(uint16_t flag) const { return (flags & flag) != 0; }
};
constexpr size_t kFrameHeaderBytes = 16;
static_assert(sizeof(FrameHeader) == kFrameHeaderBytes, "sent as it stands");

// One packet. Holds 64 KiB of payload and its header, and is far below what the
// kernel takes at once with its default of 208 KiB for a socket's buffer.
constexpr size_t kMaxPacketBytes = kFrameHeaderBytes + 65536;

// Reads the header at the front of `bytes`, which are the rest of a packet, and
// checks all that can be checked without knowing what came before. `first`: it
// is the first of its packet. Leaves out the flags that may be ignored.
// Errors: InvalidArgument: it breaks a rule. Unimplemented: it is of another version, or
// the far end says that this end is; the message says what to do.
absl::Status ParseFrameHeader(absl::Span<const uint8_t> bytes, bool first,
                              FrameHeader* header);

// How many bytes of payload follow the header in this packet of `packet_rest`
// bytes (header included), and whether that is consistent.
absl::Status CheckPayload(const FrameHeader& header, size_t packet_rest);

// The packet that answers one of another version, in a format that every version
// reads. `why`: for people.
std::string VersionRefusal(absl::string_view why);
// `packet` has a header at least.
bool IsVersionRefusal(const void* packet);

}  // namespace transports
}  // namespace le

#endif  // LE_MESSAGING_TRANSPORTS_FRAMING_FRAMING_H_
