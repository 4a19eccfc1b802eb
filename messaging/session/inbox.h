// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// What a client session owes its user: handlers to be called by the loop, in
// order.

#ifndef LE_MESSAGING_MESSAGING_SESSION_INBOX_H_
#define LE_MESSAGING_MESSAGING_SESSION_INBOX_H_

#include <cstddef>
#include <memory>
#include <utility>
#include <vector>

#include "event/base/ref.h"
#include "messaging/machine/completion.h"
#include "messaging/machine/result.h"
#include "messaging/message/message.h"

namespace le {
namespace messaging {

// A completion, or a message for the receive handler.
struct Delivery {
  event::Ref<Message> message;
  Completion completion = {};
  Result result = Result::kOk;

  bool is_completion() const { return completion.order != 0; }
  bool is_push() const { return message && !is_completion(); }
};

// Empty for nearly all sessions nearly all of the time, so it must cost nothing
// then. Not thread-safe.
class Inbox {
 public:
  bool empty() const { return queue_ == nullptr; }
  size_t size() const {
    return queue_ == nullptr ? 0 : queue_->deliveries.size() - queue_->first;
  }
  // What its pushes take, and how many have a file descriptor. Responses do not
  // count: requests bound them.
  size_t bytes() const { return queue_ == nullptr ? 0 : queue_->bytes; }
  size_t descriptors() const {
    return queue_ == nullptr ? 0 : queue_->descriptors;
  }

  void Push(Delivery delivery);
  Delivery Pop();

  // The opening has ended, and `requests` with it. Every completion whose result
  // is not kOk, here or of `requests`, comes after all else, and these in their
  // order.
  void End(const std::vector<Completion>& requests);
  // The user has ended it: `requests` and every completion that is here become
  // kClosed, in their order; messages are not delivered. Returns what was
  // replaced, to be released without a lock.
  std::vector<Delivery> Close(const std::vector<Completion>& requests);

 private:
  // The front of the vector is erased once so many were taken from it, and no
  // fewer than are left.
  static constexpr size_t kMinErased = 64;

  // Mostly it is made for one delivery, and goes with it.
  struct Queue {
    std::vector<Delivery> deliveries;
    size_t first = 0;  // those before it have been taken
    size_t bytes = 0;
    size_t descriptors = 0;
  };

  std::vector<Delivery> TakeAll();
  void PushSorted(std::vector<Delivery> completions);

  std::unique_ptr<Queue> queue_;  // null: empty
};

}  // namespace messaging
}  // namespace le

#endif  // LE_MESSAGING_MESSAGING_SESSION_INBOX_H_
