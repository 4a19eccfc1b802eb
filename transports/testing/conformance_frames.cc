// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// Conformance tests: frames, payloads, descriptors and connections.

#include <fcntl.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>

#include "event/base/sys.h"
#include "event/process.h"
#include "transports/testing/conformance.h"
#include "transports/testing/ends.h"

namespace le {
namespace transports {
namespace {

TEST_P(TransportConformanceTest, FramesArriveWholeAndInOrder) {
  Ends ends(GetParam());
  for (int i = 0; i < 100; ++i) {
    ASSERT_EQ(
        ends.client->Send(Frame(static_cast<uint8_t>(i), std::to_string(i),
                                uint64_t{1} << i % 64)),
        IoResult::kOk);
  }
  for (int i = 0; i < 100; ++i) {
    const IncomingFrame frame = Next(ends.server.get(), ends.pool.get());
    EXPECT_EQ(frame.type, i);
    EXPECT_EQ(frame.id, uint64_t{1} << i % 64);
    EXPECT_EQ(TextOf(frame), std::to_string(i));
    EXPECT_FALSE(frame.descriptor);
    EXPECT_FALSE(frame.descriptor_lost);
  }
  ASSERT_EQ(ends.server->Send(Frame(1, "back")), IoResult::kOk);
  EXPECT_EQ(TextOf(Next(ends.client.get(), ends.pool.get())), "back");
  IncomingFrame none;
  EXPECT_EQ(ends.client->Receive(&none, ends.pool.get(), absl::InfinitePast()),
            IoResult::kWouldBlock);
}

TEST_P(TransportConformanceTest, SilenceEndsAReceiveWithoutADeadline) {
  Ends ends(GetParam());
  ends.client->ReportSilence(absl::Milliseconds(1));
  IncomingFrame frame;
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(
        ends.client->Receive(&frame, ends.pool.get(), absl::InfiniteFuture()),
        IoResult::kWouldBlock);
  }
  ASSERT_EQ(ends.server->Send(Frame(1, "x")), IoResult::kOk);
  EXPECT_EQ(TextOf(Next(ends.client.get(), ends.pool.get())), "x");
}

// Payloads of any size arrive. The bytes after the payload are zero, also in
// recycled buffers.
TEST_P(TransportConformanceTest, PayloadsOfAllSizes) {
  Ends ends(GetParam());
  ends.client->SetSendLimits({kPoolSize * 2, SIZE_MAX});
  for (size_t size : {size_t{0}, size_t{1}, size_t{64}, size_t{4096},
                      size_t{65535}, size_t{65536}, size_t{65537},
                      size_t{200000}, size_t{1} << 20, kPoolSize, size_t{3}}) {
    const std::string text = Pattern(size);
    Helper sender([&] {
      EXPECT_EQ(ends.client->Send(Frame(1, text)), IoResult::kOk);
      while (ends.client->queued_bytes() > 0) {
        if (!ends.client->Wait(Connection::kWritable, absl::InfiniteFuture())) {
          break;
        }
        ends.client->Flush();
      }
    });
    IncomingFrame frame = Next(ends.server.get(), ends.pool.get());
    sender.Join();
    EXPECT_EQ(frame.payload.size(), size);
    EXPECT_TRUE(TextOf(frame) == text) << size;
    size_t dirty = 0;
    for (size_t i = size; i < frame.payload.capacity(); ++i) {
      dirty += frame.payload.data()[i] != 0;
    }
    EXPECT_EQ(dirty, 0u) << size;
    frame.payload.MarkDirty();
    std::memset(frame.payload.data(), 'x', frame.payload.capacity());
  }
}

TEST_P(TransportConformanceTest, TheLargestPayloadAndNoneLarger) {
  Ends ends(GetParam());
  const std::string largest(kMaxPayloadBytes, 'x');
  BufferPool::Ptr pool = BufferPool::Create(kMaxPayloadBytes);
  Helper sender([&] {
    EXPECT_EQ(ends.client->Send(Frame(1, largest)), IoResult::kOk);
    while (ends.client->queued_bytes() > 0 &&
           ends.client->Wait(Connection::kWritable, absl::InfiniteFuture())) {
      ends.client->Flush();
    }
  });
  const IncomingFrame frame = Next(ends.server.get(), pool.get());
  sender.Join();
  EXPECT_EQ(frame.payload.size(), kMaxPayloadBytes);
  if (ends.fixture->simulated()) return;
  EXPECT_EXIT(ends.client->Send(Frame(1, largest + "x")),
              ::testing::ExitedWithCode(EXIT_FAILURE), "over the limit");
}

TEST_P(TransportConformanceTest, ATooLargePayloadClosesTheConnection) {
  for (size_t size : {size_t{100}, size_t{101}, size_t{100000}}) {
    Ends ends(GetParam());
    BufferPool::Ptr small = BufferPool::Create(100);
    ASSERT_EQ(ends.client->Send(Frame(1, std::string(size, 'x'))),
              IoResult::kOk);
    IncomingFrame frame;
    const IoResult result =
        ends.server->Receive(&frame, small.get(), absl::InfiniteFuture());
    if (size == 100) {
      EXPECT_EQ(result, IoResult::kOk);
    } else {
      EXPECT_EQ(result, IoResult::kClosed);
      EXPECT_EQ(ends.server->close_status().code(),
                absl::StatusCode::kInvalidArgument)
          << ends.server->close_status();
    }
  }
}

TEST_P(TransportConformanceTest, PassesDescriptors) {
  Ends ends(GetParam());
  int pair[2];
  ASSERT_EQ(
      event::sys::SocketPair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair),
      0);
  event::UniqueFd reading(pair[0]), writing(pair[1]);
  const std::string text = "with it";
  OutgoingFrame frame = Frame(1, text);
  frame.descriptor = &writing;
  ASSERT_EQ(ends.client->Send(frame), IoResult::kOk);
  EXPECT_FALSE(writing) << "it belongs to the frame now";
  {
    IncomingFrame received = Next(ends.server.get(), ends.pool.get());
    ASSERT_TRUE(received.descriptor);
    EXPECT_EQ(event::sys::Fcntl(received.descriptor.get(), F_GETFD, 0),
              FD_CLOEXEC);
    EXPECT_EQ(event::sys::Write(received.descriptor.get(), "x", 1), 1);
    char c;
    EXPECT_EQ(event::sys::Read(reading.get(), &c, 1), 1);
  }
  char c;
  EXPECT_EQ(event::sys::Read(reading.get(), &c, 1), 0)
      << "a copy is still open";
}

TEST_P(TransportConformanceTest, PassesDescriptorsAmongPlainFrames) {
  Ends ends(GetParam());
  // The test calls this first outside a turn, where each frame is sent at once,
  // and then within a turn.
  auto send_all = [&] {
    for (const char* const kind : {"p", "pp", "d", "dd", "p", "large", "d"}) {
      const std::string kind_text = kind;
      const std::string text =
          kind_text == "large" ? Pattern(200000) : kind_text;
      for (size_t i = 0; i < (kind_text == "large" ? 1 : kind_text.size());
           ++i) {
        OutgoingFrame frame = Frame(1, text);
        event::UniqueFd fd(
            event::sys::Open("/dev/null", O_RDONLY | O_CLOEXEC, 0));
        if (kind[0] == 'd') frame.descriptor = &fd;
        ASSERT_EQ(ends.client->Send(frame), IoResult::kOk);
      }
    }
  };
  auto expect_all = [&] {
    for (const char kind : std::string("ppp") + "ddd" + "p" + "l" + "d") {
      ends.client->Flush();
      const IncomingFrame frame = Next(ends.server.get(), ends.pool.get());
      EXPECT_EQ(static_cast<bool>(frame.descriptor), kind == 'd');
      EXPECT_FALSE(frame.descriptor_lost);
      EXPECT_EQ(frame.payload.size() > 2, kind == 'l');
    }
  };
  for (int round = 0; round < 2; ++round) {
    send_all();
    expect_all();
  }
  Watcher watcher;
  ASSERT_TRUE(ends.client->Attach(ends.loop(), &watcher).ok());
  bool sent = false;
  watcher.on_readable = [&] {
    Next(ends.client.get(), ends.pool.get());
    send_all();
    sent = true;
  };
  ASSERT_EQ(ends.server->Send(Frame(1, "go")), IoResult::kOk);
  ends.RunUntil([&] { return sent; });
  expect_all();
}

// A descriptor is sent, but never received. Expected: it is closed with the
// connection.
TEST_P(TransportConformanceTest, UnreceivedDescriptorsAreClosed) {
  int pair[2];
  ASSERT_EQ(
      event::sys::SocketPair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair),
      0);
  event::UniqueFd reading(pair[0]), writing(pair[1]);
  {
    Ends ends(GetParam());
    const std::string text = "with it";
    OutgoingFrame frame = Frame(1, text);
    frame.descriptor = &writing;
    ASSERT_EQ(ends.client->Send(frame), IoResult::kOk);
  }
  char c;
  EXPECT_EQ(event::sys::Read(reading.get(), &c, 1), 0)
      << "a copy is still open";
}

// An end of a connection is passed to another owner. Its peer is not informed,
// and exchanges frames with the new owner.
TEST_P(TransportConformanceTest, PassesConnections) {
  Ends first(GetParam());
  std::unique_ptr<Connection> client, middle;
  first.Connect(&client, &middle);
  const event::Credentials credentials = *middle->peer();
  ASSERT_EQ(client->Send(Frame(1, "said before")), IoResult::kOk);
  const std::string text = "take it";
  OutgoingFrame frame = Frame(2, text);
  frame.connection = &middle;
  ASSERT_EQ(first.client->Send(frame), IoResult::kOk);
  EXPECT_EQ(middle, nullptr);
  IncomingFrame received = Next(first.server.get(), first.pool.get());
  EXPECT_EQ(TextOf(received), "take it");
  ASSERT_NE(received.connection, nullptr);
  Connection* const passed = received.connection.get();
  EXPECT_EQ(passed->peer()->pid, credentials.pid);
  EXPECT_EQ(TextOf(Next(passed, first.pool.get())), "said before");
  ASSERT_EQ(passed->Send(Frame(3, "hello")), IoResult::kOk);
  EXPECT_EQ(TextOf(Next(client.get(), first.pool.get())), "hello");
  received.connection.reset();
  IncomingFrame none;
  EXPECT_EQ(client->Receive(&none, first.pool.get(), absl::InfiniteFuture()),
            IoResult::kClosed);
}

// The old owner of a connection has announced that its next packet is plain.
// Expected: the new owner can send a descriptor nevertheless.
TEST_P(TransportConformanceTest, PassesConnectionsThatWereInUse) {
  Ends first(GetParam());
  std::unique_ptr<Connection> client, middle;
  first.Connect(&client, &middle);
  ASSERT_EQ(client->Send(Frame(1, "a word")), IoResult::kOk);
  Next(middle.get(), first.pool.get());
  for (int i = 0; i < 2; ++i) {
    ASSERT_EQ(middle->Send(Frame(1, "an answer")), IoResult::kOk);
    Next(client.get(), first.pool.get());
  }
  OutgoingFrame passing = Frame(2, "");
  passing.connection = &middle;
  ASSERT_EQ(first.client->Send(passing), IoResult::kOk);
  IncomingFrame received = Next(first.server.get(), first.pool.get());
  ASSERT_NE(received.connection, nullptr);
  event::UniqueFd fd(event::sys::Open("/dev/null", O_RDONLY | O_CLOEXEC, 0));
  OutgoingFrame frame = Frame(3, "");
  frame.descriptor = &fd;
  ASSERT_EQ(received.connection->Send(frame), IoResult::kOk);
  EXPECT_TRUE(Next(client.get(), first.pool.get()).descriptor);
}

// If a connection cannot be passed, for any reason, Send() returns kNotIdle. A
// peer can make its connection busy, so this must not be fatal.
TEST_P(TransportConformanceTest, PassesNoConnectionThatIsNotIdle) {
  Ends carrying(GetParam());
  auto pass = [&](std::unique_ptr<Connection>* connection) {
    Connection* const before = connection->get();
    OutgoingFrame frame = Frame(2, "");
    frame.connection = connection;
    const IoResult result = carrying.client->Send(frame);
    if (result != IoResult::kOk) {
      EXPECT_EQ(connection->get(), before) << "the caller still owns it";
    }
    return result;
  };

  std::unique_ptr<Connection> nothing;
  EXPECT_EQ(pass(&nothing), IoResult::kNotIdle);
  EXPECT_EQ(pass(&carrying.client), IoResult::kNotIdle) << "itself";

  std::unique_ptr<Connection> client, middle;
  carrying.Connect(&client, &middle);
  Watcher watcher;
  ASSERT_TRUE(middle->Attach(carrying.loop(), &watcher).ok());
  EXPECT_EQ(pass(&middle), IoResult::kNotIdle) << "attached";
  middle->Detach();

  int sent = 0;
  while (middle->queued_bytes() < 16384) {
    ASSERT_EQ(middle->Send(Frame(1, std::string(1000, 'x'))), IoResult::kOk);
    ++sent;
  }
  EXPECT_EQ(pass(&middle), IoResult::kNotIdle) << "something is queued";
  for (int i = 0; i < sent; ++i) {
    Next(client.get(), carrying.pool.get());
    middle->Flush();
  }
  EXPECT_EQ(middle->queued_bytes(), 0u);

  std::unique_ptr<Connection> other, closed;
  carrying.Connect(&other, &closed);
  closed->Close();
  EXPECT_EQ(pass(&closed), IoResult::kNotIdle) << "closed";

  EXPECT_EQ(pass(&middle), IoResult::kOk) << "idle again";
  EXPECT_EQ(middle, nullptr);
  const IncomingFrame frame = Next(carrying.server.get(), carrying.pool.get());
  EXPECT_NE(frame.connection, nullptr) << "a refused frame was sent";
}

// An end sends a frame to its peer, and is then passed on before the peer has
// read the frame. The directory does this with a waiting client.
TEST_P(TransportConformanceTest, PassesAConnectionWhosePeerHasNotReadYet) {
  Ends carrying(GetParam());
  std::unique_ptr<Connection> client, middle;
  carrying.Connect(&client, &middle);
  ASSERT_EQ(middle->Send(Frame(1, "before")), IoResult::kOk);
  OutgoingFrame frame = Frame(2, "");
  frame.connection = &middle;
  ASSERT_EQ(carrying.client->Send(frame), IoResult::kOk);
  const IncomingFrame passed = Next(carrying.server.get(), carrying.pool.get());
  ASSERT_NE(passed.connection, nullptr);
  ASSERT_EQ(passed.connection->Send(Frame(3, "after")), IoResult::kOk);
  EXPECT_EQ(Next(client.get(), carrying.pool.get()).type, 1);
  EXPECT_EQ(Next(client.get(), carrying.pool.get()).type, 3);
}

TEST_P(TransportConformanceTest, KnowsWhetherTheFarEndHasReceivedAll) {
  Ends ends(GetParam());
  EXPECT_EQ(ends.client->unreceived_bytes(), 0u);
  for (int i = 0; i < 2; ++i) {
    ASSERT_EQ(ends.client->Send(Frame(1, "x")), IoResult::kOk);
  }
  const size_t two = ends.client->unreceived_bytes();
  EXPECT_GT(two, 0u);
  Next(ends.server.get(), ends.pool.get());
  const size_t one = ends.client->unreceived_bytes();
  EXPECT_GT(one, 0u);
  EXPECT_LT(one, two);
  Next(ends.server.get(), ends.pool.get());
  EXPECT_EQ(ends.client->unreceived_bytes(), 0u);
  EXPECT_EQ(ends.server->unreceived_bytes(), 0u);
  ends.client->Close();
  EXPECT_EQ(ends.client->unreceived_bytes(), 0u);
}

TEST_P(TransportConformanceTest, ReportsWhenHalfOfTheDescriptorsAreReceived) {
  constexpr size_t kMany = 32;
  Ends ends(GetParam());
  Watcher observer;
  int received = 0;
  observer.on_received = [&] { ++received; };
  EXPECT_EQ(ends.client->unreceived_descriptors(), 0u);
  ASSERT_TRUE(ends.client->Attach(ends.loop(), &observer).ok());
  for (size_t i = 0; i < kMany; ++i) {
    event::UniqueFd descriptor(event::sys::EventFd(0, EFD_CLOEXEC));
    OutgoingFrame frame = Frame(1, "");
    frame.descriptor = &descriptor;
    ASSERT_EQ(ends.client->Send(frame), IoResult::kOk);
  }
  ends.client->NotifyWhenReceived();
  Settle(ends.loop());
  EXPECT_EQ(received, 0);
  size_t left = kMany;
  EXPECT_GE(ends.client->unreceived_descriptors(), left);
  for (; received == 0; --left) {
    ASSERT_GT(left, 0u);
    EXPECT_GE(ends.client->unreceived_descriptors(), left);
    Next(ends.server.get(), ends.pool.get());
    Settle(ends.loop());
  }
  EXPECT_LE(left, kMany / 2);
  EXPECT_GE(left, kMany / 4);
  for (; left > 0; --left) Next(ends.server.get(), ends.pool.get());
  Settle(ends.loop());
  EXPECT_EQ(received, 1) << "once only";
  EXPECT_EQ(ends.client->unreceived_descriptors(), 0u);
  // Everything has been received already. Expected: OnReceived() is called
  // anyway, also for an observer that is attached later.
  ends.client->NotifyWhenReceived();
  Settle(ends.loop());
  EXPECT_EQ(received, 2);
  ends.client->Detach();
  ends.client->NotifyWhenReceived();
  ASSERT_TRUE(ends.client->Attach(ends.loop(), &observer).ok());
  Settle(ends.loop());
  EXPECT_EQ(received, 3);
}

TEST_P(TransportConformanceTest, APayloadsBufferBelongsToTheReadersPool) {
  Ends ends(GetParam());
  for (const size_t capacity : {size_t{0}, size_t{10}, size_t{100000}}) {
    BufferPool::Ptr pool = BufferPool::Create(capacity);
    ASSERT_EQ(ends.client->Send(Frame(1, "")), IoResult::kOk);
    const IncomingFrame frame = Next(ends.server.get(), pool.get());
    ASSERT_TRUE(frame.payload);
    EXPECT_EQ(frame.payload.capacity(), capacity);
    EXPECT_EQ(frame.payload.size(), 0u);
  }
}

TEST_P(TransportConformanceTest, ANullPoolHasCapacityZero) {
  Ends ends(GetParam());
  ASSERT_EQ(ends.client->Send(Frame(1, "")), IoResult::kOk);
  ASSERT_EQ(ends.client->Send(Frame(1, "x")), IoResult::kOk);
  const IncomingFrame frame = Next(ends.server.get(), nullptr);
  ASSERT_TRUE(frame.payload);
  EXPECT_EQ(frame.payload.capacity(), 0u);
  IncomingFrame none;
  EXPECT_EQ(ends.server->Receive(&none, nullptr, absl::InfiniteFuture()),
            IoResult::kClosed);
  EXPECT_EQ(ends.server->close_status().code(),
            absl::StatusCode::kInvalidArgument);
}

// A moved buffer has bytes after the payload that are not zero. Expected: these
// bytes are not sent.
TEST_P(TransportConformanceTest, OnlyThePayloadOfAMovedBufferIsSent) {
  Ends ends(GetParam());
  BufferPool::Ptr pool = BufferPool::Create(1000);
  Buffer buffer = pool->Allocate();
  std::memset(buffer.data(), 's', 1000);
  buffer.MarkDirty();
  OutgoingFrame frame;
  frame.payload = absl::MakeConstSpan(buffer.data(), 3);
  frame.headroom = buffer.headroom();
  frame.movable_payload = &buffer;
  ASSERT_EQ(ends.client->Send(frame), IoResult::kOk);
  const IncomingFrame received = Next(ends.server.get(), pool.get());
  EXPECT_EQ(TextOf(received), "sss");
  EXPECT_EQ(LengthWithoutZeroTail(received.payload.data(), 1000), 3u);
}

// The receiver has no free file descriptor. Expected: the frame arrives without
// its descriptor. The next frame's descriptor arrives.
TEST_P(TransportConformanceTest, ALostDescriptorDoesNotAffectItsFrame) {
  Ends ends(GetParam());
  event::UniqueFd first(event::sys::Open("/dev/null", O_RDONLY | O_CLOEXEC, 0));
  event::UniqueFd second(
      event::sys::Open("/dev/null", O_RDONLY | O_CLOEXEC, 0));
  const std::string text = "with it";
  OutgoingFrame frame = Frame(1, text);
  frame.descriptor = &first;
  struct rlimit old, none;
  ASSERT_EQ(event::sys::GetRLimit(RLIMIT_NOFILE, &old), 0);
  none = old;
  // All numbers below `first` are in use, so with this limit no file descriptor
  // is free. Do not set a lower limit, because it also limits the descriptors
  // in flight of all processes of this user.
  none.rlim_cur = static_cast<rlim_t>(first.get());
  ASSERT_EQ(event::sys::SetRLimit(RLIMIT_NOFILE, &none), 0);
  const IoResult sent = ends.client->Send(frame);
  IncomingFrame received;
  const IoResult result =
      ends.server->Receive(&received, ends.pool.get(), absl::InfiniteFuture());
  ASSERT_EQ(event::sys::SetRLimit(RLIMIT_NOFILE, &old), 0);
  EXPECT_EQ(sent, IoResult::kOk);
  EXPECT_FALSE(first) << "taken, whether it arrives or not";
  ASSERT_EQ(result, IoResult::kOk);
  EXPECT_EQ(TextOf(received), "with it");
  EXPECT_TRUE(received.descriptor_lost);
  EXPECT_FALSE(received.lost_by_sender);
  EXPECT_FALSE(received.descriptor);
  frame.descriptor = &second;
  ASSERT_EQ(ends.client->Send(frame), IoResult::kOk);
  const IncomingFrame next = Next(ends.server.get(), ends.pool.get());
  EXPECT_TRUE(next.descriptor);
  EXPECT_FALSE(next.descriptor_lost);
}

TEST_P(TransportConformanceTest, TheCallerKeepsAFrameThatCannotBeSent) {
  Ends ends(GetParam());
  std::unique_ptr<Connection> client, middle;
  ends.Connect(&client, &middle);
  event::UniqueFd descriptor(
      event::sys::Open("/dev/null", O_RDONLY | O_CLOEXEC, 0));
  BufferPool::Ptr pool = BufferPool::Create(10);
  Buffer buffer = pool->Allocate();
  ends.client->Close();
  OutgoingFrame frame;
  frame.payload = absl::MakeConstSpan(buffer.data(), 1);
  frame.movable_payload = &buffer;
  frame.descriptor = &descriptor;
  EXPECT_EQ(ends.client->Send(frame), IoResult::kClosed);
  EXPECT_TRUE(descriptor);
  EXPECT_TRUE(buffer);
  frame.descriptor = nullptr;
  frame.connection = &middle;
  EXPECT_EQ(ends.client->Send(frame), IoResult::kClosed);
  EXPECT_NE(middle, nullptr);
}

}  // namespace
}  // namespace transports
}  // namespace le
