// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef LE_MESSAGING_MESSAGING_SESSION_BLOCKED_CALLER_H_
#define LE_MESSAGING_MESSAGING_SESSION_BLOCKED_CALLER_H_

#include <utility>

#include "event/base/ref.h"
#include "messaging/machine/completion.h"
#include "messaging/machine/result.h"
#include "messaging/message/message.h"

namespace le {
namespace messaging {

// A caller that blocks, with its completion on its stack.
struct BlockedCaller {
  Completion completion() {
    Completion completion;
    completion.done = &Done;
    completion.context = this;
    completion.on_stack = true;
    return completion;
  }

  bool done = false;
  Result result = Result::kClosed;
  event::Ref<Message> response;

 private:
  static void Done(const Completion& completion, ClientSession*,
                   event::Ref<Message> response, Result result) {
    auto* const caller = static_cast<BlockedCaller*>(completion.context);
    caller->done = true;
    caller->result = result;
    caller->response = std::move(response);
  }
};

}  // namespace messaging
}  // namespace le

#endif  // LE_MESSAGING_MESSAGING_SESSION_BLOCKED_CALLER_H_
