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

// While this object exists, le_thread_Cancel() unparks the thread that has
// created it.
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

// Ends the calling thread, which has been cancelled. The thread's destructors
// run in this call, so no object on the stack may hold a lock or a list entry.
[[noreturn]] void EndCancelledThread();

}  // namespace legato
}  // namespace le

#endif  // LE_MESSAGING_LEGATO_CANCEL_H_
