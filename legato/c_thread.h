// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef LE_MESSAGING_LEGATO_C_THREAD_H_
#define LE_MESSAGING_LEGATO_C_THREAD_H_

#include <algorithm>
#include <atomic>
#include <list>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "event/base/log.h"
#include "event/base/mutex.h"
#include "event/deferred_wakes.h"
#include "event/process.h"
#include "event/user_code.h"
#include "le_eventLoop.h"
#include "le_thread.h"
#include "legato/refs.h"

namespace le {
namespace legato {

class CThread;
using Threads = ProcessRefs<CThread, le_thread_Ref_t>;

// A thread of the C API. le_thread_Create() creates this object before the
// thread starts. For a running thread that this API did not start,
// CurrentThread() creates it. The reference of a joinable thread is valid until
// le_thread_Join() has joined the thread. Any other reference is valid until
// End(). A std::shared_ptr may keep the object longer (see queue.h).
// Thread-safe, except functions that only this thread may call.
class CThread : public std::enable_shared_from_this<CThread> {
 public:
  CThread(std::string name, le_thread_MainFunc_t main, void* context)
      : name_(std::move(name)), main_(main), context_(context) {}

  // Marks the calling thread, which this API did not start, as running.
  void Adopt() {
    event::MutexLock lock(&mutex_);
    phase_ = Phase::kRunning;
  }

  // Only this thread may call it. Returns its Thread::loop(). The first call
  // posts the functions that were queued before. It also creates the loop, if
  // the thread has none. The loop is not created earlier, because it needs file
  // descriptors.
  event::Loop* EnsureLoop() {
    event::DeferredWakes wakes;
    event::MutexLock lock(&mutex_);
    if (loop_ == nullptr) {
      loop_ = event::Thread::Current()->loop();
      for (Function& function : queued_) wakes.Post(loop_, &function);
    }
    return loop_;
  }

  // The settings before the start.
  struct Attributes {
    bool joinable = false;
    le_thread_Priority_t priority = LE_THREAD_PRIORITY_MEDIUM;
    std::vector<std::pair<le_thread_Destructor_t, void*>> destructors;
  };
  // Calls `change` with a pointer to the attributes. Fatal if the thread has
  // been started.
  template <typename Change>
  void ChangeAttributes(const char* function, const Change& change) {
    {
      event::MutexLock lock(&mutex_);
      if (phase_ == Phase::kNew) {
        change(&attributes_);
        return;
      }
    }
    event::Misuse(function, kStartedAlready);
  }

  void Start(const char* function);
  le_result_t Join(void** result);
  le_result_t Cancel();
  // Makes RunLoop() return.
  void StopLoop();
  // Only this thread may call it. Runs the loop until StopLoop(). Ends the
  // thread if MustEnd().
  void RunLoop();
  // Only this thread may call it. From now on Cancel() unparks `parker`. Null:
  // Cancel() unparks nothing.
  void SetParker(event::Parker* parker) {
    event::MutexLock lock(&mutex_);
    parker_ = parker;
  }

  // Only this thread may call it. Ends the thread.
  [[noreturn]] void Exit(void* result) {
    {
      event::MutexLock lock(&mutex_);
      result_ = result;
    }
    event::Thread::Current()->End();
    event::Process::Current()->ExitThread();
    __builtin_unreachable();  // GCC ignores [[noreturn]] of a virtual function
  }
  bool joinable() {
    event::MutexLock lock(&mutex_);
    return attributes_.joinable;
  }
  // Only this thread may call it. Whether the thread was cancelled and must end
  // now. False once Thread::End() has begun: Cancel() does not interrupt the
  // thread's destructors.
  bool MustEnd() const {
    return cancelled_.load(std::memory_order_acquire) &&
           !event::Thread::Current()->ending();
  }

  // LE_NOT_FOUND: the thread has ended. LE_DUPLICATE: `once` is true, and the
  // function is queued already with the same parameters.
  le_result_t Queue(le_event_DeferredFunc_t function, void* param1,
                    void* param2, bool once = false) {
    event::DeferredWakes wakes;
    event::MutexLock lock(&mutex_);
    if (phase_ == Phase::kEnded) return LE_NOT_FOUND;
    if (once && std::any_of(queued_.begin(), queued_.end(),
                            [&](const Function& queued) {
                              return queued.function == function &&
                                     queued.param1 == param1 &&
                                     queued.param2 == param2;
                            })) {
      return LE_DUPLICATE;
    }
    if (free_.empty()) free_.emplace_back(this);
    queued_.splice(queued_.end(), free_, free_.begin());
    Function* const queued = &queued_.back();
    queued->function = function;
    queued->param1 = param1;
    queued->param2 = param2;
    if (loop_ != nullptr) wakes.Post(loop_, queued);
    return LE_OK;
  }

  // Called when the thread ends. Drops the queued functions. If the thread is
  // not joinable, removes its reference.
  void End() {
    std::list<Function> discarded;
    if (!joinable()) Threads::OfCurrentProcess()->Remove(ref_);
    {
      event::MutexLock lock(&mutex_);
      phase_ = Phase::kEnded;
      loop_ = nullptr;
      discarded.swap(queued_);
      free_.clear();
    }
    // `discarded` is destroyed here, without the lock. The destructor of each
    // function cancels the function in the loop.
  }

  const std::string& name() const { return name_; }
  le_thread_Ref_t ref() const { return ref_; }
  void set_ref(le_thread_Ref_t ref) { ref_ = ref; }

 private:
  enum class Phase { kNew, kRunning, kEnded };
  static constexpr char kStartedAlready[] = "the thread has been started";

  // A queued function. Run() first moves the object to free_, so that a later
  // Queue() needs no allocation. Then Run() calls the function. During this
  // call the object may be reused by Queue(), or destroyed by End().
  struct Function final : event::Task {
    explicit Function(CThread* of) : thread(of) {}
    void Run() override {
      const auto call = function;
      void* const first = param1;
      void* const second = param2;
      {
        // The loop runs the functions in the order of queued_.
        event::MutexLock lock(&thread->mutex_);
        thread->free_.splice(thread->free_.begin(), thread->queued_,
                             thread->queued_.begin());
      }
      event::CallUser("a queued function", [&] { call(first, second); });
    }

    CThread* const thread;
    le_event_DeferredFunc_t function = nullptr;
    void* param1 = nullptr;
    void* param2 = nullptr;
  };

  void Body();

  const std::string name_;
  const le_thread_MainFunc_t main_;
  void* const context_;
  le_thread_Ref_t ref_ = nullptr;
  event::Mutex mutex_;
  Phase phase_ ABSL_GUARDED_BY(mutex_) = Phase::kNew;
  Attributes attributes_ ABSL_GUARDED_BY(mutex_);
  std::atomic<bool> cancelled_{false};
  // StopLoop() was called, and RunLoop() has not returned since.
  bool stop_requested_ ABSL_GUARDED_BY(mutex_) = false;
  event::Parker* parker_ ABSL_GUARDED_BY(mutex_) = nullptr;
  void* result_ ABSL_GUARDED_BY(mutex_) = nullptr;
  event::Loop* loop_ ABSL_GUARDED_BY(mutex_) = nullptr;
  // Functions that were not run. If loop_ is set, they are posted to it.
  std::list<Function> queued_ ABSL_GUARDED_BY(mutex_);
  std::list<Function> free_ ABSL_GUARDED_BY(mutex_);
  std::unique_ptr<event::ThreadHandle> handle_ ABSL_GUARDED_BY(mutex_);
};

// Returns the calling thread. Adopts it if this API did not start it.
CThread* CurrentThread();

// Returns whether `thread` is the calling thread. Does not adopt the calling
// thread.
bool IsCurrent(const CThread* thread);

}  // namespace legato
}  // namespace le

#endif  // LE_MESSAGING_LEGATO_C_THREAD_H_
