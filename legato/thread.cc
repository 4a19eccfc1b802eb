// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// The C API: threads, and functions that are queued to their loops.

#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <sys/resource.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <list>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "event/base/log.h"
#include "event/base/mutex.h"
#include "event/deferred_wakes.h"
#include "event/os_process.h"
#include "event/process.h"
#include "event/user_code.h"
#include "le_eventLoop.h"
#include "le_eventLoop_ext.h"
#include "le_thread.h"
#include "legato/cancel.h"
#include "legato/queue.h"
#include "legato/refs.h"

using le::event::CallUser;
using le::event::CheckNotForked;
using le::event::DeferredWakes;
using le::event::Fatal;
using le::event::Log;
using le::event::LogLevel;
using le::event::Loop;
using le::event::Misuse;
using le::event::Mutex;
using le::event::MutexLock;
using le::event::OsProcess;
using le::event::Process;
using le::event::Thread;

struct le_thread_Destructor {};

namespace le {
namespace legato {

class CThread;

namespace {
using Threads = le::legato::ProcessRefs<CThread, le_thread_Ref_t>;

}  // namespace

// A thread of the C API: before its start, while it runs, and after its end
// until it is joined. Thread-safe.
class CThread : public std::enable_shared_from_this<CThread> {
 public:
  CThread(std::string name, le_thread_MainFunc_t main, void* context)
      : name_(std::move(name)), main_(main), context_(context) {}

  // For the calling thread, if this API has not started it.
  void Adopt() {
    MutexLock lock(&mutex_);
    phase_ = Phase::kRunning;
  }

  // The loop of the calling thread, which must be this one. It is created at
  // the first call, because a loop has file descriptors. Functions that other
  // threads have queued before are posted then.
  Loop* loop() {
    DeferredWakes wakes;
    MutexLock lock(&mutex_);
    if (loop_ == nullptr) {
      loop_ = Thread::Current()->loop();
      for (Function& function : queued_) wakes.Post(loop_, &function);
      if (stops_loop_) loop_->Stop();
    }
    return loop_;
  }

  // What is set before the start.
  struct Attributes {
    bool joinable = false;
    le_thread_Priority_t priority = LE_THREAD_PRIORITY_MEDIUM;
    std::vector<std::pair<le_thread_Destructor_t, void*>> destructors;
  };
  // Calls `change` with a pointer to them.
  template <typename Change>
  void ChangeAttributes(const char* function, const Change& change) {
    {
      MutexLock lock(&mutex_);
      if (phase_ == Phase::kNew) {
        change(&attributes_);
        return;
      }
    }
    Misuse(function, kStartedAlready);
  }

  void Start(const char* function);
  le_result_t Join(void** result);
  le_result_t Cancel();
  void StopLoop();
  // For the calling thread, which must be this one: Cancel() unparks `parker`,
  // unless it is null.
  void SetParker(le::event::Parker* parker) {
    MutexLock lock(&mutex_);
    parker_ = parker;
  }

  // Ends the calling thread, which must be this one.
  [[noreturn]] void Exit(void* result) {
    {
      MutexLock lock(&mutex_);
      result_ = result;
    }
    Thread::Current()->End();
    Process::Current()->ExitThread();
    __builtin_unreachable();  // GCC ignores [[noreturn]] of a virtual function
  }
  bool joinable() {
    MutexLock lock(&mutex_);
    return attributes_.joinable;
  }
  bool cancelled() const { return cancelled_.load(std::memory_order_acquire); }
  // For the calling thread, which must be this one. Its destructors are not
  // cancelled.
  bool MustEnd() const { return cancelled() && !Thread::Current()->ending(); }

  // LE_NOT_FOUND: the thread has ended. LE_DUPLICATE, if `once`: the same is queued already.
  le_result_t Queue(le_event_DeferredFunc_t function, void* param1,
                    void* param2, bool once = false) {
    DeferredWakes wakes;
    MutexLock lock(&mutex_);
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

  // The thread ends. Queued functions are dropped. If the thread is not
  // joinable, its reference is removed.
  void End() {
    std::list<Function> discarded;
    if (!joinable()) Threads::OfCurrentProcess()->Remove(ref_);
    {
      MutexLock lock(&mutex_);
      phase_ = Phase::kEnded;
      loop_ = nullptr;
      discarded.swap(queued_);
      free_.clear();
    }
    // The destructor of each discarded function cancels it at the loop.
  }

  const std::string& name() const { return name_; }
  le_thread_Ref_t ref() const { return ref_; }
  void set_ref(le_thread_Ref_t ref) { ref_ = ref; }

 private:
  enum class Phase { kNew, kRunning, kEnded };
  static constexpr char kStartedAlready[] = "the thread has been started";

  // A queued function. The object is kept in free_ after its run, so that later
  // functions need no allocation.
  struct Function final : le::event::Task {
    explicit Function(CThread* of) : thread(of) {}
    void Run() override {
      const auto call = function;
      void* const first = param1;
      void* const second = param2;
      {
        // The loop runs the functions in the order of queued_.
        MutexLock lock(&thread->mutex_);
        thread->free_.splice(thread->free_.begin(), thread->queued_,
                             thread->queued_.begin());
      }
      CallUser("a queued function", [&] { call(first, second); });
    }

    CThread* const thread;
    le_event_DeferredFunc_t function = nullptr;
    void* param1 = nullptr;
    void* param2 = nullptr;
  };

  void Body();
  void StopLoopLocked() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    if (loop_ == nullptr) {
      stops_loop_ = true;
    } else {
      loop_->Stop();
    }
  }

  const std::string name_;
  const le_thread_MainFunc_t main_;
  void* const context_;
  le_thread_Ref_t ref_ = nullptr;
  Mutex mutex_;
  Phase phase_ ABSL_GUARDED_BY(mutex_) = Phase::kNew;
  Attributes attributes_ ABSL_GUARDED_BY(mutex_);
  std::atomic<bool> cancelled_{false};
  // StopLoopLocked() was called before the loop existed.
  bool stops_loop_ ABSL_GUARDED_BY(mutex_) = false;
  le::event::Parker* parker_ ABSL_GUARDED_BY(mutex_) = nullptr;
  void* result_ ABSL_GUARDED_BY(mutex_) = nullptr;
  Loop* loop_ ABSL_GUARDED_BY(mutex_) = nullptr;
  // Functions that were not run. They are posted when the loop exists.
  std::list<Function> queued_ ABSL_GUARDED_BY(mutex_);
  std::list<Function> free_ ABSL_GUARDED_BY(mutex_);
  std::unique_ptr<le::event::ThreadHandle> handle_ ABSL_GUARDED_BY(mutex_);
};

namespace {

// Ties the calling thread to its CThread.
class Current final : public le::event::ModuleState {
 public:
  explicit Current(std::shared_ptr<CThread> thread)
      : thread_(std::move(thread)) {}
  ~Current() override { thread_->End(); }
  CThread* thread() const { return thread_.get(); }

 private:
  const std::shared_ptr<CThread> thread_;
};

CThread* CurrentThread() {
  return Thread::Current()
      ->State<Current>([] {
        // This API did not start the thread: adopt it.
        auto adopted = std::make_shared<CThread>(Thread::Current()->name(),
                                                 nullptr, nullptr);
        adopted->set_ref(Threads::OfCurrentProcess()->Add(adopted));
        adopted->Adopt();
        return std::make_unique<Current>(adopted);
      })
      ->thread();
}

// Unlike CurrentThread(), this does not adopt the calling thread.
bool IsCurrent(const CThread* thread) {
  Thread* const current = Thread::CurrentOrNull();
  return current != nullptr && current->StateOrNull<Current>() != nullptr &&
         CurrentThread() == thread;
}

int AddDestructor(le_thread_Destructor_t destructor, void* context) {
  return Thread::Current()->AddDestructor([destructor, context] {
    CallUser("a destructor of a thread", [&] { destructor(context); });
  });
}

// Of the calling thread, which has the default priority.
void SetPriorityOfCurrent(le_thread_Priority_t priority) {
  // A simulation runs all its threads on one.
  if (Process::Current() != OsProcess::Get()) return;
  constexpr int kNice = 10;  // as far from the default as Legato's
  int failed = 0;
  if (priority == LE_THREAD_PRIORITY_IDLE) {
    const struct sched_param none = {};
    failed = sched_setscheduler(0, SCHED_IDLE, &none);
  } else if (priority == LE_THREAD_PRIORITY_LOW ||
             priority == LE_THREAD_PRIORITY_HIGH) {
    // On Linux this is one thread.
    failed = setpriority(PRIO_PROCESS, 0,
                         priority == LE_THREAD_PRIORITY_LOW ? kNice : -kNice);
  } else if (priority >= LE_THREAD_PRIORITY_RT_LOWEST) {
    struct sched_param level = {};
    level.sched_priority = priority - LE_THREAD_PRIORITY_RT_LOWEST + 1;
    failed = sched_setscheduler(0, SCHED_RR, &level);
  }
  if (failed != 0) {
    Log(LogLevel::kWarning,
        absl::StrCat("thread '", Thread::Current()->name(),
                     "' keeps the default priority: ", std::strerror(errno)));
  }
}

void QueueToSelf(le_event_DeferredFunc_t function, void* param1, void* param2) {
  CThread* const current = CurrentThread();
  current->loop();
  current->Queue(function, param1, param2);
}

}  // namespace

void CThread::Body() {
  const std::shared_ptr<CThread> self = shared_from_this();
  Thread::Current()->State<Current>(
      [&self] { return std::make_unique<Current>(self); });
  Attributes attributes;
  {
    MutexLock lock(&mutex_);
    attributes = attributes_;
  }
  SetPriorityOfCurrent(attributes.priority);
  for (const auto& destructor : attributes.destructors) {
    AddDestructor(destructor.first, destructor.second);
  }
  void* const result = CallUser("the main function of a thread",
                                [this] { return main_(context_); });
  MutexLock lock(&mutex_);
  result_ = result;
}

void CThread::Start(const char* function) {
  bool started;
  {
    // The lock is held until handle_ is set, because another thread may call
    // Join() as soon as this one runs.
    MutexLock lock(&mutex_);
    if (phase_ == Phase::kNew) {
      const std::shared_ptr<CThread> self = shared_from_this();
      handle_ =
          Process::Current()->StartThread(name_, [self] { self->Body(); });
      if (handle_ != nullptr) {
        phase_ = Phase::kRunning;
        if (!attributes_.joinable) std::exchange(handle_, nullptr)->Detach();
        return;
      }
    }
    started = phase_ != Phase::kNew;
  }
  // Not under the lock, because exit handlers may use the thread.
  if (started) Misuse(function, kStartedAlready);
  Fatal(absl::StrCat(function, ": the system cannot create a thread"));
}

le_result_t CThread::Join(void** result) {
  if (IsCurrent(this)) return LE_DEADLOCK;
  std::unique_ptr<le::event::ThreadHandle> handle;
  {
    MutexLock lock(&mutex_);
    handle = std::move(handle_);
  }
  if (handle == nullptr) return LE_NOT_POSSIBLE;
  Thread::Current()->BeforeBlocking();
  handle->Join();
  MutexLock lock(&mutex_);
  if (result != nullptr) *result = result_;
  return LE_OK;
}

le_result_t CThread::Cancel() {
  MutexLock lock(&mutex_);
  if (phase_ != Phase::kRunning) return LE_NOT_FOUND;
  cancelled_.store(true, std::memory_order_release);
  StopLoopLocked();
  if (parker_ != nullptr) parker_->Unpark();
  return LE_OK;
}

void CThread::StopLoop() {
  MutexLock lock(&mutex_);
  StopLoopLocked();
}

// ---- Waits that can be cancelled -------------------------------------------

CancellableWait::CancellableWait()
    : thread_(Thread::Current()->StateOrNull<Current>() == nullptr
                  ? nullptr
                  : CurrentThread()) {
  if (thread_ != nullptr) thread_->SetParker(Thread::Current()->parker());
}

CancellableWait::~CancellableWait() {
  if (thread_ != nullptr) thread_->SetParker(nullptr);
}

bool CancellableWait::cancelled() const {
  return thread_ != nullptr && thread_->MustEnd();
}

void EndCancelledThread() { CurrentThread()->Exit(nullptr); }

// ---- Queues for other APIs -------------------------------------------------

std::shared_ptr<CThread> QueueOfCurrentThread() {
  CThread* const current = CurrentThread();
  current->loop();
  return current->shared_from_this();
}

void QueueTo(CThread* thread, le_event_DeferredFunc_t function, void* param1,
             void* param2) {
  thread->Queue(function, param1, param2);
}

namespace {

// Runs the calling thread's loop until it is stopped. Ends the thread if it was
// cancelled.
void RunLoop() {
  CThread* const current = CurrentThread();
  current->loop()->Run();
  if (current->cancelled()) EndCancelledThread();
}

}  // namespace

}  // namespace legato
}  // namespace le

using le::legato::AddDestructor;
using le::legato::CThread;
using le::legato::CurrentThread;
using le::legato::IsCurrent;
using le::legato::QueueToSelf;
using le::legato::Threads;

// ---- Threads ---------------------------------------------------------------

le_thread_Ref_t le_thread_Create(const char* name,
                                 le_thread_MainFunc_t mainFunc,
                                 void* contextPtr) {
  CheckNotForked(__func__);
  if (name == nullptr) Misuse(__func__, "the name is NULL");
  if (mainFunc == nullptr) Misuse(__func__, "the main function is NULL");
  auto thread = std::make_shared<CThread>(name, mainFunc, contextPtr);
  const le_thread_Ref_t ref = Threads::OfCurrentProcess()->Add(thread);
  thread->set_ref(ref);
  return ref;
}

void le_thread_SetJoinable(le_thread_Ref_t threadRef) {
  Threads::Get(__func__, threadRef)
      ->ChangeAttributes(__func__,
                         [](auto* attributes) { attributes->joinable = true; });
}

le_result_t le_thread_SetPriority(le_thread_Ref_t threadRef,
                                  le_thread_Priority_t priority) {
  const auto thread = Threads::Get(__func__, threadRef);
  if (priority < LE_THREAD_PRIORITY_IDLE ||
      priority > LE_THREAD_PRIORITY_RT_HIGHEST) {
    return LE_OUT_OF_RANGE;
  }
  thread->ChangeAttributes(__func__, [priority](auto* attributes) {
    attributes->priority = priority;
  });
  return LE_OK;
}

le_result_t le_thread_SetStackSize(le_thread_Ref_t threadRef, size_t size) {
  Threads::Get(__func__, threadRef)->ChangeAttributes(__func__, [](auto*) {});
  pthread_attr_t defaults;
  size_t stack_size = 0;
  pthread_attr_init(&defaults);
  pthread_attr_getstacksize(&defaults, &stack_size);
  pthread_attr_destroy(&defaults);
  if (size > stack_size) return LE_OUT_OF_RANGE;
  return size < static_cast<size_t>(PTHREAD_STACK_MIN) ? LE_OVERFLOW : LE_OK;
}

le_result_t le_thread_SetStack(le_thread_Ref_t threadRef, void* stackPtr,
                               size_t size) {
  Threads::Get(__func__, threadRef)->ChangeAttributes(__func__, [](auto*) {});
  return stackPtr == nullptr || le_thread_SetStackSize(threadRef, size) != LE_OK
             ? LE_BAD_PARAMETER
             : LE_OK;
}

void le_thread_Start(le_thread_Ref_t threadRef) {
  Threads::Get(__func__, threadRef)->Start(__func__);
}

le_result_t le_thread_Join(le_thread_Ref_t threadRef, void** resultPtrPtr) {
  CheckNotForked(__func__);
  const auto thread = Threads::OfCurrentProcess()->Find(threadRef);
  if (thread == nullptr) return LE_NOT_FOUND;
  const le_result_t result = thread->Join(resultPtrPtr);
  if (result == LE_OK) Threads::OfCurrentProcess()->Remove(threadRef);
  return result;
}

le_thread_Ref_t le_thread_GetCurrent(void) {
  CheckNotForked(__func__);
  return CurrentThread()->ref();
}

le_result_t le_thread_GetName(le_thread_Ref_t threadRef, char* buffer,
                              size_t bufferSize) {
  CheckNotForked(__func__);
  if (buffer == nullptr || bufferSize == 0) {
    Misuse(__func__, "there is no buffer");
  }
  const auto thread = Threads::OfCurrentProcess()->Find(threadRef);
  const std::string name = thread == nullptr ? "(dead)" : thread->name();
  const size_t size = name.copy(buffer, bufferSize - 1);
  buffer[size] = '\0';
  return size == name.size() ? LE_OK : LE_OVERFLOW;
}

const char* le_thread_GetMyName(void) {
  CheckNotForked(__func__);
  return Thread::Current()->name().c_str();
}

void le_thread_Exit(void* resultPtr) {
  CheckNotForked(__func__);
  if (Thread::Current()->ending()) {
    Misuse(__func__, "the thread is ending already");
  }
  CurrentThread()->Exit(resultPtr);
}

le_result_t le_thread_Cancel(le_thread_Ref_t threadRef) {
  CheckNotForked(__func__);
  const auto thread = Threads::OfCurrentProcess()->Find(threadRef);
  return thread == nullptr ? LE_NOT_FOUND : thread->Cancel();
}

le_thread_DestructorRef_t le_thread_AddDestructor(
    le_thread_Destructor_t destructor, void* contextPtr) {
  CheckNotForked(__func__);
  if (destructor == nullptr) Misuse(__func__, "the destructor is NULL");
  return reinterpret_cast<le_thread_DestructorRef_t>(
      static_cast<uintptr_t>(AddDestructor(destructor, contextPtr)));
}

void le_thread_AddChildDestructor(le_thread_Ref_t threadRef,
                                  le_thread_Destructor_t destructor,
                                  void* contextPtr) {
  const auto thread = Threads::Get(__func__, threadRef);
  if (destructor == nullptr) Misuse(__func__, "the destructor is NULL");
  thread->ChangeAttributes(__func__, [=](auto* attributes) {
    attributes->destructors.emplace_back(destructor, contextPtr);
  });
}

void le_thread_RemoveDestructor(le_thread_DestructorRef_t destructorRef) {
  CheckNotForked(__func__);
  Thread::Current()->RemoveDestructor(
      reinterpret_cast<uintptr_t>(destructorRef));
}

le_result_t le_thread_Sleep(int timeInSecs) {
  CheckNotForked(__func__);
  if (timeInSecs < 0) Misuse(__func__, "a negative time");
  const le::event::Instant end =
      Process::Current()->Now() + absl::Seconds(timeInSecs);
  le::event::Parker* const parker = Thread::Current()->parker();
  Thread::Current()->BeforeBlocking();
  bool cancelled;
  {
    const le::legato::CancellableWait wait;
    while (!(cancelled = wait.cancelled()) && Process::Current()->Now() < end) {
      parker->Park(end);
    }
  }
  if (cancelled) le::legato::EndCancelledThread();
  return LE_OK;
}

void le_thread_InitLegatoThreadData(const char* name) {
  CheckNotForked(__func__);
  if (name == nullptr) Misuse(__func__, "the name is NULL");
  Thread::Adopt(name);
}

void le_thread_CleanupLegatoThreadData(void) {
  CheckNotForked(__func__);
  Thread* const thread = Thread::CurrentOrNull();
  if (thread == nullptr) return;
  const Loop* const loop = thread->loop_if_made();
  if (loop != nullptr && loop->InTurn()) {
    Misuse(__func__, "called in a handler of the loop that it would destroy");
  }
  Thread::Release();
}

// ---- The loop --------------------------------------------------------------

void le_event_RunLoop(void) {
  CheckNotForked(__func__);
  for (;;) le::legato::RunLoop();
}

void le_event_RunLoopUntilStopped(void) {
  CheckNotForked(__func__);
  if (CurrentThread()->loop()->InTurn()) {
    Misuse(__func__, "called in a handler of the same loop");
  }
  le::legato::RunLoop();
}

le_result_t le_event_TryRunLoopUntilStopped(void) {
  CheckNotForked(__func__);
  if (CurrentThread()->loop()->InTurn()) return LE_BUSY;
  le::legato::RunLoop();
  return LE_OK;
}

void le_event_StopLoop(le_thread_Ref_t thread) {
  CheckNotForked(__func__);
  if (thread == nullptr) {
    CurrentThread()->StopLoop();
  } else {
    Threads::Get(__func__, thread)->StopLoop();
  }
}

int le_event_GetFd(void) {
  CheckNotForked(__func__);
  const int fd = CurrentThread()->loop()->GetFd();
  if (fd < 0) Misuse(__func__, "this loop has no descriptor");
  return fd;
}

le_result_t le_event_ServiceLoop(void) {
  CheckNotForked(__func__);
  CThread* const current = CurrentThread();
  if (current->MustEnd() && !current->loop()->InTurn()) {
    le::legato::EndCancelledThread();
  }
  return current->loop()->RunStep() ? LE_OK : LE_WOULD_BLOCK;
}

void le_event_QueueFunction(le_event_DeferredFunc_t func, void* param1Ptr,
                            void* param2Ptr) {
  CheckNotForked(__func__);
  if (func == nullptr) Misuse(__func__, "the function is NULL");
  QueueToSelf(func, param1Ptr, param2Ptr);
}

void le_event_QueueFunctionToThread(le_thread_Ref_t thread,
                                    le_event_DeferredFunc_t func,
                                    void* param1Ptr, void* param2Ptr) {
  CheckNotForked(__func__);
  if (func == nullptr) Misuse(__func__, "the function is NULL");
  if (thread == nullptr) {
    QueueToSelf(func, param1Ptr, param2Ptr);
  } else {
    const auto target = Threads::Get(__func__, thread);
    if (IsCurrent(target.get())) target->loop();
    target->Queue(func, param1Ptr, param2Ptr);
  }
}

le_result_t le_event_QueueFunctionToThreadUnique(le_thread_Ref_t thread,
                                                 le_event_DeferredFunc_t func,
                                                 void* param1Ptr,
                                                 void* param2Ptr) {
  CheckNotForked(__func__);
  if (func == nullptr) Misuse(__func__, "the function is NULL");
  const auto target = thread == nullptr ? CurrentThread()->shared_from_this()
                                        : Threads::Get(__func__, thread);
  if (IsCurrent(target.get())) target->loop();
  const le_result_t result =
      target->Queue(func, param1Ptr, param2Ptr, /*once=*/true);
  return result == LE_DUPLICATE ? result : LE_OK;
}

le_result_t le_event_TryQueueFunctionToThread(le_thread_Ref_t thread,
                                              le_event_DeferredFunc_t func,
                                              void* param1Ptr,
                                              void* param2Ptr) {
  CheckNotForked(__func__);
  if (func == nullptr) Misuse(__func__, "the function is NULL");
  const std::shared_ptr<CThread> found =
      Threads::OfCurrentProcess()->Find(thread);
  // The calling thread's loop must exist, as in QueueToSelf(): the program may
  // run it by other functions than this header's.
  if (found.get() == CurrentThread()) CurrentThread()->loop();
  return found == nullptr ? LE_NOT_FOUND
                          : found->Queue(func, param1Ptr, param2Ptr);
}
