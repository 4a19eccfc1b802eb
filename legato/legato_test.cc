// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// Misuse of the C API, exceptions of the program, and the C API in simulated
// processes. The program c99_test makes the ordinary calls.

#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include <exception>
#include <stdexcept>
#include <string>
#include <thread>

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

TEST_F(CApiDeathTest, ThreadMisuse) {
  EXPECT_FATAL(le_thread_Create(nullptr, Nothing, nullptr),
               "le_thread_Create: ");
  EXPECT_FATAL(le_thread_Create("x", nullptr, nullptr), "le_thread_Create: ");
  EXPECT_FATAL(le_thread_Start(nullptr), "le_thread_Start: ");
  EXPECT_FATAL(le_thread_Start(le_thread_GetCurrent()), "le_thread_Start: ");
  EXPECT_FATAL(le_thread_SetJoinable(le_thread_GetCurrent()),
               "le_thread_SetJoinable: ");
  EXPECT_FATAL(
      le_thread_SetPriority(le_thread_GetCurrent(), LE_THREAD_PRIORITY_LOW),
      "le_thread_SetPriority: the thread has been started");
  EXPECT_FATAL(le_thread_SetStackSize(le_thread_GetCurrent(), 65536),
               "le_thread_SetStackSize: the thread has been started");
  EXPECT_FATAL(le_thread_SetStack(le_thread_GetCurrent(), nullptr, 65536),
               "le_thread_SetStack: the thread has been started");
  EXPECT_FATAL(le_thread_AddChildDestructor(
                   le_thread_GetCurrent(), [](void*) {}, nullptr),
               "le_thread_AddChildDestructor: the thread has been started");
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
TEST_F(CApiDeathTest, MisuseAbortsIfTheEnvironmentSaysSo) {
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
TEST_F(CApiDeathTest, AnExceptionInAFunctionOfTheProgramIsFatal) {
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

// A handler may ask to skip more arguments than there are.
TEST(ArgumentsTest, AnErrorHandlerCannotMakeTheScanEndless) {
  const char* argv[] = {"tool", "-x", "-y"};
  le_arg_SetArgs(3, argv);
  static int errors;
  errors = 0;
  le_arg_SetErrorHandler([](size_t, le_result_t) -> size_t {
    ++errors;
    return SIZE_MAX;
  });
  le_arg_Scan();
  EXPECT_EQ(errors, 1);
}

// A thread is adopted again after its cleanup. Its new Thread object may have
// the address of the former Thread object. Expected: references from before the
// cleanup are invalid.
TEST_F(CApiDeathTest, AnAdoptedThreadCannotUseItsFormerObjects) {
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
  EXPECT_FATAL(le_sem_Post(le_sem_Create("x", INT32_MAX)), "le_sem_Post: ");
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

TEST_F(CApiTest, ThreadsTimersAndSemaphoresWorkInASimulation) {
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
