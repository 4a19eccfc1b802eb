// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// The C API: mutexes. A thread waits with its Parker, so that a simulation can
// switch threads there.

#include "event/base/mutex.h"

#include <cstddef>
#include <cstdint>
#include <memory>

#include "absl/time/time.h"
#include "event/base/log.h"
#include "event/os_process.h"
#include "event/process.h"
#include "le_mutex.h"
#include "legato/refs.h"
#include "legato/waiters.h"

using le::event::CheckNotForked;
using le::event::Misuse;
using le::event::MutexLock;
using le::event::Thread;
using le::legato::Waiters;

// References of created mutexes are odd numbers (see refs.h). The address of an
// aligned object is even. So no such reference equals the address of
// g_ifgen_mutex.
struct alignas(std::max_align_t) le_mutex {};

namespace {

class CMutex {
 public:
  explicit CMutex(bool recursive) : recursive_(recursive) {}

  void Lock(const char* function) {
    le::event::Process::Current()->YieldPoint();
    if (TryLock(function, /*fatal=*/true)) return;
    const Waiters::Entry entry(&mutex_, &waiters_);
    while (!TryLock(function, /*fatal=*/true)) {
      Thread::Current()->BeforeBlocking();
      entry.parker()->Park(absl::InfiniteFuture());
    }
  }

  // Fatal if `fatal` is true, the mutex is not recursive, and the calling
  // thread holds it.
  bool TryLock(const char* function, bool fatal) {
    Thread* const self = Thread::Current();
    bool deadlock;
    {
      MutexLock lock(&mutex_);
      if (holder_ == nullptr || (recursive_ && holder_ == self)) {
        holder_ = self;
        ++depth_;
        return true;
      }
      deadlock = holder_ == self;
    }
    if (deadlock && fatal) {
      Misuse(function,
             "the calling thread holds the mutex, which is not recursive");
    }
    return false;
  }

  void Unlock(const char* function) {
    {
      MutexLock lock(&mutex_);
      if (holder_ == Thread::Current()) {
        if (--depth_ > 0) return;
        holder_ = nullptr;
        waiters_.Wake();
        return;
      }
    }
    Misuse(function, "the calling thread does not hold the mutex");
  }

  bool in_use() {
    MutexLock lock(&mutex_);
    return holder_ != nullptr || !waiters_.empty();
  }

 private:
  const bool recursive_;
  le::event::Mutex mutex_;
  const Thread* holder_ ABSL_GUARDED_BY(mutex_) = nullptr;
  uint64_t depth_ ABSL_GUARDED_BY(mutex_) = 0;
  Waiters waiters_ ABSL_GUARDED_BY(mutex_);
};

using Mutexes = le::legato::ProcessRefs<CMutex, le_mutex_Ref_t>;

// The mutex of le_ifgen_InitMutexRef. Its first use creates it.
struct IfgenMutex final : le::event::ModuleState {
  const std::shared_ptr<CMutex> mutex =
      std::make_shared<CMutex>(/*recursive=*/false);
};

// The address of this object is the value of le_ifgen_InitMutexRef. So the
// reference has its value before any code runs, and static constructors of the
// program may use the mutex.
le_mutex g_ifgen_mutex;

std::shared_ptr<CMutex> Get(const char* function, le_mutex_Ref_t ref) {
  if (ref != &g_ifgen_mutex) return Mutexes::Get(function, ref);
  CheckNotForked(function);
  return le::event::Process::Current()
      ->State<IfgenMutex>([] { return std::make_unique<IfgenMutex>(); })
      ->mutex;
}

le_mutex_Ref_t Create(bool recursive) {
  return Mutexes::OfCurrentProcess()->Add(std::make_shared<CMutex>(recursive));
}

}  // namespace

le_mutex_Ref_t le_ifgen_InitMutexRef = &g_ifgen_mutex;

le_mutex_Ref_t le_mutex_CreateRecursive(const char*) {
  CheckNotForked(__func__);
  return Create(/*recursive=*/true);
}

le_mutex_Ref_t le_mutex_CreateNonRecursive(const char*) {
  CheckNotForked(__func__);
  return Create(/*recursive=*/false);
}

void le_mutex_Delete(le_mutex_Ref_t mutexRef) {
  if (mutexRef == &g_ifgen_mutex) {
    Misuse(__func__, "le_ifgen_InitMutexRef must not be deleted");
  }
  if (Get(__func__, mutexRef)->in_use()) {
    Misuse(__func__, "the mutex is in use");
  }
  Mutexes::OfCurrentProcess()->Remove(mutexRef);
}

void le_mutex_Lock(le_mutex_Ref_t mutexRef) {
  Get(__func__, mutexRef)->Lock(__func__);
}

le_result_t le_mutex_TryLock(le_mutex_Ref_t mutexRef) {
  return Get(__func__, mutexRef)->TryLock(__func__, /*fatal=*/false)
             ? LE_OK
             : LE_WOULD_BLOCK;
}

void le_mutex_Unlock(le_mutex_Ref_t mutexRef) {
  Get(__func__, mutexRef)->Unlock(__func__);
}
