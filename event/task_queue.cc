// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#include "event/task_queue.h"

#include "event/base/log.h"

namespace le {
namespace event {

TaskQueue::TaskQueue(Loop* loop) : loop_(loop) {
  inbox_.next_ = inbox_.prev_ = &inbox_;
  batch_.next_ = batch_.prev_ = &batch_;
}

TaskQueue::~TaskQueue() {
  BeginBatch();
  while (Pop() != nullptr) {
  }
}

void TaskQueue::Link(Task* end, Task* task) {
  task->prev_ = end->prev_;
  task->next_ = end;
  task->prev_->next_ = task;
  end->prev_ = task;
}

void TaskQueue::Unlink(Task* task) {
  task->prev_->next_ = task->next_;
  task->next_->prev_ = task->prev_;
  task->next_ = task->prev_ = nullptr;
  task->loop_ = nullptr;
}

void TaskQueue::Push(Task* task) {
  bool posted_already;
  {
    MutexLock lock(&mutex_);
    posted_already = task->loop_ != nullptr;
    if (!posted_already) {
      task->loop_ = loop_;
      Link(&inbox_, task);
      inbox_filled_.store(true, std::memory_order_seq_cst);
    }
  }
  if (posted_already) Fatal("Loop::Post: the task is posted already");
}

void TaskQueue::TakeInbox() {
  MutexLock lock(&mutex_);
  inbox_filled_.store(false, std::memory_order_relaxed);
  if (inbox_.next_ == &inbox_) return;
  Task* const first = inbox_.next_;
  Task* const last = inbox_.prev_;
  first->prev_ = batch_.prev_;
  batch_.prev_->next_ = first;
  last->next_ = &batch_;
  batch_.prev_ = last;
  inbox_.next_ = inbox_.prev_ = &inbox_;
}

Task* TaskQueue::TakeFirst() {
  Task* const task = batch_.next_;
  Unlink(task);
  return task;
}

void TaskQueue::Remove(Task* task) {
  MutexLock lock(&mutex_);
  if (task->loop_ == loop_) Unlink(task);
}

}  // namespace event
}  // namespace le
