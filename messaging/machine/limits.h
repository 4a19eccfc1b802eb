// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// How much one session, or one protocol, may ask of a process.

#ifndef LE_MESSAGING_MESSAGING_MACHINE_LIMITS_H_
#define LE_MESSAGING_MESSAGING_MACHINE_LIMITS_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "absl/time/time.h"
#include "transports/transport.h"

namespace le {
namespace messaging {

// The largest message that a protocol may state: what a transport carries.
constexpr size_t kMaxMessageBytes = transports::kMaxPayloadBytes;

// Bytes that may wait to be sent on a session before its sender waits, or a
// push has no room: a burst of a size that programs expect to get away with.
constexpr size_t kDefaultQueuedBytes = size_t{1} << 20;

// But never less than two largest messages, or the largest could never be
// queued behind another.
constexpr size_t DefaultQueuedBytes(size_t max_message_size) {
  return std::max(kDefaultQueuedBytes,
                  2 * (max_message_size + transports::kFrameOverheadBytes));
}

// Bytes that may wait on a session if its sender must not wait: a handler, or a
// server whose client has been taking messages until a moment ago. Never less
// than twice what may wait otherwise.
constexpr size_t kDefaultGatheredBytes = size_t{64} << 20;

// A client is slow if it has taken nothing for so long while its queue was full.
// Long enough for one that is stopped in a debugger's step, or swapped out.
constexpr absl::Duration kSlowReaderPatience = absl::Seconds(1);

// Bytes of one session's requests that wait for an answer, beyond which a server
// takes no more from that session: as many as may be gathered for it.
constexpr size_t kDefaultRequestBytes = kDefaultGatheredBytes;
// What a request counts for besides its payload.
constexpr size_t kRequestOverheadBytes = 256;

// Messages that may wait to be sent on a session. Each costs its bookkeeping
// whatever its size; this many small ones cost about as much as the bytes.
constexpr uint32_t kDefaultQueuedMessages = 16384;

// Descriptors that may wait to be sent on a session: a quarter of those that a
// process may have where nobody has changed that.
constexpr uint32_t kDefaultQueuedDescriptors = 256;

// Requests of one session that wait for their completion. A table of this size
// costs the client 3 MiB; a server holds as many messages at most for one
// client.
constexpr uint32_t kMaxOpenRequests = 65536;

// What one session may cost. What a client receives during a blocking call waits
// for the loop within the same bytes (its bookkeeping counted in) and descriptors.
struct SessionLimits {
  size_t queued_bytes = 0;  // 0: the default for the protocol
  uint32_t queued_messages = kDefaultQueuedMessages;
  uint32_t queued_descriptors = kDefaultQueuedDescriptors;
  uint32_t open_requests = kMaxOpenRequests;
  size_t gathered_bytes = 0;                    // 0: the default
  size_t request_bytes = kDefaultRequestBytes;  // a service's only

  transports::SendLimits ToSend(size_t max_message_size) const {
    transports::SendLimits limits;
    limits.bytes =
        queued_bytes != 0 ? queued_bytes : DefaultQueuedBytes(max_message_size);
    limits.frames = queued_messages;
    limits.descriptors = queued_descriptors;
    limits.gathered_bytes =
        gathered_bytes != 0 ? gathered_bytes
                            : std::max(kDefaultGatheredBytes, 2 * limits.bytes);
    return limits;
  }
};

// Sessions of one service: above what a process can have descriptors for by
// default, so that the descriptors run out first unless somebody sets it.
constexpr uint32_t kDefaultMaxSessions = 1u << 20;

// A leak of messages shows as growth of their protocol's pool, which is worth a
// warning beyond so many messages; more than the open requests of one session. If
// the program has said how many it expects, beyond that multiple of them. Then at
// each further multiple.
constexpr size_t kPoolWarningMessages = 100'000;
static_assert(kPoolWarningMessages > kMaxOpenRequests);
constexpr size_t kPoolGrowthWarningFactor = 10;

}  // namespace messaging
}  // namespace le

#endif  // LE_MESSAGING_MESSAGING_MACHINE_LIMITS_H_
