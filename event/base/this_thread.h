// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef LE_MESSAGING_EVENT_BASE_THIS_THREAD_H_
#define LE_MESSAGING_EVENT_BASE_THIS_THREAD_H_

#include "absl/base/optimization.h"

namespace le {
namespace event {

// Identifies the simulated thread that runs on this real thread. Null if none
// runs, or if each simulated thread is a real thread (event/testing/fiber.h).
inline thread_local const void* simulated_thread = nullptr;

// Identifies the calling thread, without a system call. The value is never
// null. It is constant during the thread's life, and different for each living
// thread. A later thread may get the value of a thread that has ended.
inline const void* ThisThread() {
  static thread_local char here;
  const void* const simulated = simulated_thread;
  return ABSL_PREDICT_TRUE(simulated == nullptr) ? &here : simulated;
}

}  // namespace event
}  // namespace le

#endif  // LE_MESSAGING_EVENT_BASE_THIS_THREAD_H_
