// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef LE_MESSAGING_MESSAGING_MACHINE_RESULT_H_
#define LE_MESSAGING_MESSAGING_MACHINE_RESULT_H_

#include <cstdint>

namespace le {
namespace messaging {

// The result of a send, a request or an opening.
enum class Result : uint8_t {
  kOk,
  kClosed,         // the session was closed before or during the call
  kTimedOut,       // the deadline has passed
  kUnanswered,     // request: the server has released the request
  kCancelled,      // request: the program has cancelled it
  kNoRoom,         // message: the queue is full, and the caller does not wait
  kNoMemory,       // message: no memory; the session must end
  kTooMany,        // request: a limit of this side is reached
  kDeadlock,       // the caller would wait for its own thread
  kNotOffered,     // opening: no server offers the service
  kNoBinding,      // opening: no binding leads to a service
  kNoDirectory,    // opening: no trusted directory answers, or any other cause
  kServiceFull,    // opening: the service accepts no more sessions
  kOtherProtocol,  // opening: the service has another protocol
};

}  // namespace messaging
}  // namespace le

#endif  // LE_MESSAGING_MESSAGING_MACHINE_RESULT_H_
