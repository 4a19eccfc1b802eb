// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <string>

#include "event/base/sys.h"
#include "gtest/gtest.h"
#include "le_eventLoop.h"
#include "le_eventLoop_ext.h"
#include "le_fdMonitor.h"
#include "le_semaphore.h"
#include "le_thread.h"

namespace le {
namespace legato {
namespace {

void* Nothing(void*) { return nullptr; }

TEST(EventLoopTest, ALoopIsNotRunInItsHandler) {
  static le_result_t inner;
  inner = LE_OK;
  le_event_QueueFunction(
      [](void*, void*) {
        inner = le_event_TryRunLoopUntilStopped();
        le_event_StopLoop(nullptr);
      },
      nullptr, nullptr);
  EXPECT_EQ(le_event_TryRunLoopUntilStopped(), LE_OK);
  EXPECT_EQ(inner, LE_BUSY);
}

TEST(EventLoopTest, TryQueueAcceptsTheCallingThread) {
  bool called = false;
  ASSERT_EQ(le_event_TryQueueFunctionToThread(
                nullptr,
                [](void* called, void*) {
                  *static_cast<bool*>(called) = true;
                  le_event_StopLoop(nullptr);
                },
                &called, nullptr),
            LE_OK);
  le_event_RunLoopUntilStopped();
  EXPECT_TRUE(called);
}

TEST(EventLoopTest, TryQueueReportsAThreadThatHasEnded) {
  const auto call = [](void* called, void*) {
    *static_cast<bool*>(called) = true;
    le_event_StopLoop(nullptr);
  };
  bool called = false;
  EXPECT_EQ(le_event_TryQueueFunctionToThread(le_thread_GetCurrent(), call,
                                              &called, nullptr),
            LE_OK);
  le_event_RunLoopUntilStopped();
  EXPECT_TRUE(called);

  const le_thread_Ref_t thread = le_thread_Create("thread", Nothing, nullptr);
  le_thread_SetJoinable(thread);
  le_thread_Start(thread);
  le_thread_Join(thread, nullptr);
  EXPECT_EQ(le_event_TryQueueFunctionToThread(thread, call, &called, nullptr),
            LE_NOT_FOUND);
}

TEST(EventLoopTest, ALoopReturnsWhenItIsStopped) {
  static int calls;
  calls = 0;
  const auto count = [](void*, void*) { ++calls; };
  le_event_QueueFunction([](void*, void*) { le_event_StopLoop(nullptr); },
                         nullptr, nullptr);
  le_event_QueueFunction(count, nullptr, nullptr);
  le_event_RunLoopUntilStopped();
  EXPECT_EQ(calls, 1) << "the function was ready in the same turn";
  // If the loop is stopped before it runs, it returns at once, and due
  // functions stay due.
  le_event_QueueFunction(count, nullptr, nullptr);
  le_event_StopLoop(le_thread_GetCurrent());
  le_event_RunLoopUntilStopped();
  EXPECT_EQ(calls, 1);
  while (le_event_ServiceLoop() == LE_OK) {
  }
  EXPECT_EQ(calls, 2);
}

TEST(EventLoopTest, AnotherThreadStopsALoop) {
  static std::atomic<bool> returned;
  for (const bool before : {true, false}) {
    returned = false;
    const le_sem_Ref_t there = le_sem_Create("there", 0);
    const le_thread_Ref_t thread = le_thread_Create(
        "worker",
        [](void* there) -> void* {
          le_event_QueueFunction(
              [](void* s, void*) { le_sem_Post(static_cast<le_sem_Ref_t>(s)); },
              there, nullptr);
          le_event_RunLoopUntilStopped();
          returned = true;
          return nullptr;
        },
        there);
    le_thread_SetJoinable(thread);
    if (before) le_event_StopLoop(thread);
    le_thread_Start(thread);
    if (!before) {
      le_sem_Wait(there);
      le_event_StopLoop(thread);
    }
    EXPECT_EQ(le_thread_Join(thread, nullptr), LE_OK);
    EXPECT_TRUE(returned);
    le_sem_Delete(there);
  }
}

// le_event_RunLoop() has the noreturn attribute, so le_event_StopLoop() must
// not make it return.
TEST(EventLoopTest, ALoopThatNeverReturnsIsNotStopped) {
  const le_thread_Ref_t thread = le_thread_Create(
      "worker",
      [](void*) -> void* {
        le_event_StopLoop(nullptr);
        le_event_QueueFunction([](void*, void*) { le_thread_Exit(nullptr); },
                               nullptr, nullptr);
        le_event_RunLoop();
      },
      nullptr);
  le_thread_SetJoinable(thread);
  le_thread_Start(thread);
  EXPECT_EQ(le_thread_Join(thread, nullptr), LE_OK);
}

// ---- File descriptor monitors ----

TEST(EventLoopTest, AFileIsAlwaysReadyForAMonitor) {
  FILE* const file = tmpfile();
  static int calls;
  calls = 0;
  const le_fdMonitor_Ref_t monitor = le_fdMonitor_Create(
      "file", fileno(file),
      [](int, short events) {
        EXPECT_EQ(events, POLLIN);
        ++calls;
      },
      POLLIN);
  EXPECT_EQ(le_event_ServiceLoop(), LE_OK);
  EXPECT_EQ(le_event_ServiceLoop(), LE_WOULD_BLOCK);
  EXPECT_EQ(calls, 1);
  le_fdMonitor_Delete(monitor);
  fclose(file);
}

// The kernel refuses to watch a file descriptor. Expected: this is not fatal,
// and the monitor works as soon as the kernel accepts the file descriptor.
TEST(EventLoopTest, AMonitorThatTheKernelRefusesWorksLater) {
  struct Refusal final : event::sys::Interceptor {
    int FailCall(const event::sys::Call& call) override {
      return call.name == std::string("EpollCtl") ? ENOSPC : 0;
    }
  } refusal;
  int fds[2];
  ASSERT_EQ(pipe(fds), 0);
  le_event_ServiceLoop();  // creates the loop if there is none
  event::sys::SetInterceptor(&refusal);
  const le_fdMonitor_Ref_t monitor = le_fdMonitor_Create(
      "pipe", fds[0], [](int, short) { le_event_StopLoop(nullptr); }, 0);
  while (le_event_ServiceLoop() == LE_OK) {
  }
  le_fdMonitor_Enable(monitor, POLLIN);
  EXPECT_EQ(write(fds[1], "x", 1), 1);
  event::sys::SetInterceptor(nullptr);
  le_event_RunLoopUntilStopped();
  le_fdMonitor_Delete(monitor);
  close(fds[0]);
  close(fds[1]);
}

TEST(EventLoopTest, HalfCloseAndHangUpAreAlwaysReported) {
  for (const bool half : {true, false}) {
    int fds[2];
    ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    static short seen;
    seen = 0;
    le_fdMonitor_Create(
        "socket", fds[0],
        [](int, short events) {
          seen = events;
          le_fdMonitor_Delete(le_fdMonitor_GetMonitor());
        },
        0);
    if (half) {
      shutdown(fds[1], SHUT_WR);
    } else {
      close(fds[1]);
    }
    EXPECT_EQ(le_event_ServiceLoop(), LE_OK);
    EXPECT_EQ(seen, half ? POLLRDHUP : POLLRDHUP | POLLHUP);
    EXPECT_EQ(le_event_ServiceLoop(), LE_WOULD_BLOCK);
    if (half) close(fds[1]);
    close(fds[0]);
  }
}

}  // namespace
}  // namespace legato
}  // namespace le
