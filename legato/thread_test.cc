// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include <atomic>
#include <string>
#include <thread>

#include "event/base/sys.h"
#include "gtest/gtest.h"
#include "le_eventLoop.h"
#include "le_eventLoop_ext.h"
#include "le_semaphore.h"
#include "le_thread.h"
#include "le_timer.h"

namespace le {
namespace legato {
namespace {

void* Nothing(void*) { return nullptr; }

TEST(ThreadTest, AThreadMayBeAdoptedAgainAfterItsCleanup) {
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

TEST(ThreadTest, AHandlerMayEndItsThread) {
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
TEST(ThreadTest, AThreadThatUsesNoLoopOpensNoFileDescriptor) {
  struct NoDescriptorLeft final : event::sys::Interceptor {
    NoDescriptorLeft() { event::sys::SetInterceptor(this); }
    ~NoDescriptorLeft() override { event::sys::SetInterceptor(nullptr); }
    int FailCall(const event::sys::Call& call) override {
      return call.name == std::string("EpollCreate") ? EMFILE : 0;
    }
  } no_descriptor_left;
  const le_thread_Ref_t thread = le_thread_Create("worker", Nothing, nullptr);
  le_thread_SetJoinable(thread);
  le_thread_Start(thread);
  EXPECT_EQ(le_thread_Join(thread, nullptr), LE_OK);
}

TEST(ThreadTest, FunctionsQueuedBeforeTheLoopExistsRunInOrder) {
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

TEST(ThreadTest, AThreadCancelledBeforeItsLoopExistsEnds) {
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

// The code that cancels the thread, and when.
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
        ADD_FAILURE() << "the thread was not cancelled";
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
// not end in this destructor, so the other destructors run. The loop runs until
// the destructor stops it. The test repeats this for each call in `calls`.
TEST(ThreadTest, ADestructorOfACancelledThreadMayRunTheLoop) {
  static std::string ran;
  using Call = void (*)();
  static Call cancellation_point;
  const Call calls[] = {
      [] { le_event_RunLoop(); },
      [] { le_event_RunLoopUntilStopped(); },
      [] { le_event_ServiceLoop(); },
      [] { le_sem_Wait(le_sem_Create("empty", 0)); },
      [] { le_thread_Sleep(86400); },
      [] { le_thread_Exit(nullptr); },  // ends the thread itself
  };
  for (const Call call : calls) {
    ran.clear();
    cancellation_point = call;
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
          le_event_ServiceLoop();  // creates the loop
          le_thread_Cancel(le_thread_GetCurrent());
          cancellation_point();
          return nullptr;
        },
        nullptr);
    le_thread_SetJoinable(thread);
    le_thread_Start(thread);
    EXPECT_EQ(le_thread_Join(thread, nullptr), LE_OK);
    EXPECT_EQ(ran, "loop destructor");
  }
}

TEST(ThreadTest, AThreadIsCancelledInASemaphore) {
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

TEST(ThreadTest, AThreadIsCancelledInItsSleep) {
  CancelIn([](Cancelled* self) {
    le_sem_Post(self->there);
    le_thread_Sleep(86400);
  });
}

TEST(ThreadTest, AThreadHasThePriorityThatWasSet) {
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

// The nice value of a process is the nice value of its main thread. Thread A is
// not the main thread. It raises the nice value of the main thread, not its
// own, and then starts thread B. (To lower a nice value, a thread needs
// permission.) Expected: thread B has the nice value of the main thread. The
// test needs a process of its own, because the nice value stays raised.
TEST(ThreadDeathTest, AThreadDoesNotInheritTheNiceValueOfItsCreator) {
  testing::FLAGS_gtest_death_test_style = "threadsafe";
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

TEST(ThreadTest, AThreadIsCancelledInALoop) {
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

TEST(ThreadTest, AThreadWithALoopOfItsOwnIsCancelled) {
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

// ---- Joining ----

TEST(ThreadTest, AThreadCannotJoinItself) {
  EXPECT_EQ(le_thread_Join(le_thread_GetCurrent(), nullptr), LE_DEADLOCK);
}

// A thread runs, but le_thread_Start() may not have returned yet. Expected:
// another thread can join the thread that runs.
TEST(ThreadTest, AThreadThatRunsCanBeJoinedByAnyThread) {
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

}  // namespace
}  // namespace legato
}  // namespace le
