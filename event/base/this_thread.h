// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef LE_MESSAGING_EVENT_BASE_THIS_THREAD_H_
#define LE_MESSAGING_EVENT_BASE_THIS_THREAD_H_

#include "absl/base/optimization.h"

namespace le {
namespace event {

// Set by a simulation, which runs several threads on one: identifies the one
// that runs. Null: the operating system's thread.
inline thread_local const void* simulated_thread = nullptr;

// Tells threads of the operating system apart, without a system call: never
// null, the same for as long as the thread lives, and another for every other
// thread that lives. A later thread may get the value of one that has ended.
inline const void* ThisThread() {
  static thread_local char here;
  const void* const simulated = simulated_thread;
  return ABSL_PREDICT_TRUE(simulated == nullptr) ? &here : simulated;
}

}  // namespace event
}  // namespace le

#endif  // LE_MESSAGING_EVENT_BASE_THIS_THREAD_H_
