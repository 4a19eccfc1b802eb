// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// Encodes and checks the headers of transports/wire.md. Makes no system calls.

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
  // These flags describe a packet. Only its first header may have them:
  static constexpr uint16_t kPlainNext = 32;
  static constexpr uint16_t kMoreToCome = 64;
  static constexpr uint16_t kAnnouncement = 128;
  // The packet flags that the header of a frame may have. (A header with
  // kAnnouncement has no frame.)
  static constexpr uint16_t kOfPacket = kPlainNext | kMoreToCome;
  // This flag describes the passed connection:
  static constexpr uint16_t kExpectsPlain = 256;
  static constexpr uint16_t kAllFlags = 511;
  // A receiver that does not know one of these flags ignores it.
  static constexpr uint16_t kMayBeIgnored = 0x7000;
  // The packet is a version refusal. It has kFrozenVersion and no other flag.
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
static_assert(sizeof(FrameHeader) == kFrameHeaderBytes, "sent byte for byte");

// The size limit of a packet: 64 KiB of payload and a header. It is far below
// the default size of a socket's buffer, 208 KiB.
constexpr size_t kMaxPacketBytes = kFrameHeaderBytes + 65536;

// Reads the header at the front of `bytes`, which is the unread rest of a
// packet. Checks every rule that concerns only this header. `first` says
// whether the header is the first of its packet. Clears the flags that may be
// ignored. Errors:
//  - InvalidArgument: the header breaks a rule.
//  - Unimplemented: this end does not understand the version, or the packet is
//    a version refusal. The status's text says which program to update.
absl::Status ParseFrameHeader(absl::Span<const uint8_t> bytes, bool first,
                              FrameHeader* header);

// Checks the header's length and flags against `packet_rest`, which is the
// number of bytes from this header to the end of the packet. Errors:
//  - InvalidArgument: they do not match.
absl::Status CheckPayload(const FrameHeader& header, size_t packet_rest);

// Makes the packet that answers a packet of an unknown version. A library of
// any version can read it. `why` is a text for people.
std::string VersionRefusal(absl::string_view why);
// `packet` must hold at least a header.
bool IsVersionRefusal(const void* packet);

}  // namespace transports
}  // namespace le

#endif  // LE_MESSAGING_TRANSPORTS_FRAMING_FRAMING_H_
