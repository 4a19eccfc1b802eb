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

// The range of versions that this library understands.
constexpr uint8_t kLowestWireVersion = 1;
constexpr uint8_t kWireVersion = 1;

// A server with this capability makes a connection accept file descriptors only
// when it has accepted the client. So none of a refused client arrives.
constexpr uint64_t kLetsDescriptorsIn = 1;

// The versions and capabilities of a library. Each library sends them to the
// directory, which sends each end of an introduction those of the other.
struct Dialect {
  uint32_t lowest = kLowestWireVersion;
  uint32_t highest = kWireVersion;
  // Each bit has one meaning for ever. A peer ignores unknown bits.
  uint64_t capabilities = kLetsDescriptorsIn;
};

// The highest version that both understand. 0: they have none in common.
inline uint32_t CommonVersion(const Dialect& a, const Dialect& b) {
  const uint32_t version = std::min(a.highest, b.highest);
  return version >= std::max(a.lowest, b.lowest) ? version : 0;
}

// Whether a receiver that does not know `frame_type` drops the frame. If not,
// it closes the connection.
constexpr bool MayBeIgnored(uint8_t frame_type) {
  return (frame_type & 0x30) == 0x30;
}

}  // namespace transports
}  // namespace le

#endif  // LE_MESSAGING_TRANSPORTS_WIRE_VERSION_H_
