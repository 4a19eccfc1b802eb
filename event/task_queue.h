// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef LE_MESSAGING_EVENT_TASK_QUEUE_H_
#define LE_MESSAGING_EVENT_TASK_QUEUE_H_

#include <atomic>

#include "absl/base/thread_annotations.h"
#include "event/base/mutex.h"
#include "event/loop.h"

namespace le {
namespace event {

// The tasks posted to one loop, first in, first out. Any thread may add tasks;
// one thread removes them. The queue allocates no memory.
//
// Push() adds to the inbox. BeginBatch() moves the inbox to the batch, and
// Pop() takes tasks from the batch only. So a turn runs only the tasks that
// were posted before it began. To get the tasks of a turn, the owner locks at
// most once.
class TaskQueue {
 public:
  explicit TaskQueue(Loop* loop);
  ~TaskQueue();  // unlinks the remaining tasks
  TaskQueue(const TaskQueue&) = delete;
  TaskQueue& operator=(const TaskQueue&) = delete;

  // Any thread. Fatal if the task is posted already, here or elsewhere.
  void Push(Task* task);

  // ---- The owner's thread ----
  void BeginBatch() {
    if (inbox_filled_.load(std::memory_order_acquire)) TakeInbox();
  }
  // Null if the batch is empty.
  Task* Pop() { return batch_.next_ == &batch_ ? nullptr : TakeFirst(); }
  void Remove(Task* task);
  // Whether there is no task. The load in empty() and the store in Push() are
  // sequentially consistent. Suppose that this thread stores a variable before
  // this call, and that a poster loads the variable after Push(), both
  // sequentially consistent. Then this call sees the task, or the poster sees
  // the store.
  bool empty() const {
    return batch_.next_ == &batch_ &&
           !inbox_filled_.load(std::memory_order_seq_cst);
  }

 private:
  // The end node of a ring of tasks. It is never run. With it, unlinking needs
  // no special cases.
  struct End final : Task {
    void Run() override {}
  };
  void TakeInbox();
  Task* TakeFirst();
  static void Link(Task* end, Task* task);
  static void Unlink(Task* task);

  Loop* const loop_;
  Mutex mutex_;
  End inbox_ ABSL_GUARDED_BY(mutex_);
  std::atomic<bool> inbox_filled_{false};
  End batch_;
};

}  // namespace event
}  // namespace le

#endif  // LE_MESSAGING_EVENT_TASK_QUEUE_H_
