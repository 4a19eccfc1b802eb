// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// le/loop.h: the event loop of a thread, and tasks for it.

#ifndef LE_MESSAGING_MESSAGING_CPP_LE_LOOP_H_
#define LE_MESSAGING_MESSAGING_CPP_LE_LOOP_H_

#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <unordered_map>
#include <utility>

#include "absl/status/status.h"
#include "le/function.h"
#include "le/status.h"
#include "le_eventLoop_ext.h"
#include "le_thread.h"

namespace le {

namespace internal {

class TaskQueue;

// The queues by numbers that are never used again. The C API gets such a number in the
// place of a pointer: it may call a function after the queue has gone, and it drops
// functions of a thread that ends without telling.
class TaskQueues {
 public:
  static TaskQueues* Get() {
    static auto* const queues =
        new TaskQueues;  // threads end as late as they like
    return queues;
  }
  void* Add(const std::shared_ptr<TaskQueue>& queue) {
    const std::lock_guard<std::mutex> lock(mutex_);
    queues_[++last_] = queue;
    return reinterpret_cast<void*>(last_);
  }
  // Null: it has gone.
  std::shared_ptr<TaskQueue> Find(void* number) {
    const std::lock_guard<std::mutex> lock(mutex_);
    const auto it = queues_.find(reinterpret_cast<uintptr_t>(number));
    return it == queues_.end() ? nullptr : it->second.lock();
  }
  void Remove(void* number) {
    const std::lock_guard<std::mutex> lock(mutex_);
    queues_.erase(reinterpret_cast<uintptr_t>(number));
  }

 private:
  std::mutex mutex_;
  uintptr_t last_ = 0;
  std::unordered_map<uintptr_t, std::weak_ptr<TaskQueue>> queues_;
};

// The tasks of one Loop. Any thread. Shared by the Loop and its senders.
class TaskQueue final {
 public:
  using Task = UniqueFunction<void()>;

  // For the calling thread.
  static std::shared_ptr<TaskQueue> New() {
    auto queue = std::make_shared<TaskQueue>();
    queue->number_ = TaskQueues::Get()->Add(queue);
    queue->thread_end_ = le_thread_AddDestructor(
        [](void* number) {
          if (const auto found = TaskQueues::Get()->Find(number)) {
            found->Close();
          }
        },
        queue->number_);
    return queue;
  }
  ~TaskQueue() { TaskQueues::Get()->Remove(number_); }

  bool OnItsThread() const { return le_thread_GetCurrent() == thread_; }

  absl::Status Post(Task task) {
    if (!task) return absl::InvalidArgumentError("the task is empty");
    // Fatal in the child of a fork. There the mutex may be locked for ever.
    le_thread_GetCurrent();
    std::list<Task> posted = NewPlace();
    posted.front() = std::move(task);
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      if (closed_) return Gone();
      tasks_.splice(tasks_.end(), posted);
      if (std::exchange(is_queued_, true)) return absl::OkStatus();
    }
    // Without the lock: in a simulation, a call of the C API may switch threads.
    if (le_event_TryQueueFunctionToThread(thread_, &RunTasks, number_,
                                          nullptr) == LE_OK) {
      return absl::OkStatus();
    }
    Close();
    return Gone();
  }

  // Destroys what is queued. Nothing runs after that, but for a running task.
  void Close() {
    std::list<Task> dropped;  // destroyed without the lock
    const std::lock_guard<std::mutex> lock(mutex_);
    closed_ = true;
    dropped.swap(tasks_);
  }
  // On its thread, whose end need not be told any more.
  void ForgetThreadEnd() { le_thread_RemoveDestructor(thread_end_); }

 private:
  static absl::Status Gone() {
    return absl::UnavailableError("the loop is gone, or its thread has ended");
  }

  static void RunTasks(void* number, void*) {
    if (const auto queue = TaskQueues::Get()->Find(number)) queue->Run();
  }
  void Run() {
    size_t due;
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      is_queued_ = false;
      due = tasks_.size();
    }
    for (; due > 0; --due) {
      std::list<Task> running;
      {
        const std::lock_guard<std::mutex> lock(mutex_);
        if (tasks_.empty()) return;  // closed
        running.splice(running.end(), tasks_, tasks_.begin());
      }
      running.front()();
      running.front() = nullptr;  // without the lock
      const std::lock_guard<std::mutex> lock(mutex_);
      free_.splice(free_.end(), running);
    }
  }
  // With one element.
  std::list<Task> NewPlace() {
    std::list<Task> place;
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      if (!free_.empty()) {
        place.splice(place.end(), free_, free_.begin());
        return place;
      }
    }
    place.emplace_back();
    return place;
  }

  const le_thread_Ref_t thread_ = le_thread_GetCurrent();
  void* number_ = nullptr;  // of TaskQueues
  le_thread_DestructorRef_t thread_end_ = nullptr;
  std::mutex mutex_;
  bool closed_ = false;
  // Lists: a task that waits is not moved, because the poster of another would move it
  // on its own thread. No code of the user runs under the mutex.
  std::list<Task> tasks_;
  std::list<Task> free_;    // empty ones, for their memory
  bool is_queued_ = false;  // the C API has RunTasks() queued
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
    if (queue_->OnItsThread()) queue_->ForgetThreadEnd();
    queue_->Close();
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
