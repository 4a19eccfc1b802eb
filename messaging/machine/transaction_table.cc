// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#include "messaging/machine/transaction_table.h"

namespace le {
namespace messaging {
namespace {

// The index is stored plus one, so that no id is 0.
uint64_t MakeId(uint32_t generation, uint32_t index) {
  return (uint64_t{generation} << 32) | (uint64_t{index} + 1);
}

}  // namespace

uint64_t TransactionTable::Add(const Completion& completion,
                               absl::Time deadline) {
  if (used_ >= limit_) return 0;
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
  slot.deadline = deadline;
  slot.next = kNil;
  slot.previous = last_;
  (last_ == kNil ? first_ : slots_[last_].next) = index;
  last_ = index;
  ++used_;
  if (deadline != absl::InfiniteFuture()) ++with_deadline_;
  return MakeId(slot.generation, index);
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
  if (slot.deadline != absl::InfiniteFuture()) --with_deadline_;
  slot.deadline = absl::InfiniteFuture();
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

std::vector<Completion> TransactionTable::Clear() {
  std::vector<Completion> owed;
  while (first_ != kNil) {
    owed.push_back(slots_[first_].completion);
    const uint32_t index = first_;
    Unlink(index);
  }
  for (uint32_t i = 0; i < slots_.size(); ++i) {
    if (slots_[i].used) Free(i);
  }
  return owed;
}

absl::Time TransactionTable::NextDeadline() const {
  absl::Time earliest = absl::InfiniteFuture();
  if (with_deadline_ == 0) return earliest;
  for (uint32_t i = first_; i != kNil; i = slots_[i].next) {
    if (slots_[i].deadline < earliest) earliest = slots_[i].deadline;
  }
  return earliest;
}

absl::optional<Completion> TransactionTable::Expire(absl::Time now) {
  const absl::Time earliest = NextDeadline();
  if (earliest == absl::InfiniteFuture() || earliest > now) {
    return absl::nullopt;
  }
  for (uint32_t i = first_; i != kNil; i = slots_[i].next) {
    if (slots_[i].deadline != earliest) continue;
    const Completion completion = slots_[i].completion;
    Unlink(i);
    return completion;
  }
  return absl::nullopt;
}

}  // namespace messaging
}  // namespace le
