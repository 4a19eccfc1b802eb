// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#include "messaging/machine/transaction_table.h"

#include <algorithm>

namespace le {
namespace messaging {
namespace {

// Up to this number of stale deadlines, a pass over all deadlines is not
// worthwhile.
constexpr size_t kFewDue = 16;

// The index is stored plus one, so that no id is 0.
uint64_t MakeId(uint32_t generation, uint32_t index) {
  return (uint64_t{generation} << 32) | (uint64_t{index} + 1);
}

}  // namespace

// Heap order: the earliest deadline is first.
struct TransactionTable::IsLater {
  uint64_t* comparisons;

  bool operator()(const Due& a, const Due& b) const {
    ++*comparisons;
    return a.deadline != b.deadline ? a.deadline > b.deadline
                                    : a.order > b.order;
  }
};

uint64_t TransactionTable::Add(const Completion& completion,
                               absl::Time deadline) {
  if (used_ >= limit_) return 0;
  // reserve() may throw, so it is called before anything changes.
  if (due_.size() == due_.capacity() && deadline != absl::InfiniteFuture()) {
    due_.reserve(2 * due_.size() + 1);
  }
  uint32_t index = free_;
  if (index != kNil) {
    free_ = slots_[index].next;
  } else {
    index = static_cast<uint32_t>(slots_.size());
    slots_.emplace_back();
  }
  Slot& slot = slots_[index];
  slot.completion = completion;
  slot.used = true;
  slot.waiting = true;
  slot.has_deadline = deadline != absl::InfiniteFuture();
  slot.next = kNil;
  slot.previous = last_;
  (last_ == kNil ? first_ : slots_[last_].next) = index;
  last_ = index;
  ++used_;
  const uint64_t id = MakeId(slot.generation, index);
  if (slot.has_deadline) {
    ++with_deadline_;
    due_.push_back({deadline, next_order_++, id});
    std::push_heap(due_.begin(), due_.end(), IsLater{&comparisons_});
  }
  return id;
}

TransactionTable::Slot* TransactionTable::Find(uint64_t id) {
  const uint64_t index = (id & UINT32_MAX) - 1;  // 0 becomes out of range
  if (index >= slots_.size()) return nullptr;
  Slot& slot = slots_[index];
  return slot.used && slot.generation == id >> 32 ? &slot : nullptr;
}

void TransactionTable::Unlink(uint32_t index) {
  Slot& slot = slots_[index];
  (slot.previous == kNil ? first_ : slots_[slot.previous].next) = slot.next;
  (slot.next == kNil ? last_ : slots_[slot.next].previous) = slot.previous;
  slot.next = slot.previous = kNil;
  slot.waiting = false;
  if (!slot.has_deadline) return;
  slot.has_deadline = false;
  --with_deadline_;
  DropStaleDue();
}

bool TransactionTable::IsStale(const Due& due) {
  const Slot* const slot = Find(due.id);
  return slot == nullptr || !slot->waiting;
}

void TransactionTable::PopDue() {
  std::pop_heap(due_.begin(), due_.end(), IsLater{&comparisons_});
  due_.pop_back();
}

void TransactionTable::DropStaleDue() {
  while (!due_.empty() && IsStale(due_.front())) PopDue();
  if (due_.size() <= 2 * with_deadline_ + kFewDue) return;
  due_.erase(std::remove_if(due_.begin(), due_.end(),
                            [this](const Due& due) { return IsStale(due); }),
             due_.end());
  std::make_heap(due_.begin(), due_.end(), IsLater{&comparisons_});
}

void TransactionTable::Free(uint32_t index) {
  Slot& slot = slots_[index];
  slot.used = false;
  if (++slot.generation == 0) slot.generation = 1;
  slot.next = free_;
  free_ = index;
  --used_;
}

TransactionTable::Found TransactionTable::Complete(uint64_t id,
                                                   Completion* completion) {
  Slot* slot = Find(id);
  if (slot == nullptr) return Found::kUnknown;
  const uint32_t index = static_cast<uint32_t>(slot - slots_.data());
  const bool waiting = slot->waiting;
  if (waiting) {
    *completion = slot->completion;
    Unlink(index);
  }
  Free(index);
  return waiting ? Found::kWaiting : Found::kAbandoned;
}

bool TransactionTable::Abandon(uint64_t id, Completion* completion) {
  Slot* slot = Find(id);
  if (slot == nullptr || !slot->waiting) return false;
  *completion = slot->completion;
  Unlink(static_cast<uint32_t>(slot - slots_.data()));
  return true;
}

absl::optional<Completion> TransactionTable::TakeFirst() {
  due_.clear();  // before Unlink(), which would remove one at a time
  if (first_ != kNil) {
    const uint32_t index = first_;
    Unlink(index);
    Free(index);
    return slots_[index].completion;
  }
  for (uint32_t i = 0; i < slots_.size(); ++i) {
    if (slots_[i].used) Free(i);
  }
  return absl::nullopt;
}

absl::optional<Completion> TransactionTable::Expire(absl::Time now) {
  if (due_.empty() || due_.front().deadline > now) return absl::nullopt;
  const uint64_t id = due_.front().id;
  Completion completion;
  Abandon(id, &completion);
  return completion;
}

}  // namespace messaging
}  // namespace le
