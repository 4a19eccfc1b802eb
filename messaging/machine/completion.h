// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef LE_MESSAGING_MESSAGING_MACHINE_COMPLETION_H_
#define LE_MESSAGING_MESSAGING_MACHINE_COMPLETION_H_

#include <cstdint>

#include "event/base/ref.h"
#include "messaging/machine/result.h"

namespace le {
namespace messaging {

class ClientSession;
class Message;

// Reports the end of a request or an opening. `done` is called once, or never
// in two cases: the session was dropped (ClientSession::Drop()), or the owner's
// thread has ended. `done` may use `function` and `context`.
//
// A completion is a plain value, so that a request needs no allocation.
struct Completion {
  using Done = void (*)(const Completion& completion, ClientSession* session,
                        event::Ref<Message> response, Result result);
  Done done = nullptr;  // null: no report
  void (*function)() = nullptr;
  void* context = nullptr;
  // The number of the request or opening within its session, from 1. When a
  // session ends, the completions of its requests are reported in this order.
  uint64_t order = 0;
  // True: a blocking call waits, so `done` is called as soon as the end is
  // known, and runs no code of the program. False: the loop calls `done`.
  bool on_stack = false;
};

}  // namespace messaging
}  // namespace le

#endif  // LE_MESSAGING_MESSAGING_MACHINE_COMPLETION_H_
