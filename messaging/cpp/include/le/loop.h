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
#include <new>
#include <unordered_map>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "le/function.h"
#include "le/signal.h"
#include "le/status.h"
#include "le/timer.h"
#include "le_eventLoop_ext.h"
#include "le_thread.h"

namespace le {

namespace internal {

class TaskQueue;

// Maps numbers to queues. A number is never used again. The C API gets the
// number of a queue instead of a pointer, for two reasons:
//  - The C API may call RunTasks() after the queue is destroyed.
//  - If the thread ends, the C API drops RunTasks() without a report. So
//    nothing would release a reference that the C API holds.
class TaskQueues {
 public:
  static TaskQueues* Get() {
    // Never deleted: a thread may end after the static destructors.
    static auto* const queues = new TaskQueues;
    return queues;
  }
  void* Add(const std::shared_ptr<TaskQueue>& queue) {
    const std::lock_guard<std::mutex> lock(mutex_);
    queues_[++last_] = queue;
    return reinterpret_cast<void*>(last_);
  }
  // Null: the queue is destroyed.
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

// The tasks of one Loop. The Loop and its senders share this object. Any thread
// may call its functions, except ForgetThreadEnd().
class TaskQueue final {
 public:
  using Task = UniqueFunction<void()>;

  // A queue whose tasks run on the calling thread.
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
    // This call is fatal in the child of a fork, where the mutex may stay
    // locked for ever: the thread that locked it does not exist in the child.
    le_thread_GetCurrent();
    std::list<Task> posted = NewPlace();
    if (posted.empty()) return NoMemory();
    posted.front() = std::move(task);
    const auto place = posted.begin();
    uint64_t runs;
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      if (closed_) return Gone();
      tasks_.splice(tasks_.end(), posted);
      if (is_queued_) return absl::OkStatus();
      runs = runs_;
    }
    // The lock is not held: in a simulation, a call of the C API may switch
    // threads.
    const le_result_t queued =
        le_event_TryQueueFunctionToThread(thread_, &RunTasks, number_, nullptr);
    if (queued != LE_OK && queued != LE_NO_MEMORY) {
      Close();
      return Gone();
    }
    const std::lock_guard<std::mutex> lock(mutex_);
    // A run that has begun since the task was queued also runs the task.
    if (runs_ != runs) return absl::OkStatus();
    if (queued == LE_OK) {
      is_queued_ = true;
      return absl::OkStatus();
    }
    if (closed_) return Gone();
    posted.splice(posted.end(), tasks_, place);  // destroyed after the unlock
    return NoMemory();
  }

  // Stops the loop of the queue's thread after the tasks that are queued.
  // Without memory for one more task, stops it at once.
  void StopThread() {
    if (absl::IsResourceExhausted(Post([] { le_event_StopLoop(nullptr); }))) {
      le_event_StopLoop(thread_);
    }
  }

  // Destroys the queued tasks. No task begins after that. A task that is
  // running continues.
  void Close() {
    std::list<Task> dropped;  // destroyed after the unlock
    const std::lock_guard<std::mutex> lock(mutex_);
    closed_ = true;
    dropped.swap(tasks_);
  }
  // Only on the queue's thread. After this call, the end of the thread does not
  // close the queue.
  void ForgetThreadEnd() { le_thread_RemoveDestructor(thread_end_); }

 private:
  static absl::Status Gone() {
    return absl::UnavailableError(
        "the loop is destroyed, or its thread has ended");
  }

  // The status has no text, because a text needs memory.
  static absl::Status NoMemory() {
    return absl::Status(absl::StatusCode::kResourceExhausted, "");
  }

  static void RunTasks(void* number, void*) {
    if (const auto queue = TaskQueues::Get()->Find(number)) queue->Run();
  }
  void Run() {
    size_t due;
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      is_queued_ = false;
      ++runs_;
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
      running.front() = nullptr;  // destroys the closure without the lock
      const std::lock_guard<std::mutex> lock(mutex_);
      free_.splice(free_.end(), running);
    }
  }
  // Returns a list of one empty task, or an empty list if there is no memory.
  std::list<Task> NewPlace() {
    std::list<Task> place;
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      if (!free_.empty()) {
        place.splice(place.end(), free_, free_.begin());
        return place;
      }
    }
    try {
      place.emplace_back();
    } catch (const std::bad_alloc&) {
    }
    return place;
  }

  const le_thread_Ref_t thread_ = le_thread_GetCurrent();
  void* number_ = nullptr;  // in TaskQueues
  le_thread_DestructorRef_t thread_end_ = nullptr;
  std::mutex mutex_;
  bool closed_ = false;
  // Lists, because a list never moves its elements. A queued task must not be
  // moved: the thread that posts another task would run the move constructor of
  // the program's closure. No closure is moved or destroyed under the mutex.
  std::list<Task> tasks_;
  std::list<Task> free_;  // empty tasks, whose memory is reused
  // True: RunTasks() is queued in the C API. Post() sets the member after the
  // call of the C API, because the call may fail. Until then, each thread that
  // posts also queues RunTasks().
  bool is_queued_ = false;
  uint64_t runs_ = 0;  // the number of calls of Run() that have begun
};

}  // namespace internal

// Posts tasks to a Loop. Several threads may call Post() at the same time. A
// sender may be copied, and may outlive the loop.
class TaskSender {
 public:
  // Has no loop.
  TaskSender() = default;

  // As Loop::Post(), with one more error.
  //   FailedPrecondition  this sender has no loop
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

// Runs and stops the event loop of the thread that creates this object, and
// posts tasks to this event loop. A thread may have several Loops. They share
// the event loop: Run() of one runs the tasks of all. When a Loop is destroyed,
// its remaining tasks are destroyed and not run. A task may destroy its own
// Loop. A Loop must be destroyed on its thread. After that thread has ended,
// any thread may destroy the Loop.
class Loop {
 public:
  Loop() : queue_(internal::TaskQueue::New()) {}
  ~Loop() {
    if (queue_->OnItsThread()) queue_->ForgetThreadEnd();
    queue_->Close();
  }
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  // Calls the handlers, timers and tasks of the calling thread until Stop().
  // After Run() has returned, it may be called again.
  //   FailedPrecondition  the loop belongs to another thread, or a handler of
  //                       the loop calls this
  absl::Status Run() {
    if (!queue_->OnItsThread()) return internal::WrongThread();
    if (le_event_TryRunLoopUntilStopped() != LE_OK) {
      return absl::FailedPreconditionError(
          "the loop cannot run in one of its own handlers");
    }
    return absl::OkStatus();
  }

  // As Run(), but also ends when the process receives the signal, for example
  // SIGTERM. Before and after this call the signal has its former effect. The
  // errors are those of Run() and SignalWatch::Create().
  absl::Status RunUntilSignal(int signal) {
    const absl::StatusOr<SignalWatch> watch =
        SignalWatch::Create(signal, [] { le_event_StopLoop(nullptr); });
    return watch.ok() ? Run() : watch.status();
  }

  // As Run(), but runs for `timeout` at most. The errors are those of Run(),
  // and this one:
  //   DeadlineExceeded  the timeout expired, and Stop() was not called in an
  //                     earlier turn. A later Stop() ends the next Run()
  absl::Status RunFor(absl::Duration timeout) {
    bool expired = false;
    Timer timer([&expired] {
      expired = true;
      le_event_StopLoop(nullptr);
    });
    absl::Status status = timer.Start(timeout);
    if (status.ok()) status = Run();
    if (status.ok() && expired) {
      return absl::DeadlineExceededError("the loop was not stopped in time");
    }
    return status;
  }

  // Ends Run() after the handlers that are ready in this turn. If Run() is not
  // running, the next Run() returns at once. Any thread. On another thread than
  // the loop's, this posts a task that stops the loop, so tasks that were
  // posted earlier run first.
  void Stop() {
    if (queue_->OnItsThread()) {
      le_event_StopLoop(nullptr);
    } else {
      queue_->StopThread();
    }
  }

  // Runs `task` from the loop. Tasks of a Loop run in the order of posting. Any
  // thread.
  //   InvalidArgument    the task is empty
  //   Unavailable        the loop is destroyed, or its thread has ended
  //   ResourceExhausted  there is no memory; the task will not run
  absl::Status Post(UniqueFunction<void()> task) {
    return queue_->Post(std::move(task));
  }

  // A sender for other threads. It may outlive the loop.
  TaskSender sender() const { return TaskSender(queue_); }

 private:
  const std::shared_ptr<internal::TaskQueue> queue_;
};

}  // namespace le

#endif  // LE_MESSAGING_MESSAGING_CPP_LE_LOOP_H_
