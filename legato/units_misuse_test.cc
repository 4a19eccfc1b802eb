// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// Fatal calls of the functions that c99_test calls. The log line of such a call
// must name the function. Also tests in simulated processes, and other tests in
// C++.

#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <limits>
#include <thread>

#include "absl/time/time.h"
#include "event/process.h"
#include "event/testing/sim.h"
#include "gtest/gtest.h"
#include "le_args.h"
#include "le_clock.h"
#include "le_doublyLinkedList.h"
#include "le_eventLoop.h"
#include "le_eventLoop_ext.h"
#include "le_hashmap.h"
#include "le_log.h"
#include "le_mem.h"
#include "le_mutex.h"
#include "le_safeRef.h"
#include "le_semaphore.h"
#include "le_signals.h"
#include "le_singlyLinkedList.h"
#include "le_test.h"
#include "le_thread.h"
#include "le_timer.h"
#include "le_utf8.h"

namespace le {
namespace event {
namespace {

class UnitsDeathTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    testing::FLAGS_gtest_death_test_style = "threadsafe";
  }
};

#define EXPECT_FATAL(statement, message) \
  EXPECT_EXIT(statement, testing::ExitedWithCode(EXIT_FAILURE), message)

TEST_F(UnitsDeathTest, SafeReferences) {
  EXPECT_FATAL(le_ref_CreateRef(nullptr, nullptr), "le_ref_CreateRef");
  EXPECT_FATAL(le_ref_Lookup(nullptr, nullptr), "le_ref_Lookup");
  EXPECT_FATAL(le_ref_NextNode(nullptr), "le_ref_NextNode");
}

// Makes `failures` tests fail, and exits.
void ExitAfter(int failures) {
  for (int i = 0; i < failures; ++i) LE_TEST_OK(false, "number %d", i);
  LE_TEST_EXIT;
}

TEST_F(UnitsDeathTest, TestsExitWithTheNumberOfFailures) {
  using testing::ExitedWithCode;
  EXPECT_EXIT(ExitAfter(0), ExitedWithCode(0), "");
  EXPECT_EXIT(ExitAfter(3), ExitedWithCode(3), "");
  EXPECT_EXIT(ExitAfter(126), ExitedWithCode(126), "");
  EXPECT_EXIT(ExitAfter(127), ExitedWithCode(126), "");
  EXPECT_EXIT(
      {
        LE_TEST_PLAN(7);
        ExitAfter(0);
      },
      ExitedWithCode(0), "");
}

TEST_F(UnitsDeathTest, FatalTestsPrintBailOut) {
  using testing::ExitedWithCode;
  EXPECT_EXIT(
      {
        dup2(STDERR_FILENO, STDOUT_FILENO);
        LE_TEST_FATAL();
      },
      ExitedWithCode(1), "Bail out! \n");
  EXPECT_EXIT(
      {
        dup2(STDERR_FILENO, STDOUT_FILENO);
        LE_TEST_OK(false, "one");
        LE_TEST_ASSERT(false, "two");
      },
      ExitedWithCode(2), "not ok 2 - two\nBail out! \n");
}

TEST_F(UnitsDeathTest, TestsCountTheFailuresOfTheirChildren) {
  EXPECT_EXIT(
      {
        const le_test_ChildRef_t three = LE_TEST_FORK("sh", "-c", "exit 3");
        const le_test_ChildRef_t killed =
            LE_TEST_FORK("sh", "-c", "kill -9 $$");
        const le_test_ChildRef_t missing = LE_TEST_FORK("/no/such/program");
        LE_TEST_JOIN(killed);
        LE_TEST_JOIN(three);
        LE_TEST_JOIN(missing);
        LE_TEST_EXIT;
      },
      testing::ExitedWithCode(5), "LE_TEST_FORK: cannot start");
  EXPECT_FATAL(LE_TEST_JOIN(nullptr), "LE_TEST_JOIN: a stale");
  EXPECT_FATAL(LE_TEST_FORK(nullptr), "LE_TEST_FORK: the program is NULL");
}

TEST_F(UnitsDeathTest, Mutexes) {
  const le_mutex_Ref_t mutex = le_mutex_CreateNonRecursive("mutex");
  EXPECT_FATAL(le_mutex_Unlock(mutex), "le_mutex_Unlock: .*does not hold");
  EXPECT_FATAL(
      {
        le_mutex_Lock(mutex);
        le_mutex_Lock(mutex);
      },
      "le_mutex_Lock: .*not recursive");
  EXPECT_FATAL(
      {
        le_mutex_Lock(mutex);
        le_mutex_Delete(mutex);
      },
      "le_mutex_Delete: .*in use");
  EXPECT_FATAL(le_mutex_Delete(le_ifgen_InitMutexRef), "le_mutex_Delete");
  le_mutex_Delete(mutex);
  EXPECT_FATAL(le_mutex_Lock(mutex), "le_mutex_Lock: a stale");
}

TEST_F(UnitsDeathTest, Lists) {
  static le_dls_List_t list = LE_DLS_LIST_INIT;
  static le_dls_Link_t link = LE_DLS_LINK_INIT;
  EXPECT_FATAL(le_dls_Queue(nullptr, &link), "le_dls_Queue");
  EXPECT_FATAL(le_dls_Queue(&list, nullptr), "le_dls_Queue");
  EXPECT_FATAL(le_dls_Remove(&list, &link), "le_dls_Remove: .*no list");
  EXPECT_FATAL(le_dls_PeekNext(&list, &link), "le_dls_PeekNext");
  EXPECT_FATAL(le_dls_Sort(&list, nullptr), "le_dls_Sort");
}

TEST_F(UnitsDeathTest, SingleLists) {
  static le_sls_List_t list = LE_SLS_LIST_INIT;
  static le_sls_Link_t link = LE_SLS_LINK_INIT;
  EXPECT_FATAL(le_sls_Queue(nullptr, &link), "le_sls_Queue");
  EXPECT_FATAL(le_sls_Stack(&list, nullptr), "le_sls_Stack");
  EXPECT_FATAL(le_sls_RemoveAfter(&list, &link),
               "le_sls_RemoveAfter: .*no list");
  EXPECT_FATAL(le_sls_Sort(&list, nullptr), "le_sls_Sort");
}

TEST_F(UnitsDeathTest, Signals) {
  const auto handler = [](int) {};
  EXPECT_FATAL(le_sig_Block(9999), "le_sig_Block: 9999 is not a signal");
  EXPECT_FATAL(le_sig_SetEventHandler(SIGKILL, handler),
               "le_sig_SetEventHandler: cannot handle signal 9");
  EXPECT_FATAL(le_sig_SetEventHandler(SIGSEGV, handler),
               "le_sig_SetEventHandler: cannot handle signal 11");
}

// A thread ends while it has handlers of signals. This must not be fatal.
TEST(UnitsTest, AThreadThatHandlesSignalsMayEnd) {
  std::thread([] {
    le_thread_InitLegatoThreadData("signals");
    le_sig_SetEventHandler(SIGUSR1, [](int) {});
    le_thread_CleanupLegatoThreadData();
  }).join();
}

// No file descriptor is free when a handler is set. Expected: this is not
// fatal, and the handler is called when a file descriptor is free again.
TEST(UnitsTest, ASignalWaitsUntilAFileDescriptorIsFree) {
  le_event_ServiceLoop();  // creates the loop if there is none
  struct rlimit before;
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &before), 0);
  const int next = dup(STDERR_FILENO);
  close(next);
  struct rlimit none = before;
  none.rlim_cur = static_cast<rlim_t>(next);
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &none), 0);
  static bool called;
  called = false;
  le_sig_SetEventHandler(SIGUSR1, [](int) {
    called = true;
    le_event_StopLoop(nullptr);
  });
  raise(SIGUSR1);
  EXPECT_EQ(le_event_ServiceLoop(), LE_WOULD_BLOCK);
  EXPECT_FALSE(called);
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &before), 0);
  le_event_RunLoopUntilStopped();
  EXPECT_TRUE(called);
  le_sig_DeleteAll();
}

// Some functions of Legato return an int instead of an le_result_t.
// LE_ASSERT_OK must accept an int.
TEST(UnitsTest, AssertOkAcceptsAnInt) {
  const int result = LE_OK;
  LE_ASSERT_OK(result);
  inline_static_assert(sizeof(int) >= 2, "an int");
}

TEST_F(UnitsDeathTest, Memory) {
  const le_mem_PoolRef_t pool = le_mem_CreatePool("empty", 8);
  static le_mem_PoolRef_t fixed = nullptr;
  EXPECT_FATAL(le_mem_AssertAlloc(pool), "le_mem_AssertAlloc: .*'empty'");
  EXPECT_FATAL(le_mem_TryAlloc(nullptr), "le_mem_TryAlloc");
  EXPECT_FATAL(le_mem_GetName(pool, nullptr, 8), "le_mem_GetName");
  EXPECT_FATAL(
      {
        le_mem_InitStaticPool_(&fixed, "fixed", 1, 8);
        le_mem_InitStaticPool_(&fixed, "fixed", 1, 9);
      },
      "le_mem_InitStaticPool: pool 'fixed'");
  const le_mem_PoolRef_t sub = le_mem_CreateSubPool(pool, "sub", 1);
  EXPECT_FATAL(le_mem_DeleteSubPool(pool), "le_mem_DeleteSubPool: .*not a sub");
  EXPECT_FATAL(
      {
        le_mem_AssertAlloc(sub);
        le_mem_DeleteSubPool(sub);
      },
      "le_mem_DeleteSubPool: pool 'sub' is in use");
  EXPECT_FATAL(
      {
        le_mem_CreateSubPool(sub, "below", 1);
        le_mem_DeleteSubPool(sub);
      },
      "le_mem_DeleteSubPool: pool 'sub' is in use");
  EXPECT_FATAL(le_mem_ForceVarAlloc(sub, 9),
               "le_mem_ForceVarAlloc: pool 'sub'");
  EXPECT_FATAL(
      {
        le_mem_AssertVarAlloc(sub, 8);
        le_mem_AssertVarAlloc(sub, 8);
      },
      "le_mem_AssertVarAlloc: pool 'sub' has no free");
  EXPECT_FATAL(le_mem_GetStats(pool, nullptr), "le_mem_GetStats");
  EXPECT_FATAL(le_mem_FindPool(nullptr), "le_mem_FindPool");
  EXPECT_FATAL(le_mem_ForceAlloc(le_mem_CreatePool("huge", SIZE_MAX)),
               "le_mem_ForceAlloc: no memory left for pool 'huge'");
}

// Expected: the pool is not locked when the process ends.
TEST_F(UnitsDeathTest, AnExitHandlerMayUseThePoolThatHasNoMemory) {
  static le_mem_PoolRef_t pool;
  for (void (*grow)() :
       {+[] { static_cast<void>(le_mem_ForceAlloc(pool)); },
        +[] { static_cast<void>(le_mem_ExpandPool(pool, 1)); }}) {
    EXPECT_FATAL(
        {
          pool = le_mem_CreatePool("huge", SIZE_MAX);
          atexit([] { le_mem_GetObjectCount(pool); });
          grow();
        },
        "no memory left for pool 'huge'");
  }
}

// The address of the variable identifies the pool.
TEST(UnitsTest, AStaticPoolIsFoundAfterItsVariableHasChanged) {
  static le_mem_PoolRef_t variable;
  const le_mem_PoolRef_t pool =
      le_mem_InitStaticPool_(&variable, "static", 3, 8);
  EXPECT_EQ(le_mem_GetObjectCount(pool), 3u);
  variable = le_mem_CreatePool("other", 8);
  EXPECT_EQ(le_mem_InitStaticPool_(&variable, "static", 3, 8), pool);
  EXPECT_EQ(le_mem_GetObjectCount(pool), 3u);
}

// When a client closes its session, a server that ifgen generates reads a
// released object. Asan must not report this.
TEST(UnitsTest, AReleasedObjectCanBeReadUntilItIsAllocatedAgain) {
  const le_mem_PoolRef_t pool = le_mem_CreatePool("pool", sizeof(int));
  int* const object = static_cast<int*>(le_mem_ForceAlloc(pool));
  *object = 5;
  le_mem_Release(object);
  EXPECT_EQ(*static_cast<volatile int*>(object), 5);
  EXPECT_EQ(le_mem_ForceAlloc(pool), object);
  EXPECT_EQ(*object, 0);
}

TEST_F(UnitsDeathTest, Events) {
  const le_event_Id_t event = le_event_CreateId("event", 4);
  const le_event_Id_t counted = le_event_CreateIdWithRefCounting("counted");
  static const char kBytes[8] = "";
  EXPECT_FATAL(le_event_CreateId(nullptr, 1), "le_event_CreateId");
  EXPECT_FATAL(le_event_Report(event, kBytes, 5), "le_event_Report: .*5 bytes");
  EXPECT_FATAL(le_event_Report(counted, kBytes, 0), "le_event_Report");
  EXPECT_FATAL(le_event_ReportWithRefCounting(event, nullptr),
               "le_event_ReportWithRefCounting");
  EXPECT_FATAL(le_event_AddHandler("handler", event, nullptr),
               "le_event_AddHandler");
  EXPECT_FATAL(le_event_GetContextPtr(), "le_event_GetContextPtr");
  const le_event_HandlerRef_t handler =
      le_event_AddHandler("handler", event, [](void*) {});
  le_event_RemoveHandler(handler);
  EXPECT_FATAL(le_event_RemoveHandler(handler),
               "le_event_RemoveHandler: a stale");
}

TEST_F(UnitsDeathTest, ACallbackMustNotScan) {
  static const char* argv[] = {"tool", "-f"};
  const auto scan = [](le_arg_FlagCallbackFunc_t callback) {
    le_arg_SetArgs(2, argv);
    le_arg_SetFlagCallback(callback, "f", nullptr);
    le_arg_Scan();
  };
  EXPECT_FATAL(scan([] { le_arg_Scan(); }), "le_arg_Scan: .*callback");
  EXPECT_FATAL(scan([] { le_arg_SetArgs(1, argv); }),
               "le_arg_SetArgs: .*callback");
}

TEST_F(UnitsDeathTest, OtherFunctions) {
  EXPECT_FATAL(le_hashmap_Create("map", 1, nullptr, nullptr),
               "le_hashmap_Create");
  EXPECT_FATAL(le_hashmap_Get(nullptr, nullptr), "le_hashmap_Get");
  LE_HASHMAP_DEFINE_STATIC(without_functions, 1);
  EXPECT_FATAL(le_hashmap_InitStatic(without_functions, 1, nullptr, nullptr),
               "le_hashmap_InitStatic: ");
  EXPECT_FATAL(le_log_GetTraceRef(nullptr), "le_log_GetTraceRef");
  EXPECT_FATAL(le_log_EnableTrace(nullptr), "le_log_EnableTrace");
  EXPECT_FATAL(le_utf8_ParseInt(nullptr, "1"), "le_utf8_ParseInt");
  size_t size = 1;
  EXPECT_FATAL(le_utf8_EncodeUnicodeCodePoint(1, nullptr, &size),
               "le_utf8_EncodeUnicodeCodePoint");
  EXPECT_FATAL(le_utf8_DecodeUnicodeCodePoint("x", &size, nullptr),
               "le_utf8_DecodeUnicodeCodePoint");
  EXPECT_FATAL(le_utf8_Copy(nullptr, "x", 1, nullptr), "le_utf8_Copy");
  EXPECT_FATAL(le_clk_GetUTCDateTimeString("%c", nullptr, 0, nullptr),
               "le_clk_GetUTCDateTimeString");
  EXPECT_FATAL(le_sem_FindSemaphore(nullptr), "le_sem_FindSemaphore");
  EXPECT_FATAL(le_thread_Sleep(-1), "le_thread_Sleep");
  EXPECT_FATAL(le_arg_SetFlagVar(nullptr, "f", nullptr), "le_arg_SetFlagVar");
  static const char* argv[] = {"tool", "--unknown"};
  EXPECT_FATAL(
      {
        le_arg_SetArgs(2, argv);
        le_arg_Scan();
      },
      "tool: unexpected argument: --unknown");
}

// ---- In simulated time -----------------------------------------------------

TEST(UnitsSimulationTest, ANewIntervalMovesTheExpiryOfARunningTimer) {
  Simulation sim(1);
  sim.Spawn(sim.AddProcess("p", {}), "main", [] {
    static Instant expired;
    expired = absl::InfinitePast();
    const Instant start = Process::Current()->Now();
    const le_timer_Ref_t timer = le_timer_Create("t");
    le_timer_SetHandler(timer, [](le_timer_Ref_t) {
      expired = Process::Current()->Now();
      le_event_StopLoop(nullptr);
    });
    le_timer_SetMsInterval(timer, 10000);
    le_timer_Start(timer);
    le_thread_Sleep(2);
    EXPECT_EQ(le_timer_GetMsTimeRemaining(timer), 8000u);
    // The new interval is longer. It counts from the start of the period.
    EXPECT_EQ(le_timer_SetMsInterval(timer, 20000), LE_OK);
    EXPECT_EQ(le_timer_GetTimeRemaining(timer).sec, 18);
    le_event_RunLoopUntilStopped();
    EXPECT_EQ(expired - start, absl::Seconds(20));
    // The new interval has already passed, so the period ends at once.
    le_timer_Restart(timer);
    const Instant restart = Process::Current()->Now();
    le_thread_Sleep(2);
    EXPECT_EQ(le_timer_SetInterval(timer, le_clk_Time_t{1, 0}), LE_OK);
    EXPECT_EQ(le_timer_GetMsTimeRemaining(timer), 0u);
    le_event_RunLoopUntilStopped();
    EXPECT_EQ(expired - restart, absl::Seconds(2));
  });
  EXPECT_EQ(sim.Run(), Simulation::Outcome::kEnded) << sim.Report();
}

TEST(UnitsSimulationTest, TheLongestIntervalOfARunningTimerCanBeShortened) {
  Simulation sim(1);
  sim.Spawn(sim.AddProcess("p", {}), "main", [] {
    const le_clk_Time_t longest = {std::numeric_limits<time_t>::max(), 999999};
    const le_timer_Ref_t timer = le_timer_Create("t");
    le_timer_SetHandler(timer,
                        [](le_timer_Ref_t) { le_event_StopLoop(nullptr); });
    le_timer_SetInterval(timer, longest);
    EXPECT_TRUE(le_clk_Equal(le_timer_GetInterval(timer), longest));
    const Instant start = Process::Current()->Now();
    le_timer_Start(timer);
    EXPECT_TRUE(le_clk_Equal(le_timer_GetTimeRemaining(timer), longest));
    le_timer_SetMsInterval(timer, 3000);
    le_event_RunLoopUntilStopped();
    EXPECT_EQ(Process::Current()->Now() - start, absl::Seconds(3));
  });
  EXPECT_EQ(sim.Run(), Simulation::Outcome::kEnded) << sim.Report();
}

LE_HASHMAP_DEFINE_STATIC(Static, 1);

// A map is destroyed with its simulated process, but its static variable stays.
// Expected: the next process gets a new map.
TEST(UnitsSimulationTest, AStaticHashMapBelongsToItsProcess) {
  static const char kKey[] = "key";
  const auto run = [] {
    const auto init = [] {
      return le_hashmap_InitStatic(Static, 1, le_hashmap_HashString,
                                   le_hashmap_EqualsString);
    };
    const le_hashmap_Ref_t map = init();
    EXPECT_EQ(le_hashmap_Size(map), 0u);
    le_hashmap_Put(map, kKey, kKey);
    EXPECT_EQ(init(), map) << "the second call in the same process";
  };
  Simulation first(1);
  first.Spawn(first.AddProcess("first", {}), "main", run);
  EXPECT_EQ(first.Run(), Simulation::Outcome::kEnded) << first.Report();
  Simulation second(2);
  second.Spawn(second.AddProcess("second", {}), "main", run);
  EXPECT_EQ(second.Run(), Simulation::Outcome::kEnded) << second.Report();
}

// A simulated process ends while it holds the mutex of ifgen's code. Expected:
// another process locks its own mutex.
TEST(UnitsSimulationTest, EachProcessHasItsMutexOfIfgen) {
  Simulation sim(1);
  for (const char* name : {"first", "second"}) {
    sim.Spawn(sim.AddProcess(name, {}), "main", [] {
      EXPECT_EQ(le_mutex_TryLock(le_ifgen_InitMutexRef), LE_OK);
      EXPECT_EQ(le_mutex_TryLock(le_ifgen_InitMutexRef), LE_WOULD_BLOCK);
    });
  }
  EXPECT_EQ(sim.Run(), Simulation::Outcome::kEnded) << sim.Report();
}

// The references of all other mutexes are odd numbers.
TEST(UnitsTest, TheMutexOfIfgenHasItsOwnReference) {
  EXPECT_EQ(reinterpret_cast<uintptr_t>(le_ifgen_InitMutexRef) % sizeof(void*),
            0u);
}

TEST(UnitsSimulationTest, AMutexIsHeldByOneThread) {
  for (uint64_t seed = 0; seed < 20; ++seed) {
    Simulation sim(seed);
    struct Shared {
      le_mutex_Ref_t mutex = nullptr;
      int inside = 0;
      int rounds = 0;
    } shared;
    sim.Spawn(sim.AddProcess("p", {}), "main", [&] {
      shared.mutex = le_mutex_CreateNonRecursive("mutex");
      le_thread_Ref_t threads[3];
      for (le_thread_Ref_t& thread : threads) {
        thread = le_thread_Create(
            "worker",
            [](void* context) -> void* {
              auto* const s = static_cast<Shared*>(context);
              for (int round = 0; round < 5; ++round) {
                le_mutex_Lock(s->mutex);
                EXPECT_EQ(++s->inside, 1);
                le_thread_Sleep(1);
                --s->inside;
                ++s->rounds;
                le_mutex_Unlock(s->mutex);
              }
              return nullptr;
            },
            &shared);
        le_thread_SetJoinable(thread);
        le_thread_Start(thread);
      }
      for (le_thread_Ref_t thread : threads) le_thread_Join(thread, nullptr);
      le_mutex_Delete(shared.mutex);
    });
    EXPECT_EQ(sim.Run(), Simulation::Outcome::kEnded) << sim.Report();
    EXPECT_EQ(shared.rounds, 15);
  }
}

// The thread of a handler ends while a report for the handler is queued.
// Expected: the report is discarded.
TEST(UnitsSimulationTest, TheEndOfAThreadRemovesItsHandlers) {
  Simulation sim(1);
  sim.Spawn(sim.AddProcess("p", {}), "main", [] {
    static int destroyed;
    destroyed = 0;
    const le_mem_PoolRef_t pool = le_mem_CreatePool("objects", 8);
    le_mem_SetDestructor(pool, [](void*) { ++destroyed; });
    static le_event_Id_t event;
    event = le_event_CreateIdWithRefCounting("event");
    static le_sem_Ref_t added;
    added = le_sem_Create("added", 0);
    static le_sem_Ref_t reported;
    reported = le_sem_Create("reported", 0);
    const le_thread_Ref_t thread = le_thread_Create(
        "handler",
        [](void*) -> void* {
          le_event_AddHandler("handler", event, [](void*) { ADD_FAILURE(); });
          le_sem_Post(added);
          le_sem_Wait(reported);
          return nullptr;
        },
        nullptr);
    le_thread_SetJoinable(thread);
    le_thread_Start(thread);
    le_sem_Wait(added);
    le_event_ReportWithRefCounting(event, le_mem_ForceAlloc(pool));
    EXPECT_EQ(destroyed, 0);
    le_sem_Post(reported);
    le_thread_Join(thread, nullptr);
    EXPECT_EQ(destroyed, 1);
    le_event_ReportWithRefCounting(event, le_mem_ForceAlloc(pool));
    EXPECT_EQ(destroyed, 2);
  });
  EXPECT_EQ(sim.Run(), Simulation::Outcome::kEnded) << sim.Report();
}

}  // namespace
}  // namespace event
}  // namespace le
