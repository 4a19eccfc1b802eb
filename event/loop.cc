// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#include "event/loop.h"

#include "event/hook_list.h"

namespace le {
namespace event {

Task::~Task() {
  if (loop_ != nullptr) loop_->Cancel(this);
}

Watch::~Watch() {
  if (loop_ != nullptr) loop_->RemoveWatch(this);
}

Timer::~Timer() {
  if (loop_ != nullptr) loop_->StopTimer(this);
}

TurnEndHook::~TurnEndHook() { HookList::Remove(this); }

}  // namespace event
}  // namespace le
