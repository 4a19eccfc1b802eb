// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// The requests of one session that wait for their completion. Pure.

#ifndef LE_MESSAGING_MESSAGING_MACHINE_TRANSACTION_TABLE_H_
#define LE_MESSAGING_MESSAGING_MACHINE_TRANSACTION_TABLE_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "messaging/machine/completion.h"

namespace le {
namespace messaging {

// An id is never 0. A slot has the same id again only after 2^32 - 1 requests.
// So a second response to a request never completes a later request.
//
//   Add ──► waiting ──Complete──► free
//              └─────Abandon────► abandoned ──Complete──► free
class TransactionTable {
 public:
  explicit TransactionTable(size_t limit) : limit_(limit) {}

  void set_limit(size_t limit) { limit_ = limit; }

  // The new request's id, or 0 if the limit is reached.
  uint64_t Add(const Completion& completion, absl::Time deadline);

  enum class Found {
    kWaiting,    // `completion` is set
    kAbandoned,  // Abandon() or Expire() has returned its completion
    kUnknown,    // no request has this id
  };
  // The far end has answered or released the request, or the request could not
  // be sent. Frees the id.
  Found Complete(uint64_t id, Completion* completion);

  // The caller no longer waits, but the far end may still answer. False: the
  // request was not waiting.
  bool Abandon(uint64_t id, Completion* completion);

  // Removes and returns the waiting request that was added first. If no request
  // waits, removes all abandoned requests and returns none. Needs no memory.
  absl::optional<Completion> TakeFirst();

  // The earliest deadline of the waiting requests. InfiniteFuture(): no request
  // has a deadline.
  absl::Time NextDeadline() const {
    return due_.empty() ? absl::InfiniteFuture() : due_.front().deadline;
  }
  // Abandons the request with the earliest deadline, if this deadline is not
  // after `now`. If several requests have this deadline, abandons the one that
  // was added first.
  absl::optional<Completion> Expire(absl::Time now);

  size_t size() const { return used_; }

  // The number of comparisons of deadlines so far. For tests.
  uint64_t comparisons() const { return comparisons_; }

 private:
  static constexpr uint32_t kNil = UINT32_MAX;

  struct Slot {
    Completion completion;
    uint32_t generation = 1;
    bool used = false;
    bool waiting = false;
    // Waiting slots are in a list in the order of Add(). Free slots are in
    // another list.
    uint32_t next = kNil;
    uint32_t previous = kNil;
    bool has_deadline = false;  // only while the request waits
  };

  struct Due {
    absl::Time deadline;
    uint64_t order;  // of the calls of Add() with a deadline
    uint64_t id;
  };
  struct IsLater;

  Slot* Find(uint64_t id);
  void Unlink(uint32_t index);
  bool IsStale(const Due& due);
  void PopDue();
  void DropStaleDue();
  void Free(uint32_t index);

  size_t limit_;
  std::vector<Slot> slots_;
  size_t used_ = 0;
  // A heap whose first entry has the earliest deadline. A request that no
  // longer waits leaves a stale entry. The first entry is never stale. At most
  // with_deadline_ + kFewDue entries are stale.
  std::vector<Due> due_;
  size_t with_deadline_ = 0;  // waiting requests that have a deadline
  uint64_t next_order_ = 0;
  uint64_t comparisons_ = 0;
  uint32_t free_ = kNil;
  uint32_t first_ = kNil;
  uint32_t last_ = kNil;
};

}  // namespace messaging
}  // namespace le

#endif  // LE_MESSAGING_MESSAGING_MACHINE_TRANSACTION_TABLE_H_
