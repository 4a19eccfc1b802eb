// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// Limits of a session, a service and a protocol, with their reasons.

#ifndef LE_MESSAGING_MESSAGING_MACHINE_LIMITS_H_
#define LE_MESSAGING_MESSAGING_MACHINE_LIMITS_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "absl/time/time.h"
#include "transports/transport.h"

namespace le {
namespace messaging {

// The largest message of any protocol. It is the transports' limit.
constexpr size_t kMaxMessageBytes = transports::kMaxPayloadBytes;

// Bytes that may be queued on a session before its sender waits or a push does
// not fit. Enough for the usual bursts of programs.
constexpr size_t kDefaultQueuedBytes = size_t{1} << 20;

// At least two largest messages, so that one can be queued behind another.
constexpr size_t DefaultQueuedBytes(size_t max_message_size) {
  return std::max(kDefaultQueuedBytes,
                  2 * (max_message_size + transports::kFrameOverheadBytes));
}

// Bytes that may be queued on a session if its sender must not wait. Such a
// sender is a handler, or a server whose client has read messages recently. At
// least twice the limit for other senders.
constexpr size_t kDefaultGatheredBytes = size_t{64} << 20;

// A client is slow if it has read nothing for this time while its queue was
// full. The time is enough for a client that is swapped out, or stepped in a
// debugger.
constexpr absl::Duration kSlowReaderPatience = absl::Seconds(1);

// The same for responses beyond the bytes that may be gathered. Responses are
// owed, and a user with many sessions has few bytes for each.
constexpr absl::Duration kOwedPatience = absl::Seconds(10);

// A blocking request without a deadline that waits longer for its response logs
// that. More than most servers need for a request, and less than a user waits
// before a program counts as hung.
constexpr absl::Duration kResponsePatience = absl::Seconds(10);

// Bytes of one session's requests without a response. At this limit a server
// stops reading from the session. Equal to the bytes that may be gathered for
// it.
constexpr size_t kDefaultRequestBytes = kDefaultGatheredBytes;
// The bytes that a request counts in addition to its payload.
constexpr size_t kRequestOverheadBytes = 256;

// Messages that may be queued on a session. The overhead of a message does not
// depend on its size. This number of small messages takes about as much memory
// as kDefaultQueuedBytes.
constexpr uint32_t kDefaultQueuedMessages = 16384;

// File descriptors that may be queued on a session: a quarter of the usual
// limit of a process (1,024).
constexpr uint32_t kDefaultQueuedDescriptors = 256;

// Requests of one session that wait for their completion. The client's table of
// this size has 3 MiB. The server has at most this number of request messages
// of one client.
constexpr uint32_t kMaxOpenRequests = 65536;

// Limits of one session. queued_bytes (with the overhead) and
// queued_descriptors also bound the messages that a client receives during a
// blocking call.
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

// Limits of one user at one service. They do not apply to root and the
// service's own user. In addition, a user may have one more session, or file
// descriptor in a message, only while it has fewer than are left of the
// process's total, or of the default number of sessions.
struct UserLimits {
  uint32_t sessions = UINT32_MAX;
  // Of messages that are queued for the user. Separately, of received messages
  // that the program has not released. While a user has its largest number of
  // the latter, the service does not receive from it. A session ends if a
  // descriptor arrives and the user may have none: then all are at other
  // services, or other users have them.
  uint32_t descriptors = kDefaultQueuedDescriptors;
  // Of requests without a response, and separately of queued messages. Each
  // session has a part of it. With the default, the limits of a session apply
  // unchanged to up to four sessions of the user.
  size_t bytes = 4 * kDefaultGatheredBytes;
};

// Sessions of one service. By default a process has fewer file descriptors than
// this, so they run out first unless the limit is set.
constexpr uint32_t kDefaultMaxSessions = 1u << 20;

// A pool of this many messages suggests a leak, so a warning is logged. It is
// more than the open requests of one session. If the program has set the size
// of the pool, the warning is logged at ten times that size.
constexpr size_t kPoolWarningMessages = 100'000;
static_assert(kPoolWarningMessages > kMaxOpenRequests);
constexpr size_t kPoolGrowthWarningFactor = 10;

}  // namespace messaging
}  // namespace le

#endif  // LE_MESSAGING_MESSAGING_MACHINE_LIMITS_H_
