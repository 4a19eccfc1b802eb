// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// What the two ends of a session say to each other, as frames of a transport.

#ifndef LE_MESSAGING_MESSAGING_MACHINE_WIRE_H_
#define LE_MESSAGING_MESSAGING_MACHINE_WIRE_H_

#include <cstdint>
#include <cstring>

#include "absl/types/optional.h"
#include "absl/types/span.h"
#include "transports/wire_version.h"

namespace le {
namespace messaging {

// Types below 128 belong to sessions; the rest to the directory. Later types that
// this release may ignore are those of transports::MayBeIgnored().
enum FrameType : uint8_t {
  kHelloFrame = 1,       // server to client, once, first: the session is open
  kMessageFrame = 2,     // either way: asks for no response
  kRequestFrame = 3,     // client to server; `id` names the transaction
  kResponseFrame = 4,    // server to client; `id` is the request's
  kUnansweredFrame = 5,  // server to client: that request will get no response
  kTurnedAwayFrame = 6,  // server to client, in the place of the hello: no room
};

constexpr uint8_t kFirstDirectoryFrame = 128;

// Added to a type: the sender has set the payload's length, it is not merely
// what was left after trimming the zero tail.
constexpr uint8_t kLengthWasSet = 0x40;

constexpr uint8_t PlainType(uint8_t type) { return type & ~kLengthWasSet; }

// A server's first frame. Fixed width; later versions may append. Its packet has the
// credentials of the server: that is who the server is.
struct Hello {
  static constexpr size_t kSize = 16;

  uint32_t version = transports::kWireVersion;  // of this session
  uint32_t reserved = 0;
  // Names the server's thread, unguessably: so a client can tell that it would
  // wait for its own thread.
  uint64_t thread_token = 0;
};
static_assert(sizeof(Hello) == Hello::kSize, "sent as it stands");

// Of any version.
inline absl::optional<Hello> ParseHello(absl::Span<const uint8_t> bytes) {
  Hello hello;
  if (bytes.size() < sizeof(hello)) return absl::nullopt;
  std::memcpy(&hello, bytes.data(), sizeof(hello));
  return hello;
}

}  // namespace messaging
}  // namespace le

#endif  // LE_MESSAGING_MESSAGING_MACHINE_WIRE_H_
