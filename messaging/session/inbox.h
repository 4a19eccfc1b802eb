// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// The deliveries that a client session still has to make to the program. The
// loop calls the handlers, in order.

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

// Not thread-safe. An inbox is nearly always empty. An empty inbox occupies
// memory only after a reservation.
class Inbox {
 public:
  bool empty() const { return size() == 0; }
  size_t size() const {
    return queue_ == nullptr ? 0 : queue_->deliveries.size() - queue_->first;
  }
  // The bytes of the pushes (messages that are not responses), and the number
  // of pushes with a file descriptor. Responses do not count, because the
  // number of open requests limits them.
  size_t bytes() const { return queue_ == nullptr ? 0 : queue_->bytes; }
  size_t descriptors() const {
    return queue_ == nullptr ? 0 : queue_->descriptors;
  }

  // Makes room for a completion that is pushed later. May throw. Each Push() of
  // a completion uses one reservation. That Push() needs no further memory, so
  // no completion is lost.
  void Reserve();
  // Cancels a reservation.
  void Release() { --reserved_; }
  void Push(Delivery delivery);
  Delivery Pop();

  // Call it when the opening has ended. Moves all completions whose result is
  // not kOk behind the other deliveries, in the order of their numbers. Needs
  // no memory.
  void End();
  // Call it when the program or the end of the thread has ended the opening.
  // Changes the result of each completion from kOk to kClosed. Other results
  // stay. Sorts the completions by their numbers. Messages are not delivered:
  // the caller must take them by TakeDropped(). Needs no memory.
  void Close();
  // Returns a message that Close() has dropped, or null if there are no more.
  // The caller must hold no lock when it releases the message.
  event::Ref<Message> TakeDropped();

 private:
  // When no delivery remains, the vector is cleared. Otherwise popped
  // deliveries are erased only if at least kMinErased were popped, and more
  // were popped than remain.
  static constexpr size_t kMinErased = 64;

  // Usually created for one delivery, and destroyed after it.
  struct Queue {
    std::vector<Delivery> deliveries;
    size_t first = 0;  // the index of the next delivery
    size_t bytes = 0;
    size_t descriptors = 0;
    // The first `dropped` deliveries are messages that Close() has dropped.
    // Only TakeDropped() may take them.
    size_t dropped = 0;
  };

  // Makes room for one more delivery. The reservations stay.
  void MakeRoom();
  // Moves the deliveries for which `stays` returns false to the end, and sorts
  // these by number. Returns the number of the other deliveries.
  size_t MoveToEnd(bool (*stays)(const Delivery&));

  std::unique_ptr<Queue> queue_;  // null: empty
  size_t reserved_ = 0;
};

}  // namespace messaging
}  // namespace le

#endif  // LE_MESSAGING_MESSAGING_SESSION_INBOX_H_
