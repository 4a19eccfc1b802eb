/* Copyright 2026 The le_messaging Authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Threads, mutexes and semaphores.
 */

#include <string.h>

#include "le_clock.h"
#include "le_eventLoop.h"
#include "le_mutex.h"
#include "le_semaphore.h"
#include "le_test.h"
#include "le_thread.h"
#include "legato/c99_test.h"

/* ---- le_mutex ---- */

LE_MUTEX_DECLARE_REF(Mutex)
static bool InitMutexWasThere;
__attribute__((constructor)) static void BeforeMain(void) {
  InitMutexWasThere = le_ifgen_InitMutexRef != NULL;
}

static int Count;
static void* CountMain(void* context) {
  int i;
  (void)context;
  for (i = 0; i < 1000; ++i) {
    Lock();
    ++Count;
    Unlock();
  }
  return NULL;
}
static void* TryMain(void* context) {
  *(le_result_t*)context = le_mutex_TryLock(Mutex);
  return NULL;
}

static void RunThread(const char* name, le_thread_MainFunc_t function,
                      void* context) {
  le_thread_Ref_t thread = le_thread_Create(name, function, context);
  le_thread_SetJoinable(thread);
  le_thread_Start(thread);
  LE_TEST_OK(le_thread_Join(thread, NULL) == LE_OK, "joined");
}

void TestMutexes(void) {
  le_mutex_Ref_t recursive = le_mutex_CreateRecursive("recursive");
  le_result_t other = LE_OK;
  le_thread_Ref_t thread;
  LE_TEST_OK(InitMutexWasThere, "le_ifgen_InitMutexRef is set before main()");
  le_mutex_Lock(le_ifgen_InitMutexRef);
  le_mutex_Unlock(le_ifgen_InitMutexRef);
  Mutex = le_mutex_CreateNonRecursive("mutex");
  le_mutex_Lock(recursive);
  le_mutex_Lock(recursive);
  LE_TEST_OK(le_mutex_TryLock(recursive) == LE_OK, "locked again");
  le_mutex_Unlock(recursive);
  le_mutex_Unlock(recursive);
  le_mutex_Unlock(recursive);
  le_mutex_Delete(recursive);
  LE_TEST_OK(le_mutex_TryLock(Mutex) == LE_OK, "the mutex was free");
  LE_TEST_OK(le_mutex_TryLock(Mutex) == LE_WOULD_BLOCK, "not recursive");
  RunThread("trier", TryMain, &other);
  LE_TEST_OK(other == LE_WOULD_BLOCK,
             "TryLock() fails while this thread holds the mutex");
  thread = le_thread_Create("counter", CountMain, NULL);
  le_thread_SetJoinable(thread);
  le_thread_Start(thread); /* the counter waits for the Unlock() below */
  Unlock();
  CountMain(NULL);
  le_thread_Join(thread, NULL);
  LE_TEST_OK(Count == 2000, "one thread at a time");
  le_mutex_Delete(Mutex);
}

/* ---- le_thread ---- */

LE_THREAD_DEFINE_STATIC_STACK(Small, 10000);
static char Destructors[4];

static void OnThreadEnd(void* digit) { strcat(Destructors, digit); }

static void* AddsOne(void* context) {
  le_thread_AddDestructor(OnThreadEnd, "2");
  return context;
}

void TestThreads(void) {
  le_thread_Ref_t thread = le_thread_Create("thread", AddsOne, NULL);
  char name[16];
  LE_TEST_OK(le_thread_SetPriority(thread, LE_THREAD_PRIORITY_NORMAL) == LE_OK,
             "priority");
  LE_TEST_OK(le_thread_SetStackSize(thread, 65536) == LE_OK &&
                 le_thread_SetStackSize(thread, 1) == LE_OVERFLOW &&
                 le_thread_SetStackSize(thread, SIZE_MAX) == LE_OUT_OF_RANGE,
             "stack size");
  LE_TEST_OK(LE_THREAD_SET_STATIC_STACK(thread, Small) == LE_OK &&
                 le_thread_SetStack(thread, NULL, 65536) == LE_BAD_PARAMETER &&
                 le_thread_SetStack(thread, _thread_stack_Small, 1) ==
                     LE_BAD_PARAMETER,
             "stack");
  LE_TEST_OK(sizeof(_thread_stack_Small) == LE_THREAD_STACK_MIN_SIZE,
             "a small stack is enlarged");
  le_thread_AddChildDestructor(thread, OnThreadEnd, "0");
  le_thread_AddChildDestructor(thread, OnThreadEnd, "1");
  le_thread_SetJoinable(thread);
  le_thread_Start(thread);
  LE_TEST_OK(le_thread_Join(thread, NULL) == LE_OK, "joined");
  LE_TEST_OK(strcmp(Destructors, "210") == 0,
             "the destructor that was added last runs first");
  LE_TEST_OK(le_thread_Join(thread, NULL) == LE_NOT_FOUND &&
                 le_thread_Cancel(thread) == LE_NOT_FOUND,
             "a stale reference");
  LE_TEST_OK(le_thread_GetName(thread, name, sizeof(name)) == LE_OK &&
                 strcmp(name, "(dead)") == 0,
             "the name for a stale reference");
}

/* ---- le_sem ---- */

void TestSemaphores(void) {
  le_sem_Ref_t semaphore = le_sem_Create("findable", 0);
  le_clk_Time_t moment = {0, 1000};
  LE_TEST_OK(le_sem_TryWait(semaphore) == LE_WOULD_BLOCK, "the count is 0");
  LE_TEST_OK(le_sem_WaitWithTimeOut(semaphore, moment) == LE_TIMEOUT,
             "timed out");
  le_sem_Post(semaphore);
  LE_TEST_OK(le_sem_GetValue(semaphore) == 1, "value");
  LE_TEST_OK(le_sem_WaitWithTimeOut(semaphore, moment) == LE_OK, "in time");
  LE_TEST_OK(le_sem_FindSemaphore("findable") == semaphore &&
                 le_sem_FindSemaphore("?") == NULL,
             "found");
  le_sem_Delete(semaphore);
  LE_TEST_OK(le_sem_FindSemaphore("findable") == NULL, "deleted");
}

/* ---- Threads that run ---- */

static le_sem_Ref_t Semaphore;
static int Destroyed;

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
  LE_TEST_OK(param1 == &Destroyed && param2 == NULL, "parameters");
  le_sem_Post(Semaphore);
}

void TestRunningThreads(void) {
  void* result = NULL;
  char name[4];
  le_thread_Ref_t thread = le_thread_Create("worker", ThreadMain, &Semaphore);
  le_thread_SetJoinable(thread);
  LE_TEST_OK(le_thread_Join(thread, NULL) == LE_NOT_POSSIBLE, "not started");
  LE_TEST_OK(le_thread_GetName(thread, name, sizeof(name)) == LE_OVERFLOW &&
                 strcmp(name, "wor") == 0,
             "truncated name");
  Semaphore = le_sem_Create("semaphore", 0);
  le_thread_Start(thread);
  le_sem_Post(Semaphore);
  LE_TEST_OK(le_thread_Join(thread, &result) == LE_OK, "joined");
  LE_TEST_OK(result == &Semaphore, "result");
  LE_TEST_OK(Destroyed == 1, "destructors");

  thread = le_thread_Create("loop", LoopMain, NULL);
  le_thread_SetJoinable(thread);
  le_event_QueueFunctionToThread(thread, OnQueued, &Destroyed, NULL);
  le_thread_Start(thread);
  le_sem_Wait(Semaphore);
  LE_TEST_OK(le_thread_Cancel(thread) == LE_OK, "cancel");
  LE_TEST_OK(le_thread_Join(thread, NULL) == LE_OK, "joined after cancel");
  le_sem_Delete(Semaphore);
  LE_TEST_OK(le_thread_Sleep(0) == LE_OK, "a sleep of 0 seconds");
}
