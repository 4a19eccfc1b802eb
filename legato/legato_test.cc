// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// Misuse of the C API, special cases of threads and loops, and the C API in
// simulated processes. legato_c99_test.c tests the ordinary calls.

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include <atomic>
#include <exception>
#include <stdexcept>
#include <string>
#include <thread>

#include "event/base/sys.h"
#include "event/process.h"
#include "event/testing/sim.h"
#include "gtest/gtest.h"
#include "le_args.h"
#include "le_doublyLinkedList.h"
#include "le_eventLoop.h"
#include "le_eventLoop_ext.h"
#include "le_fdMonitor.h"
#include "le_hashmap.h"
#include "le_log.h"
#include "le_mem.h"
#include "le_semaphore.h"
#include "le_signals.h"
#include "le_singlyLinkedList.h"
#include "le_thread.h"
#include "le_timer.h"

namespace le {
namespace event {
namespace {

class CApiTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    testing::FLAGS_gtest_death_test_style = "threadsafe";
  }
};
using CApiDeathTest = CApiTest;

void* Nothing(void*) { return nullptr; }
void NoEvent(int, short) {}
void NoCall(void*, void*) {}

#define EXPECT_FATAL(statement, message) \
  EXPECT_EXIT(statement, testing::ExitedWithCode(EXIT_FAILURE), message)

TEST_F(CApiTest, ResultsHaveLegatosNumbers) {
  EXPECT_EQ(LE_OK, 0);
  EXPECT_EQ(LE_NOT_FOUND, -1);
  EXPECT_EQ(LE_COMM_ERROR, -7);
  EXPECT_EQ(LE_WOULD_BLOCK, -11);
  EXPECT_EQ(LE_CLOSED, -16);
  EXPECT_EQ(LE_UNAVAILABLE, -21);
  EXPECT_EQ(LE_SUSPENDED, -24);
  EXPECT_STREQ(LE_RESULT_TXT(LE_NOT_PERMITTED), "LE_NOT_PERMITTED");
  EXPECT_STREQ(LE_RESULT_TXT(static_cast<le_result_t>(5)), "(unknown result)");
}

TEST_F(CApiTest, AdoptedThreadsMayComeAndGo) {
  std::thread([] {
    le_thread_InitLegatoThreadData("mine");
    EXPECT_STREQ(le_thread_GetMyName(), "mine");
    static int ended;
    ended = 0;
    le_thread_AddDestructor([](void*) { ++ended; }, nullptr);
    const le_thread_Ref_t before = le_thread_GetCurrent();
    le_thread_CleanupLegatoThreadData();
    EXPECT_EQ(ended, 1);
    le_thread_InitLegatoThreadData("again");
    EXPECT_STREQ(le_thread_GetMyName(), "again");
    EXPECT_NE(le_thread_GetCurrent(), before);
  }).join();
}

TEST_F(CApiTest, AHandlerMayEndItsThread) {
  static bool destroyed;
  destroyed = false;
  const le_thread_Ref_t thread = le_thread_Create(
      "worker",
      [](void*) -> void* {
        le_thread_AddDestructor([](void*) { destroyed = true; }, nullptr);
        le_event_QueueFunction([](void*, void*) { le_thread_Exit(&destroyed); },
                               nullptr, nullptr);
        le_event_RunLoop();
      },
      nullptr);
  le_thread_SetJoinable(thread);
  le_thread_Start(thread);
  void* result = nullptr;
  EXPECT_EQ(le_thread_Join(thread, &result), LE_OK);
  EXPECT_EQ(result, &destroyed);
  EXPECT_TRUE(destroyed);
}

// The loop of a thread is created at its first use. This thread uses no loop,
// so it ends normally although no loop can be created.
TEST_F(CApiTest, AThreadThatNeedsNoLoopTakesNoDescriptor) {
  struct NoDescriptorLeft final : sys::Interceptor {
    NoDescriptorLeft() { sys::SetInterceptor(this); }
    ~NoDescriptorLeft() override { sys::SetInterceptor(nullptr); }
    int FailCall(const sys::Call& call) override {
      return call.name == std::string("EpollCreate") ? EMFILE : 0;
    }
  } no_descriptor_left;
  const le_thread_Ref_t thread = le_thread_Create("worker", Nothing, nullptr);
  le_thread_SetJoinable(thread);
  le_thread_Start(thread);
  EXPECT_EQ(le_thread_Join(thread, nullptr), LE_OK);
}

TEST_F(CApiTest, WhatIsQueuedBeforeTheLoopIsThereRunsInOrder) {
  static std::string seen;
  seen.clear();
  const le_thread_Ref_t thread = le_thread_Create(
      "worker",
      [](void*) -> void* {
        le_event_QueueFunction([](void*, void*) { seen += "b"; }, nullptr,
                               nullptr);
        le_event_QueueFunction([](void*, void*) { le_thread_Exit(nullptr); },
                               nullptr, nullptr);
        le_event_RunLoop();
      },
      nullptr);
  le_thread_SetJoinable(thread);
  le_event_QueueFunctionToThread(
      thread, [](void*, void*) { seen += "a"; }, nullptr, nullptr);
  le_thread_Start(thread);
  EXPECT_EQ(le_thread_Join(thread, nullptr), LE_OK);
  EXPECT_EQ(seen, "ab");
}

TEST_F(CApiTest, AThreadCancelledBeforeItsLoopIsThereEnds) {
  const le_thread_Ref_t thread = le_thread_Create(
      "worker",
      [](void*) -> void* {
        EXPECT_EQ(le_thread_Cancel(le_thread_GetCurrent()), LE_OK);
        le_event_RunLoop();
      },
      nullptr);
  le_thread_SetJoinable(thread);
  le_thread_Start(thread);
  EXPECT_EQ(le_thread_Join(thread, nullptr), LE_OK);
}

// ---- Cancellation ----

// The canceller of the thread, and the moment.
enum class Cancels {
  kWhenThere,    // another thread, after `body` has posted `there`
  kBeforeStart,  // a function that was queued before the start
  kItself,       // `body`
};

// The data of a thread that runs `body` and is cancelled.
struct Cancelled {
  void (*body)(Cancelled* self);
  le_sem_Ref_t there = le_sem_Create("there", 0);
  le_sem_Ref_t semaphore = le_sem_Create("semaphore", 0);
  std::atomic<bool> ended{false};
};

void CancelIn(void (*body)(Cancelled* self),
              Cancels cancels = Cancels::kWhenThere) {
  Cancelled cancelled;
  cancelled.body = body;
  const le_thread_Ref_t thread = le_thread_Create(
      "worker",
      [](void* context) -> void* {
        auto* const self = static_cast<Cancelled*>(context);
        le_thread_AddDestructor(
            [](void* c) {
              auto* const self = static_cast<Cancelled*>(c);
              // Destructors are not cancelled.
              le_sem_Post(self->semaphore);
              le_sem_Wait(self->semaphore);
              // This is not fatal, because the cancelled thread no longer waits
              // for the semaphore.
              le_sem_Delete(self->semaphore);
              self->ended = true;
            },
            self);
        self->body(self);
        ADD_FAILURE() << "it was not cancelled";
        return nullptr;
      },
      &cancelled);
  le_thread_SetJoinable(thread);
  if (cancels == Cancels::kBeforeStart) {
    le_event_QueueFunctionToThread(
        thread,
        [](void* context, void*) {
          EXPECT_EQ(le_thread_Cancel(static_cast<le_thread_Ref_t>(context)),
                    LE_OK);
        },
        thread, nullptr);
  }
  le_thread_Start(thread);
  if (cancels == Cancels::kWhenThere) {
    le_sem_Wait(cancelled.there);
    EXPECT_EQ(le_thread_Cancel(thread), LE_OK);
  }
  void* result = &cancelled;
  EXPECT_EQ(le_thread_Join(thread, &result), LE_OK);
  EXPECT_EQ(result, nullptr);
  EXPECT_TRUE(cancelled.ended);
  le_sem_Delete(cancelled.there);
}

// A destructor of a cancelled thread runs the loop. Expected: the thread does
// not end in this destructor, so the other destructors run.
TEST_F(CApiTest, ADestructorOfACancelledThreadMayRunTheLoop) {
  static std::string ran;
  ran.clear();
  const le_thread_Ref_t thread = le_thread_Create(
      "worker",
      [](void*) -> void* {
        le_thread_AddDestructor([](void*) { ran += "destructor"; }, nullptr);
        le_thread_AddDestructor(
            [](void*) {
              le_event_QueueFunction(
                  [](void*, void*) {
                    ran += "loop ";
                    le_event_StopLoop(nullptr);
                  },
                  nullptr, nullptr);
              EXPECT_EQ(le_event_TryRunLoopUntilStopped(), LE_OK);
            },
            nullptr);
        le_thread_Cancel(le_thread_GetCurrent());
        le_event_RunLoop();
      },
      nullptr);
  le_thread_SetJoinable(thread);
  le_thread_Start(thread);
  EXPECT_EQ(le_thread_Join(thread, nullptr), LE_OK);
  EXPECT_EQ(ran, "loop destructor");
}

TEST_F(CApiTest, AThreadIsCancelledInASemaphore) {
  for (int i = 0; i < 50; ++i) {
    CancelIn([](Cancelled* self) {
      le_sem_Post(self->there);
      le_sem_Wait(self->semaphore);
    });
    CancelIn([](Cancelled* self) {
      le_sem_Post(self->there);
      const le_clk_Time_t day = {86400, 0};
      le_sem_WaitWithTimeOut(self->semaphore, day);
    });
  }
  // A thread is cancelled before it waits. The wait does not change the count.
  static int count;
  CancelIn(
      [](Cancelled* self) {
        le_sem_Post(self->semaphore);
        le_thread_AddDestructor(
            [](void* c) {
              count = le_sem_GetValue(static_cast<Cancelled*>(c)->semaphore);
            },
            self);
        EXPECT_EQ(le_thread_Cancel(le_thread_GetCurrent()), LE_OK);
        le_sem_Wait(self->semaphore);
      },
      Cancels::kItself);
  EXPECT_EQ(count, 1);
}

TEST_F(CApiTest, AThreadIsCancelledInItsSleep) {
  CancelIn([](Cancelled* self) {
    le_sem_Post(self->there);
    le_thread_Sleep(86400);
  });
}

TEST_F(CApiTest, AThreadHasThePriorityThatWasSet) {
  int policy = -1;
  const le_thread_Ref_t idle = le_thread_Create(
      "idle",
      [](void* policy) -> void* {
        *static_cast<int*>(policy) = sched_getscheduler(0);
        return nullptr;
      },
      &policy);
  EXPECT_EQ(le_thread_SetPriority(idle, LE_THREAD_PRIORITY_RT_32), LE_OK);
  EXPECT_EQ(le_thread_SetPriority(idle, LE_THREAD_PRIORITY_IDLE), LE_OK);
  const auto beyond =
      static_cast<le_thread_Priority_t>(LE_THREAD_PRIORITY_RT_32 + 1);
  EXPECT_EQ(le_thread_SetPriority(idle, beyond), LE_OUT_OF_RANGE);
  le_thread_SetJoinable(idle);
  le_thread_Start(idle);
  EXPECT_EQ(le_thread_Join(idle, nullptr), LE_OK);
  EXPECT_EQ(policy, SCHED_IDLE);
}

int NiceOfThisThread() { return getpriority(PRIO_PROCESS, 0); }

// The nice value of the process, which is that of its main thread, is higher
// than that of a thread that starts another. (A lower one needs permission.)
// Expected: the new thread has the nice value of the process. In a process of
// its own, which keeps the value.
TEST_F(CApiDeathTest, AThreadDoesNotInheritTheNiceValueOfItsCreator) {
  EXPECT_EXIT(std::thread([] {
                const int higher = NiceOfThisThread() + 1;
                if (setpriority(PRIO_PROCESS, getpid(), higher) != 0) _exit(9);
                int nice = -1;
                const le_thread_Ref_t thread = le_thread_Create(
                    "medium",
                    [](void* nice) -> void* {
                      *static_cast<int*>(nice) = NiceOfThisThread();
                      return nullptr;
                    },
                    &nice);
                le_thread_SetJoinable(thread);
                le_thread_Start(thread);
                le_thread_Join(thread, nullptr);
                _exit(nice == higher ? 0 : 1);
              }).join(),
              testing::ExitedWithCode(0), "");
}

TEST_F(CApiTest, AThreadIsCancelledInALoopWithATimer) {
  CancelIn([](Cancelled* self) {
    const le_timer_Ref_t timer = le_timer_Create("timer");
    le_timer_SetRepeat(timer, 0);
    le_timer_SetContextPtr(timer, self);
    le_timer_SetHandler(timer, [](le_timer_Ref_t t) {
      if (le_timer_GetExpiryCount(t) == 3) {
        le_sem_Post(static_cast<Cancelled*>(le_timer_GetContextPtr(t))->there);
      }
    });
    le_timer_Start(timer);
    le_event_RunLoop();
  });
  CancelIn([](Cancelled* self) {
    le_sem_Post(self->there);
    le_event_RunLoopUntilStopped();
  });
}

TEST_F(CApiTest, AThreadWithALoopOfItsOwnIsCancelled) {
  const auto serve = [](Cancelled* self) {
    struct pollfd poll_loop = {le_event_GetFd(), POLLIN, 0};
    le_sem_Post(self->there);
    for (;;) {
      while (le_event_ServiceLoop() == LE_OK) {
      }
      poll(&poll_loop, 1, -1);
    }
  };
  for (int i = 0; i < 50; ++i) {
    CancelIn(serve);
    CancelIn(serve, Cancels::kBeforeStart);
  }
}

// ---- A loop that can be left ----

TEST_F(CApiTest, ALoopIsNotRunInItsHandler) {
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

TEST_F(CApiTest, AFunctionIsTriedOnTheCallingThread) {
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

TEST_F(CApiTest, AFunctionIsTriedOnAThreadThatHasEnded) {
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

TEST_F(CApiTest, ALoopReturnsWhenItIsStopped) {
  static int calls;
  calls = 0;
  const auto count = [](void*, void*) { ++calls; };
  le_event_QueueFunction([](void*, void*) { le_event_StopLoop(nullptr); },
                         nullptr, nullptr);
  le_event_QueueFunction(count, nullptr, nullptr);
  le_event_RunLoopUntilStopped();
  EXPECT_EQ(calls, 1) << "it was ready in the same turn";
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

TEST_F(CApiTest, AnotherThreadStopsALoop) {
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
TEST_F(CApiTest, ALoopThatNeverReturnsIsNotStopped) {
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

TEST_F(CApiTest, AThreadCannotJoinItself) {
  EXPECT_EQ(le_thread_Join(le_thread_GetCurrent(), nullptr), LE_DEADLOCK);
}

// A thread runs, but le_thread_Start() has not returned yet. Expected: another
// thread can join it.
TEST_F(CApiTest, AThreadThatRunsCanBeJoinedByAnyThread) {
  for (int i = 0; i < 200; ++i) {
    std::atomic<bool> runs{false};
    const le_thread_Ref_t worker = le_thread_Create(
        "worker",
        [](void* context) -> void* {
          *static_cast<std::atomic<bool>*>(context) = true;
          return nullptr;
        },
        &runs);
    le_thread_SetJoinable(worker);
    le_result_t joined = LE_FAULT;
    std::thread joiner([&] {
      while (!runs) std::this_thread::yield();
      joined = le_thread_Join(worker, nullptr);
    });
    le_thread_Start(worker);
    joiner.join();
    ASSERT_EQ(joined, LE_OK) << "round " << i;
  }
}

TEST_F(CApiTest, AFileIsAlwaysReadyForAMonitor) {
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

TEST_F(CApiTest, HalfCloseAndHangUpAreAlwaysTold) {
  int fds[2];
  ASSERT_EQ(pipe(fds), 0);
  static short seen;
  seen = 0;
  const le_fdMonitor_Ref_t monitor = le_fdMonitor_Create(
      "pipe", fds[0],
      [](int, short events) {
        seen = events;
        le_fdMonitor_Delete(le_fdMonitor_GetMonitor());
      },
      0);
  EXPECT_NE(monitor, nullptr);
  close(fds[1]);
  EXPECT_EQ(le_event_ServiceLoop(), LE_OK);
  EXPECT_NE(seen & POLLHUP, 0);
  EXPECT_EQ(le_event_ServiceLoop(), LE_WOULD_BLOCK);
  close(fds[0]);
}

TEST_F(CApiDeathTest, ThreadMisuse) {
  EXPECT_FATAL(le_thread_Create(nullptr, Nothing, nullptr),
               "le_thread_Create: ");
  EXPECT_FATAL(le_thread_Create("x", nullptr, nullptr), "le_thread_Create: ");
  EXPECT_FATAL(le_thread_Start(nullptr), "le_thread_Start: ");
  EXPECT_FATAL(le_thread_Start(le_thread_GetCurrent()), "le_thread_Start: ");
  EXPECT_FATAL(le_thread_SetJoinable(le_thread_GetCurrent()),
               "le_thread_SetJoinable: ");
  for (void (*set)(le_thread_Ref_t) : {
           +[](le_thread_Ref_t t) {
             le_thread_SetPriority(t, LE_THREAD_PRIORITY_LOW);
           },
           +[](le_thread_Ref_t t) { le_thread_SetStackSize(t, 65536); },
           +[](le_thread_Ref_t t) { le_thread_SetStack(t, nullptr, 65536); },
           +[](le_thread_Ref_t t) {
             le_thread_AddChildDestructor(
                 t, [](void*) {}, nullptr);
           },
       }) {
    EXPECT_FATAL(set(le_thread_GetCurrent()),
                 "le_thread_[A-Za-z]*: the thread has been started");
  }
  EXPECT_FATAL(le_thread_AddChildDestructor(
                   le_thread_Create("x", Nothing, nullptr), nullptr, nullptr),
               "le_thread_AddChildDestructor: ");
  EXPECT_FATAL(le_thread_AddDestructor(nullptr, nullptr),
               "le_thread_AddDestructor: ");
  EXPECT_FATAL(le_event_QueueFunction(nullptr, nullptr, nullptr),
               "le_event_QueueFunction: ");
  EXPECT_FATAL(
      le_event_QueueFunctionToThread(reinterpret_cast<le_thread_Ref_t>(9),
                                     NoCall, nullptr, nullptr),
      "le_event_QueueFunctionToThread: ");
}

TEST_F(CApiDeathTest, AnExitHandlerMayUseTheThreadThatWasMisused) {
  static le_thread_Ref_t thread;
  EXPECT_FATAL(
      {
        thread = le_thread_Create("x", Nothing, nullptr);
        le_thread_SetJoinable(thread);
        le_thread_Start(thread);
        atexit([] {
          le_thread_Cancel(thread);
          le_thread_Join(thread, nullptr);
        });
        le_thread_Start(thread);
      },
      "le_thread_Start: ");
  EXPECT_FATAL(
      {
        thread = le_thread_GetCurrent();
        atexit([] { le_thread_Cancel(thread); });
        le_thread_SetJoinable(thread);
      },
      "le_thread_SetJoinable: ");
}

TEST_F(CApiDeathTest, MonitorMisuse) {
  EXPECT_FATAL(le_fdMonitor_Create("x", -1, NoEvent, POLLIN),
               "le_fdMonitor_Create: ");
  EXPECT_FATAL(le_fdMonitor_Create("x", 0, nullptr, POLLIN),
               "le_fdMonitor_Create: ");
  EXPECT_FATAL(
      {
        int fds[2];
        if (pipe(fds) != 0) _exit(9);
        le_fdMonitor_Create("x", fds[0], NoEvent, POLLIN);
        le_fdMonitor_Create("x", fds[0], NoEvent, POLLIN);
      },
      "le_fdMonitor_Create: ");
  EXPECT_FATAL(le_fdMonitor_GetContextPtr(), "le_fdMonitor_GetContextPtr: ");
  EXPECT_FATAL(le_fdMonitor_GetMonitor(), "le_fdMonitor_GetMonitor: ");
  EXPECT_FATAL(le_fdMonitor_Delete(nullptr), "le_fdMonitor_Delete: ");
  EXPECT_FATAL(
      {
        int fds[2];
        if (pipe(fds) != 0) _exit(9);
        const le_fdMonitor_Ref_t monitor =
            le_fdMonitor_Create("x", fds[0], NoEvent, POLLIN);
        std::thread([monitor] { le_fdMonitor_Enable(monitor, POLLIN); }).join();
      },
      "le_fdMonitor_Enable: ");
}

TEST_F(CApiDeathTest, TimerMisuse) {
  EXPECT_FATAL(
      {
        const le_timer_Ref_t timer = le_timer_Create("x");
        le_timer_Delete(timer);
        le_timer_Start(timer);
      },
      "le_timer_Start: ");
  EXPECT_FATAL(
      {
        const le_timer_Ref_t timer = le_timer_Create("x");
        std::thread([timer] { le_timer_Start(timer); }).join();
      },
      "le_timer_Start: ");
}

TEST_F(CApiDeathTest, LoopMisuse) {
  EXPECT_FATAL(le_event_StopLoop(reinterpret_cast<le_thread_Ref_t>(9)),
               "le_event_StopLoop: ");
  EXPECT_FATAL(
      {
        le_event_QueueFunction(
            [](void*, void*) { le_event_RunLoopUntilStopped(); }, nullptr,
            nullptr);
        le_event_RunLoop();
      },
      "le_event_RunLoopUntilStopped: ");
}

// With LE_ABORT_ON_FATAL the process calls abort(), which leaves a core dump.
TEST_F(CApiDeathTest, MisuseAbortsIfTheEnvironmentWantsIt) {
  for (const char* value : {"1", "yes"}) {
    EXPECT_EXIT(
        {
          setenv("LE_ABORT_ON_FATAL", value, 1);
          le_sem_Wait(nullptr);
        },
        testing::KilledBySignal(SIGABRT), "le_sem_Wait: ");
  }
  for (const char* value : {"0", ""}) {
    EXPECT_FATAL(
        {
          setenv("LE_ABORT_ON_FATAL", value, 1);
          le_sem_Wait(nullptr);
        },
        "le_sem_Wait: ");
  }
}

[[noreturn]] void Throw() { throw std::runtime_error("mine"); }

// Runs `body` as the main function of a thread.
void RunThread(void (*body)()) {
  static void (*runs)();
  runs = body;
  const le_thread_Ref_t thread = le_thread_Create(
      "worker",
      [](void*) -> void* {
        runs();
        return nullptr;
      },
      nullptr);
  le_thread_SetJoinable(thread);
  le_thread_Start(thread);
  le_thread_Join(thread, nullptr);
}

TEST_F(CApiDeathTest, TheEnvironmentEnablesATraceOfAComponent) {
  EXPECT_EXIT(
      {
        setenv("LE_LOG_TRACE", "other:thing/wanted", 1);
        const bool right =
            le_log_IsTraceEnabled(le_log_GetTraceRef("wanted")) &&
            le_log_IsTraceEnabled(le_log_GetTraceRef("other")) &&
            !le_log_IsTraceEnabled(le_log_GetTraceRef("thing"));
        _exit(right ? 0 : 1);
      },
      testing::ExitedWithCode(0), "");
}

// The library calls functions of the program that throw. Expected: this is
// fatal, because the library cannot continue after the exception.
TEST_F(CApiDeathTest, NoExceptionLeavesWhatTheLibraryCalls) {
  const auto run_loop = [] {
    try {
      le_event_RunLoop();
    } catch (const std::exception&) {
    }
  };
  EXPECT_FATAL(RunThread(&Throw),
               "main function of a thread has thrown .*: mine");
  EXPECT_FATAL(RunThread([] { throw 5; }),
               "main function of a thread has thrown");
  EXPECT_FATAL(RunThread([] {
                 le_thread_AddDestructor([](void*) { Throw(); }, nullptr);
               }),
               "destructor of a thread has thrown .*: mine");
  EXPECT_FATAL(
      {
        le_event_QueueFunction([](void*, void*) { Throw(); }, nullptr, nullptr);
        run_loop();
      },
      "queued function has thrown .*: mine");
  EXPECT_FATAL(
      {
        const le_timer_Ref_t timer = le_timer_Create("x");
        le_timer_SetHandler(timer, [](le_timer_Ref_t) { Throw(); });
        le_timer_Start(timer);
        run_loop();
      },
      "handler of a timer has thrown .*: mine");
  EXPECT_FATAL(
      {
        int fds[2];
        if (pipe(fds) != 0) _exit(9);
        close(fds[1]);
        le_fdMonitor_Create(
            "x", fds[0], [](int, short) { Throw(); }, POLLIN);
        run_loop();
      },
      "handler of a file descriptor monitor has thrown .*: mine");
  EXPECT_FATAL(
      {
        const le_event_Id_t event = le_event_CreateId("x", 0);
        le_event_AddHandler("x", event, [](void*) { Throw(); });
        le_event_Report(event, nullptr, 0);
        run_loop();
      },
      "handler of an event has thrown .*: mine");
  EXPECT_FATAL(
      {
        le_sig_Block(SIGUSR1);
        le_sig_SetEventHandler(SIGUSR1, [](int) { Throw(); });
        raise(SIGUSR1);
        run_loop();
      },
      "handler of a signal has thrown .*: mine");
  EXPECT_FATAL(
      {
        const le_mem_PoolRef_t pool = le_mem_CreatePool("x", 8);
        le_mem_SetDestructor(pool, [](void*) { Throw(); });
        try {
          le_mem_Release(le_mem_ForceAlloc(pool));
        } catch (const std::exception&) {
        }
      },
      "destructor of an object has thrown .*: mine");
  // Calls a function that calls Throw().
  const auto call = [](void (*function)()) {
    try {
      function();
    } catch (const std::exception&) {
    }
  };
  EXPECT_FATAL(call([] {
                 le_dls_List_t list = LE_DLS_LIST_INIT;
                 le_dls_Link_t links[2] = {};
                 for (le_dls_Link_t& link : links) le_dls_Queue(&list, &link);
                 le_dls_Sort(&list, [](le_dls_Link_t*, le_dls_Link_t*) -> bool {
                   Throw();
                 });
               }),
               "comparator of le_dls_Sort.* has thrown .*: mine");
  EXPECT_FATAL(call([] {
                 le_sls_List_t list = LE_SLS_LIST_INIT;
                 le_sls_Link_t links[2] = {};
                 for (le_sls_Link_t& link : links) le_sls_Queue(&list, &link);
                 le_sls_Sort(&list, [](le_sls_Link_t*, le_sls_Link_t*) -> bool {
                   Throw();
                 });
               }),
               "comparator of le_sls_Sort.* has thrown .*: mine");
  EXPECT_FATAL(call([] {
                 le_hashmap_Put(
                     le_hashmap_Create(
                         "x", 1, [](const void*) -> size_t { Throw(); },
                         &le_hashmap_EqualsVoidPointer),
                     "key", "value");
               }),
               "hash function of a map has thrown .*: mine");
  EXPECT_FATAL(call([] {
                 const le_hashmap_Ref_t map = le_hashmap_Create(
                     "x", 1, &le_hashmap_HashString,
                     [](const void*, const void*) -> bool { Throw(); });
                 le_hashmap_Put(map, "key", "value");
                 le_hashmap_Get(map, "key");
               }),
               "function of a map that compares keys has thrown .*: mine");
  EXPECT_FATAL(call([] {
                 const le_hashmap_Ref_t map = le_hashmap_Create(
                     "x", 1, &le_hashmap_HashString, &le_hashmap_EqualsString);
                 le_hashmap_Put(map, "key", "value");
                 le_hashmap_ForEach(
                     map,
                     [](const void*, const void*, void*) -> bool { Throw(); },
                     nullptr);
               }),
               "function of le_hashmap_ForEach.* has thrown .*: mine");
  const auto scan = [](const char* argument) {
    const char* argv[] = {"tool", argument};
    le_arg_SetArgs(2, argv);
    le_arg_SetFlagCallback([] { Throw(); }, "f", nullptr);
    le_arg_AddPositionalCallback([](const char*) { Throw(); });
    le_arg_SetErrorHandler([](size_t, le_result_t) -> size_t { Throw(); });
    try {
      le_arg_Scan();
    } catch (const std::exception&) {
    }
  };
  EXPECT_FATAL(scan("-f"), "callback of le_arg_Scan.* has thrown .*: mine");
  EXPECT_FATAL(scan("text"), "callback of le_arg_Scan.* has thrown .*: mine");
  EXPECT_FATAL(scan("-x"), "error handler of arguments has thrown .*: mine");
}

// A thread is adopted again after its cleanup. Its new Thread object may have
// the address of the former one. Expected: references of the former one are
// invalid.
TEST_F(CApiDeathTest, WhatAnEndedThreadOwnedIsNobodys) {
  EXPECT_FATAL(std::thread([] {
                 le_thread_InitLegatoThreadData("former");
                 const le_timer_Ref_t timer = le_timer_Create("x");
                 le_thread_CleanupLegatoThreadData();
                 le_thread_InitLegatoThreadData("next");
                 le_timer_Start(timer);
               }).join(),
               "le_timer_Start: ");
  EXPECT_FATAL(std::thread([] {
                 int fds[2];
                 if (pipe(fds) != 0) _exit(9);
                 le_thread_InitLegatoThreadData("former");
                 const le_fdMonitor_Ref_t monitor =
                     le_fdMonitor_Create("x", fds[0], NoEvent, POLLIN);
                 le_thread_CleanupLegatoThreadData();
                 le_thread_InitLegatoThreadData("next");
                 le_fdMonitor_Enable(monitor, POLLIN);
               }).join(),
               "le_fdMonitor_Enable: ");
}

TEST_F(CApiDeathTest, AHandlerMustNotCleanUpItsThread) {
  EXPECT_FATAL(std::thread([] {
                 le_event_QueueFunction(
                     [](void*, void*) { le_thread_CleanupLegatoThreadData(); },
                     nullptr, nullptr);
                 le_event_ServiceLoop();
               }).join(),
               "le_thread_CleanupLegatoThreadData: ");
}

TEST_F(CApiDeathTest, SemaphoreAndPoolMisuse) {
  EXPECT_FATAL(le_sem_Create("x", -1), "le_sem_Create: ");
  EXPECT_FATAL(le_sem_Wait(nullptr), "le_sem_Wait: ");
  EXPECT_FATAL(
      {
        void* const object = le_mem_ForceAlloc(le_mem_CreatePool("x", 8));
        le_mem_Release(object);
        le_mem_Release(object);
      },
      "le_mem_Release: ");
  EXPECT_FATAL(LE_ASSERT(1 == 2), "1 == 2");
  const le_result_t r = LE_BUSY;
  EXPECT_FATAL(LE_ASSERT_OK(r), "r is LE_BUSY, not LE_OK");
  EXPECT_FATAL(LE_FATAL("%s %d", "so", 1), "so 1");
}

// ---- In simulated processes ----

TEST_F(CApiTest, EverythingButDescriptorsWorksInASimulation) {
  for (uint64_t seed = 0; seed < 20; ++seed) {
    Simulation sim(seed);
    std::string seen;
    struct Shared {
      le_sem_Ref_t semaphore;
      std::string* seen;
    } shared{nullptr, &seen};
    sim.Spawn(sim.AddProcess("p", {}), "main", [&] {
      shared.semaphore = le_sem_Create("s", 0);
      const le_thread_Ref_t thread = le_thread_Create(
          "worker",
          [](void* context) -> void* {
            auto* const shared = static_cast<Shared*>(context);
            le_thread_AddDestructor(
                [](void* c) { *static_cast<Shared*>(c)->seen += "d"; },
                context);
            const le_timer_Ref_t timer = le_timer_Create("t");
            le_timer_SetMsInterval(timer, 3600000);
            le_timer_SetRepeat(timer, 2);
            le_timer_SetContextPtr(timer, context);
            le_timer_SetHandler(timer, [](le_timer_Ref_t t) {
              auto* const s = static_cast<Shared*>(le_timer_GetContextPtr(t));
              *s->seen += "t";
              if (le_timer_GetExpiryCount(t) == 2) le_sem_Post(s->semaphore);
            });
            le_timer_Start(timer);
            *shared->seen += "b";
            le_event_RunLoop();
          },
          &shared);
      le_thread_SetJoinable(thread);
      le_thread_Start(thread);
      le_sem_Wait(shared.semaphore);
      le_event_QueueFunctionToThread(
          thread,
          [](void* context, void*) {
            *static_cast<Shared*>(context)->seen += "q";
            le_thread_Exit(nullptr);
          },
          &shared, nullptr);
      EXPECT_EQ(le_thread_Join(thread, nullptr), LE_OK);
      le_clk_Time_t day = {86400, 0};
      EXPECT_EQ(le_sem_WaitWithTimeOut(shared.semaphore, day), LE_TIMEOUT);
    });
    EXPECT_EQ(sim.Run(), Simulation::Outcome::kEnded) << sim.Report();
    EXPECT_EQ(seen, "bttqd");
  }
}

TEST_F(CApiTest, FatalEndsTheSimulatedProcessOnly) {
  Simulation sim(1);
  SimProcess* const process = sim.AddProcess("p", {});
  sim.Spawn(process, "main", [] { le_sem_Wait(nullptr); });
  EXPECT_EQ(sim.Run(), Simulation::Outcome::kEnded);
  EXPECT_EQ(process->death_message(),
            "le_sem_Wait: a stale or invalid reference");
}

}  // namespace
}  // namespace event
}  // namespace le
