// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// The C API's opaque types, which stand for our objects, and its handlers.

#ifndef LE_MESSAGING_MESSAGING_HANDLES_H_
#define LE_MESSAGING_MESSAGING_HANDLES_H_

#include "le_basics.h"

struct le_msg_Session;
struct le_msg_Message;

namespace le {
namespace messaging {

class Message;
class Session;

using SessionHandler = void (*)(le_msg_Session* session, void* context);
using MessageHandler = void (*)(le_msg_Message* message, void* context);
// The response or null, and why.
using ResultHandler = void (*)(le_msg_Message* response, le_result_t result,
                               void* context);
using OpenResultHandler = void (*)(le_msg_Session* session, le_result_t result,
                                   void* context);

inline le_msg_Session* ToRef(Session* session) {
  return reinterpret_cast<le_msg_Session*>(session);
}
inline le_msg_Message* ToRef(Message* message) {
  return reinterpret_cast<le_msg_Message*>(message);
}

}  // namespace messaging
}  // namespace le

#endif  // LE_MESSAGING_MESSAGING_HANDLES_H_
