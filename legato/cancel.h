// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// For blocking calls of the C API that le_thread_Cancel() can end.

#ifndef LE_MESSAGING_LEGATO_CANCEL_H_
#define LE_MESSAGING_LEGATO_CANCEL_H_

#include "event/process.h"

namespace le {
namespace legato {

class CThread;

// While it exists, le_thread_Cancel() of the calling thread unparks that
// thread.
class CancellableWait {
 public:
  CancellableWait();
  ~CancellableWait();
  CancellableWait(const CancellableWait&) = delete;
  CancellableWait& operator=(const CancellableWait&) = delete;

  // Returns whether the thread has been cancelled, before or during the wait.
  bool cancelled() const;

 private:
  CThread* const thread_;  // null: this API does not know the thread
};

// Ends the calling thread, which has been cancelled. No object on the stack may
// hold anything, such as a lock, because the thread's destructors run inside.
[[noreturn]] void EndCancelledThread();

}  // namespace legato
}  // namespace le

#endif  // LE_MESSAGING_LEGATO_CANCEL_H_
