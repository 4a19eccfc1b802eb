// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// The queues of le_event_QueueFunction(), for other files.

#ifndef LE_MESSAGING_LEGATO_QUEUE_H_
#define LE_MESSAGING_LEGATO_QUEUE_H_

#include <memory>

#include "le_eventLoop.h"

namespace le {
namespace legato {

class CThread;

// Returns the calling thread's queue, which may outlive the thread. Creates the
// thread's loop if there is none.
std::shared_ptr<CThread> QueueOfCurrentThread();

// Queues a function. Any thread. No-op if the thread has ended.
void QueueTo(CThread* thread, le_event_DeferredFunc_t function, void* param1,
             void* param2);

}  // namespace legato
}  // namespace le

#endif  // LE_MESSAGING_LEGATO_QUEUE_H_
