// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef LE_MESSAGING_EVENT_HOOK_LIST_H_
#define LE_MESSAGING_EVENT_HOOK_LIST_H_

#include "event/loop.h"

namespace le {
namespace event {

// The turn-end hooks that one loop must run, in the order in which they were
// added.
class HookList {
 public:
  HookList();
  ~HookList();  // unlinks the remaining hooks
  HookList(const HookList&) = delete;
  HookList& operator=(const HookList&) = delete;

  // Does nothing if the hook is listed already. `loop` is the loop of this
  // list.
  void Add(TurnEndHook* hook, Loop* loop);
  // Does nothing if the hook is not listed.
  static void Remove(TurnEndHook* hook);
  bool empty() const { return end_.next_ == &end_; }
  // Runs and removes all hooks, including those that are added meanwhile.
  void RunAll();

 private:
  struct End final : TurnEndHook {
    void OnTurnEnd() override {}
  };
  End end_;
};

}  // namespace event
}  // namespace le

#endif  // LE_MESSAGING_EVENT_HOOK_LIST_H_
