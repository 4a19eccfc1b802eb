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

// The versions and capabilities of one library. Each library sends its dialect
// to the directory. When the directory introduces two peers, it sends each the
// other's.
struct Dialect {
  uint32_t lowest = kLowestWireVersion;
  uint32_t highest = kWireVersion;
  // A bit's meaning never changes. A peer ignores bits that it does not know.
  // None is defined yet.
  uint64_t capabilities = 0;
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
