// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#include "transports/loopback/loopback.h"

#include "gtest/gtest.h"

namespace le {
namespace transports {
namespace {

// One end of a connection is sent to a process, and the process dies before it
// receives this end. Expected: the other end is closed, as the kernel would
// close it over Unix sockets.
TEST(LoopbackTest, AConnectionOnItsWayToADeadProcessCloses) {
  LoopbackNetwork network;
  LoopbackTransport living(&network, event::Process::Current());
  LoopbackTransport dying(&network, event::Process::Current());
  auto acceptor = dying.Listen("a");
  ASSERT_TRUE(acceptor.ok());
  auto way = living.Connect("a");
  ASSERT_TRUE(way.ok());
  struct Accepting : Acceptor::Observer {
    std::unique_ptr<Connection> connection;
    void OnAccepted(std::unique_ptr<Connection> accepted) override {
      connection = std::move(accepted);
    }
  } accepting;
  event::Loop* const loop = event::Thread::Current()->loop();
  ASSERT_TRUE((*acceptor)->Attach(loop, &accepting).ok());
  while (accepting.connection == nullptr) {
    loop->RunTurn(absl::InfiniteFuture());
  }
  LoopbackTransport::Pair pair = living.ConnectedPair();
  OutgoingFrame frame;
  frame.connection = &pair.accepting;
  ASSERT_EQ((*way)->Send(frame), IoResult::kOk);
  dying.CloseAll();
  IncomingFrame none;
  EXPECT_EQ(pair.connecting->Receive(&none, nullptr, absl::InfinitePast()),
            IoResult::kClosed);
}

}  // namespace
}  // namespace transports
}  // namespace le
