/* Copyright 2026 The le_messaging Authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * A C program that uses the headers. It must compile as C99 without a warning.
 * It prints TAP, and its exit status is the result.
 */

#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "le_basics.h"
#include "le_clock.h"
#include "le_eventLoop.h"
#include "le_fdMonitor.h"
#include "le_log.h"
#include "le_mem.h"
#include "le_semaphore.h"
#include "le_test.h"
#include "le_thread.h"
#include "le_timer.h"

typedef struct {
  int number;
} Thing_t;

LE_MEM_DEFINE_STATIC_POOL(Things, 2, sizeof(Thing_t));

static le_sem_Ref_t Semaphore;
static int Destroyed;
static int Expiries;
static int Events;
static int EventFd;

static void OnDestroy(void* context) { Destroyed += *(int*)context; }

static void* ThreadMain(void* context) {
  static int one = 1;
  LE_TEST_OK(strcmp(le_thread_GetMyName(), "worker") == 0, "name");
  le_thread_AddDestructor(OnDestroy, &one);
  le_thread_RemoveDestructor(le_thread_AddDestructor(OnDestroy, &one));
  le_sem_Wait(Semaphore);
  le_thread_Exit(context);
}

static void* LoopMain(void* context) {
  (void)context;
  le_event_RunLoop();
}

static void OnQueued(void* param1, void* param2) {
  LE_TEST_OK(param1 == &Events && param2 == NULL, "parameters");
  le_sem_Post(Semaphore);
}

static void OnExpiry(le_timer_Ref_t timer) {
  LE_TEST_OK(le_timer_GetContextPtr(timer) == &Expiries, "timer's context");
  ++Expiries;
}

static void OnEvent(int fd, short events) {
  uint64_t value;
  LE_TEST_OK(events == POLLIN, "POLLIN only");
  LE_TEST_OK(read(fd, &value, sizeof(value)) == 8, "read");
  LE_TEST_OK(le_fdMonitor_GetContextPtr() == &Events, "monitor's context");
  LE_TEST_OK(le_fdMonitor_GetFd(le_fdMonitor_GetMonitor()) == EventFd, "fd");
  ++Events;
}

/* Does one turn as the program's own loop would: polls, and then calls
 * le_event_ServiceLoop() until no handler is due. */
static void Serve(void) {
  struct pollfd p;
  p.fd = le_event_GetFd();
  p.events = POLLIN;
  p.revents = 0;
  LE_ASSERT(poll(&p, 1, -1) == 1);
  while (le_event_ServiceLoop() == LE_OK) {
  }
}

static void TestThreads(void) {
  void* result = NULL;
  char name[4];
  le_thread_Ref_t thread = le_thread_Create("worker", ThreadMain, &Semaphore);
  le_thread_SetJoinable(thread);
  LE_TEST_OK(le_thread_Join(thread, NULL) == LE_NOT_POSSIBLE, "not started");
  LE_TEST_OK(le_thread_GetName(thread, name, sizeof(name)) == LE_OVERFLOW &&
                 strcmp(name, "wor") == 0,
             "cut name");
  le_thread_Start(thread);
  le_sem_Post(Semaphore);
  LE_TEST_OK(le_thread_Join(thread, &result) == LE_OK, "joined");
  LE_TEST_OK(result == &Semaphore, "result");
  LE_TEST_OK(Destroyed == 1, "destructors");

  thread = le_thread_Create("loop", LoopMain, NULL);
  le_thread_SetJoinable(thread);
  le_event_QueueFunctionToThread(thread, OnQueued, &Events, NULL);
  le_thread_Start(thread);
  le_sem_Wait(Semaphore);
  LE_TEST_OK(le_thread_Cancel(thread) == LE_OK, "cancel");
  LE_TEST_OK(le_thread_Join(thread, NULL) == LE_OK, "joined after cancel");
}

static void TestLoop(void) {
  const uint64_t one = 1;
  le_fdMonitor_Ref_t monitor;
  le_timer_Ref_t timer = le_timer_Create("timer");
  le_clk_Time_t interval = {0, 1000};

  EventFd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  monitor = le_fdMonitor_Create("event", EventFd, OnEvent, 0);
  le_fdMonitor_SetContextPtr(monitor, &Events);
  le_fdMonitor_SetDeferrable(monitor, true);
  LE_ASSERT(write(EventFd, &one, sizeof(one)) == 8);
  LE_TEST_OK(le_event_ServiceLoop() == LE_WOULD_BLOCK, "not enabled");
  le_fdMonitor_Enable(monitor, POLLIN);
  Serve();
  LE_TEST_OK(Events == 1, "event");
  le_fdMonitor_Disable(monitor, POLLIN);
  LE_ASSERT(write(EventFd, &one, sizeof(one)) == 8);
  LE_TEST_OK(le_event_ServiceLoop() == LE_WOULD_BLOCK, "disabled");
  le_fdMonitor_Delete(monitor);
  close(EventFd);

  LE_ASSERT_OK(le_timer_SetHandler(timer, OnExpiry));
  LE_ASSERT_OK(le_timer_SetContextPtr(timer, &Expiries));
  LE_ASSERT_OK(le_timer_SetInterval(timer, interval));
  LE_ASSERT_OK(le_timer_SetMsInterval(timer, 1));
  LE_ASSERT_OK(le_timer_SetRepeat(timer, 3));
  LE_TEST_OK(le_timer_Stop(timer) == LE_FAULT, "stop before start");
  LE_ASSERT_OK(le_timer_Start(timer));
  LE_TEST_OK(le_timer_Start(timer) == LE_BUSY, "start twice");
  LE_TEST_OK(le_timer_SetRepeat(timer, 5) == LE_BUSY, "set while running");
  while (le_timer_IsRunning(timer)) Serve();
  LE_TEST_OK(Expiries == 3, "three expiries");
  LE_TEST_OK(le_timer_GetExpiryCount(timer) == 3, "expiry count");
  le_timer_Restart(timer);
  LE_TEST_OK(le_timer_GetExpiryCount(timer) == 0, "counted anew");
  LE_ASSERT_OK(le_timer_Stop(timer));
  le_timer_Delete(timer);
}

static void TestSemaphores(void) {
  le_clk_Time_t moment = {0, 1000};
  LE_TEST_OK(le_sem_TryWait(Semaphore) == LE_WOULD_BLOCK, "empty");
  LE_TEST_OK(le_sem_WaitWithTimeOut(Semaphore, moment) == LE_TIMEOUT, "late");
  le_sem_Post(Semaphore);
  LE_TEST_OK(le_sem_GetValue(Semaphore) == 1, "value");
  LE_TEST_OK(le_sem_WaitWithTimeOut(Semaphore, moment) == LE_OK, "in time");
}

static void TestPools(void) {
  le_mem_PoolRef_t pool = le_mem_InitStaticPool(Things, 2, sizeof(Thing_t));
  le_mem_PoolRef_t other =
      le_mem_ExpandPool(le_mem_CreatePool("other", 100), 1);
  Thing_t* thing = le_mem_ForceAlloc(pool);
  thing->number = 7;
  le_mem_AddRef(thing);
  le_mem_Release(thing);
  LE_TEST_OK(thing->number == 7, "still there");
  le_mem_Release(thing);
  LE_TEST_OK(le_mem_GetObjectSize(other) == 100, "size");
}

static void Logs(void) {
  LE_DEBUG("%d", 1);
  LE_INFO("%d", 2);
  LE_WARN("%d", 3);
  LE_ERROR("%d", 4);
  LE_CRIT("%d", 5);
  LE_EMERG("%d", 6);
  LE_DEBUG_IF(true, "x");
  LE_INFO_IF(false, "x");
  LE_WARN_IF(false, "x");
  LE_ERROR_IF(false, "x");
  LE_CRIT_IF(false, "x");
  LE_EMERG_IF(false, "x");
  LE_FATAL_IF(false, "%s", LE_RESULT_TXT(LE_OK));
  if (false) LE_FATAL("x");
}

COMPONENT_INIT {
  LE_TEST_PLAN(LE_TEST_NO_PLAN);
  LE_TEST_INFO("%zu members", NUM_ARRAY_MEMBERS("ab"));
  Semaphore = le_sem_Create("semaphore", 0);
  LE_TEST_ASSERT(le_thread_GetCurrent() == le_thread_GetCurrent(), "current");
  Logs();
  TestSemaphores();
  TestThreads();
  TestLoop();
  TestPools();
  le_sem_Delete(Semaphore);
  LE_TEST_EXIT;
}

static void CountCall(void* param1, void* param2) {
  *(int*)param1 += *(int*)param2;
}

int main(void) {
  int calls = 0;
  int one = 1;
  le_event_QueueFunction(CountCall, &calls, &one);
  Serve();
  LE_ASSERT(calls == 1);
  _le_event_InitComponent();
}
