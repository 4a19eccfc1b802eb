// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// Tests how often a loop fetches events, and how many timers a turn runs. Only
// the test advances the clock. A "look" is a call of Wait(), which fetches
// events.

#include "event/loop_base.h"

#include <memory>
#include <string>
#include <vector>

#include "event/loop_test_util.h"
#include "gtest/gtest.h"

namespace le {
namespace event {
namespace {

// A loop that counts the calls of Wait(). Wait() returns at once.
class FakeLoop final : public LoopBase {
 public:
  FakeLoop() : LoopBase(nullptr) {}
  std::unique_ptr<Loop> CreateNested() override { return nullptr; }

  void Advance(absl::Duration time) { now_ += time; }
  int looks() const { return looks_; }

 protected:
  Instant ReadClock() override { return now_; }
  void Wake() override {}
  void Wait(Instant) override { ++looks_; }

 private:
  Instant now_ = absl::FromUnixSeconds(1000);
  int looks_ = 0;
};

// Runs `turns` turns with one task. The task takes `task_time` and posts itself
// again. Returns the number of looks.
int LooksIn(int turns, absl::Duration task_time) {
  FakeLoop loop;
  int ran = 0;
  FnTask* self = nullptr;
  FnTask task([&] {
    loop.Advance(task_time);
    if (++ran < turns) {
      loop.Post(self);
    } else {
      loop.Stop();
    }
  });
  self = &task;
  loop.Post(&task);
  loop.Run();
  EXPECT_EQ(ran, turns);
  return loop.looks();
}

TEST(LoopBaseTest, ShortTasksShareALook) {
  EXPECT_EQ(LooksIn(80, absl::ZeroDuration()), 10);
}

// A file descriptor waits for at most one long task, not for eight.
TEST(LoopBaseTest, EachLongTaskIsFollowedByALook) {
  EXPECT_EQ(LooksIn(80, absl::Milliseconds(50)), 80);
}

TEST(LoopBaseTest, LongTasksThatWerePostedTogetherRunInOrderWithLooks) {
  FakeLoop loop;
  std::vector<int> order;
  std::vector<int> looks;
  std::vector<std::unique_ptr<FnTask>> tasks;
  for (int i = 0; i < 8; ++i) {
    tasks.push_back(std::make_unique<FnTask>([&, i] {
      loop.Advance(absl::Milliseconds(50));
      order.push_back(i);
      looks.push_back(loop.looks());
      if (i == 7) loop.Stop();
    }));
    loop.Post(tasks.back().get());
  }
  loop.Run();
  EXPECT_EQ(order, (std::vector<int>{0, 1, 2, 3, 4, 5, 6, 7}));
  EXPECT_EQ(looks, (std::vector<int>{1, 2, 3, 4, 5, 6, 7, 8}));
}

TEST(LoopBaseTest, ALongTaskAmongShortOnesIsFollowedByALook) {
  FakeLoop loop;
  int ran = 0;
  int looks_after_the_long_one = 0;
  FnTask* self = nullptr;
  FnTask task([&] {
    ++ran;
    if (ran == 10) loop.Advance(absl::Milliseconds(50));
    if (ran == 11) looks_after_the_long_one = loop.looks();
    if (ran < 20) {
      loop.Post(self);
    } else {
      loop.Stop();
    }
  });
  self = &task;
  loop.Post(&task);
  loop.Run();
  // The looks are before the 1st, 9th and 11th task.
  EXPECT_EQ(looks_after_the_long_one, 3);
}

// A turn looks and runs a timer, which posts a task. Expected: the next turn
// runs the task without another look.
TEST(LoopBaseTest, ATaskPostedByATimerNeedsNoFurtherLook) {
  FakeLoop loop;
  FnTask task([&] { loop.Stop(); });
  FnTimer timer([&] { loop.Post(&task); });
  loop.StartTimer(&timer, loop.Now());
  loop.Run();
  EXPECT_EQ(loop.looks(), 1);
}

// More timers are due than one turn runs. Expected: the next turn runs the
// rest, in the order of starting.
TEST(LoopBaseTest, ATurnRunsALimitedNumberOfTimers) {
  constexpr int kMaxTimersPerTurn = 256;
  FakeLoop loop;
  int ran = 0;
  std::vector<std::unique_ptr<FnTimer>> timers;
  for (int i = 0; i <= kMaxTimersPerTurn; ++i) {
    timers.push_back(std::make_unique<FnTimer>([&ran, i] {
      EXPECT_EQ(ran, i);
      ++ran;
    }));
    loop.StartTimer(timers.back().get(), loop.Now());
  }
  loop.RunTurn(absl::InfinitePast());
  EXPECT_EQ(ran, kMaxTimersPerTurn);
  loop.RunTurn(absl::InfinitePast());
  EXPECT_EQ(ran, kMaxTimersPerTurn + 1);
}

TEST(LoopBaseTest, SingleTurnsAlwaysLook) {
  FakeLoop loop;
  FnTask* self = nullptr;
  FnTask task([&] { loop.Post(self); });
  self = &task;
  loop.Post(&task);
  for (int i = 1; i <= 20; ++i) {
    EXPECT_TRUE(loop.RunTurn(absl::InfinitePast()));
    EXPECT_EQ(loop.looks(), i);
  }
}

}  // namespace
}  // namespace event
}  // namespace le
