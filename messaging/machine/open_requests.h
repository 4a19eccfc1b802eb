// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef LE_MESSAGING_MESSAGING_MACHINE_OPEN_REQUESTS_H_
#define LE_MESSAGING_MESSAGING_MACHINE_OPEN_REQUESTS_H_

#include <cstddef>
#include <cstdint>

#include "messaging/machine/limits.h"

namespace le {
namespace messaging {

// The number and the bytes of a session's requests that its server has not
// answered. Both are in one word, so that any thread can change them without a
// lock, by adding or subtracting Of().
class OpenRequests {
 public:
  explicit OpenRequests(uint64_t word) : word_(word) {}
  // Returns the change of the word for one request that is charged this number
  // of bytes for its payload.
  static uint64_t Of(size_t payload_bytes) {
    return (uint64_t{1} << kBytesBits) + payload_bytes + kRequestOverheadBytes;
  }

  uint32_t count() const { return static_cast<uint32_t>(word_ >> kBytesBits); }
  size_t bytes() const { return word_ & ((uint64_t{1} << kBytesBits) - 1); }

  // Returns whether the number or the bytes have reached a part of their limit:
  // limit / part, rounded up.
  bool HasReached(uint32_t max_count, size_t max_bytes, uint32_t part) const {
    return uint64_t{count()} * part >= max_count || bytes() * part >= max_bytes;
  }

 private:
  // The word has room for 16 TiB and a million requests.
  static constexpr int kBytesBits = 44;
  static_assert(kMaxOpenRequests < (1u << (64 - kBytesBits)) &&
                    kMaxOpenRequests * (2 * kMaxMessageBytes + 4096) <
                        (uint64_t{1} << kBytesBits),
                "neither part may overflow");
  uint64_t word_;
};

}  // namespace messaging
}  // namespace le

#endif  // LE_MESSAGING_MESSAGING_MACHINE_OPEN_REQUESTS_H_
