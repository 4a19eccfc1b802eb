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

// Reports the end of a request or an opening. `done` is called exactly once,
// unless the owner's thread ends first. A plain value, so that a request needs
// no allocation. `function` and `context` are for `done`.
struct Completion {
  using Done = void (*)(const Completion& completion, ClientSession* session,
                        event::Ref<Message> response, Result result);
  Done done = nullptr;  // null: no report
  void (*function)() = nullptr;
  void* context = nullptr;
  // The number of the request or opening within its session, from 1. Those that
  // end with the session are reported in this order.
  uint64_t order = 0;
  // The caller waits on its stack: `done` is called as soon as the end is
  // known, and runs no code of the user. Otherwise the loop calls it.
  bool on_stack = false;
};

}  // namespace messaging
}  // namespace le

#endif  // LE_MESSAGING_MESSAGING_MACHINE_COMPLETION_H_
