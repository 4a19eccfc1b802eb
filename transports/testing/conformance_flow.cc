// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// Conformance tests: full queues, gathering, waiting, threads.

#include <dirent.h>
#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <fstream>
#include <string>
#include <vector>

#include "event/base/sys.h"
#include "event/process.h"
#include "transports/testing/conformance.h"
#include "transports/testing/ends.h"

namespace le {
namespace transports {
namespace {

TEST_P(TransportConformanceTest, RefusesFramesAndReportsRoom) {
  Ends ends(GetParam());
  ends.client->SetSendLimits({10000, SIZE_MAX});
  Watcher watcher;
  bool writable = false;
  watcher.on_writable = [&] { writable = true; };
  ASSERT_TRUE(ends.client->Attach(ends.loop(), &watcher).ok());
  const std::string text(1000, 'x');
  int sent = 0;
  while (ends.client->Send(Frame(1, text)) == IoResult::kOk) {
    ASSERT_LT(++sent, 10000) << "the queue has no limit";
  }
  EXPECT_GE(sent, 9);
  EXPECT_GT(ends.client->queued_bytes(), 0u);
  EXPECT_FALSE(ends.client->Wait(Connection::kWritable, absl::InfinitePast()));
  for (int i = 0; i < sent; ++i) {
    IncomingFrame frame;
    for (;;) {
      const IoResult result =
          ends.server->Receive(&frame, ends.pool.get(), absl::InfinitePast());
      if (result == IoResult::kOk) break;
      ASSERT_EQ(result, IoResult::kWouldBlock);
      ends.loop()->RunTurn(absl::InfinitePast());  // sends the queue
    }
    EXPECT_EQ(TextOf(frame), text);
  }
  ends.RunUntil([&] { return writable; });
  EXPECT_EQ(ends.client->Send(Frame(1, text)), IoResult::kOk);
}

TEST_P(TransportConformanceTest, LimitsTheNumberOfFrames) {
  Ends ends(GetParam());
  ends.client->SetSendLimits({SIZE_MAX, 5});
  int sent = 0;
  while (ends.client->Send(Frame(1, "")) == IoResult::kOk) {
    ASSERT_LT(++sent, 10000);
  }
  EXPECT_GE(sent, 5);
}

// Sends frames until one is queued. Over sockets the kernel accepts the first
// frames. Once a frame is queued, the kernel accepts no more.
void FillTheKernel(Connection* connection) {
  while (connection->queued_bytes() == 0) {
    ASSERT_EQ(connection->Send(Frame(1, "filler")), IoResult::kOk);
  }
}

// The limit leaves room for exactly two frames with their overhead. Expected:
// each transport queues two frames and refuses the third.
TEST_P(TransportConformanceTest, LimitsIncludeTheOverheadOfAFrame) {
  Ends ends(GetParam());
  FillTheKernel(ends.client.get());
  const std::string large(100000, 'x');
  SendLimits limits;
  limits.bytes =
      ends.client->queued_bytes() + 2 * (large.size() + kFrameOverheadBytes);
  ends.client->SetSendLimits(limits);
  EXPECT_EQ(ends.client->Send(Frame(1, large)), IoResult::kOk);
  EXPECT_EQ(ends.client->Send(Frame(1, large)), IoResult::kOk);
  EXPECT_EQ(ends.client->Send(Frame(1, large)), IoResult::kWouldBlock);
}

TEST_P(TransportConformanceTest, CountsSentFrames) {
  Ends ends(GetParam());
  const SendCounts none = ends.client->send_counts();
  EXPECT_EQ(none.frames, 0u);
  EXPECT_EQ(none.refused, 0u);
  EXPECT_EQ(none.max_queued_bytes, 0u);
  FillTheKernel(ends.client.get());
  const SendCounts before = ends.client->send_counts();
  EXPECT_EQ(before.bytes, before.frames * std::string("filler").size());
  EXPECT_EQ(before.max_queued_bytes, ends.client->queued_bytes());
  SendLimits limits;
  const std::string large(100000, 'x');
  limits.bytes =
      ends.client->queued_bytes() + large.size() + kFrameOverheadBytes;
  ends.client->SetSendLimits(limits);
  EXPECT_EQ(ends.client->Send(Frame(1, large)), IoResult::kOk);
  EXPECT_EQ(ends.client->Send(Frame(1, large)), IoResult::kWouldBlock);
  const SendCounts after = ends.client->send_counts();
  EXPECT_EQ(after.frames, before.frames + 1);
  EXPECT_EQ(after.bytes, before.bytes + large.size());
  EXPECT_EQ(after.refused, 1u);
  EXPECT_EQ(after.max_queued_bytes, ends.client->queued_bytes());
  // The counts stay readable, and the longest queue does not shrink.
  ends.client->Close();
  EXPECT_EQ(ends.client->send_counts().frames, after.frames);
  EXPECT_EQ(ends.client->send_counts().max_queued_bytes,
            after.max_queued_bytes);
}

TEST_P(TransportConformanceTest, KeepsTheLongestQueueWhenTheQueueIsSent) {
  Ends ends(GetParam());
  FillTheKernel(ends.client.get());
  const size_t longest = ends.client->queued_bytes();
  while (ends.client->queued_bytes() > 0) {
    Next(ends.server.get(), ends.pool.get());
    ends.client->Flush();
  }
  EXPECT_EQ(ends.client->send_counts().max_queued_bytes, longest);
}

TEST_P(TransportConformanceTest, EachRoomHasItsOwnLimit) {
  Ends ends(GetParam());
  FillTheKernel(ends.client.get());
  const std::string text(1000, 'x');
  SendLimits limits;
  limits.bytes = 1;
  limits.gathered_bytes =
      ends.client->queued_bytes() + 5 * (text.size() + kFrameOverheadBytes);
  ends.client->SetSendLimits(limits);
  OutgoingFrame frame = Frame(1, text);
  EXPECT_EQ(ends.client->Send(frame), IoResult::kWouldBlock);
  frame.room = Room::kGathered;
  for (int i = 0; i < 5; ++i) {
    EXPECT_EQ(ends.client->Send(frame), IoResult::kOk) << i;
  }
  EXPECT_EQ(ends.client->Send(frame), IoResult::kWouldBlock);
  frame.room = Room::kOwed;
  for (int i = 0; i < 100; ++i) {
    EXPECT_EQ(ends.client->Send(frame), IoResult::kOk) << i;
  }
}

// A frame with Room::kGathered is refused. Expected: OnWritable() is not called
// later, because the sender of such a frame does not wait for room.
TEST_P(TransportConformanceTest, ReportsNoRoomForAGatheredFrame) {
  Ends ends(GetParam());
  Watcher watcher;
  int writable = 0;
  watcher.on_writable = [&] { ++writable; };
  ASSERT_TRUE(ends.client->Attach(ends.loop(), &watcher).ok());
  FillTheKernel(ends.client.get());
  SendLimits limits;
  limits.gathered_bytes = 1;
  ends.client->SetSendLimits(limits);
  const std::string text = "gathered";
  OutgoingFrame frame = Frame(1, text);
  frame.room = Room::kGathered;
  ASSERT_EQ(ends.client->Send(frame), IoResult::kWouldBlock);
  bool has_more = true;
  while (has_more) {
    ends.client->Flush();
    IncomingFrame received;
    has_more = ends.server->Receive(&received, ends.pool.get(),
                                    absl::InfinitePast()) == IoResult::kOk;
  }
  EXPECT_EQ(ends.client->queued_bytes(), 0u);
  Settle(ends.loop());
  EXPECT_EQ(writable, 0);
}

// In one long turn, the queue fills up and then the far end receives frames.
// Expected: Send() accepts frames again within this turn.
TEST_P(TransportConformanceTest, ATurnFindsRoomOnceTheFarEndHasReceived) {
  Ends ends(GetParam());
  Watcher watcher;
  ASSERT_TRUE(ends.client->Attach(ends.loop(), &watcher).ok());
  const std::string text(1000, 'x');
  SendLimits limits;
  limits.bytes = 20 * text.size();
  ends.client->SetSendLimits(limits);
  int received = 0;
  const auto receive = [&] {
    IncomingFrame frame;
    while (ends.server->Receive(&frame, ends.pool.get(),
                                absl::InfinitePast()) == IoResult::kOk) {
      ++received;
    }
  };
  bool done = false;
  watcher.on_readable = [&] {
    EXPECT_EQ(TextOf(Next(ends.client.get(), ends.pool.get())), "go");
    int sent = 0;
    while (ends.client->Send(Frame(1, text)) == IoResult::kOk) {
      ASSERT_LT(++sent, 10000);
    }
    receive();
    const int before = received;
    const int wanted = sent + 500;
    for (int tries = 0; sent < wanted; ++tries) {
      ASSERT_LT(tries, 10000);
      if (ends.client->Send(Frame(1, text)) == IoResult::kOk) {
        ++sent;
        continue;
      }
      receive();
      // Let time pass.
      ends.server->Wait(
          Connection::kReadable,
          event::Process::Current()->Now() + absl::Milliseconds(1));
    }
    EXPECT_GT(received, before);
    done = true;
  };
  ASSERT_EQ(ends.server->Send(Frame(1, "go")), IoResult::kOk);
  ends.RunUntil([&] { return done; });
}

// Expected: congested() becomes true when more than half of a limit is used,
// and false at a quarter.
TEST_P(TransportConformanceTest, ReportsCongestion) {
  Ends ends(GetParam());
  SendLimits limits;
  limits.frames = 100;
  limits.reports_congestion = true;
  Watcher watcher;
  int drained = 0;
  watcher.on_drained = [&] {
    EXPECT_FALSE(ends.client->congested());
    ++drained;
  };
  ASSERT_TRUE(ends.client->Attach(ends.loop(), &watcher).ok());
  ends.client->SetSendLimits(limits);
  const std::string text(1000, 'x');
  OutgoingFrame frame = Frame(1, text);
  frame.room = Room::kOwed;
  int sent = 0;
  while (!ends.client->congested()) {
    ASSERT_EQ(ends.client->Send(frame), IoResult::kOk);
    ASSERT_LT(++sent, 10000);
  }
  EXPECT_GT(sent, 50);
  EXPECT_GT(ends.client->queued_bytes(), 50 * text.size());
  for (int i = 0; ends.client->congested(); ++i) {
    ASSERT_LT(i, sent);
    EXPECT_EQ(drained, 0);
    IncomingFrame received;
    while (ends.server->Receive(&received, ends.pool.get(),
                                absl::InfinitePast()) ==
           IoResult::kWouldBlock) {
      ends.client->Flush();
    }
  }
  EXPECT_LE(ends.client->queued_bytes(),
            26 * (text.size() + kFrameOverheadBytes));
  ends.RunUntil([&] { return drained > 0; });
  Settle(ends.loop());
  EXPECT_EQ(drained, 1);
}

TEST_P(TransportConformanceTest, AnEarlierAttachmentsEventsAreNotReported) {
  Ends ends(GetParam());
  SendLimits limits;
  limits.frames = 100;
  limits.reports_congestion = true;
  Watcher before, after;
  int drained = 0;
  before.on_drained = after.on_drained = [&] { ++drained; };
  bool readable = false;
  after.on_readable = [&] { readable = true; };
  ASSERT_TRUE(ends.client->Attach(ends.loop(), &before).ok());
  ends.client->SetSendLimits(limits);
  const std::string text = "x";
  OutgoingFrame frame = Frame(1, text);
  frame.room = Room::kOwed;
  while (!ends.client->congested()) {
    ASSERT_EQ(ends.client->Send(frame), IoResult::kOk);
  }
  while (ends.client->congested()) {
    Next(ends.server.get(), ends.pool.get());
    ends.client->Flush();
  }
  ends.client->Detach();
  ASSERT_TRUE(ends.client->Attach(ends.loop(), &after).ok());
  ends.server->Close();
  ends.RunUntil([&] { return readable; });
  EXPECT_EQ(drained, 0);
}

TEST_P(TransportConformanceTest, ReportsSinceWhenNothingWasReceived) {
  Ends ends(GetParam());
  EXPECT_EQ(ends.client->stalled_since(), absl::InfiniteFuture());
  FillTheKernel(ends.client.get());
  ASSERT_EQ(ends.client->Send(Frame(1, Pattern(50000))), IoResult::kOk);
  const event::Instant before = event::Process::Current()->Now();
  const event::Instant since = ends.client->stalled_since();
  EXPECT_GE(since, before);
  EXPECT_LE(since, event::Process::Current()->Now());
  EXPECT_EQ(ends.client->stalled_since(), since);
  // The far end receives a small frame. Over sockets this does not make room
  // for the next packet, but counts as progress.
  Next(ends.server.get(), ends.pool.get());
  const event::Instant received = event::Process::Current()->Now();
  EXPECT_GE(ends.client->stalled_since(), received);
  while (ends.client->queued_bytes() > 0) {
    Next(ends.server.get(), ends.pool.get());
    ends.client->Flush();
  }
  EXPECT_EQ(ends.client->stalled_since(), absl::InfiniteFuture());
}

// This end does not read, and the far end closes. Expected: OnHangUp() is
// called once.
TEST_P(TransportConformanceTest, ReportsAHangUpToAnEndThatDoesNotRead) {
  Ends ends(GetParam());
  Watcher watcher;
  int readable = 0, hang_ups = 0;
  watcher.on_readable = [&] { ++readable; };
  watcher.on_hang_up = [&] { ++hang_ups; };
  ASSERT_TRUE(ends.server->Attach(ends.loop(), &watcher).ok());
  ends.server->SetReadInterest(false);
  ASSERT_EQ(ends.client->Send(Frame(1, "last")), IoResult::kOk);
  Settle(ends.loop());
  EXPECT_EQ(hang_ups, 0);
  ends.client->Close();
  ends.RunUntil([&] { return hang_ups > 0; });
  Settle(ends.loop());
  EXPECT_EQ(hang_ups, 1);
  EXPECT_EQ(readable, 0);
  EXPECT_EQ(TextOf(Next(ends.server.get(), ends.pool.get())), "last");
}

// A frame is refused. Expected: Wait() reports no room for it. Otherwise the
// sender would spin.
TEST_P(TransportConformanceTest, WaitReportsNoRoomForARefusedFrame) {
  Ends ends(GetParam());
  while (ends.client->queued_bytes() == 0) {
    ASSERT_EQ(ends.client->Send(Frame(1, "small")), IoResult::kOk);
  }
  // Set the limit so that a quarter of it is used.
  const size_t limit = 4 * ends.client->queued_bytes();
  ends.client->SetSendLimits({limit, SIZE_MAX, SIZE_MAX});
  const std::string large(limit - 30, 'x');
  EXPECT_EQ(ends.client->Send(Frame(1, large)), IoResult::kWouldBlock);
  EXPECT_FALSE(ends.client->Wait(Connection::kWritable, absl::InfinitePast()));
  EXPECT_EQ(ends.client->Send(Frame(1, "")), IoResult::kOk);
}

TEST_P(TransportConformanceTest, LimitsTheNumberOfDescriptors) {
  Ends ends(GetParam());
  constexpr int kMaxDescriptors = 5;
  ends.client->SetSendLimits({SIZE_MAX, SIZE_MAX, kMaxDescriptors});
  auto send = [&ends](bool with_descriptor) {
    event::UniqueFd descriptor(
        event::sys::Open("/dev/null", O_RDONLY | O_CLOEXEC, 0));
    EXPECT_TRUE(descriptor);
    OutgoingFrame frame = Frame(1, "");
    if (with_descriptor) frame.descriptor = &descriptor;
    const IoResult result = ends.client->Send(frame);
    // The caller still owns the descriptor of a refused frame.
    EXPECT_EQ(static_cast<bool>(descriptor),
              !with_descriptor || result != IoResult::kOk);
    return result;
  };
  int sent = 0;
  while (send(true) == IoResult::kOk) ASSERT_LT(++sent, 10000);
  // Over sockets the kernel accepts some descriptors in addition.
  EXPECT_GE(sent, kMaxDescriptors);
  EXPECT_EQ(send(false), IoResult::kOk);
  EXPECT_EQ(send(true), IoResult::kWouldBlock);
  EXPECT_FALSE(ends.client->Wait(Connection::kWritable, absl::InfinitePast()));
  for (int i = 0; i <= sent; ++i) {
    EXPECT_EQ(
        static_cast<bool>(Next(ends.server.get(), ends.pool.get()).descriptor),
        i < sent);
    ends.client->Flush();
  }
  EXPECT_TRUE(ends.client->Wait(Connection::kWritable, absl::InfinitePast()));
  EXPECT_EQ(send(true), IoResult::kOk);
}

// Within a turn the first frame is sent at once. The later frames are sent at
// the end of the turn, in order.
TEST_P(TransportConformanceTest, GathersWithinATurn) {
  Ends ends(GetParam());
  Watcher server_watcher, client_watcher;
  ASSERT_TRUE(ends.client->Attach(ends.loop(), &client_watcher).ok());
  server_watcher.on_readable = [&] {
    Next(ends.server.get(), ends.pool.get());
    for (int i = 0; i < 500; ++i) {
      ASSERT_EQ(ends.server->Send(Frame(1, std::to_string(i))), IoResult::kOk);
    }
    EXPECT_TRUE(
        ends.client->Wait(Connection::kReadable, absl::InfiniteFuture()));
    EXPECT_EQ(TextOf(Next(ends.client.get(), ends.pool.get())), "0")
        << "the first frame is sent at once";
  };
  ASSERT_TRUE(ends.server->Attach(ends.loop(), &server_watcher).ok());
  int received = 1;
  client_watcher.on_readable = [&] {
    do {
      EXPECT_EQ(TextOf(Next(ends.client.get(), ends.pool.get())),
                std::to_string(received));
      ++received;
    } while (ends.client->HasBuffered());
  };
  ASSERT_EQ(ends.client->Send(Frame(1, "go")), IoResult::kOk);
  ends.RunUntil([&] { return received == 500; });
}

TEST_P(TransportConformanceTest, ReceiveWaitsNoLongerThanItsDeadline) {
  Ends ends(GetParam());
  const event::Instant deadline =
      event::Process::Current()->Now() + absl::Milliseconds(5);
  IncomingFrame frame;
  EXPECT_EQ(ends.client->Receive(&frame, ends.pool.get(), deadline),
            IoResult::kWouldBlock);
  EXPECT_GE(event::Process::Current()->Now(), deadline);
  Helper sender([&] { ends.server->Send(Frame(1, "x")); });
  EXPECT_EQ(
      ends.client->Receive(&frame, ends.pool.get(), deadline + absl::Hours(1)),
      IoResult::kOk);
  sender.Join();
}

// While the owner waits, its control loop always has work. Expected: the wait
// ends at its deadline, or earlier if a frame arrives.
TEST_P(TransportConformanceTest, ABusyControlLoopDoesNotProlongAWait) {
  Ends ends(GetParam());
  // Simulated time passes only while all threads wait.
  if (ends.fixture->simulated()) return;
  Helper owner([&] {
    event::Loop* const control = event::Thread::Current()->control_loop();
    struct Busy final : event::Task {
      void Run() override { loop->Post(this); }
      event::Loop* loop;
    } busy;
    busy.loop = control;
    control->Post(&busy);
    const auto soon = [] {
      return event::Process::Current()->Now() + absl::Milliseconds(30);
    };
    EXPECT_FALSE(ends.client->Wait(Connection::kReadable, soon()));
    IncomingFrame frame;
    EXPECT_EQ(ends.client->Receive(&frame, ends.pool.get(), soon()),
              IoResult::kWouldBlock);
    EXPECT_EQ(ends.server->Send(Frame(1, "text")), IoResult::kOk);
    EXPECT_EQ(ends.client->Receive(&frame, ends.pool.get(), soon()),
              IoResult::kOk);
    control->Cancel(&busy);
  });
  owner.Join();
}

// Several threads send, and one thread receives. Expected: the frames of each
// sender arrive in order, and each sender whose frame is refused can send it
// later.
TEST_P(TransportConformanceTest, AnyThreadMaySend) {
  constexpr int kThreads = 3, kEach = 2000;
  Ends ends(GetParam());
  ends.client->SetSendLimits({20000, SIZE_MAX});
  std::vector<std::unique_ptr<Helper>> senders;
  for (int t = 0; t < kThreads; ++t) {
    senders.push_back(std::make_unique<Helper>([&ends, t] {
      for (int i = 0; i < kEach; ++i) {
        for (;;) {
          const IoResult result = ends.client->Send(
              Frame(static_cast<uint8_t>(t), std::string(100, 'x'),
                    static_cast<uint64_t>(i)));
          if (result == IoResult::kOk) break;
          ASSERT_EQ(result, IoResult::kWouldBlock);
          ends.client->Wait(Connection::kWritable, absl::InfiniteFuture());
        }
      }
      while (ends.client->queued_bytes() > 0) {
        ends.client->Wait(Connection::kWritable, absl::InfiniteFuture());
        ends.client->Flush();
      }
    }));
  }
  std::vector<uint64_t> next(kThreads, 0);
  for (int i = 0; i < kThreads * kEach; ++i) {
    const IncomingFrame frame = Next(ends.server.get(), ends.pool.get());
    ASSERT_LT(frame.type, kThreads);
    ASSERT_EQ(frame.id, next[frame.type]++);
  }
  for (const auto& sender : senders) sender->Join();
}

TEST_P(TransportConformanceTest, AnEmptyQueueTakesOneFrameOfAnySize) {
  Ends ends(GetParam());
  ends.client->SetSendLimits({1, 1, 1});
  const std::string large = Pattern(size_t{1} << 20);
  ASSERT_EQ(ends.client->Send(Frame(1, large)), IoResult::kOk);
  EXPECT_EQ(ends.client->Send(Frame(1, large)), IoResult::kWouldBlock);
  IncomingFrame frame;
  while (ends.server->Receive(&frame, ends.pool.get(), absl::InfinitePast()) ==
         IoResult::kWouldBlock) {
    ends.client->Flush();
  }
  EXPECT_TRUE(TextOf(frame) == large);
}

TEST_P(TransportConformanceTest, OutsideATurnEachFrameLeavesAtOnce) {
  Ends ends(GetParam());
  Watcher watcher;
  ASSERT_TRUE(ends.client->Attach(ends.loop(), &watcher).ok());
  for (int i = 0; i < 3; ++i) {
    ASSERT_EQ(ends.client->Send(Frame(1, std::to_string(i))), IoResult::kOk);
    IncomingFrame frame;
    ASSERT_EQ(
        ends.server->Receive(&frame, ends.pool.get(), absl::InfinitePast()),
        IoResult::kOk);
    EXPECT_EQ(TextOf(frame), std::to_string(i));
  }
}

TEST_P(TransportConformanceTest, FlushDetachWaitAndCloseSendGatheredFrames) {
  for (const int how : {0, 1, 2, 3}) {
    Ends ends(GetParam());
    Watcher watcher;
    bool done = false;
    watcher.on_readable = [&] {
      Next(ends.server.get(), ends.pool.get());
      for (int i = 0; i < 3; ++i) {
        ASSERT_EQ(ends.server->Send(Frame(1, "")), IoResult::kOk);
      }
      switch (how) {
        case 0:
          ends.server->Flush();
          break;
        case 1:
          ends.server->Detach();
          break;
        case 2:
          ends.server->Wait(Connection::kReadable, absl::InfinitePast());
          break;
        default:
          ends.server->Close();
      }
      for (int i = 0; i < 3; ++i) {
        IncomingFrame frame;
        EXPECT_EQ(
            ends.client->Receive(&frame, ends.pool.get(), absl::InfinitePast()),
            IoResult::kOk)
            << i << " of way " << how;
      }
      done = true;
    };
    ASSERT_TRUE(ends.server->Attach(ends.loop(), &watcher).ok());
    ASSERT_EQ(ends.client->Send(Frame(1, "go")), IoResult::kOk);
    ends.RunUntil([&] { return done; });
  }
}

// A turn gathers frames on one connection, then blocks on another one.
// Expected: the gathered frames are sent first, because their receiver may wait
// for them.
TEST_P(TransportConformanceTest, ABlockingCallFirstSendsGatheredFrames) {
  for (const int how : {0, 1, 2, 3}) {
    Ends ends(GetParam());
    std::unique_ptr<Connection> other_client, other_server;
    ends.Connect(&other_client, &other_server);
    ASSERT_EQ(other_client->Send(Frame(1, "")), IoResult::kOk);
    const event::Instant later =
        event::Process::Current()->Now() + absl::Hours(1);
    Watcher watcher;
    bool done = false;
    watcher.on_readable = [&] {
      Next(ends.server.get(), ends.pool.get());
      for (int i = 0; i < 3; ++i) {
        ASSERT_EQ(ends.server->Send(Frame(1, "")), IoResult::kOk);
      }
      IncomingFrame frame;
      switch (how) {
        case 0:
          EXPECT_TRUE(other_server->Wait(Connection::kReadable,
                                         absl::InfiniteFuture()));
          break;
        case 1:
          EXPECT_TRUE(other_server->Wait(Connection::kWritable, later));
          break;
        default:
          EXPECT_EQ(
              other_server->Receive(&frame, ends.pool.get(),
                                    how == 2 ? later : absl::InfiniteFuture()),
              IoResult::kOk);
      }
      for (int i = 0; i < 3; ++i) {
        EXPECT_EQ(
            ends.client->Receive(&frame, ends.pool.get(), absl::InfinitePast()),
            IoResult::kOk)
            << i << " of way " << how;
      }
      done = true;
    };
    ASSERT_TRUE(ends.server->Attach(ends.loop(), &watcher).ok());
    ASSERT_EQ(ends.client->Send(Frame(1, "go")), IoResult::kOk);
    ends.RunUntil([&] { return done; });
  }
}

// Frames that share a packet are received by one system call. Expected:
// HasBuffered() is true until the last of them is returned.
TEST_P(TransportConformanceTest, HasBufferedUntilTheLastFrame) {
  Ends ends(GetParam());
  Watcher watcher;
  bool sent = false;
  watcher.on_readable = [&] {
    Next(ends.server.get(), ends.pool.get());
    for (int i = 0; i < 4; ++i) {
      ASSERT_EQ(ends.server->Send(Frame(1, std::to_string(i))), IoResult::kOk);
    }
    sent = true;
  };
  ASSERT_TRUE(ends.server->Attach(ends.loop(), &watcher).ok());
  ASSERT_EQ(ends.client->Send(Frame(1, "go")), IoResult::kOk);
  EXPECT_FALSE(ends.client->HasBuffered());
  EXPECT_FALSE(ends.client->HasPartial());
  ends.RunUntil([&] { return sent; });
  Settle(ends.loop());
  Next(ends.client.get(), ends.pool.get());  // this frame was sent alone
  for (int i = 1; i < 4; ++i) {
    EXPECT_EQ(TextOf(Next(ends.client.get(), ends.pool.get())),
              std::to_string(i));
    EXPECT_EQ(ends.client->HasBuffered(), i < 3) << i;
  }
  IncomingFrame none;
  EXPECT_EQ(ends.client->Receive(&none, ends.pool.get(), absl::InfinitePast()),
            IoResult::kWouldBlock);
  EXPECT_FALSE(ends.client->MayHaveMore()) << "Receive() found none";
}

// An end fills its queue and then waits in Receive(). Expected: it sends its
// queue meanwhile. Otherwise two such ends would deadlock.
TEST_P(TransportConformanceTest, AWaitingReceiveSendsQueuedFrames) {
  for (const bool timed : {false, true}) {
    Ends ends(GetParam());
    const std::string large = Pattern(size_t{1} << 20);
    ends.client->SetSendLimits({4 * large.size(), SIZE_MAX});
    for (int i = 0; i < 2; ++i) {
      ASSERT_EQ(ends.client->Send(Frame(1, large)), IoResult::kOk);
    }
    EXPECT_GT(ends.client->queued_bytes(), 0u);
    Helper far_end([&] {
      for (int i = 0; i < 2; ++i) {
        EXPECT_TRUE(TextOf(Next(ends.server.get(), ends.pool.get())) == large);
      }
      EXPECT_EQ(ends.server->Send(Frame(1, "answer")), IoResult::kOk);
    });
    IncomingFrame frame;
    EXPECT_EQ(ends.client->Receive(
                  &frame, ends.pool.get(),
                  timed ? event::Process::Current()->Now() + absl::Hours(1)
                        : absl::InfiniteFuture()),
              IoResult::kOk);
    EXPECT_EQ(TextOf(frame), "answer");
    far_end.Join();
  }
}

// Whether the thread, which belongs to this process, sleeps in the kernel.
bool Sleeps(pid_t thread) {
  std::ifstream file("/proc/self/task/" + std::to_string(thread) + "/stat");
  std::string text((std::istreambuf_iterator<char>(file)),
                   std::istreambuf_iterator<char>());
  return text.find(") S ") != std::string::npos;
}

// While the owner waits on one connection, it sends the queue of another one.
// The queued frame is from the owner, or from another thread, with Room::kQueue
// or Room::kGathered.
TEST_P(TransportConformanceTest, AWaitSendsTheQueuesOfOtherConnections) {
  const std::string large = Pattern(kPoolSize);
  for (const int how : {0, 1, 2}) {
    for (const int sender : {0, 1, 2}) {
      Ends ends(GetParam());
      std::unique_ptr<Connection> other_client, other_server;
      ends.Connect(&other_client, &other_server);
      std::atomic<pid_t> owner_id{0};
      Helper owner([&] {
        event::Thread* const thread = event::Thread::Current();
        thread->control_loop();
        Watcher watcher;
        watcher.on_readable = [] { ADD_FAILURE() << "called by a wait"; };
        ASSERT_TRUE(other_client->Attach(thread->loop(), &watcher).ok());
        if (sender == 0) {
          EXPECT_EQ(other_client->Send(Frame(1, large)), IoResult::kOk);
        }
        owner_id = static_cast<pid_t>(syscall(SYS_gettid));
        const event::Instant later =
            event::Process::Current()->Now() + absl::Hours(1);
        IncomingFrame frame;
        if (how == 2) {
          EXPECT_TRUE(ends.client->Wait(Connection::kReadable, later));
        }
        EXPECT_EQ(
            ends.client->Receive(&frame, ends.pool.get(),
                                 how == 0 ? absl::InfiniteFuture() : later),
            IoResult::kOk);
        EXPECT_EQ(TextOf(frame), "answer");
        other_client->Detach();
      });
      while (owner_id == 0 ||
             (!ends.fixture->simulated() && !Sleeps(owner_id))) {
        LetOthersRun();
      }
      if (sender != 0) {
        Helper worker([&] {
          OutgoingFrame frame = Frame(1, large);
          if (sender == 2) frame.room = Room::kGathered;
          EXPECT_EQ(other_client->Send(frame), IoResult::kOk);
        });
        worker.Join();
      }
      EXPECT_EQ(other_server->Send(Frame(1, "")), IoResult::kOk);
      EXPECT_TRUE(TextOf(Next(other_server.get(), ends.pool.get())) == large);
      EXPECT_EQ(ends.server->Send(Frame(1, "answer")), IoResult::kOk);
      owner.Join();
    }
  }
}

TEST_P(TransportConformanceTest, AnyThreadMayReadTheState) {
  Ends ends(GetParam());
  std::atomic<bool> stop{false};
  Helper asker([&] {
    while (!stop) {
      ends.client->queued_bytes();
      ends.client->Flush();
      ends.client->close_status().IgnoreError();
      ends.client->peer().IgnoreError();
      ends.client->PeerPidFd().IgnoreError();
    }
  });
  Watcher watcher;
  for (int i = 0; i < 200; ++i) {
    ASSERT_TRUE(ends.client->Attach(ends.loop(), &watcher).ok());
    ends.client->SetSendLimits({static_cast<size_t>(10000 + i), SIZE_MAX});
    ASSERT_EQ(ends.client->Send(Frame(1, "x")), IoResult::kOk);
    ASSERT_EQ(ends.server->Send(Frame(1, "x")), IoResult::kOk);
    Next(ends.client.get(), ends.pool.get());
    Next(ends.server.get(), ends.pool.get());
    ends.client->Detach();
  }
  ends.client->Close();
  stop = true;
  asker.Join();
  EXPECT_EQ(ends.client->close_status().code(), absl::StatusCode::kCancelled);
}

}  // namespace
}  // namespace transports
}  // namespace le
