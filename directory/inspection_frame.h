// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// The messages of an inspection as frames.

#ifndef LE_MESSAGING_DIRECTORY_INSPECTION_FRAME_H_
#define LE_MESSAGING_DIRECTORY_INSPECTION_FRAME_H_

#include <cstddef>
#include <cstdint>
#include <string>

#include "directory/proto/inspection.pb.h"
#include "event/base/unique_fd.h"
#include "transports/transport.h"

namespace le {
namespace inspection {

// Differs from the types of the directory and of sessions
// (messaging/machine/wire.h).
constexpr uint8_t kInspectionFrame = 7;

constexpr size_t kMaxRequestBytes = 4 * 1024;
constexpr size_t kMaxAnswerBytes = 64 * 1024;

// `descriptor` may be null. On kOk it was moved from. Otherwise it is
// unchanged.
template <typename Message>
transports::IoResult Send(transports::Connection* connection,
                          const Message& message,
                          event::UniqueFd* descriptor = nullptr) {
  const std::string bytes = message.SerializeAsString();
  transports::OutgoingFrame frame;
  frame.type = kInspectionFrame;
  frame.payload = absl::MakeConstSpan(
      reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size());
  frame.descriptor = descriptor;
  return connection->Send(frame);
}

// False: the frame is of another type, or cannot be parsed.
template <typename Message>
bool Parse(const transports::IncomingFrame& frame, Message* message) {
  return frame.type == kInspectionFrame && frame.payload &&
         message->ParseFromArray(frame.payload.data(),
                                 static_cast<int>(frame.payload.size()));
}

}  // namespace inspection
}  // namespace le

#endif  // LE_MESSAGING_DIRECTORY_INSPECTION_FRAME_H_
