// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// The frames of a transport that the two ends of a session exchange.

#ifndef LE_MESSAGING_MESSAGING_MACHINE_WIRE_H_
#define LE_MESSAGING_MESSAGING_MACHINE_WIRE_H_

#include <cstdint>
#include <cstring>

#include "absl/types/optional.h"
#include "absl/types/span.h"
#include "transports/wire_version.h"

namespace le {
namespace messaging {

// Session frames have types below 128; the directory has the others. A receiver
// may ignore an unknown type if transports::MayBeIgnored() allows it.
enum FrameType : uint8_t {
  kHelloFrame = 1,       // server to client, first frame: the session is open
  kMessageFrame = 2,     // both directions: a message without a response
  kRequestFrame = 3,     // client to server; `id` names the transaction
  kResponseFrame = 4,    // server to client; `id` is the request's
  kUnansweredFrame = 5,  // server to client: the request was released
  kTurnedAwayFrame = 6,  // server to client, first frame: session refused
  // 7 is the frame of an inspection (directory/inspection_frame.h)
};

constexpr uint8_t kFirstDirectoryFrame = 128;

// A bit of the type. It says that the sender has set the payload's length.
// Without the bit, the frame has the payload without the zeros at its end.
constexpr uint8_t kLengthWasSet = 0x40;

constexpr uint8_t PlainType(uint8_t type) { return type & ~kLengthWasSet; }

// A server's first frame. Later versions may append fields. Its packet has
// credentials, which identify the server.
struct Hello {
  static constexpr size_t kSize = 16;

  // The version of the wire format that the session uses.
  uint32_t version = transports::kWireVersion;
  uint32_t reserved = 0;
  // Identifies the server's thread. The number cannot be guessed. A client uses
  // it to detect that it would wait for its own thread.
  uint64_t thread_token = 0;
};
static_assert(sizeof(Hello) == Hello::kSize, "sent as raw bytes");

// Parses a hello of any version. None: the frame is too short.
inline absl::optional<Hello> ParseHello(absl::Span<const uint8_t> bytes) {
  Hello hello;
  if (bytes.size() < sizeof(hello)) return absl::nullopt;
  std::memcpy(&hello, bytes.data(), sizeof(hello));
  return hello;
}

}  // namespace messaging
}  // namespace le

#endif  // LE_MESSAGING_MESSAGING_MACHINE_WIRE_H_
