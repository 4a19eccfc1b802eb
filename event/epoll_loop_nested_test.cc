// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// Tests of nested loops, and of loops inside a foreign loop.

#include <stdio.h>
#include <sys/epoll.h>

#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "event/base/sys.h"
#include "event/base/unique_fd.h"
#include "event/epoll_loop.h"
#include "event/loop_test_util.h"
#include "gtest/gtest.h"

namespace le {
namespace event {
namespace {

// ---- Nested loops ----

TEST(EpollLoopTest, TheOuterLoopServesTheNestedOne) {
  EpollLoop loop;
  std::unique_ptr<Loop> nested = loop.CreateNested();
  EventFdPair event;
  std::string seen;
  FnWatch watch([&](uint32_t) {
    EXPECT_TRUE(nested->InTurn());
    EXPECT_TRUE(loop.InTurn());
    event.Clear();
    seen += "w";
  });
  FnTask task([&] { seen += "t"; });
  FnTimer timer([&] { seen += "T"; });
  FnHook hook([&] { seen += "h"; });
  ASSERT_TRUE(nested->AddWatch(&watch, event.fd(), Watch::kReadable));
  event.Signal();
  EXPECT_TRUE(loop.RunTurn(absl::InfiniteFuture()));
  EXPECT_EQ(seen, "w");
  nested->Post(&task);
  EXPECT_TRUE(loop.RunTurn(absl::InfiniteFuture()));
  EXPECT_EQ(seen, "wt");
  nested->StartTimer(&timer, nested->Now() + absl::Milliseconds(1));
  EXPECT_TRUE(loop.RunTurn(absl::InfiniteFuture()));
  EXPECT_EQ(seen, "wtT");
  nested->AtTurnEnd(&hook);
  loop.RunTurn(absl::InfinitePast());
  EXPECT_EQ(seen, "wtTh");
}

TEST(EpollLoopTest, APostToTheNestedLoopWakesTheOuterOne) {
  EpollLoop loop;
  std::unique_ptr<Loop> nested = loop.CreateNested();
  for (int i = 0; i < 200; ++i) {
    bool ran = false;
    FnTask task([&] { ran = true; });
    std::thread poster([&] { nested->Post(&task); });
    EXPECT_TRUE(loop.RunTurn(absl::InfiniteFuture()));
    EXPECT_TRUE(ran);
    poster.join();
  }
}

TEST(EpollLoopTest, TheNestedLoopRunsAloneInABlockingCall) {
  EpollLoop loop;
  std::unique_ptr<Loop> nested = loop.CreateNested();
  std::string seen;
  FnTask outer([&] { seen += "o"; });
  FnTask inner([&] {
    EXPECT_TRUE(nested->InTurn());
    seen += "i";
  });
  FnTask blocking([&] {
    loop.Post(&outer);
    std::thread poster([&] { nested->Post(&inner); });
    EXPECT_TRUE(nested->RunTurn(absl::InfiniteFuture()));
    EXPECT_FALSE(nested->RunTurn(loop.Now() + absl::Milliseconds(1)));
    poster.join();
    seen += "b";
  });
  loop.Post(&blocking);
  loop.RunTurn(absl::InfinitePast());
  EXPECT_EQ(seen, "ib");
  loop.RunTurn(absl::InfinitePast());
  EXPECT_EQ(seen, "ibo");
}

TEST(EpollLoopTest, RunUntilAnnouncesNothingToTheOuterLoop) {
  EpollLoop loop;
  std::unique_ptr<Loop> nested = loop.CreateNested();
  EventFdPair event;
  bool done = false;
  FnWatch watch([&](uint32_t) {
    nested->RemoveWatch(&watch);
    done = true;
  });
  event.Signal();
  CallCounter calls;
  nested->RunUntil(
      [&] { nested->AddWatchLater(&watch, event.fd(), Watch::kReadable); },
      &done);
  EXPECT_FALSE(watch.added());
  EXPECT_EQ(calls.calls["EpollCtl"], 0);
  EXPECT_EQ(calls.calls["Write"], 0);
  nested->RunUntil([] {}, &done);
}

TEST(EpollLoopTest, TheOuterLoopServesWhatRunUntilLeaves) {
  EpollLoop loop;
  std::unique_ptr<Loop> nested = loop.CreateNested();
  EventFdPair event;
  std::string seen;
  bool done = false;
  FnWatch watch([&](uint32_t) {
    event.Clear();
    seen += "w";
  });
  FnTimer timer([&] {
    seen += "T";
    done = true;
  });
  FnTask task([&] { seen += "t"; });
  nested->RunUntil(
      [&] {
        nested->StartTimer(&timer, nested->Now());
        nested->AddWatchLater(&watch, event.fd(), Watch::kReadable);
      },
      &done);
  EXPECT_EQ(seen, "T");
  event.Signal();
  EXPECT_TRUE(loop.RunTurn(absl::InfiniteFuture()));
  EXPECT_EQ(seen, "Tw");
  nested->RunUntil([&] { nested->Post(&task); }, &done);
  EXPECT_TRUE(loop.RunTurn(absl::InfiniteFuture()));
  EXPECT_EQ(seen, "Twt");
  nested->RemoveWatch(&watch);
}

TEST(EpollLoopTest, ANestedLoopAloneDoesNotServeTheOuterLoopsWatches) {
  EpollLoop loop;
  std::unique_ptr<Loop> nested = loop.CreateNested();
  EventFdPair event, other;
  int ran = 0;
  FnWatch inner([&](uint32_t) {
    event.Clear();
    ++ran;
  });
  FnWatch outer([&](uint32_t) {
    other.Clear();
    ran += 100;
  });
  nested->AddWatchLater(&inner, event.fd(), Watch::kReadable);
  loop.AddWatchLater(&outer, other.fd(), Watch::kReadable);
  event.Signal();
  other.Signal();
  {
    CallCounter calls;
    EXPECT_TRUE(nested->RunTurn(absl::InfiniteFuture()));
    EXPECT_EQ(ran, 1);
    EXPECT_EQ(calls.calls["EpollCtl"], 0);
  }
  EXPECT_TRUE(loop.RunTurn(absl::InfiniteFuture()));
  EXPECT_EQ(ran, 101);
  nested->RemoveWatch(&inner);
  loop.RemoveWatch(&outer);
}

TEST(EpollLoopTest, AnEventServedByTheNestedLoopIsNotServedAgain) {
  EpollLoop loop;
  std::unique_ptr<Loop> nested = loop.CreateNested();
  EventFdPair event, blocking_event;
  int ran = 0;
  FnWatch inner([&](uint32_t) {
    event.Clear();
    ++ran;
  });
  // Serves the nested loop alone. At this time the outer loop may have fetched
  // the nested loop's event, but has not dispatched it.
  FnWatch blocking([&](uint32_t) {
    blocking_event.Clear();
    while (ran == 0) nested->RunTurn(absl::InfiniteFuture());
  });
  ASSERT_TRUE(nested->AddWatch(&inner, event.fd(), Watch::kReadable));
  ASSERT_TRUE(loop.AddWatch(&blocking, blocking_event.fd(), Watch::kReadable));
  blocking_event.Signal();
  event.Signal();
  Settle(&loop);
  EXPECT_EQ(ran, 1);
}

TEST(EpollLoopTest, TheOuterLoopSleepsWhileTheNestedLoopIsIdle) {
  EpollLoop loop;
  std::unique_ptr<Loop> nested = loop.CreateNested();
  FnTimer timer([] {});
  nested->StartTimer(&timer, nested->Now() + absl::Hours(1));
  nested->StopTimer(&timer);
  Settle(&loop);
  CallCounter calls;
  EXPECT_FALSE(loop.RunTurn(loop.Now() + absl::Milliseconds(1)));
  EXPECT_LE(calls.calls["EpollWait"] + calls.calls["EpollPWait2"], 3);
}

TEST(EpollLoopTest, TheOuterLoopRunsTheNestedLoopsHooks) {
  EpollLoop loop;
  std::unique_ptr<Loop> nested = loop.CreateNested();
  std::string seen;
  FnHook hook([&] { seen += "h"; });
  FnTask task([&] {
    nested->AtTurnEnd(&hook);
    loop.RunTurnEndHooks();
    seen += "t";
    nested->AtTurnEnd(&hook);
  });
  loop.Post(&task);
  loop.RunTurn(absl::InfinitePast());
  EXPECT_EQ(seen, "hth");
}

TEST(EpollLoopTest, ARegularFileInTheNestedLoopIsAlwaysReady) {
  EpollLoop loop;
  std::unique_ptr<Loop> nested = loop.CreateNested();
  FILE* const file = tmpfile();
  ASSERT_NE(file, nullptr);
  int calls = 0;
  FnWatch watch([&](uint32_t) { ++calls; });
  ASSERT_TRUE(nested->AddWatch(&watch, fileno(file), Watch::kReadable));
  for (int i = 1; i <= 3; ++i) {
    while (calls < i) loop.RunTurn(absl::InfiniteFuture());
  }
  const int before = calls;
  EXPECT_TRUE(nested->RunTurn(absl::InfiniteFuture()));
  EXPECT_EQ(calls, before + 1);
  nested->RemoveWatch(&watch);
  Settle(&loop);
  EXPECT_EQ(calls, before + 1);
  fclose(file);
}

TEST(EpollLoopTest, DestroyingTheNestedLoopUnlinksEverything) {
  EpollLoop loop;
  EventFdPair event;
  FnWatch watch([](uint32_t) {});
  FnTask task([] {});
  FnTimer timer([] {});
  FnHook hook([] {});
  {
    std::unique_ptr<Loop> nested = loop.CreateNested();
    ASSERT_TRUE(nested->AddWatch(&watch, event.fd(), Watch::kReadable));
    event.Signal();
    nested->Post(&task);
    nested->StartTimer(&timer, absl::InfinitePast());
    nested->AtTurnEnd(&hook);
  }
  EXPECT_FALSE(watch.added());
  EXPECT_FALSE(timer.running());
  EXPECT_FALSE(loop.RunTurn(absl::InfinitePast()));
}

TEST(EpollLoopTest, StoppingTheNestedLoopWakesTheOuterOneOnce) {
  EpollLoop loop;
  std::unique_ptr<Loop> nested = loop.CreateNested();
  Settle(&loop);
  CallCounter calls;
  nested->Stop();
  Settle(&loop);
  EXPECT_FALSE(loop.RunTurn(loop.Now() + absl::Milliseconds(1)));
  EXPECT_EQ(calls.calls["Write"], 1);
  nested->Run();
}

// ---- Foreign loops ----

// A foreign loop watches the loop's file descriptor edge-triggered. Expected:
// once the foreign loop has served all earlier events, each new event makes the
// file descriptor ready once.
TEST(EpollLoopTest, AnEdgeTriggeredForeignLoopMissesNothing) {
  EpollLoop loop;
  std::unique_ptr<Loop> nested = loop.CreateNested();
  UniqueFd foreign(sys::EpollCreate(EPOLL_CLOEXEC));
  struct epoll_event edge = {};
  edge.events = EPOLLIN | EPOLLET;
  ASSERT_EQ(sys::EpollCtl(foreign.get(), EPOLL_CTL_ADD, loop.GetFd(), &edge),
            0);
  int ran = 0;
  // If an event is missed, this hangs.
  const auto serve = [&](int until) {
    while (ran < until) {
      struct epoll_event event;
      ASSERT_EQ(sys::EpollWait(foreign.get(), &event, 1, -1), 1);
      while (loop.RunStep()) {
      }
    }
    EXPECT_EQ(ran, until);
  };
  EventFdPair event;
  FnWatch watch([&](uint32_t) {
    event.Clear();
    ++ran;
  });
  FnTask task([&] { ++ran; });
  FnTimer timer([&] { ++ran; });
  int expected = 0;
  for (int round = 0; round < 3; ++round) {
    for (Loop* l : {static_cast<Loop*>(&loop), nested.get()}) {
      std::thread([&] { l->Post(&task); }).join();
      serve(++expected);
      l->Post(&task);
      serve(++expected);
      ASSERT_TRUE(l->AddWatch(&watch, event.fd(), Watch::kReadable));
      event.Signal();
      serve(++expected);
      event.Signal();
      serve(++expected);
      l->RemoveWatch(&watch);
      l->StartTimer(&timer, l->Now() + absl::Milliseconds(1));
      serve(++expected);
    }
  }
}

TEST(EpollLoopTest, TheFileDescriptorIsReadableForAnyWork) {
  EpollLoop loop;
  std::unique_ptr<Loop> nested = loop.CreateNested();
  FnTask early([] {});
  loop.Post(&early);
  const int fd = loop.GetFd();
  EXPECT_EQ(loop.GetFd(), fd);
  EXPECT_TRUE(Readable(fd));
  EXPECT_TRUE(loop.RunStep());
  EXPECT_FALSE(loop.RunStep());
  EXPECT_FALSE(Readable(fd));

  for (Loop* l : {static_cast<Loop*>(&loop), nested.get()}) {
    int ran = 0;
    FnTask task([&] { ++ran; });
    l->Post(&task);
    EXPECT_TRUE(Readable(fd));
    EXPECT_TRUE(loop.RunStep());
    EXPECT_FALSE(loop.RunStep());
    EXPECT_FALSE(Readable(fd));
    std::thread([&] { l->Post(&task); }).join();
    EXPECT_TRUE(Readable(fd));
    EXPECT_TRUE(loop.RunStep());
    EXPECT_FALSE(loop.RunStep());
    EXPECT_EQ(ran, 2);

    EventFdPair event;
    FnWatch watch([&](uint32_t) {
      event.Clear();
      ++ran;
    });
    ASSERT_TRUE(l->AddWatch(&watch, event.fd(), Watch::kReadable));
    EXPECT_FALSE(Readable(fd));
    event.Signal();
    EXPECT_TRUE(Readable(fd));
    EXPECT_TRUE(loop.RunStep());
    EXPECT_FALSE(loop.RunStep());
    EXPECT_FALSE(Readable(fd));
    EXPECT_EQ(ran, 3);

    FnTimer timer([&] { ++ran; });
    l->StartTimer(&timer, l->Now() + absl::Milliseconds(2));
    struct pollfd p = {fd, POLLIN, 0};
    EXPECT_EQ(poll(&p, 1, -1), 1);
    EXPECT_TRUE(loop.RunStep());
    EXPECT_FALSE(loop.RunStep());
    EXPECT_EQ(ran, 4);
    EXPECT_FALSE(Readable(fd));
    l->StartTimer(&timer, absl::InfinitePast());
    EXPECT_TRUE(Readable(fd));
    l->StopTimer(&timer);
    while (loop.RunStep()) {
    }
    EXPECT_FALSE(Readable(fd));
  }
}

TEST(EpollLoopTest, AStepRunsOneTaskAndTheLastRunsTheHooks) {
  EpollLoop loop;
  std::string seen;
  FnHook hook([&] { seen += "h"; });
  FnTask b([&] { seen += "b"; });
  FnTask a([&] {
    seen += "a";
    loop.AtTurnEnd(&hook);
    loop.Post(&b);
  });
  loop.Post(&a);
  EXPECT_TRUE(loop.RunStep());
  EXPECT_EQ(seen, "a");
  EXPECT_TRUE(loop.RunStep());
  EXPECT_TRUE(seen == "ahb" || seen == "abh") << seen;
  EXPECT_FALSE(loop.RunStep());
  EXPECT_EQ(seen.size(), 3u);
}

TEST(EpollLoopTest, WorkLeftInTheNestedLoopIsAnnounced) {
  EpollLoop loop;
  std::unique_ptr<Loop> nested = loop.CreateNested();
  const int fd = loop.GetFd();
  while (loop.RunStep()) {
  }
  bool ran = false;
  FnTask second([&] { ran = true; });
  FnTask first([&] { nested->Post(&second); });
  nested->Post(&first);
  EXPECT_TRUE(nested->RunTurn(absl::InfinitePast()));
  EXPECT_FALSE(ran);
  EXPECT_TRUE(Readable(fd));
  EXPECT_TRUE(loop.RunStep());
  EXPECT_TRUE(ran);
}

}  // namespace
}  // namespace event
}  // namespace le
