// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// The C API: loops, and functions that are queued to them.

#include <memory>
#include <new>

#include "event/base/log.h"
#include "event/os_process.h"
#include "event/process.h"
#include "le_eventLoop.h"
#include "le_eventLoop_ext.h"
#include "legato/c_thread.h"
#include "legato/cancel.h"
#include "legato/queue.h"

using le::event::CheckNotForked;
using le::event::Misuse;

namespace le {
namespace legato {

std::shared_ptr<CThread> QueueOfCurrentThread() {
  CThread* const current = CurrentThread();
  current->EnsureLoop();
  return current->shared_from_this();
}

void QueueTo(CThread* thread, le_event_DeferredFunc_t function, void* param1,
             void* param2) {
  thread->Queue(function, param1, param2);
}

namespace {

// Returns the thread of a reference. If `thread` is null, returns the calling
// thread. If `thread` is stale, returns null. For the calling thread, calls
// EnsureLoop(), because other code may run the loop without this call. Then the
// queued function must run, too. Fatal if `queued`, the function for the queue,
// is null.
std::shared_ptr<CThread> FindTarget(const char* function,
                                    le_thread_Ref_t thread,
                                    le_event_DeferredFunc_t queued) {
  CheckNotForked(function);
  if (queued == nullptr) Misuse(function, "the function is NULL");
  if (thread == nullptr) return QueueOfCurrentThread();
  std::shared_ptr<CThread> target = Threads::OfCurrentProcess()->Find(thread);
  if (target != nullptr && IsCurrent(target.get())) target->EnsureLoop();
  return target;
}

// As FindTarget(). A stale reference is fatal.
std::shared_ptr<CThread> GetTarget(const char* function, le_thread_Ref_t thread,
                                   le_event_DeferredFunc_t queued) {
  std::shared_ptr<CThread> target = FindTarget(function, thread, queued);
  return target != nullptr ? target : Threads::Get(function, thread);
}

// False: the call is from a handler of the loop, and has no effect.
bool RunLoopOutsideHandlers(const char* function) {
  CheckNotForked(function);
  CThread* const current = CurrentThread();
  if (current->EnsureLoop()->InTurn()) return false;
  current->RunLoop();
  return true;
}

}  // namespace

}  // namespace legato
}  // namespace le

using le::legato::CThread;
using le::legato::CurrentThread;
using le::legato::FindTarget;
using le::legato::GetTarget;
using le::legato::RunLoopOutsideHandlers;
using le::legato::Threads;

void le_event_RunLoop(void) {
  CheckNotForked(__func__);
  for (;;) CurrentThread()->RunLoop();
}

void le_event_RunLoopUntilStopped(void) {
  if (!RunLoopOutsideHandlers(__func__)) {
    Misuse(__func__, "called in a handler of the same loop");
  }
}

le_result_t le_event_TryRunLoopUntilStopped(void) {
  return RunLoopOutsideHandlers(__func__) ? LE_OK : LE_BUSY;
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
  const int fd = CurrentThread()->EnsureLoop()->GetFd();
  if (fd < 0) Misuse(__func__, "this loop has no file descriptor");
  return fd;
}

le_result_t le_event_ServiceLoop(void) {
  CheckNotForked(__func__);
  CThread* const current = CurrentThread();
  le::event::Loop* const loop = current->EnsureLoop();
  const bool in_turn = loop->InTurn();
  if (current->MustEnd() && !in_turn) le::legato::EndCancelledThread();
  const bool ran = loop->RunStep();
  // If le_thread_Cancel() was called meanwhile, RunStep() may have consumed its
  // wake. Then the file descriptor is not readable, and a poll would not end.
  // So the result tells the caller to call again before it polls.
  return ran || (current->MustEnd() && !in_turn) ? LE_OK : LE_WOULD_BLOCK;
}

void le_event_QueueFunction(le_event_DeferredFunc_t func, void* param1Ptr,
                            void* param2Ptr) {
  GetTarget(__func__, nullptr, func)->Queue(func, param1Ptr, param2Ptr);
}

void le_event_QueueFunctionToThread(le_thread_Ref_t thread,
                                    le_event_DeferredFunc_t func,
                                    void* param1Ptr, void* param2Ptr) {
  GetTarget(__func__, thread, func)->Queue(func, param1Ptr, param2Ptr);
}

le_result_t le_event_QueueFunctionToThreadUnique(le_thread_Ref_t thread,
                                                 le_event_DeferredFunc_t func,
                                                 void* param1Ptr,
                                                 void* param2Ptr) {
  const le_result_t result =
      GetTarget(__func__, thread, func)
          ->Queue(func, param1Ptr, param2Ptr, /*once=*/true);
  return result == LE_DUPLICATE ? result : LE_OK;
}

le_result_t le_event_TryQueueFunctionToThread(le_thread_Ref_t thread,
                                              le_event_DeferredFunc_t func,
                                              void* param1Ptr,
                                              void* param2Ptr) {
  const auto target = FindTarget(__func__, thread, func);
  if (target == nullptr) return LE_NOT_FOUND;
  try {
    return target->Queue(func, param1Ptr, param2Ptr);
  } catch (const std::bad_alloc&) {
    return LE_NO_MEMORY;
  }
}
