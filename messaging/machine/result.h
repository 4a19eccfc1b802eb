// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef LE_MESSAGING_MESSAGING_MACHINE_RESULT_H_
#define LE_MESSAGING_MESSAGING_MACHINE_RESULT_H_

#include <cstdint>

namespace le {
namespace messaging {

// How a send, a request or an opening ended.
enum class Result : uint8_t {
  kOk,
  kClosed,         // the session was closed, or closed meanwhile
  kTimedOut,       // not before the deadline
  kUnanswered,     // request: the server released it
  kCancelled,      // request: by its owner
  kNoRoom,         // message: the queue is full, and the caller does not wait
  kNoMemory,       // message: its session must end
  kTooMany,        // request: a limit of this side
  kDeadlock,       // the caller would wait for its own thread
  kNotOffered,     // opening: bound, but nobody offers the service now
  kNoBinding,      // opening: no binding leads to a service
  kNoDirectory,    // opening: no directory that can be trusted answers
  kServiceFull,    // opening: the service has as many sessions as it may
  kOtherProtocol,  // opening: the service speaks another protocol
};

}  // namespace messaging
}  // namespace le

#endif  // LE_MESSAGING_MESSAGING_MACHINE_RESULT_H_
