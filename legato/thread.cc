// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// The C API: threads.

#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/attributes.h"
#include "absl/strings/str_cat.h"
#include "event/base/log.h"
#include "event/base/mutex.h"
#include "event/os_process.h"
#include "event/process.h"
#include "event/user_code.h"
#include "le_thread.h"
#include "legato/c_thread.h"
#include "legato/cancel.h"

using le::event::CallUser;
using le::event::CheckNotForked;
using le::event::Fatal;
using le::event::Log;
using le::event::LogLevel;
using le::event::Loop;
using le::event::Misuse;
using le::event::MutexLock;
using le::event::OsProcess;
using le::event::Process;
using le::event::Thread;

struct le_thread_Destructor {};

namespace le {
namespace legato {

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

// For a thread that this API did not start.
ABSL_ATTRIBUTE_NOINLINE CThread* AdoptThread(Thread* thread) {
  auto adopted = std::make_shared<CThread>(thread->name(), nullptr, nullptr);
  adopted->set_ref(Threads::OfCurrentProcess()->Add(adopted));
  adopted->Adopt();
  return thread
      ->State<Current>([&] { return std::make_unique<Current>(adopted); })
      ->thread();
}

}  // namespace

CThread* CurrentThread() {
  Thread* const thread = Thread::Current();
  const Current* const current = thread->StateOrNull<Current>();
  return current != nullptr ? current->thread() : AdoptThread(thread);
}

bool IsCurrent(const CThread* thread) {
  Thread* const current = Thread::CurrentOrNull();
  return current != nullptr && current->StateOrNull<Current>() != nullptr &&
         CurrentThread() == thread;
}

namespace {

uintptr_t AddDestructor(le_thread_Destructor_t destructor, void* context) {
  return Thread::Current()->AddDestructor([destructor, context] {
    CallUser("a destructor of a thread", [&] { destructor(context); });
  });
}

// Returns the nice value of a thread with this priority. The values for LOW and
// HIGH are those of Legato.
int NiceOf(le_thread_Priority_t priority) {
  if (priority == LE_THREAD_PRIORITY_LOW) return 10;
  if (priority == LE_THREAD_PRIORITY_HIGH) return -10;
  // On Linux this is the nice value of the main thread.
  return getpriority(PRIO_PROCESS, getpid());
}

// Sets the priority of the calling thread. The thread has inherited the
// scheduling policy and the nice value of the thread that has started it.
void SetPriorityOfCurrent(le_thread_Priority_t priority) {
  // In a simulation, the seed decides which thread runs.
  if (Process::Current() != OsProcess::Get()) return;
  int error = 0;  // of the first call that fails
  const auto check = [&error](int result) {
    if (result != 0 && error == 0) error = errno;
  };
  const auto set_policy = [&check](int policy, int level) {
    struct sched_param param = {};
    param.sched_priority = level;
    check(sched_setscheduler(0, policy, &param));
  };
  if (priority == LE_THREAD_PRIORITY_IDLE) {
    set_policy(SCHED_IDLE, 0);
  } else if (priority >= LE_THREAD_PRIORITY_RT_LOWEST) {
    set_policy(SCHED_RR, priority - LE_THREAD_PRIORITY_RT_LOWEST + 1);
  } else {
    if (sched_getscheduler(0) != SCHED_OTHER) set_policy(SCHED_OTHER, 0);
    const int nice = NiceOf(priority);
    // On Linux this changes the calling thread only.
    if (getpriority(PRIO_PROCESS, 0) != nice) {
      check(setpriority(PRIO_PROCESS, 0, nice));
    }
  }
  if (error != 0) {
    Log(LogLevel::kWarning,
        absl::StrCat("thread '", Thread::Current()->name(),
                     "' does not have its priority: ", std::strerror(error)));
  }
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
    // Join() as soon as the new thread runs.
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
  // The lock is released before the process ends, because exit handlers may use
  // the thread.
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
  // RunLoop() checks MustEnd() when the loop stops.
  if (loop_ != nullptr) loop_->Stop();
  if (parker_ != nullptr) parker_->Unpark();
  return LE_OK;
}

void CThread::StopLoop() {
  MutexLock lock(&mutex_);
  stop_requested_ = true;
  if (loop_ != nullptr) loop_->Stop();
}

void CThread::RunLoop() {
  Loop* const loop = EnsureLoop();
  for (;;) {
    if (MustEnd()) EndCancelledThread();
    {
      MutexLock lock(&mutex_);
      if (std::exchange(stop_requested_, false)) return;
    }
    // Run() also returns at once if Cancel() has stopped the loop before. In a
    // destructor of the cancelled thread, both conditions above are then false,
    // so the loop runs again.
    loop->Run();
  }
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

}  // namespace legato
}  // namespace le

using le::legato::AddDestructor;
using le::legato::CThread;
using le::legato::CurrentThread;
using le::legato::IsCurrent;
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
    Misuse(__func__, "the buffer is NULL, or its size is 0");
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
      AddDestructor(destructor, contextPtr));
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
  if (timeInSecs < 0) Misuse(__func__, "the time is negative");
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
    Misuse(__func__,
           "called in a handler of the loop that this call would destroy");
  }
  Thread::Release();
}
