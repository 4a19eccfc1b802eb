// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// For calls of the C API that block, and in which le_thread_Cancel() ends the
// thread.

#ifndef LE_MESSAGING_LEGATO_CANCEL_H_
#define LE_MESSAGING_LEGATO_CANCEL_H_

#include "event/process.h"

namespace le {
namespace legato {

class CThread;

// While it lives, le_thread_Cancel() of the calling thread unparks it.
class CancellableWait {
 public:
  CancellableWait();
  ~CancellableWait();
  CancellableWait(const CancellableWait&) = delete;
  CancellableWait& operator=(const CancellableWait&) = delete;

  // Whether the thread has been cancelled, now or before.
  bool cancelled() const;

 private:
  CThread* const thread_;  // null: nobody has a reference to cancel it by
};

// Ends the calling thread, which has been cancelled. To be called where nothing on
// the stack is tied to anything: destructors of the user run within.
[[noreturn]] void EndCancelledThread();

}  // namespace legato
}  // namespace le

#endif  // LE_MESSAGING_LEGATO_CANCEL_H_
