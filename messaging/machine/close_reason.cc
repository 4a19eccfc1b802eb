// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#include "messaging/machine/close_reason.h"

namespace le {
namespace messaging {

const char* CloseReasonText(CloseReason reason) {
  switch (reason) {
    case CloseReason::kNone:
      return "not closed";
    case CloseReason::kByCaller:
      return "closed at this end";
    case CloseReason::kByPeer:
      return "the far end closed the session or died";
    case CloseReason::kSlowReader:
      return "slow reader: the far end does not read its messages";
    case CloseReason::kKilled:
      return "the server killed this client";
    case CloseReason::kProtocolError:
      return "the far end violated the protocol";
    case CloseReason::kReceiveLimit:
      return "too many messages arrived during a blocking call";
    case CloseReason::kServiceDeleted:
      return "the service was deleted";
    case CloseReason::kThreadEnded:
      return "its owner's thread ended";
    case CloseReason::kSystem:
      return "a system call failed, or there was no memory";
  }
  return "unknown";
}

}  // namespace messaging
}  // namespace le
