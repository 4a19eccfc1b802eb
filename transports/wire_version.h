// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// The version of the wire format between two peers: packets
// (transports/wire.md) and the frames of a session (messaging/machine/wire.h).
// docs/compatibility.md says how two peers choose a version.

#ifndef LE_MESSAGING_TRANSPORTS_WIRE_VERSION_H_
#define LE_MESSAGING_TRANSPORTS_WIRE_VERSION_H_

#include <algorithm>
#include <cstdint>

namespace le {
namespace transports {

// The lowest and the highest version that this library understands.
constexpr uint8_t kLowestWireVersion = 1;
constexpr uint8_t kWireVersion = 1;

// A capability of a server: its library can turn SO_PASSRIGHTS on for a
// connection that the directory passes to it. So the directory may pass a
// connection that refuses file descriptors (from Linux 6.16).
constexpr uint64_t kLetsDescriptorsIn = 1;

// A capability of a server: its library answers an administrator that inspects
// the service (directory/proto/inspection.proto).
constexpr uint64_t kCanBeInspected = 2;

// The versions and capabilities of a library. Each library sends its Dialect to
// the directory. In an introduction, the directory sends each end the Dialect
// of the other end.
struct Dialect {
  uint32_t lowest = kLowestWireVersion;
  uint32_t highest = kWireVersion;
  // The meaning of a bit never changes. A peer ignores unknown bits.
  uint64_t capabilities = kLetsDescriptorsIn | kCanBeInspected;
};

// The highest version that both understand, or 0 if there is none.
inline uint32_t CommonVersion(const Dialect& a, const Dialect& b) {
  const uint32_t version = std::min(a.highest, b.highest);
  return version >= std::max(a.lowest, b.lowest) ? version : 0;
}

// Whether a receiver that does not know `frame_type` may ignore the frame. If
// not, it must close the connection.
constexpr bool MayBeIgnored(uint8_t frame_type) {
  return (frame_type & 0x30) == 0x30;
}

}  // namespace transports
}  // namespace le

#endif  // LE_MESSAGING_TRANSPORTS_WIRE_VERSION_H_
