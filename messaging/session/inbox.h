// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// The deliveries that a client session still has to make to its user. The loop
// calls the handlers, in order.

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

// An inbox is nearly always empty, so an empty one has no memory. Not
// thread-safe.
class Inbox {
 public:
  bool empty() const { return queue_ == nullptr; }
  size_t size() const {
    return queue_ == nullptr ? 0 : queue_->deliveries.size() - queue_->first;
  }
  // The bytes of its pushes, and the number of pushes with a file descriptor.
  // Responses do not count, because requests bound them.
  size_t bytes() const { return queue_ == nullptr ? 0 : queue_->bytes; }
  size_t descriptors() const {
    return queue_ == nullptr ? 0 : queue_->descriptors;
  }

  void Push(Delivery delivery);
  Delivery Pop();

  // The opening has ended, and `requests` complete with kClosed. These, and all
  // completions here whose result is not kOk, move behind the other deliveries,
  // in the order of their numbers.
  void End(const std::vector<Completion>& requests);
  // The user has closed the session, and `requests` complete with kClosed. A
  // completion here whose result is kOk becomes kClosed; other results stay.
  // All are in the order of their numbers. Messages are not delivered. Returns
  // the replaced deliveries, which must be released without a lock.
  std::vector<Delivery> Close(const std::vector<Completion>& requests);

 private:
  // The front of the vector is erased when at least this number of deliveries
  // was taken, and more were taken than remain.
  static constexpr size_t kMinErased = 64;

  // Usually created for one delivery, and destroyed after it.
  struct Queue {
    std::vector<Delivery> deliveries;
    size_t first = 0;  // deliveries before it were taken
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
