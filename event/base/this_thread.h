// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef LE_MESSAGING_EVENT_BASE_THIS_THREAD_H_
#define LE_MESSAGING_EVENT_BASE_THIS_THREAD_H_

namespace le {
namespace event {

// Tells threads of the operating system apart, without a system call: never
// null, the same for as long as the thread lives, and another for every other
// thread that lives. A later thread may get the value of one that has ended.
inline const void* ThisThread() {
  static thread_local char here;
  return &here;
}

}  // namespace event
}  // namespace le

#endif  // LE_MESSAGING_EVENT_BASE_THIS_THREAD_H_
