// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#include "event/timer_queue.h"

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <new>
#include <random>
#include <vector>

#include "gtest/gtest.h"

namespace {
bool g_no_memory = false;
}  // namespace

// The array and nothrow forms of operator new call this one.
void* operator new(size_t size) {
  if (g_no_memory) throw std::bad_alloc();
  void* const memory = std::malloc(size);
  if (memory == nullptr) std::abort();
  return memory;
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, size_t) noexcept { std::free(memory); }

namespace le {
namespace event {
namespace {

class PlainTimer : public Timer {
 public:
  explicit PlainTimer(int number) : number(number) {}
  void OnExpiry() override {}
  const int number;
};

Instant At(int seconds) { return absl::FromUnixSeconds(seconds); }

// A queue does not use the loop, and only compares its address.
Loop* const kLoop = reinterpret_cast<Loop*>(alignof(std::max_align_t));

std::vector<int> Drain(TimerQueue* queue, Instant now) {
  std::vector<int> order;
  queue->BeginRound();
  while (Timer* timer = queue->PopExpired(now)) {
    order.push_back(static_cast<PlainTimer*>(timer)->number);
  }
  return order;
}

TEST(TimerQueueTest, EqualDeadlinesExpireInTheOrderOfStarting) {
  TimerQueue queue(kLoop);
  PlainTimer a(0), b(1), c(2);
  queue.Start(&c, At(5));
  queue.Start(&a, At(5));
  queue.Start(&b, At(4));
  queue.Start(&c, At(5));  // restarted, so now it is the last
  EXPECT_EQ(queue.NextDeadline(), At(4));
  EXPECT_EQ(Drain(&queue, At(3)), std::vector<int>{});
  EXPECT_EQ(Drain(&queue, At(5)), (std::vector<int>{1, 0, 2}));
  EXPECT_EQ(queue.NextDeadline(), absl::InfiniteFuture());
}

TEST(TimerQueueTest, WithoutMemoryATimerIsNotStarted) {
  TimerQueue queue(kLoop);
  PlainTimer timer(0);
  g_no_memory = true;
  EXPECT_THROW(queue.Start(&timer, At(1)), std::bad_alloc);
  g_no_memory = false;
  EXPECT_FALSE(timer.running());
  queue.Start(&timer, At(1));
  EXPECT_EQ(Drain(&queue, At(1)), std::vector<int>{0});
}

TEST(TimerQueueTest, ATimerStartedInARoundWaitsForTheNextRound) {
  TimerQueue queue(kLoop);
  PlainTimer a(0);
  queue.BeginRound();
  queue.Start(&a, At(1));
  EXPECT_EQ(queue.PopExpired(At(9)), nullptr);
  EXPECT_EQ(Drain(&queue, At(9)), std::vector<int>{0});
}

TEST(TimerQueueTest, APastDeadlineIsReplacedByTheCurrentTime) {
  TimerQueue queue(kLoop);
  PlainTimer honest(0), late(1);
  queue.Start(&honest, At(7));
  Drain(&queue, At(6));
  queue.Start(&late, At(1));
  EXPECT_EQ(late.deadline(), At(6));
  EXPECT_EQ(Drain(&queue, At(7)), (std::vector<int>{1, 0}));
}

TEST(TimerQueueTest, AgreesWithAPlainListUnderRandomUse) {
  std::mt19937 random(7);
  std::vector<std::unique_ptr<PlainTimer>> timers;
  TimerQueue queue(kLoop);
  for (int i = 0; i < 50; ++i)
    timers.push_back(std::make_unique<PlainTimer>(i));
  struct Entry {
    int deadline;
    int order;
    int number;
    bool operator<(const Entry& other) const {
      return deadline != other.deadline ? deadline < other.deadline
                                        : order < other.order;
    }
  };
  std::vector<Entry> model;
  int now = 0;
  const auto forget = [&](int number) {
    model.erase(
        std::remove_if(model.begin(), model.end(),
                       [&](const Entry& e) { return e.number == number; }),
        model.end());
  };
  for (int step = 0; step < 20000; ++step) {
    const int number = static_cast<int>(random() % timers.size());
    switch (random() % 4) {
      case 0:
      case 1: {
        const int deadline = now + static_cast<int>(random() % 20);
        queue.Start(timers[number].get(), At(deadline));
        forget(number);
        model.push_back({deadline, step, number});
        break;
      }
      case 2:
        // A timer's destructor would call kLoop, which is not a real loop. So
        // the test stops the timer.
        queue.Stop(timers[number].get());
        forget(number);
        break;
      case 3: {
        now += static_cast<int>(random() % 3);
        std::sort(model.begin(), model.end());
        std::vector<int> expected;
        while (!model.empty() && model[0].deadline <= now) {
          expected.push_back(model[0].number);
          model.erase(model.begin());
        }
        ASSERT_EQ(Drain(&queue, At(now)), expected);
        break;
      }
    }
  }
}

}  // namespace
}  // namespace event
}  // namespace le
