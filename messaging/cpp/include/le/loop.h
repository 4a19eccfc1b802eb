// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// le/loop.h: the event loop of a thread, and tasks for it.

#ifndef LE_MESSAGING_MESSAGING_CPP_LE_LOOP_H_
#define LE_MESSAGING_MESSAGING_CPP_LE_LOOP_H_

#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "le/function.h"
#include "le/status.h"
#include "le_eventLoop_ext.h"
#include "le_thread.h"

namespace le {

namespace internal {

// The tasks of one Loop. Any thread. Shared by the Loop, its senders, the function
// that is queued in the C API, and the thread's end.
class TaskQueue final : public std::enable_shared_from_this<TaskQueue> {
 public:
  using Task = UniqueFunction<void()>;

  // For the calling thread.
  static std::shared_ptr<TaskQueue> New() {
    auto queue = std::make_shared<TaskQueue>();
    queue->end_reference_ = new std::shared_ptr<TaskQueue>(queue);
    queue->thread_end_ =
        le_thread_AddDestructor(&OnThreadEnd, queue->end_reference_);
    return queue;
  }
  bool OnItsThread() const { return le_thread_GetCurrent() == thread_; }

  absl::Status Post(Task task) {
    if (!task) return absl::InvalidArgumentError("the task is empty");
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      if (closed_) return Gone();
      tasks_.push_back(std::move(task));
      if (queued_ != nullptr) return absl::OkStatus();
      queued_ = shared_from_this();
    }
    // Without the lock: in a simulation, a call of the C API may switch threads.
    if (le_event_TryQueueFunctionToThread(thread_, &RunTasks, this, nullptr) ==
        LE_OK) {
      return absl::OkStatus();
    }
    Close();
    return Gone();
  }

  // Destroys what is queued. Nothing runs after that, but for a running task.
  void Close() {
    std::vector<Task> dropped;  // destroyed without the lock
    const std::lock_guard<std::mutex> lock(mutex_);
    closed_ = true;
    dropped.swap(tasks_);
  }
  // The Loop goes, on its thread.
  void CloseOnItsThread() {
    Close();
    bool is_queued;
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      is_queued = queued_ != nullptr;
    }
    if (!is_queued) ForgetThreadEnd();  // else RunTasks() does
  }

 private:
  static absl::Status Gone() {
    return absl::UnavailableError("the loop is gone, or its thread has ended");
  }

  static void OnThreadEnd(void* context) {
    const std::unique_ptr<std::shared_ptr<TaskQueue>> self(
        static_cast<std::shared_ptr<TaskQueue>*>(context));
    (*self)->Close();
    std::shared_ptr<TaskQueue> queued;
    const std::lock_guard<std::mutex> lock((*self)->mutex_);
    (*self)->end_reference_ = nullptr;
    queued.swap((*self)->queued_);  // the C API drops the function
  }
  // On its thread, whose end need not be told any more.
  void ForgetThreadEnd() {
    std::unique_ptr<std::shared_ptr<TaskQueue>> forgotten;
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      forgotten.reset(std::exchange(end_reference_, nullptr));
    }
    if (forgotten != nullptr) le_thread_RemoveDestructor(thread_end_);
  }

  static void RunTasks(void* context, void*) {
    auto* const queue = static_cast<TaskQueue*>(context);
    std::shared_ptr<TaskQueue> self;
    std::vector<Task> batch;
    bool closed;
    {
      const std::lock_guard<std::mutex> lock(queue->mutex_);
      self = std::move(queue->queued_);
      queue->queued_ = nullptr;
      batch.swap(queue->spare_);
      batch.swap(queue->tasks_);
      closed = queue->closed_;
    }
    if (closed) queue->ForgetThreadEnd();
    for (Task& task : batch) {
      if (queue->closed()) break;
      task();
    }
    batch.clear();
    const std::lock_guard<std::mutex> lock(queue->mutex_);
    queue->spare_.swap(batch);
  }
  bool closed() {
    const std::lock_guard<std::mutex> lock(mutex_);
    return closed_;
  }

  const le_thread_Ref_t thread_ = le_thread_GetCurrent();
  le_thread_DestructorRef_t thread_end_ = nullptr;
  std::mutex mutex_;
  std::shared_ptr<TaskQueue>* end_reference_ = nullptr;  // of OnThreadEnd()
  bool closed_ = false;
  std::vector<Task> tasks_;
  std::vector<Task> spare_;  // for its memory
  // Set while the C API has RunTasks() queued, which has a plain pointer.
  std::shared_ptr<TaskQueue> queued_;
};

}  // namespace internal

// Posts tasks to a Loop. It may be copied, used on any thread, and outlive the
// loop.
class TaskSender {
 public:
  // Without a loop.
  TaskSender() = default;

  // As Loop::Post().
  absl::Status Post(UniqueFunction<void()> task) const {
    if (queue_ == nullptr) {
      return absl::FailedPreconditionError("the sender has no loop");
    }
    return queue_->Post(std::move(task));
  }

 private:
  friend class Loop;
  explicit TaskSender(std::shared_ptr<internal::TaskQueue> queue)
      : queue_(std::move(queue)) {}
  std::shared_ptr<internal::TaskQueue> queue_;
};

// The event loop of the thread that creates it: runs it, ends it, and gives it
// tasks. A thread may have several; each has tasks of its own. When one is destroyed,
// also in a task of its own, the tasks that it still has are destroyed and not run.
// It must be destroyed on its thread, unless that has ended.
class Loop {
 public:
  Loop() : queue_(internal::TaskQueue::New()) {}
  ~Loop() {
    if (queue_->OnItsThread()) {
      queue_->CloseOnItsThread();
    } else {
      queue_->Close();
    }
  }
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  // Calls the handlers, timers and tasks of the calling thread until Stop(). It may be
  // called again. FailedPrecondition: another thread's loop; a call in a handler.
  absl::Status Run() {
    if (!queue_->OnItsThread()) return internal::WrongThread();
    if (le_event_TryRunLoopUntilStopped() != LE_OK) {
      return absl::FailedPreconditionError("called in a handler of the loop");
    }
    return absl::OkStatus();
  }

  // Ends Run() when the handlers that are ready have been called. If it is not
  // running, the next Run() ends so. Any thread.
  void Stop() {
    if (queue_->OnItsThread()) {
      le_event_StopLoop(nullptr);
    } else {
      queue_->Post([] { le_event_StopLoop(nullptr); }).IgnoreError();
    }
  }

  // Runs `task` from the loop, in the order of posting. Any thread.
  //   InvalidArgument  it is empty
  //   Unavailable      the loop is gone, or its thread has ended
  absl::Status Post(UniqueFunction<void()> task) {
    return queue_->Post(std::move(task));
  }

  // For other threads, which may outlive the loop.
  TaskSender sender() const { return TaskSender(queue_); }

 private:
  const std::shared_ptr<internal::TaskQueue> queue_;
};

}  // namespace le

#endif  // LE_MESSAGING_MESSAGING_CPP_LE_LOOP_H_
