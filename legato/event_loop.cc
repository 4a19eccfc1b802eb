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
  current->loop();
  return current->shared_from_this();
}

void QueueTo(CThread* thread, le_event_DeferredFunc_t function, void* param1,
             void* param2) {
  thread->Queue(function, param1, param2);
}

namespace {

void QueueToSelf(le_event_DeferredFunc_t function, void* param1, void* param2) {
  CThread* const current = CurrentThread();
  current->loop();
  current->Queue(function, param1, param2);
}

// Runs the calling thread's loop until it is stopped. Ends the thread if it was
// cancelled.
void RunLoop() {
  CThread* const current = CurrentThread();
  current->loop()->Run();
  if (current->MustEnd()) EndCancelledThread();
}

}  // namespace

}  // namespace legato
}  // namespace le

using le::legato::CThread;
using le::legato::CurrentThread;
using le::legato::IsCurrent;
using le::legato::QueueToSelf;
using le::legato::Threads;

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
  const bool in_turn = current->loop()->InTurn();
  if (current->MustEnd() && !in_turn) le::legato::EndCancelledThread();
  const bool ran = current->loop()->RunStep();
  // If le_thread_Cancel() was called meanwhile, the descriptor may have lost its
  // readiness. Then the caller must not poll, but call again.
  return ran || (current->MustEnd() && !in_turn) ? LE_OK : LE_WOULD_BLOCK;
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
  const auto found = thread == nullptr
                         ? CurrentThread()->shared_from_this()
                         : Threads::OfCurrentProcess()->Find(thread);
  if (found == nullptr) return LE_NOT_FOUND;
  // As in QueueToSelf(), loop() makes sure that the calling thread has a loop,
  // because functions outside this file may run it.
  if (IsCurrent(found.get())) found->loop();
  try {
    return found->Queue(func, param1Ptr, param2Ptr);
  } catch (const std::bad_alloc&) {
    return LE_NO_MEMORY;
  }
}
