/* Copyright 2026 The le_messaging Authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * The loop: queued functions, events, monitors, timers and signals.
 */

#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "le_eventLoop.h"
#include "le_eventLoop_ext.h"
#include "le_fdMonitor.h"
#include "le_log.h"
#include "le_mem.h"
#include "le_signals.h"
#include "le_test.h"
#include "le_thread.h"
#include "le_timer.h"
#include "legato/c99_test.h"

/* ---- Queued functions and events ---- */

static le_event_Id_t NumberEvent;
static le_event_Id_t ObjectEvent;
static le_event_HandlerRef_t Removed;
static int Sum;

static void StopLoop(void* param1, void* param2) {
  (void)param1;
  (void)param2;
  le_event_StopLoop(NULL);
}
static void OnNumber(void* report) {
  Sum += *(int*)report * *(int*)le_event_GetContextPtr();
}
static void OnLayered(void* report, void* secondLayer) {
  (*(le_event_HandlerFunc_t*)secondLayer)(report);
}
static void OnObject(void* report) {
  Sum += *(int*)report;
  le_mem_Release(report);
}
static void OnRemoved(void* report) {
  (void)report;
  Sum = 1000;
}

static int Calls;
static void CountCall(void* param1, void* param2) {
  LE_UNUSED(param1);
  LE_UNUSED(param2);
  ++Calls;
}

void TestEvents(void) {
  static int ten = 10;
  static int hundred = 100;
  static le_event_HandlerFunc_t onNumber = OnNumber;
  const int number = 3;
  le_mem_PoolRef_t pool = le_mem_CreatePool("objects", sizeof(int));
  int* object = le_mem_ForceAlloc(pool);
  NumberEvent = le_event_CreateId("number", sizeof(int));
  ObjectEvent = le_event_CreateIdWithRefCounting("object");
  le_event_SetContextPtr(le_event_AddHandler("first", NumberEvent, OnNumber),
                         &ten);
  le_event_SetContextPtr(
      le_event_AddLayeredHandler("second", NumberEvent, OnLayered, &onNumber),
      &hundred);
  Removed = le_event_AddHandler("removed", NumberEvent, OnRemoved);
  le_event_AddHandler("first", ObjectEvent, OnObject);
  le_event_AddHandler("second", ObjectEvent, OnObject);
  *object = 1;
  le_event_Report(NumberEvent, &number, sizeof(number));
  le_event_ReportWithRefCounting(ObjectEvent, object);
  le_event_RemoveHandler(Removed);
  le_event_QueueFunction(StopLoop, NULL, NULL);
  le_event_RunLoopUntilStopped();
  LE_TEST_OK(Sum == 332, "each handler was called once: %d", Sum);
  Calls = 0;
  LE_TEST_OK(
      le_event_QueueFunctionToThreadUnique(NULL, CountCall, &Sum, NULL) ==
              LE_OK &&
          le_event_QueueFunctionToThreadUnique(
              le_thread_GetCurrent(), CountCall, &Sum, NULL) == LE_DUPLICATE &&
          le_event_QueueFunctionToThreadUnique(NULL, CountCall, &Calls, NULL) ==
              LE_OK,
      "the same call is queued once");
  while (le_event_ServiceLoop() == LE_OK) {
  }
  LE_TEST_OK(Calls == 2, "two calls");
  LE_TEST_OK(le_event_QueueFunctionToThreadUnique(NULL, CountCall, &Sum,
                                                  NULL) == LE_OK,
             "the same call is queued again after the first has run");
  while (le_event_ServiceLoop() == LE_OK) {
  }
  LE_TEST_OK(Calls == 3, "three calls");
  LE_TEST_OK(
      le_event_TryQueueFunctionToThread(NULL, StopLoop, NULL, NULL) == LE_OK &&
          le_event_TryRunLoopUntilStopped() == LE_OK,
      "stopped");
}

/* ---- le_sig ---- */

static int Signals;

static void OnSignal(int number) {
  ++Signals;
  if (number == SIGUSR2) le_sig_DeleteAll();
}

void TestSignalHandlers(void) {
  le_sig_Block(SIGUSR1);
  raise(SIGUSR1);
  le_sig_SetEventHandler(SIGUSR1, OnSignal);
  while (le_event_ServiceLoop() == LE_OK) {
  }
  LE_TEST_OK(Signals == 1, "a signal that arrived before its handler was set");
  le_sig_SetEventHandler(SIGUSR2, OnSignal);
  raise(SIGUSR1);
  raise(SIGUSR2);
  LE_TEST_OK(Signals == 1, "only the loop calls handlers");
  while (le_event_ServiceLoop() == LE_OK) {
  }
  LE_TEST_OK(Signals == 3, "both signals");
  raise(SIGUSR2);
  while (le_event_ServiceLoop() == LE_OK) {
  }
  LE_TEST_OK(Signals == 3, "the handlers were deleted");
  le_sig_SetEventHandler(SIGUSR2, OnSignal);
  le_sig_SetEventHandler(SIGUSR2, NULL);
  while (le_event_ServiceLoop() == LE_OK) {
  }
  LE_TEST_OK(Signals == 3, "the handler was removed");
  le_sig_SetEventHandler(SIGUSR2, OnSignal);
  while (le_event_ServiceLoop() == LE_OK) {
  }
  LE_TEST_OK(Signals == 4, "a pending signal reaches a new handler");
}

/* ---- Monitors ---- */

static int Events;
static int EventFd;

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

void TestMonitors(void) {
  const uint64_t one = 1;
  le_fdMonitor_Ref_t monitor;

  EventFd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  monitor = le_fdMonitor_Create("event", EventFd, OnEvent, 0);
  le_fdMonitor_SetContextPtr(monitor, &Events);
  le_fdMonitor_SetDeferrable(monitor, true);
  LE_ASSERT(write(EventFd, &one, sizeof(one)) == 8);
  LE_TEST_OK(le_event_ServiceLoop() == LE_WOULD_BLOCK, "POLLIN is not enabled");
  le_fdMonitor_Enable(monitor, POLLIN);
  Serve();
  LE_TEST_OK(Events == 1, "event");
  le_fdMonitor_Disable(monitor, POLLIN);
  LE_ASSERT(write(EventFd, &one, sizeof(one)) == 8);
  LE_TEST_OK(le_event_ServiceLoop() == LE_WOULD_BLOCK, "POLLIN is disabled");
  le_fdMonitor_Delete(monitor);
  close(EventFd);
}

/* ---- Timers ---- */

static int Expiries;

static void OnExpiry(le_timer_Ref_t timer) {
  LE_TEST_OK(le_timer_GetContextPtr(timer) == &Expiries, "timer's context");
  ++Expiries;
}

static void OnLast(le_timer_Ref_t timer) {
  LE_TEST_OK(le_timer_GetMsTimeRemaining(timer) == 0, "no time remains");
  le_event_StopLoop(NULL);
}

void TestTimers(void) {
  const le_clk_Time_t half = {1, 500000};
  const le_clk_Time_t zero = {0, 0};
  le_timer_Ref_t timer = le_timer_Create("timer");
  LE_TEST_OK(le_timer_GetMsInterval(timer) == 0, "no interval");
  le_timer_SetHandler(timer, OnLast);
  LE_TEST_OK(le_timer_SetInterval(timer, half) == LE_OK &&
                 le_timer_GetMsInterval(timer) == 1500 &&
                 le_clk_Equal(le_timer_GetInterval(timer), half),
             "interval");
  LE_TEST_OK(le_timer_SetWakeup(timer, false) == LE_OK, "wake-up");
  LE_TEST_OK(le_clk_Equal(le_timer_GetTimeRemaining(timer), zero), "stopped");
  le_timer_SetMsInterval(timer, UINT32_MAX);
  le_timer_Start(timer);
  LE_TEST_OK(le_timer_SetWakeup(timer, false) == LE_BUSY,
             "wake-up of a running timer");
  LE_TEST_OK(le_timer_GetTimeRemaining(timer).sec > 1000000,
             "a long time remains");
  LE_TEST_OK(le_timer_SetMsInterval(timer, 2000000000) == LE_OK &&
                 le_timer_GetTimeRemaining(timer).sec > 1000000 &&
                 le_timer_GetTimeRemaining(timer).sec <= 2000000,
             "less time remains");
  LE_TEST_OK(le_timer_SetMsInterval(timer, 0) == LE_OK, "an interval of 0");
  le_event_RunLoopUntilStopped();
  LE_TEST_OK(!le_timer_IsRunning(timer), "expired");

  LE_ASSERT_OK(le_timer_SetHandler(timer, OnExpiry));
  LE_ASSERT_OK(le_timer_SetContextPtr(timer, &Expiries));
  LE_ASSERT_OK(le_timer_SetMsInterval(timer, 1));
  LE_ASSERT_OK(le_timer_SetRepeat(timer, 3));
  LE_TEST_OK(le_timer_Stop(timer) == LE_FAULT, "stopping a stopped timer");
  LE_ASSERT_OK(le_timer_Start(timer));
  LE_TEST_OK(le_timer_Start(timer) == LE_BUSY, "starting a running timer");
  LE_TEST_OK(le_timer_SetRepeat(timer, 5) == LE_BUSY,
             "repeat count of a running timer");
  while (le_timer_IsRunning(timer)) Serve();
  LE_TEST_OK(Expiries == 3, "three expiries");
  LE_TEST_OK(le_timer_GetExpiryCount(timer) == 3, "expiry count");
  le_timer_Restart(timer);
  LE_TEST_OK(le_timer_GetExpiryCount(timer) == 0, "a restart resets the count");
  LE_ASSERT_OK(le_timer_Stop(timer));
  le_timer_Delete(timer);
}
