// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#include "messaging/session/session.h"

#include <new>

#include "absl/strings/str_cat.h"
#include "event/peer_log.h"

namespace le {
namespace messaging {

directory::InterfaceDescription Interface::Describe() const {
  directory::InterfaceDescription description;
  description.interface_name = introduced_as();
  description.protocol_id = protocol->id();
  description.max_message_size = protocol->max_message_size();
  return description;
}

event::Ref<Message> Session::NewMessage() {
  return (owner()->IsCurrent() ? pool() : protocol()->pool())->New(this);
}

void Session::LogClosing(const event::Credentials& far_end, CloseReason reason,
                         absl::string_view details) {
  event::LogForPeer(event::LogLevel::kError, far_end.uid,
                    absl::StrCat("interface '", interface_name(),
                                 "': closing the session with pid ",
                                 far_end.pid, " of user ", far_end.uid, ": ",
                                 CloseReasonText(reason), " (", details, ")"));
}

Result Session::SendOver(transports::Connection* connection,
                         const transports::OutgoingFrame& frame) {
  try {
    switch (connection->Send(frame)) {
      case transports::IoResult::kOk:
        return Result::kOk;
      case transports::IoResult::kWouldBlock:
        return Result::kNoRoom;
      default:
        return Result::kClosed;
    }
  } catch (const std::bad_alloc&) {
    return Result::kNoMemory;
  }
}

CloseReason Session::ReasonOf(const absl::Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kUnavailable:
      return CloseReason::kByPeer;
    case absl::StatusCode::kInvalidArgument:
    case absl::StatusCode::kUnimplemented:  // another version
      return CloseReason::kProtocolError;
    default:
      return CloseReason::kSystem;
  }
}

}  // namespace messaging
}  // namespace le
