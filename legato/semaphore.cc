// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// The C API: semaphores.

#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "absl/time/time.h"
#include "event/base/log.h"
#include "event/base/mutex.h"
#include "event/os_process.h"
#include "event/process.h"
#include "le_semaphore.h"
#include "legato/cancel.h"
#include "legato/duration.h"
#include "legato/refs.h"
#include "legato/waiters.h"

using le::event::CheckNotForked;
using le::event::Misuse;
using le::event::Mutex;
using le::event::MutexLock;
using le::event::Process;
using le::legato::Waiters;

struct le_sem {};

namespace {

class Semaphore {
 public:
  Semaphore(std::string name, int32_t count)
      : name(std::move(name)), count_(count) {}

  const std::string name;

  enum class Waited { kTaken, kTimedOut, kCancelled };
  Waited Wait(le::event::Instant deadline) {
    Process::Current()->YieldPoint();
    const Waiters::Entry entry(&mutex_, &waiters_);
    const le::legato::CancellableWait wait;
    for (bool in_time = true;;) {
      if (wait.cancelled()) return Waited::kCancelled;
      if (TryTake()) return Waited::kTaken;
      if (!in_time) return Waited::kTimedOut;
      le::event::Thread::Current()->BeforeBlocking();
      in_time = entry.parker()->Park(deadline);
    }
  }

  bool TryTake() {
    MutexLock lock(&mutex_);
    if (count_ <= 0) return false;
    --count_;
    return true;
  }

  // False: the count is at its maximum, and does not change.
  bool Post() {
    Process::Current()->YieldPoint();
    MutexLock lock(&mutex_);
    if (count_ == INT32_MAX) return false;
    ++count_;
    waiters_.Wake();
    return true;
  }

  int count() {
    MutexLock lock(&mutex_);
    return count_;
  }
  bool has_waiting() {
    MutexLock lock(&mutex_);
    return !waiters_.empty();
  }

 private:
  Mutex mutex_;
  int32_t count_ ABSL_GUARDED_BY(mutex_);
  Waiters waiters_ ABSL_GUARDED_BY(mutex_);
};

using Semaphores = le::legato::ProcessRefs<Semaphore, le_sem_Ref_t>;

// Waits for the semaphore. False: the count was 0 until the deadline. If the
// thread was cancelled, this call ends the thread, and the count does not
// change.
bool Wait(const char* function, le_sem_Ref_t ref, le::event::Instant deadline) {
  const Semaphore::Waited waited =
      Semaphores::Get(function, ref)->Wait(deadline);
  if (waited == Semaphore::Waited::kCancelled) le::legato::EndCancelledThread();
  return waited == Semaphore::Waited::kTaken;
}

}  // namespace

le_sem_Ref_t le_sem_Create(const char* name, int32_t initialCount) {
  CheckNotForked(__func__);
  if (initialCount < 0) Misuse(__func__, "the count is negative");
  return Semaphores::OfCurrentProcess()->Add(
      std::make_shared<Semaphore>(name == nullptr ? "" : name, initialCount));
}

le_sem_Ref_t le_sem_FindSemaphore(const char* name) {
  CheckNotForked(__func__);
  if (name == nullptr) Misuse(__func__, "the name is NULL");
  return Semaphores::OfCurrentProcess()->FindIf(
      [name](const Semaphore& semaphore) { return semaphore.name == name; });
}

void le_sem_Delete(le_sem_Ref_t semaphorePtr) {
  if (Semaphores::Get(__func__, semaphorePtr)->has_waiting()) {
    Misuse(__func__, "a thread waits for the semaphore");
  }
  Semaphores::OfCurrentProcess()->Remove(semaphorePtr);
}

void le_sem_Wait(le_sem_Ref_t semaphorePtr) {
  Wait(__func__, semaphorePtr, absl::InfiniteFuture());
}

le_result_t le_sem_TryWait(le_sem_Ref_t semaphorePtr) {
  const auto semaphore = Semaphores::Get(__func__, semaphorePtr);
  Process::Current()->YieldPoint();
  return semaphore->TryTake() ? LE_OK : LE_WOULD_BLOCK;
}

le_result_t le_sem_WaitWithTimeOut(le_sem_Ref_t semaphorePtr,
                                   le_clk_Time_t timeToWait) {
  CheckNotForked(__func__);
  return Wait(__func__, semaphorePtr,
              Process::Current()->Now() + le::legato::ToDuration(timeToWait))
             ? LE_OK
             : LE_TIMEOUT;
}

void le_sem_Post(le_sem_Ref_t semaphorePtr) {
  if (!Semaphores::Get(__func__, semaphorePtr)->Post()) {
    Misuse(__func__, "the count is at its maximum");
  }
}

int le_sem_GetValue(le_sem_Ref_t semaphorePtr) {
  return Semaphores::Get(__func__, semaphorePtr)->count();
}
