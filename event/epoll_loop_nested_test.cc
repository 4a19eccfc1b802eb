// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// Loops within loops, ours and other people's.

#include <memory>
#include <string>
#include <thread>
#include <vector>

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

TEST(EpollLoopTest, TheNestedLoopRunsAloneWhileTheOuterOneStandsStill) {
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

// ---- Foreign loops ----

TEST(EpollLoopTest, TheDescriptorTellsOfEverythingThereIsToDo) {
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

TEST(EpollLoopTest, StepsAreSingleAndEndWithTheHooks) {
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

TEST(EpollLoopTest, WhatABlockingCallLeavesInTheNestedLoopIsAnnounced) {
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
