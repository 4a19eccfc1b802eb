// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#include "event/epoll_loop.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "event/base/sys.h"
#include "event/base/unique_fd.h"
#include "event/loop_test_util.h"
#include "gtest/gtest.h"

namespace le {
namespace event {
namespace {

TEST(EpollLoopTest, TasksRunInOrderAndNotInsidePost) {
  EpollLoop loop;
  std::string seen;
  FnTask c([&] { seen += "c"; });
  FnTask a([&] {
    seen += "a";
    loop.Post(&c);
    seen += "!";
  });
  FnTask b([&] { seen += "b"; });
  loop.Post(&a);
  loop.Post(&b);
  EXPECT_EQ(seen, "");
  EXPECT_TRUE(loop.RunTurn(absl::InfinitePast()));
  EXPECT_EQ(seen, "a!b");  // a task posted in a turn runs in the next turn
  EXPECT_TRUE(loop.RunTurn(absl::InfinitePast()));
  EXPECT_EQ(seen, "a!bc");
  EXPECT_FALSE(loop.RunTurn(absl::InfinitePast()));
}

TEST(EpollLoopTest, ACancelledOrDestroyedTaskDoesNotRun) {
  EpollLoop loop;
  int ran = 0;
  FnTask a([&] { ++ran; });
  auto b = std::make_unique<FnTask>([&] { ++ran; });
  FnTask killer([&] {
    loop.Cancel(&a);  // it is already in the batch
    b.reset();
  });
  loop.Post(&killer);
  loop.Post(&a);
  loop.Post(b.get());
  Settle(&loop);
  EXPECT_EQ(ran, 0);
  loop.Cancel(&a);
  loop.Post(&a);
  Settle(&loop);
  EXPECT_EQ(ran, 1);
}

TEST(EpollLoopTest, TheDestructorUnlinksEverything) {
  EventFdPair event;
  FnTask task([] {});
  FnTimer timer([] {});
  FnWatch watch([](uint32_t) {});
  FnHook hook([] {});
  {
    EpollLoop loop;
    loop.Post(&task);
    loop.StartTimer(&timer, absl::InfiniteFuture());
    ASSERT_TRUE(loop.AddWatch(&watch, event.fd(), Watch::kReadable));
    loop.AtTurnEnd(&hook);
  }
  EXPECT_FALSE(timer.running());
  EXPECT_FALSE(watch.added());
  EpollLoop other;
  other.Post(&task);
}

TEST(EpollLoopTest, WatchesAreLevelTriggeredAndMasked) {
  EpollLoop loop;
  EventFdPair event;
  std::vector<uint32_t> seen;
  FnWatch watch([&](uint32_t events) { seen.push_back(events); });
  ASSERT_TRUE(loop.AddWatch(&watch, event.fd(), Watch::kReadable));
  EXPECT_FALSE(loop.RunTurn(absl::InfinitePast()));
  event.Signal();
  EXPECT_TRUE(loop.RunTurn(absl::InfinitePast()));
  EXPECT_TRUE(loop.RunTurn(absl::InfinitePast()));
  EXPECT_EQ(seen, (std::vector<uint32_t>{1, 1}));
  loop.SetInterest(&watch, 0);
  EXPECT_FALSE(loop.RunTurn(absl::InfinitePast()));
  loop.SetInterest(&watch, Watch::kReadable | Watch::kWritable);
  EXPECT_TRUE(loop.RunTurn(absl::InfinitePast()));
  EXPECT_EQ(seen.back(), Watch::kReadable | Watch::kWritable);
  loop.RemoveWatch(&watch);
  EXPECT_FALSE(loop.RunTurn(absl::InfinitePast()));
}

TEST(EpollLoopTest, AnEventFetchedForARemovedWatchIsDropped) {
  EpollLoop loop;
  EventFdPair one, two;
  int calls = 0;
  std::unique_ptr<FnWatch> a, b;
  a = std::make_unique<FnWatch>([&](uint32_t) {
    ++calls;
    b.reset();
  });
  b = std::make_unique<FnWatch>([&](uint32_t) {
    ++calls;
    a.reset();
  });
  ASSERT_TRUE(loop.AddWatch(a.get(), one.fd(), Watch::kReadable));
  ASSERT_TRUE(loop.AddWatch(b.get(), two.fd(), Watch::kReadable));
  one.Signal();
  two.Signal();
  EXPECT_TRUE(loop.RunTurn(absl::InfinitePast()));
  EXPECT_EQ(calls, 1);
}

TEST(EpollLoopTest, InterestThatEndsWithinTheTurnIsNotReported) {
  EpollLoop loop;
  EventFdPair one, two;
  int calls = 0;
  FnWatch a([](uint32_t) {}), b([](uint32_t) {});
  FnWatch* watches[2] = {nullptr, nullptr};
  FnWatch first([&](uint32_t) {
    ++calls;
    loop.SetInterest(watches[1], 0);
  });
  FnWatch second([&](uint32_t) {
    ++calls;
    loop.SetInterest(watches[0], 0);
  });
  watches[0] = &first;
  watches[1] = &second;
  ASSERT_TRUE(loop.AddWatch(&first, one.fd(), Watch::kReadable));
  ASSERT_TRUE(loop.AddWatch(&second, two.fd(), Watch::kReadable));
  one.Signal();
  two.Signal();
  loop.RunTurn(absl::InfinitePast());
  EXPECT_EQ(calls, 1);
}

TEST(EpollLoopTest, HangUpIsReportedWithoutBeingAskedFor) {
  EpollLoop loop;
  int fds[2];
  ASSERT_EQ(pipe(fds), 0);
  UniqueFd in(fds[0]), out(fds[1]);
  uint32_t seen = 0;
  FnWatch watch([&](uint32_t events) { seen = events; });
  ASSERT_TRUE(loop.AddWatch(&watch, in.get(), 0));
  out.reset();
  EXPECT_TRUE(loop.RunTurn(absl::InfinitePast()));
  EXPECT_EQ(seen, Watch::kHangUp);
}

TEST(EpollLoopTest, ARegularFileIsAlwaysReady) {
  EpollLoop loop;
  FILE* const file = tmpfile();
  ASSERT_NE(file, nullptr);
  int calls = 0;
  FnWatch watch([&](uint32_t events) {
    EXPECT_EQ(events, Watch::kReadable);
    ++calls;
  });
  ASSERT_TRUE(loop.AddWatch(&watch, fileno(file), Watch::kReadable));
  EXPECT_TRUE(loop.RunTurn(absl::InfiniteFuture()));
  EXPECT_TRUE(loop.RunTurn(absl::InfiniteFuture()));
  EXPECT_EQ(calls, 2);
  // The test does what a foreign loop does: it watches GetFd(), and calls
  // RunStep(). Expected: GetFd() is readable again after the watch has run.
  const int fd = loop.GetFd();
  EXPECT_TRUE(Readable(fd));
  EXPECT_TRUE(loop.RunStep());
  EXPECT_FALSE(loop.RunStep());
  EXPECT_EQ(calls, 3);
  EXPECT_TRUE(Readable(fd));
  loop.SetInterest(&watch, 0);
  while (loop.RunStep()) {
  }
  EXPECT_FALSE(Readable(fd));
  EXPECT_EQ(calls, 3);
  loop.RemoveWatch(&watch);
  fclose(file);
}

TEST(EpollLoopTest, ARefusedWatchSetsErrno) {
  EpollLoop loop;
  EventFdPair event;
  FnWatch watch([](uint32_t) {});
  CallCounter calls;
  calls.fail = "EpollCtl";
  calls.error = ENOSPC;
  EXPECT_FALSE(loop.AddWatch(&watch, event.fd(), Watch::kReadable));
  EXPECT_EQ(errno, ENOSPC);
  EXPECT_FALSE(watch.added());
}

TEST(EpollLoopTest, AWatchRemovedUnusedMakesNoSystemCall) {
  EpollLoop loop;
  EventFdPair event;
  int ran = 0;
  FnWatch watch([&](uint32_t) {
    event.Clear();
    ++ran;
  });
  {
    CallCounter calls;
    loop.AddWatchLater(&watch, event.fd(), Watch::kReadable);
    EXPECT_TRUE(watch.added());
    loop.SetInterest(&watch, Watch::kReadable | Watch::kWritable);
    loop.RemoveWatch(&watch);
    EXPECT_FALSE(watch.added());
    EXPECT_TRUE(calls.calls.empty());
  }
  loop.AddWatchLater(&watch, event.fd(), Watch::kReadable);
  event.Signal();
  EXPECT_TRUE(loop.RunTurn(absl::InfiniteFuture()));
  EXPECT_EQ(ran, 1);
  loop.RemoveWatch(&watch);
}

TEST(EpollLoopTest, AWatchRemovedAtItsFirstEventIsNotRegistered) {
  EpollLoop loop;
  EventFdPair event;
  FnWatch watch([&](uint32_t events) {
    EXPECT_EQ(events, Watch::kReadable);
    loop.RemoveWatch(&watch);
  });
  event.Signal();
  for (int i = 0; i < 2; ++i) {
    CallCounter calls;
    loop.AddWatchLater(&watch, event.fd(), Watch::kReadable);
    EXPECT_TRUE(loop.RunTurn(absl::InfiniteFuture()));
    EXPECT_FALSE(watch.added());
    EXPECT_EQ(calls.calls["EpollCtl"], 0);
  }
}

TEST(EpollLoopTest, AWatchThatStaysIsRegisteredBeforeItsThirdWait) {
  EpollLoop loop;
  EventFdPair event;
  int ran = 0;
  FnWatch watch([&](uint32_t) {
    event.Clear();
    ++ran;
  });
  loop.AddWatchLater(&watch, event.fd(), Watch::kReadable);
  CallCounter calls;
  for (int i = 1; i <= 4; ++i) {
    event.Signal();
    EXPECT_TRUE(loop.RunTurn(absl::InfiniteFuture()));
    EXPECT_EQ(ran, i);
    EXPECT_EQ(calls.calls["EpollCtl"], i > 2 ? 1 : 0);
  }
  EXPECT_EQ(calls.calls["Poll"], 2);
  loop.RemoveWatch(&watch);
}

TEST(EpollLoopTest, TheFirstWaitForAWatchReportsOtherEventsToo) {
  EpollLoop loop;
  EventFdPair event, other;
  std::string seen;
  FnWatch watch([&](uint32_t) {
    event.Clear();
    seen += "w";
  });
  FnWatch known([&](uint32_t) {
    other.Clear();
    seen += "k";
  });
  FnTask task([&] { seen += "t"; });
  ASSERT_TRUE(loop.AddWatch(&known, other.fd(), Watch::kReadable));
  loop.AddWatchLater(&watch, event.fd(), Watch::kReadable);
  event.Signal();
  other.Signal();
  EXPECT_TRUE(loop.RunTurn(absl::InfiniteFuture()));
  EXPECT_EQ(seen, "kw");
  loop.RemoveWatch(&watch);
  loop.AddWatchLater(&watch, event.fd(), Watch::kReadable);
  std::thread poster([&] { loop.Post(&task); });
  EXPECT_TRUE(loop.RunTurn(absl::InfiniteFuture()));
  poster.join();
  EXPECT_EQ(seen, "kwt");
  loop.RemoveWatch(&known);
  loop.RemoveWatch(&watch);
}

TEST(EpollLoopTest, TheFirstWaitsForAWatchLastUntilTheDeadline) {
  for (const absl::Duration left :
       {absl::Microseconds(1), absl::Milliseconds(2.5)}) {
    EpollLoop loop;
    EventFdPair event;
    FnWatch watch([](uint32_t) { ADD_FAILURE(); });
    loop.AddWatchLater(&watch, event.fd(), Watch::kReadable);
    const Instant deadline = loop.Now() + left;
    bool expired = false;
    FnTimer timer([&] {
      expired = true;
      EXPECT_GE(loop.Now(), deadline);
    });
    loop.StartTimer(&timer, deadline);
    CallCounter calls;
    EXPECT_TRUE(loop.RunTurn(absl::InfiniteFuture()));
    EXPECT_TRUE(expired);
    EXPECT_GE(calls.calls["Poll"], 1);
    EXPECT_LE(calls.calls["Poll"], 2);
    loop.RemoveWatch(&watch);
  }
}

TEST(EpollLoopTest, AWatchThatCannotBePolledIsRegistered) {
  EpollLoop loop;
  EventFdPair event;
  FnWatch watch([&](uint32_t) { event.Clear(); });
  loop.AddWatchLater(&watch, event.fd(), Watch::kReadable);
  event.Signal();
  CallCounter calls;
  calls.fail = "Poll";
  calls.error = ENOMEM;
  EXPECT_TRUE(loop.RunTurn(absl::InfiniteFuture()));
  EXPECT_EQ(calls.calls["Poll"], 2);
  loop.RemoveWatch(&watch);
}

TEST(EpollLoopTest, APermanentlyRefusedWatchIsSkipped) {
  EpollLoop loop;
  EventFdPair event;
  FnWatch refused([](uint32_t) { ADD_FAILURE(); });
  FnWatch behind([&](uint32_t) { event.Clear(); });
  event.Signal();
  // CaptureStderr() opens a file. Call it while `closed` is open. Otherwise
  // this file could get the number of `closed`.
  testing::internal::CaptureStderr();
  {
    EventFdPair closed;
    loop.AddWatchLater(&refused, closed.fd(), Watch::kReadable);
  }
  loop.AddWatchLater(&behind, event.fd(), Watch::kReadable);
  EXPECT_TRUE(loop.RunTurn(absl::InfinitePast()));
  EXPECT_NE(testing::internal::GetCapturedStderr().find("cannot be watched"),
            std::string::npos);
  CallCounter calls;
  testing::internal::CaptureStderr();
  loop.SetInterest(&refused, Watch::kWritable);
  loop.RemoveWatch(&refused);
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
  EXPECT_EQ(calls.calls["EpollCtl"], 0);
  loop.RemoveWatch(&behind);
  EXPECT_TRUE(loop.AddWatch(&refused, event.fd(), Watch::kReadable));
  loop.RemoveWatch(&refused);
}

TEST(EpollLoopTest, AWatchWithoutRoomIsRetriedAfterAPause) {
  EpollLoop loop;
  EventFdPair event;
  FnWatch watch([&](uint32_t) { event.Clear(); });
  loop.AddWatchLater(&watch, event.fd(), Watch::kReadable);
  for (int i = 0; i < 2; ++i) {  // these use poll()
    EXPECT_FALSE(loop.RunTurn(absl::InfinitePast()));
  }
  event.Signal();
  {
    CallCounter calls;
    calls.fail = "EpollCtl";
    calls.error = ENOSPC;
    for (int i = 0; i < 10; ++i) {
      EXPECT_FALSE(loop.RunTurn(absl::InfinitePast()));
    }
    EXPECT_LE(calls.calls["EpollCtl"], 3);
  }
  EXPECT_TRUE(loop.RunTurn(absl::InfiniteFuture()));
  loop.RemoveWatch(&watch);
}

TEST(EpollLoopTest, TimersExpireInOrderOfDeadline) {
  EpollLoop loop;
  std::string seen;
  FnTimer a([&] { seen += "a"; }), b([&] { seen += "b"; });
  FnTimer c([&] { seen += "c"; });
  const Instant now = loop.Now();
  loop.StartTimer(&a, now - absl::Seconds(1));
  loop.StartTimer(&b, now - absl::Seconds(2));
  loop.StartTimer(&c, now + absl::Hours(1));
  Settle(&loop);
  EXPECT_EQ(seen, "ba");
  EXPECT_TRUE(c.running());
  EXPECT_FALSE(a.running());
}

TEST(EpollLoopTest, AWaitLastsUntilATimerIsDue) {
  EpollLoop loop;
  bool expired = false;
  const Instant deadline = loop.Now() + absl::Milliseconds(3);
  FnTimer timer([&] {
    expired = true;
    EXPECT_GE(loop.Now(), deadline);
  });
  loop.StartTimer(&timer, deadline);
  EXPECT_TRUE(loop.RunTurn(absl::InfiniteFuture()));
  EXPECT_TRUE(expired);
}

TEST(EpollLoopTest, WaitsLongEnoughWithoutPWait2) {
  CallCounter calls;
  calls.fail = "EpollPWait2";
  calls.error = ENOSYS;
  EpollLoop loop;
  const Instant deadline = loop.Now() + absl::Microseconds(1500);
  EXPECT_FALSE(loop.RunTurn(deadline));
  EXPECT_GE(loop.Now(), deadline);
}

TEST(EpollLoopTest, ATimerThatIsAlwaysDueStarvesNothing) {
  EpollLoop loop;
  int late = 0;
  FnTimer* self = nullptr;
  FnTimer always([&] {
    ++late;
    loop.StartTimer(self, absl::InfinitePast());
  });
  self = &always;
  bool honest_ran = false, task_ran = false;
  FnTimer honest([&] { honest_ran = true; });
  FnTask task([&] { task_ran = true; });
  loop.StartTimer(&always, absl::InfinitePast());
  loop.RunTurn(absl::InfiniteFuture());
  loop.StartTimer(&honest, loop.Now());
  loop.Post(&task);
  loop.RunTurn(absl::InfiniteFuture());
  loop.RunTurn(absl::InfiniteFuture());
  EXPECT_TRUE(honest_ran);
  EXPECT_TRUE(task_ran);
  EXPECT_GE(late, 2);
}

TEST(EpollLoopTest, TimeDoesNotAdvanceWithinATurn) {
  EpollLoop loop;
  Instant first, second;
  FnTask a([&] { first = loop.Now(); });
  FnTask b([&] {
    while (MonotonicNow() <= first) {
    }
    second = loop.Now();
  });
  loop.Post(&a);
  loop.Post(&b);
  Settle(&loop);
  EXPECT_EQ(first, second);
}

TEST(EpollLoopTest, HooksRunOnceBeforeTheWait) {
  EpollLoop loop;
  std::string seen;
  FnHook hook([&] { seen += "h"; });
  FnTask a([&] {
    EXPECT_TRUE(loop.InTurn());
    bool elsewhere = true;
    std::thread([&] { elsewhere = loop.InTurn(); }).join();
    EXPECT_FALSE(elsewhere);
    loop.AtTurnEnd(&hook);
    loop.AtTurnEnd(&hook);
    seen += "a";
  });
  FnTask b([&] { seen += "b"; });
  loop.Post(&a);
  loop.Post(&b);
  EXPECT_FALSE(loop.InTurn());
  loop.RunTurn(absl::InfinitePast());
  EXPECT_EQ(seen, "abh");
  EXPECT_FALSE(loop.InTurn());
  FnTask c([&] {
    loop.AtTurnEnd(&hook);
    loop.RunTurnEndHooks();
    seen += "c";
  });
  loop.Post(&c);
  loop.RunTurn(absl::InfinitePast());
  EXPECT_EQ(seen, "abhhc");
}

TEST(EpollLoopTest, APostWithinATurnMakesNoSystemCall) {
  EpollLoop loop;
  int rounds = 0;
  FnTask* self = nullptr;
  FnTask task([&] {
    if (++rounds < 100) {
      loop.Post(self);
    } else {
      loop.Stop();
    }
  });
  self = &task;
  // A clock that stands still. With a real clock, the loop would fetch events
  // more often.
  struct StandingClock final : CallCounter {
    bool Clock(struct timespec* now) override {
      *now = {1000, 0};
      return true;
    }
  } calls;
  loop.Post(&task);
  loop.Run();
  EXPECT_EQ(rounds, 100);
  EXPECT_EQ(calls.calls["Write"], 0);
  EXPECT_LE(calls.calls["EpollWait"], 100 / 8 + 1);
  EXPECT_EQ(calls.calls.size(), calls.calls.count("EpollWait") + 1);
}

TEST(EpollLoopTest, AFileDescriptorIsServedWhileTasksKeepComing) {
  EpollLoop loop;
  EventFdPair event;
  event.Signal();
  FnWatch watch([&](uint32_t) { loop.Stop(); });
  ASSERT_TRUE(loop.AddWatch(&watch, event.fd(), Watch::kReadable));
  FnTask* self = nullptr;
  FnTask task([&] { loop.Post(self); });
  self = &task;
  loop.Post(&task);
  loop.Run();
}

TEST(EpollLoopTest, OtherThreadsPostAndStop) {
  EpollLoop loop;
  constexpr int kThreads = 4;
  constexpr int kPosts = 2000;
  int ran = 0;
  std::vector<std::unique_ptr<FnTask>> tasks;
  for (int i = 0; i < kThreads * kPosts; ++i) {
    tasks.push_back(std::make_unique<FnTask>([&] {
      if (++ran == kThreads * kPosts) loop.Stop();
    }));
  }
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < kPosts; ++i) loop.Post(tasks[t * kPosts + i].get());
    });
  }
  loop.Run();
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(ran, kThreads * kPosts);
}

TEST(EpollLoopTest, PingPongBetweenSleepingLoopsLosesNoWake) {
  EpollLoop here;
  constexpr int kRounds = 5000;
  std::unique_ptr<EpollLoop> there;
  FnTask* ping = nullptr;
  FnTask* pong = nullptr;
  int rounds = 0;
  FnTask ping_task([&] { here.Post(pong); });
  FnTask pong_task([&] {
    if (++rounds == kRounds) {
      there->Stop();
      here.Stop();
    } else {
      there->Post(ping);
    }
  });
  ping = &ping_task;
  pong = &pong_task;
  there = std::make_unique<EpollLoop>();
  std::thread thread([&] { there->Run(); });
  there->Post(ping);
  here.Run();
  thread.join();
  EXPECT_EQ(rounds, kRounds);
}

TEST(EpollLoopTest, TheLoopMayBeDestroyedDuringAPost) {
  for (int i = 0; i < 500; ++i) {
    auto loop = std::make_unique<EpollLoop>();
    EpollLoop* const raw = loop.get();
    FnTask stop([raw] { raw->Stop(); });
    std::thread poster([raw, &stop] { raw->Post(&stop); });
    loop->Run();
    loop.reset();  // the poster may still be inside Post()
    poster.join();
  }
}

TEST(EpollLoopTest, StopBeforeRunIsNotLost) {
  EpollLoop loop;
  loop.Stop();
  loop.Run();
  FnTask task([&] { loop.Stop(); });
  loop.Post(&task);
  loop.Run();
}

TEST(EpollLoopTest, StopWakesAForeignLoopOnce) {
  EpollLoop loop;
  const int fd = loop.GetFd();
  EXPECT_FALSE(loop.RunStep());
  EXPECT_FALSE(Readable(fd));
  CallCounter calls;
  std::thread([&] { loop.Stop(); }).join();
  EXPECT_TRUE(Readable(fd));
  for (int i = 0; i < 5; ++i) {
    EXPECT_FALSE(loop.RunStep());
    EXPECT_FALSE(Readable(fd));
  }
  EXPECT_EQ(calls.calls["Write"], 1);
  // The stop still takes effect.
  loop.Run();
}

TEST(EpollLoopTest, AnInterruptedWaitGoesOn) {
  EpollLoop loop;
  class Interrupter : public sys::Interceptor {
   public:
    Interrupter() { sys::SetInterceptor(this); }
    ~Interrupter() override { sys::SetInterceptor(nullptr); }
    int FailCall(const sys::Call& call) override {
      return strcmp(call.name, "EpollWait") == 0 && left-- > 0 ? EINTR : 0;
    }
    int left = 3;
  } interrupter;
  EventFdPair event;
  event.Signal();
  bool ready = false;
  FnWatch watch([&](uint32_t) { ready = true; });
  ASSERT_TRUE(loop.AddWatch(&watch, event.fd(), Watch::kReadable));
  EXPECT_TRUE(loop.RunTurn(absl::InfiniteFuture()));
  EXPECT_TRUE(ready);
  EXPECT_LE(interrupter.left, 0);
}

TEST(EpollLoopDeathTest, PostingTwiceIsFatal) {
  EXPECT_EXIT(
      {
        EpollLoop loop;
        FnTask task([] {});
        loop.Post(&task);
        loop.Post(&task);
      },
      testing::ExitedWithCode(EXIT_FAILURE), "posted already");
}

}  // namespace
}  // namespace event
}  // namespace le
