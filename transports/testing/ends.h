// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// Helpers of the conformance tests.

#ifndef LE_MESSAGING_TRANSPORTS_TESTING_ENDS_H_
#define LE_MESSAGING_TRANSPORTS_TESTING_ENDS_H_

#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "event/process.h"
#include "gtest/gtest.h"
#include "transports/testing/conformance.h"
#include "transports/transport.h"

namespace le {
namespace transports {

constexpr size_t kPoolSize = size_t{3} << 20;

// An observer that calls functions of the test.
class Watcher : public Connection::Observer {
 public:
  std::function<void()> on_readable = [] {};
  std::function<void()> on_writable = [] {};
  std::function<void()> on_drained = [] {};
  std::function<void()> on_received = [] {};
  std::function<void()> on_hang_up = [] {};

 private:
  void OnReadable() override { on_readable(); }
  void OnWritable() override { on_writable(); }
  void OnDrained() override { on_drained(); }
  void OnReceived() override { on_received(); }
  void OnHangUp() override { on_hang_up(); }
};

// A thread of the calling process, which may be a simulated process.
class Helper {
 public:
  explicit Helper(std::function<void()> body)
      : thread_(event::Process::Current()->StartThread("helper",
                                                       std::move(body))) {}
  void Join() { thread_->Join(); }

 private:
  const std::unique_ptr<event::ThreadHandle> thread_;
};

// Lets other threads run.
inline void LetOthersRun() {
  event::Process::Current()->YieldPoint();
  std::this_thread::yield();
}

class Accepting : public Acceptor::Observer {
 public:
  std::vector<std::unique_ptr<Connection>> accepted;

 private:
  void OnAccepted(std::unique_ptr<Connection> connection) override {
    accepted.push_back(std::move(connection));
  }
};

// A client's and a server's end of one connection. The test attaches them to
// the loop of its thread if needed.
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

inline OutgoingFrame Frame(uint8_t type, const std::string& payload,
                           uint64_t id = 0) {
  OutgoingFrame frame;
  frame.type = type;
  frame.id = id;
  frame.payload = absl::MakeConstSpan(
      reinterpret_cast<const uint8_t*>(payload.data()), payload.size());
  return frame;
}

inline std::string TextOf(const IncomingFrame& frame) {
  return frame.payload
             ? std::string(reinterpret_cast<char*>(frame.payload.data()),
                           frame.payload.size())
             : "";
}

inline std::string Pattern(size_t size) {
  std::string text(size, '\0');
  for (size_t i = 0; i < size; ++i) {
    text[i] = static_cast<char>(i * 31 + (i >> 8) + 1);
  }
  return text;
}

// Receives a frame. Waits for it without limit.
inline IncomingFrame Next(Connection* connection, BufferPool* pool) {
  IncomingFrame frame;
  EXPECT_EQ(connection->Receive(&frame, pool, absl::InfiniteFuture()),
            IoResult::kOk)
      << connection->close_status();
  return frame;
}

// Runs the loop until it has nothing more to do.
inline void Settle(event::Loop* loop) {
  while (loop->RunTurn(absl::InfinitePast())) {
  }
}

}  // namespace transports
}  // namespace le

#endif  // LE_MESSAGING_TRANSPORTS_TESTING_ENDS_H_
