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

// The bytes that may be queued on a session. Beyond this number a client's
// sender waits, and a server's message does not fit. The number is enough for
// the usual bursts of programs.
constexpr size_t kDefaultQueuedBytes = size_t{1} << 20;

// Returns enough bytes for two largest messages, so that one can be queued
// behind another.
constexpr size_t DefaultQueuedBytes(size_t max_message_size) {
  return std::max(kDefaultQueuedBytes,
                  2 * (max_message_size + transports::kFrameOverheadBytes));
}

// The bytes that may be queued on a session if its sender must not wait. Such a
// sender is a handler, a client on the server's thread, a server that responds,
// or a server whose client has read messages recently. Beyond this number the
// session is closed (for responses, see kOwedPatience). ToSend() raises the
// number to twice the limit for other senders.
constexpr size_t kDefaultGatheredBytes = size_t{64} << 20;

// A client is a slow reader if it has read nothing for this time while its
// queue was full. The time is enough for a client that is swapped out, or
// stepped in a debugger.
constexpr absl::Duration kSlowReaderPatience = absl::Seconds(1);

// If a send waits longer than this for room, a warning is logged. A server that
// reads usually makes room within milliseconds. People notice a stop of 1 s.
constexpr absl::Duration kRoomPatience = kSlowReaderPatience;

// As kSlowReaderPatience, for responses that exceed the bytes that may be
// gathered. The time is longer, because a response must not be dropped, and a
// user with many sessions has few bytes for each.
constexpr absl::Duration kOwedPatience = absl::Seconds(10);

// If a blocking request without a deadline receives nothing for this time, a
// warning is logged. The time is longer than most servers need for
// a request. It is shorter than the time after which people think that the
// program hangs.
constexpr absl::Duration kResponsePatience = absl::Seconds(10);

// The bytes of one session's requests without a response. At this limit a
// server stops reading from the session. The number is equal to the bytes that
// may be gathered for the session.
constexpr size_t kDefaultRequestBytes = kDefaultGatheredBytes;
// The bytes that a request counts in addition to its payload: its message, its
// small blocks, and its call in a typed server.
constexpr size_t kRequestOverheadBytes = 512;

// The messages that may be queued on a session. The same happens beyond this
// number as beyond kDefaultQueuedBytes. Each message has a fixed overhead, so
// this number of small messages occupies about as much memory as
// kDefaultQueuedBytes.
constexpr uint32_t kDefaultQueuedMessages = 16384;

// The file descriptors that may be queued on a session. The same happens beyond
// this number as beyond kDefaultQueuedBytes. The number is a quarter of the
// usual limit of open files (1,024).
constexpr uint32_t kDefaultQueuedDescriptors = 256;

// The requests of one session that wait for their completion. At this limit
// further requests of the client fail, and the server stops reading from the
// session. The client's table of this size occupies 4 MiB without the
// deadlines.
constexpr uint32_t kMaxOpenRequests = 65536;

// Limits of one session. queued_bytes (which includes an overhead for each
// message) and queued_descriptors also bound the messages, except responses,
// that a client receives during a blocking call.
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
// service's own user. The comments of le_msg_ServiceLimits_t have the further
// rules for sessions and for received file descriptors.
struct UserLimits {
  uint32_t sessions = UINT32_MAX;
  // File descriptors. The limit applies to two numbers separately:
  //  - The file descriptors in messages that are queued for the user.
  //  - The received file descriptors that the program has neither fetched nor
  //    released. At the limit, nothing is received from the user.
  // A session ends if it sends a file descriptor while the user has none at
  // this service, and the limit of the process permits none.
  uint32_t descriptors = kDefaultQueuedDescriptors;
  // The limit applies to two numbers separately: the bytes of requests without
  // a response, and the bytes of queued messages. Each session has an equal
  // part of the limit. With the default, a user may have four sessions before
  // the parts are smaller than the limits of a session. The limit also bounds
  // a sum over all sessions of the user: the bytes of requests without a
  // response, and of messages that have arrived in part.
  size_t bytes = 4 * kDefaultGatheredBytes;
};

// The sessions of one service. Further clients are refused. Most processes may
// open fewer files, so their limit of open files is usually reached first.
constexpr uint32_t kDefaultMaxSessions = 1u << 20;

// If the pools of a protocol have created more messages than this, a leak is
// likely, so a warning is logged. The number is more than the open requests of
// one session. If the program has set an expected number, the warning is logged
// above ten times that number.
constexpr size_t kPoolWarningMessages = 100'000;
static_assert(kPoolWarningMessages > kMaxOpenRequests);
constexpr size_t kPoolGrowthWarningFactor = 10;

}  // namespace messaging
}  // namespace le

#endif  // LE_MESSAGING_MESSAGING_MACHINE_LIMITS_H_
