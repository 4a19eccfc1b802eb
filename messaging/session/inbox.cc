// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#include "messaging/session/inbox.h"

#include <algorithm>

namespace le {
namespace messaging {

void Inbox::Push(Delivery delivery) {
  if (queue_ == nullptr) queue_ = std::make_unique<Queue>();
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
  if (queue_->first == all.size()) {
    queue_.reset();
  } else if (queue_->first >= kMinErased && queue_->first * 2 > all.size()) {
    all.erase(all.begin(), all.begin() + static_cast<ptrdiff_t>(queue_->first));
    queue_->first = 0;
  }
  return delivery;
}

std::vector<Delivery> Inbox::TakeAll() {
  std::vector<Delivery> all;
  all.reserve(size());
  while (!empty()) all.push_back(Pop());
  return all;
}

void Inbox::PushSorted(std::vector<Delivery> completions) {
  std::sort(completions.begin(), completions.end(),
            [](const Delivery& a, const Delivery& b) {
              return a.completion.order < b.completion.order;
            });
  for (Delivery& completion : completions) Push(std::move(completion));
}

void Inbox::End(const std::vector<Completion>& requests) {
  std::vector<Delivery> ended;
  for (Delivery& delivery : TakeAll()) {
    if (!delivery.is_completion() || delivery.result == Result::kOk) {
      Push(std::move(delivery));
    } else {
      ended.push_back(std::move(delivery));
    }
  }
  for (const Completion& request : requests) {
    ended.push_back({{}, request, Result::kClosed});
  }
  PushSorted(std::move(ended));
}

std::vector<Delivery> Inbox::Close(const std::vector<Completion>& requests) {
  std::vector<Delivery> replaced = TakeAll();
  std::vector<Delivery> ended;
  for (const Delivery& delivery : replaced) {
    if (!delivery.is_completion()) continue;
    // A response that had arrived is dropped (kClosed). A failure keeps its
    // reason.
    const Result result =
        delivery.result == Result::kOk ? Result::kClosed : delivery.result;
    ended.push_back({{}, delivery.completion, result});
  }
  for (const Completion& request : requests) {
    ended.push_back({{}, request, Result::kClosed});
  }
  PushSorted(std::move(ended));
  return replaced;
}

}  // namespace messaging
}  // namespace le
