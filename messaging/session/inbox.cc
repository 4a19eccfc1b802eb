// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#include "messaging/session/inbox.h"

#include <algorithm>

namespace le {
namespace messaging {

void Inbox::MakeRoom() {
  if (queue_ == nullptr) queue_ = std::make_unique<Queue>();
  std::vector<Delivery>& all = queue_->deliveries;
  const size_t needed = all.size() + reserved_ + 1;
  if (needed > all.capacity()) {
    all.reserve(std::max(needed, 2 * all.capacity()));
  }
}

void Inbox::Reserve() {
  MakeRoom();
  ++reserved_;
}

void Inbox::Push(Delivery delivery) {
  if (delivery.is_completion() && reserved_ > 0) --reserved_;
  MakeRoom();
  if (delivery.is_push()) {
    queue_->bytes += delivery.message->held_bytes();
    if (delivery.message->has_received_descriptor()) ++queue_->descriptors;
  }
  queue_->deliveries.push_back(std::move(delivery));
}

Delivery Inbox::Pop() {
  std::vector<Delivery>& all = queue_->deliveries;
  Delivery delivery = std::move(all[queue_->first++]);
  if (delivery.is_push()) {
    queue_->bytes -= delivery.message->held_bytes();
    if (delivery.message->has_received_descriptor()) --queue_->descriptors;
  }
  if (queue_->first == all.size() && reserved_ == 0) {
    queue_.reset();
  } else if (queue_->first == all.size() ||
             (queue_->first >= kMinErased && queue_->first * 2 > all.size())) {
    all.erase(all.begin(), all.begin() + static_cast<ptrdiff_t>(queue_->first));
    queue_->first = 0;
  }
  return delivery;
}

size_t Inbox::MoveToEnd(bool (*stays)(const Delivery&)) {
  std::vector<Delivery>& all = queue_->deliveries;
  const auto first = all.begin() + static_cast<ptrdiff_t>(queue_->first);
  const auto moved = std::stable_partition(first, all.end(), stays);
  std::sort(moved, all.end(), [](const Delivery& a, const Delivery& b) {
    return a.completion.order < b.completion.order;
  });
  return static_cast<size_t>(moved - first);
}

void Inbox::End() {
  if (empty()) return;
  MoveToEnd([](const Delivery& delivery) {
    return !delivery.is_completion() || delivery.result == Result::kOk;
  });
}

void Inbox::Close() {
  if (empty()) return;
  queue_->dropped = MoveToEnd(
      [](const Delivery& delivery) { return !delivery.is_completion(); });
  for (size_t i = queue_->first; i < queue_->deliveries.size(); ++i) {
    Result& result = queue_->deliveries[i].result;
    // A response that had arrived is dropped. A failure keeps its reason.
    if (result == Result::kOk) result = Result::kClosed;
  }
}

event::Ref<Message> Inbox::TakeDropped() {
  if (queue_ == nullptr || queue_->dropped == 0) return {};
  --queue_->dropped;
  return Pop().message;
}

}  // namespace messaging
}  // namespace le
