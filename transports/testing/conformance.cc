// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#include "transports/testing/conformance.h"

#include <fcntl.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <thread>
#include <utility>
#include <vector>

#include "event/process.h"

namespace le {
namespace transports {

GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(TransportConformanceTest);

namespace {

constexpr size_t kPoolSize = size_t{3} << 20;

// Calls what the test wants called.
class Watcher : public Connection::Observer {
 public:
  std::function<void()> on_readable = [] {};
  std::function<void()> on_writable = [] {};

 private:
  void OnReadable() override { on_readable(); }
  void OnWritable() override { on_writable(); }
};

class Accepting : public Acceptor::Observer {
 public:
  std::vector<std::unique_ptr<Connection>> accepted;

 private:
  void OnAccepted(std::unique_ptr<Connection> connection) override {
    accepted.push_back(std::move(connection));
  }
};

// Two connected ends, on the loop of the test's thread.
class Ends {
 public:
  explicit Ends(FixtureFactory factory) : fixture(factory()) {
    absl::StatusOr<std::unique_ptr<Acceptor>> listening =
        transport()->Listen(address);
    EXPECT_TRUE(listening.ok()) << listening.status();
    acceptor = *std::move(listening);
    EXPECT_TRUE(acceptor->Attach(loop(), &accepting).ok());
    Connect(&client, &server);
  }

  void Connect(std::unique_ptr<Connection>* connecting,
               std::unique_ptr<Connection>* accepted) {
    absl::StatusOr<std::unique_ptr<Connection>> connected =
        transport()->Connect(address);
    ASSERT_TRUE(connected.ok()) << connected.status();
    *connecting = *std::move(connected);
    RunUntil([&] { return !accepting.accepted.empty(); });
    *accepted = std::move(accepting.accepted.back());
    accepting.accepted.pop_back();
  }

  Transport* transport() { return fixture->transport(); }
  event::Loop* loop() { return event::Thread::Current()->loop(); }

  void RunUntil(const std::function<bool()>& condition) {
    while (!condition()) loop()->RunTurn(absl::InfiniteFuture());
  }

  std::unique_ptr<ConformanceFixture> fixture;
  const std::string address = fixture->NewAddress();
  Accepting accepting;
  std::unique_ptr<Acceptor> acceptor;
  std::unique_ptr<Connection> client, server;
  BufferPool::Ptr pool = BufferPool::Create(kPoolSize);
};

OutgoingFrame Frame(uint8_t type, const std::string& payload, uint64_t id = 0) {
  OutgoingFrame frame;
  frame.type = type;
  frame.id = id;
  frame.payload = absl::MakeConstSpan(
      reinterpret_cast<const uint8_t*>(payload.data()), payload.size());
  return frame;
}

std::string TextOf(const IncomingFrame& frame) {
  return frame.payload
             ? std::string(reinterpret_cast<char*>(frame.payload.data()),
                           frame.payload.size())
             : "";
}

std::string Pattern(size_t size) {
  std::string text(size, '\0');
  for (size_t i = 0; i < size; ++i) {
    text[i] = static_cast<char>(i * 31 + (i >> 8) + 1);
  }
  return text;
}

// Receives a frame for as long as it takes.
IncomingFrame Next(Connection* connection, BufferPool* pool) {
  IncomingFrame frame;
  EXPECT_EQ(connection->Receive(&frame, pool, absl::InfiniteFuture()),
            IoResult::kOk)
      << connection->close_status();
  return frame;
}

TEST_P(TransportConformanceTest, NobodyListens) {
  std::unique_ptr<ConformanceFixture> fixture = GetParam()();
  EXPECT_EQ(
      fixture->transport()->Connect(fixture->NewAddress()).status().code(),
      absl::StatusCode::kUnavailable);
}

TEST_P(TransportConformanceTest, AnAddressIsTakenOnceAtATime) {
  std::unique_ptr<ConformanceFixture> fixture = GetParam()();
  const std::string address = fixture->NewAddress();
  {
    auto first = fixture->transport()->Listen(address);
    ASSERT_TRUE(first.ok()) << first.status();
    EXPECT_EQ(fixture->transport()->Listen(address).status().code(),
              absl::StatusCode::kAlreadyExists);
  }
  EXPECT_TRUE(fixture->transport()->Listen(address).ok()) << "free again";
  EXPECT_FALSE(fixture->transport()->Connect(address).ok());
}

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

// Whatever the size, and zero beyond it, in recycled buffers too.
TEST_P(TransportConformanceTest, PayloadsOfAllSizes) {
  Ends ends(GetParam());
  ends.client->SetSendLimits({kPoolSize * 2, SIZE_MAX});
  for (size_t size : {size_t{0}, size_t{1}, size_t{64}, size_t{4096},
                      size_t{65535}, size_t{65536}, size_t{65537},
                      size_t{200000}, size_t{1} << 20, kPoolSize, size_t{3}}) {
    const std::string text = Pattern(size);
    std::thread sender([&] {
      EXPECT_EQ(ends.client->Send(Frame(1, text)), IoResult::kOk);
      while (ends.client->queued_bytes() > 0) {
        if (!ends.client->Wait(Connection::kWritable, absl::InfiniteFuture())) {
          break;
        }
        ends.client->Flush();
      }
    });
    IncomingFrame frame = Next(ends.server.get(), ends.pool.get());
    sender.join();
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
  std::thread sender([&] {
    EXPECT_EQ(ends.client->Send(Frame(1, largest)), IoResult::kOk);
    while (ends.client->queued_bytes() > 0 &&
           ends.client->Wait(Connection::kWritable, absl::InfiniteFuture())) {
      ends.client->Flush();
    }
  });
  const IncomingFrame frame = Next(ends.server.get(), pool.get());
  sender.join();
  EXPECT_EQ(frame.payload.size(), kMaxPayloadBytes);
  EXPECT_EXIT(ends.client->Send(Frame(1, largest + "x")),
              ::testing::ExitedWithCode(EXIT_FAILURE), "over the limit");
}

TEST_P(TransportConformanceTest, APayloadOverThePoolsCapacityClosesIt) {
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

TEST_P(TransportConformanceTest, PushesBackAndSaysWhenThereIsRoom) {
  Ends ends(GetParam());
  ends.client->SetSendLimits({10000, SIZE_MAX});
  Watcher watcher;
  bool writable = false;
  watcher.on_writable = [&] { writable = true; };
  ASSERT_TRUE(ends.client->Attach(ends.loop(), &watcher).ok());
  const std::string text(1000, 'x');
  int sent = 0;
  while (ends.client->Send(Frame(1, text)) == IoResult::kOk) {
    ASSERT_LT(++sent, 10000) << "it takes everything";
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
      ends.loop()->RunTurn(absl::InfinitePast());  // what is queued goes on
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

// Otherwise its sender would try again and again, and never wait.
TEST_P(TransportConformanceTest, HasNoRoomForWhatItHasJustRefused) {
  Ends ends(GetParam());
  while (ends.client->queued_bytes() == 0) {
    ASSERT_EQ(ends.client->Send(Frame(1, "small")), IoResult::kOk);
  }
  // Little of it is used, but not so little.
  const size_t limit = 4 * ends.client->queued_bytes();
  ends.client->SetSendLimits({limit, SIZE_MAX, SIZE_MAX});
  const std::string large(limit - 30, 'x');
  EXPECT_EQ(ends.client->Send(Frame(1, large)), IoResult::kWouldBlock);
  EXPECT_FALSE(ends.client->Wait(Connection::kWritable, absl::InfinitePast()));
  EXPECT_EQ(ends.client->Send(Frame(1, "")), IoResult::kOk);
}

TEST_P(TransportConformanceTest, LimitsTheNumberOfDescriptors) {
  Ends ends(GetParam());
  constexpr int kMost = 5;
  ends.client->SetSendLimits({SIZE_MAX, SIZE_MAX, kMost});
  auto send = [&ends](bool with_descriptor) {
    event::UniqueFd descriptor(open("/dev/null", O_RDONLY | O_CLOEXEC));
    EXPECT_TRUE(descriptor);
    OutgoingFrame frame = Frame(1, "");
    if (with_descriptor) frame.descriptor = &descriptor;
    const IoResult result = ends.client->Send(frame);
    // What was refused is the caller's still.
    EXPECT_EQ(static_cast<bool>(descriptor),
              !with_descriptor || result != IoResult::kOk);
    return result;
  };
  int sent = 0;
  while (send(true) == IoResult::kOk) ASSERT_LT(++sent, 10000);
  // Over sockets the kernel takes some besides.
  EXPECT_GE(sent, kMost);
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

TEST_P(TransportConformanceTest, PassesDescriptors) {
  Ends ends(GetParam());
  int pipe_ends[2];
  ASSERT_EQ(pipe2(pipe_ends, O_CLOEXEC), 0);
  event::UniqueFd reading(pipe_ends[0]), writing(pipe_ends[1]);
  const std::string text = "with it";
  OutgoingFrame frame = Frame(1, text);
  frame.descriptor = &writing;
  ASSERT_EQ(ends.client->Send(frame), IoResult::kOk);
  EXPECT_FALSE(writing) << "it belongs to the frame now";
  {
    IncomingFrame received = Next(ends.server.get(), ends.pool.get());
    ASSERT_TRUE(received.descriptor);
    EXPECT_EQ(fcntl(received.descriptor.get(), F_GETFD), FD_CLOEXEC);
    EXPECT_EQ(write(received.descriptor.get(), "x", 1), 1);
    char c;
    EXPECT_EQ(read(reading.get(), &c, 1), 1);
  }
  char c;
  EXPECT_EQ(read(reading.get(), &c, 1), 0) << "a copy is still open";
}

// What is never received is closed.
TEST_P(TransportConformanceTest, PassesDescriptorsAmongPlainFrames) {
  Ends ends(GetParam());
  // The same outside a turn, where each frame leaves by itself, and within one.
  auto send_all = [&] {
    for (const char* const kind : {"p", "pp", "d", "dd", "p", "large", "d"}) {
      const std::string kind_text = kind;
      const std::string text =
          kind_text == "large" ? Pattern(200000) : kind_text;
      for (size_t i = 0; i < (kind_text == "large" ? 1 : kind_text.size());
           ++i) {
        OutgoingFrame frame = Frame(1, text);
        event::UniqueFd fd(open("/dev/null", O_RDONLY | O_CLOEXEC));
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

TEST_P(TransportConformanceTest, UnreceivedDescriptorsAreClosed) {
  int pipe_ends[2];
  ASSERT_EQ(pipe2(pipe_ends, O_CLOEXEC), 0);
  event::UniqueFd reading(pipe_ends[0]), writing(pipe_ends[1]);
  {
    Ends ends(GetParam());
    const std::string text = "with it";
    OutgoingFrame frame = Frame(1, text);
    frame.descriptor = &writing;
    ASSERT_EQ(ends.client->Send(frame), IoResult::kOk);
  }
  char c;
  EXPECT_EQ(read(reading.get(), &c, 1), 0) << "a copy is still open";
}

// An end is handed to a third party, and its peer notices nothing.
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

// Whoever goes on with a connection may send anything on it, whatever was said
// before.
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
  event::UniqueFd fd(open("/dev/null", O_RDONLY | O_CLOEXEC));
  OutgoingFrame frame = Frame(3, "");
  frame.descriptor = &fd;
  ASSERT_EQ(received.connection->Send(frame), IoResult::kOk);
  EXPECT_TRUE(Next(client.get(), first.pool.get()).descriptor);
}

// Whatever a peer does to a connection, passing it on is no more than refused.
TEST_P(TransportConformanceTest, PassesNoConnectionThatIsNotIdle) {
  Ends carrying(GetParam());
  auto pass = [&](std::unique_ptr<Connection>* connection) {
    Connection* const before = connection->get();
    OutgoingFrame frame = Frame(2, "");
    frame.connection = connection;
    const IoResult result = carrying.client->Send(frame);
    if (result != IoResult::kOk) {
      EXPECT_EQ(connection->get(), before) << "it is the caller's still";
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
  while (middle->queued_bytes() == 0) {
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
  EXPECT_NE(frame.connection, nullptr) << "what was refused has not been sent";
}

TEST_P(TransportConformanceTest, KnowsWhoIsThere) {
  Ends ends(GetParam());
  const event::Credentials self = event::Process::Current()->credentials();
  for (Connection* end : {ends.client.get(), ends.server.get()}) {
    absl::StatusOr<event::Credentials> peer = end->peer();
    ASSERT_TRUE(peer.ok()) << peer.status();
    EXPECT_EQ(peer->pid, self.pid);
    EXPECT_EQ(peer->uid, self.uid);
    EXPECT_EQ(peer->gid, self.gid);
  }
}

TEST_P(TransportConformanceTest, TellsTheSenderOnlyIfVouchedAndAsked) {
  Ends ends(GetParam());
  auto send = [&](bool vouched) {
    const std::string text = "x";
    OutgoingFrame frame = Frame(1, text);
    frame.vouched = vouched;
    ASSERT_EQ(ends.server->Send(frame), IoResult::kOk);
  };
  send(true);
  EXPECT_FALSE(Next(ends.client.get(), ends.pool.get()).sender.has_value());
  ASSERT_TRUE(ends.client->AskForSender(true).ok());
  send(true);
  const IncomingFrame frame = Next(ends.client.get(), ends.pool.get());
  ASSERT_TRUE(frame.sender.has_value());
  EXPECT_EQ(frame.sender->pid, event::Process::Current()->credentials().pid);
  ASSERT_TRUE(ends.client->AskForSender(false).ok());
  send(true);
  EXPECT_FALSE(Next(ends.client.get(), ends.pool.get()).sender.has_value());
}

TEST_P(TransportConformanceTest, WhatWasSentComesBeforeTheClose) {
  Ends ends(GetParam());
  // Unread data at the closing end must not cost what it has sent.
  ASSERT_EQ(ends.server->Send(Frame(9, "never read")), IoResult::kOk);
  for (int i = 0; i < 10; ++i) {
    ASSERT_EQ(ends.client->Send(Frame(1, std::to_string(i))), IoResult::kOk);
  }
  ends.client->Close();
  EXPECT_EQ(ends.client->close_status().code(), absl::StatusCode::kCancelled);
  EXPECT_EQ(ends.client->Send(Frame(1, "x")), IoResult::kClosed);
  for (int i = 0; i < 10; ++i) {
    EXPECT_EQ(TextOf(Next(ends.server.get(), ends.pool.get())),
              std::to_string(i));
  }
  IncomingFrame none;
  EXPECT_EQ(
      ends.server->Receive(&none, ends.pool.get(), absl::InfiniteFuture()),
      IoResult::kClosed);
  EXPECT_EQ(ends.server->close_status().code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(ends.server->Send(Frame(1, "x")), IoResult::kClosed);
  EXPECT_TRUE(ends.server->Wait(Connection::kReadable | Connection::kWritable,
                                absl::InfiniteFuture()));
}

TEST_P(TransportConformanceTest, ReadableForAsLongAsThereIsSomething) {
  Ends ends(GetParam());
  Watcher watcher;
  int calls = 0;
  watcher.on_readable = [&] { ++calls; };
  ASSERT_TRUE(ends.server->Attach(ends.loop(), &watcher).ok());
  ASSERT_EQ(ends.client->Send(Frame(1, "x")), IoResult::kOk);
  EXPECT_EQ(calls, 0) << "called inside a call";
  ends.RunUntil([&] { return calls >= 3; });
  ends.server->SetReadInterest(false);
  const int before = calls;
  for (int i = 0; i < 5; ++i) ends.loop()->RunTurn(absl::InfinitePast());
  EXPECT_EQ(calls, before);
  ends.server->SetReadInterest(true);
  ends.RunUntil([&] { return calls > before; });
  Next(ends.server.get(), ends.pool.get());
  while (ends.loop()->RunTurn(absl::InfinitePast())) {
  }
  const int after = calls;
  ends.loop()->RunTurn(absl::InfinitePast());
  EXPECT_EQ(calls, after);
}

// A far end that has hung up must not make an uninterested one spin.
TEST_P(TransportConformanceTest, AHangUpDoesNotSpin) {
  Ends ends(GetParam());
  Watcher watcher;
  int calls = 0;
  watcher.on_readable = [&] { ++calls; };
  ASSERT_TRUE(ends.server->Attach(ends.loop(), &watcher).ok());
  ends.server->SetReadInterest(false);
  ends.client->Close();
  while (ends.loop()->RunTurn(absl::InfinitePast())) {
  }
  EXPECT_FALSE(ends.loop()->RunTurn(absl::InfinitePast()));
  EXPECT_EQ(calls, 0);
  ends.server->SetReadInterest(true);
  ends.RunUntil([&] { return calls > 0; });
  IncomingFrame none;
  EXPECT_EQ(ends.server->Receive(&none, ends.pool.get(), absl::InfinitePast()),
            IoResult::kClosed);
  while (ends.loop()->RunTurn(absl::InfinitePast())) {
  }
  const int at_close = calls;
  EXPECT_FALSE(ends.loop()->RunTurn(absl::InfinitePast()));
  EXPECT_EQ(calls, at_close);
}

TEST_P(TransportConformanceTest, GoesWithItsLastShare) {
  Ends ends(GetParam());
  ConnectionRef first(std::move(ends.client));
  ConnectionRef second = first;
  first = ConnectionRef();
  EXPECT_FALSE(first);
  EXPECT_EQ(second->Send(Frame(1, "x")), IoResult::kOk);
  ConnectionRef third = std::move(second);
  third = ConnectionRef(std::move(ends.server));  // the client's last
  IncomingFrame frame;
  EXPECT_EQ(third->Receive(&frame, ends.pool.get(), absl::InfiniteFuture()),
            IoResult::kOk);
  EXPECT_EQ(third->Receive(&frame, ends.pool.get(), absl::InfiniteFuture()),
            IoResult::kClosed);
}

TEST_P(TransportConformanceTest, MayBeDestroyedInItsObserversCall) {
  Ends ends(GetParam());
  Watcher watcher;
  int calls = 0;
  watcher.on_readable = [&] {
    ++calls;
    ends.server.reset();
  };
  ASSERT_TRUE(ends.server->Attach(ends.loop(), &watcher).ok());
  for (int i = 0; i < 3; ++i) ends.client->Send(Frame(1, "x"));
  ends.RunUntil([&] { return calls == 1; });
  while (ends.loop()->RunTurn(absl::InfinitePast())) {
  }
  EXPECT_EQ(calls, 1);
}

// Within a turn the first frame leaves at once, the rest by the turn's end, and
// all of it in order.
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
        << "the first does not wait";
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
  std::thread sender([&] { ends.server->Send(Frame(1, "x")); });
  EXPECT_EQ(
      ends.client->Receive(&frame, ends.pool.get(), deadline + absl::Hours(1)),
      IoResult::kOk);
  sender.join();
}

// Several threads send, one receives: each one's order is kept, and a full
// queue stops nobody for good.
TEST_P(TransportConformanceTest, AnyThreadMaySend) {
  constexpr int kThreads = 3, kEach = 2000;
  Ends ends(GetParam());
  ends.client->SetSendLimits({20000, SIZE_MAX});
  std::vector<std::thread> senders;
  for (int t = 0; t < kThreads; ++t) {
    senders.emplace_back([&ends, t] {
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
    });
  }
  std::vector<uint64_t> next(kThreads, 0);
  for (int i = 0; i < kThreads * kEach; ++i) {
    const IncomingFrame frame = Next(ends.server.get(), ends.pool.get());
    ASSERT_LT(frame.type, kThreads);
    ASSERT_EQ(frame.id, next[frame.type]++);
  }
  for (std::thread& sender : senders) sender.join();
}

// Closing wakes whoever waits for room.
TEST_P(TransportConformanceTest, CloseWakesAWaitingThread) {
  Ends ends(GetParam());
  ends.client->SetSendLimits({1000, SIZE_MAX});
  while (ends.client->Send(Frame(1, std::string(500, 'x'))) == IoResult::kOk) {
  }
  std::atomic<bool> began{false};
  std::thread waiter([&] {
    began = true;
    ends.client->Wait(Connection::kWritable, absl::InfiniteFuture());
    EXPECT_EQ(ends.client->Send(Frame(1, "x")), IoResult::kClosed);
  });
  while (!began) std::this_thread::yield();
  ends.client->Close();
  waiter.join();
}

TEST_P(TransportConformanceTest, MovesToANestedLoop) {
  Ends ends(GetParam());
  std::unique_ptr<event::Loop> nested = ends.loop()->CreateNested();
  Watcher watcher;
  int calls = 0;
  watcher.on_readable = [&] {
    ++calls;
    Next(ends.server.get(), ends.pool.get());
  };
  ASSERT_TRUE(ends.server->Attach(nested.get(), &watcher).ok());
  ends.client->Send(Frame(1, "x"));
  while (calls < 1) nested->RunTurn(absl::InfiniteFuture());
  ends.client->Send(Frame(1, "x"));
  ends.RunUntil([&] { return calls == 2; });
  ends.server->Detach();
  ASSERT_TRUE(ends.server->Attach(ends.loop(), &watcher).ok());
  ends.client->Send(Frame(1, "x"));
  ends.RunUntil([&] { return calls == 3; });
  ends.server->Detach();
}

}  // namespace
}  // namespace transports
}  // namespace le
