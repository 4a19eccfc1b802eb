// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#include "event/hook_list.h"

namespace le {
namespace event {

HookList::HookList() { end_.next_ = end_.prev_ = &end_; }

HookList::~HookList() {
  while (!empty()) Remove(end_.next_);
  end_.next_ = end_.prev_ = nullptr;
}

void HookList::Add(TurnEndHook* hook, Loop* loop) {
  if (hook->loop_ != nullptr) return;
  hook->loop_ = loop;
  hook->prev_ = end_.prev_;
  hook->next_ = &end_;
  hook->prev_->next_ = hook;
  end_.prev_ = hook;
}

void HookList::Remove(TurnEndHook* hook) {
  if (hook->loop_ == nullptr) return;
  hook->prev_->next_ = hook->next_;
  hook->next_->prev_ = hook->prev_;
  hook->next_ = hook->prev_ = nullptr;
  hook->loop_ = nullptr;
}

void HookList::RunAll() {
  while (!empty()) {
    TurnEndHook* const hook = end_.next_;
    Remove(hook);
    hook->OnTurnEnd();
  }
}

}  // namespace event
}  // namespace le
