// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef LE_MESSAGING_MESSAGING_MACHINE_CLOSE_REASON_H_
#define LE_MESSAGING_MESSAGING_MACHINE_CLOSE_REASON_H_

#include <cstdint>

namespace le {
namespace messaging {

// Why a session closed. The values are those of le_msg_CloseReason_t.
enum class CloseReason : uint8_t {
  kNone = 0,
  kByCaller = 1,
  kByPeer = 2,
  kSlowReader = 3,
  kKilled = 4,
  kProtocolError = 5,
  kReceiveLimit = 6,
  kServiceDeleted = 8,
  kThreadEnded = 9,
  kSystem = 10,
};

const char* CloseReasonText(CloseReason reason);

}  // namespace messaging
}  // namespace le

#endif  // LE_MESSAGING_MESSAGING_MACHINE_CLOSE_REASON_H_
