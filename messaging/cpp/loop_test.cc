// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#include "le/loop.h"

#include <cstdlib>
#include <memory>
#include <new>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "le_eventLoop.h"
#include "le_thread.h"

namespace {
thread_local bool t_no_memory = false;
}  // namespace

// The other forms of operator new without an alignment call this one.
void* operator new(size_t size) {
  if (t_no_memory) throw std::bad_alloc();
  void* const memory = std::malloc(size);
  if (memory == nullptr) std::abort();
  return memory;
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, size_t) noexcept { std::free(memory); }

namespace le {
namespace {

void OnAThread(void* (*body)(void* context), void* context) {
  const le_thread_Ref_t thread = le_thread_Create("thread", body, context);
  le_thread_SetJoinable(thread);
  le_thread_Start(thread);
  le_thread_Join(thread, nullptr);
}

void ServeLoop(void*) {
  while (le_event_ServiceLoop() == LE_OK) {
  }
}

// A Loop is destroyed, and then a destructor of the thread runs the functions
// that are queued in the C API. Expected: the function of the Loop does not use
// the destroyed Loop.
TEST(LoopTest, ADestructorOfTheThreadMayRunTheEventLoop) {
  static int runs;
  runs = 0;
  OnAThread(
      [](void*) -> void* {
        le_thread_AddDestructor(&ServeLoop, nullptr);
        const auto loop = std::make_unique<Loop>();
        EXPECT_TRUE(loop->Post([] { ++runs; }).ok());
        return nullptr;
      },
      nullptr);
  EXPECT_EQ(runs, 0);
  // If a Loop outlives its thread, its task does not run either.
  struct Left {
    std::unique_ptr<Loop> loop;
    TaskSender sender;
  } left;
  OnAThread(
      [](void* context) -> void* {
        auto* const left = static_cast<Left*>(context);
        le_thread_AddDestructor(&ServeLoop, nullptr);
        left->loop = std::make_unique<Loop>();
        left->sender = left->loop->sender();
        EXPECT_TRUE(left->sender.Post([] { ++runs; }).ok());
        return nullptr;
      },
      &left);
  EXPECT_EQ(left.sender.Post([] {}).code(), absl::StatusCode::kUnavailable);
  left.loop = nullptr;
  EXPECT_EQ(runs, 0);
}

TEST(LoopTest, ATaskMayDestroyItsLoopWithTheQueuedTasks) {
  auto loop = std::make_unique<Loop>();
  Loop other;
  auto owned = std::make_shared<int>(1);
  const std::weak_ptr<int> watch = owned;
  EXPECT_TRUE(loop->Post([&] {
                    loop = nullptr;
                    EXPECT_TRUE(watch.expired());
                    other.Stop();
                  })
                  .ok());
  EXPECT_TRUE(loop->Post([owned = std::move(owned)] { ADD_FAILURE(); }).ok());
  EXPECT_TRUE(other.Run().ok());
}

TEST(LoopTest, RunForEndsAtTheTimeoutOrByStop) {
  Loop loop;
  EXPECT_EQ(loop.RunFor(absl::ZeroDuration()).code(),
            absl::StatusCode::kDeadlineExceeded);
  loop.Stop();
  EXPECT_TRUE(loop.RunFor(absl::InfiniteDuration()).ok());
  EXPECT_TRUE(loop.Post([&] {
                    EXPECT_EQ(loop.RunFor(absl::ZeroDuration()).code(),
                              absl::StatusCode::kFailedPrecondition);
                    loop.Stop();
                  })
                  .ok());
  EXPECT_TRUE(loop.Run().ok());
}

// The C API has no memory to queue the function that runs the tasks.
TEST(LoopTest, ATaskThatCannotBeQueuedLeavesTheLoopUsable) {
  Loop loop;
  // After this task has run, its memory is free for the next task.
  EXPECT_TRUE(loop.Post([&] { loop.Stop(); }).ok());
  EXPECT_TRUE(loop.Run().ok());
  // The C API keeps the memory of a queued function that has run, here of
  // RunTasks(). The empty function below takes this memory. So the C API must
  // allocate memory for the next RunTasks().
  le_event_QueueFunction([](void*, void*) {}, nullptr, nullptr);
  t_no_memory = true;
  const absl::StatusCode code = loop.Post([] { ADD_FAILURE(); }).code();
  t_no_memory = false;
  EXPECT_EQ(code, absl::StatusCode::kResourceExhausted);

  bool ran = false;
  EXPECT_TRUE(loop.Post([&] { ran = true; }).ok());
  while (le_event_ServiceLoop() == LE_OK) {
  }
  EXPECT_TRUE(ran);
}

TEST(LoopTest, WithoutMemoryPostFailsButStopWorks) {
  Loop loop;
  t_no_memory = true;
  const absl::StatusCode code = loop.Post([] { ADD_FAILURE(); }).code();
  t_no_memory = false;
  EXPECT_EQ(code, absl::StatusCode::kResourceExhausted);

  std::thread other([&] {
    le_thread_GetCurrent();  // allocates at the first call of a thread
    t_no_memory = true;
    loop.Stop();
    t_no_memory = false;
  });
  EXPECT_TRUE(loop.Run().ok());
  other.join();
}

// Each of the first kTasks tasks posts one more task. Expected: all tasks run
// in the order of posting.
TEST(LoopTest, TasksKeepTheirOrder) {
  constexpr int kTasks = 1000;
  Loop loop;
  std::vector<int> order;
  for (int i = 0; i < kTasks; ++i) {
    EXPECT_TRUE(loop.Post([&, i] {
                      order.push_back(i);
                      EXPECT_TRUE(loop.Post([&, i] {
                                        order.push_back(kTasks + i);
                                        if (i == kTasks - 1) loop.Stop();
                                      })
                                      .ok());
                    })
                    .ok());
  }
  EXPECT_TRUE(loop.Run().ok());
  std::vector<int> expected;
  for (int i = 0; i < 2 * kTasks; ++i) expected.push_back(i);
  EXPECT_EQ(order, expected);
}

// A task may own an object that only the loop's thread may move. So other
// threads must not move a queued task.
TEST(LoopTest, OtherThreadsDoNotMoveATask) {
  struct Bound {
    explicit Bound(int* m) : moves_elsewhere(m) {}
    Bound(Bound&& other) noexcept
        : moves_elsewhere(other.moves_elsewhere), home(other.home) {
      if (le_thread_GetCurrent() != home) ++*moves_elsewhere;
    }
    void operator()() {}
    int* moves_elsewhere;
    le_thread_Ref_t home = le_thread_GetCurrent();
  };
  Loop loop;
  int moves_elsewhere = 0;
  EXPECT_TRUE(loop.Post(Bound(&moves_elsewhere)).ok());
  TaskSender sender = loop.sender();
  OnAThread(
      [](void* context) -> void* {
        auto* const sender = static_cast<TaskSender*>(context);
        for (int i = 0; i < 100; ++i) EXPECT_TRUE(sender->Post([] {}).ok());
        return nullptr;
      },
      &sender);
  EXPECT_TRUE(loop.Post([&] { loop.Stop(); }).ok());
  EXPECT_TRUE(loop.Run().ok());
  EXPECT_EQ(moves_elsewhere, 0);
}

// The move constructor and the destructor of a closure are the program's code.
// This code may post tasks.
TEST(LoopTest, AClosureMayPostWhileItIsMovedOrDestroyed) {
  struct Poster {
    Poster(Loop* l, int* r) : loop(l), runs(r) {}
    Poster(Poster&& other) noexcept
        : loop(std::exchange(other.loop, nullptr)), runs(other.runs) {
      Post();
    }
    ~Poster() { Post(); }
    void Post() const {
      if (loop == nullptr) return;
      EXPECT_TRUE(loop->Post([runs = runs] { ++*runs; }).ok());
    }
    void operator()() {}
    Loop* loop;
    int* runs;
  };
  Loop loop;
  int runs = 0;
  EXPECT_TRUE(loop.Post(Poster(&loop, &runs)).ok());
  while (le_event_ServiceLoop() == LE_OK) {
  }
  EXPECT_GE(runs, 2);
}

}  // namespace
}  // namespace le
