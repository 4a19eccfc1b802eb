// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// Conformance tests: addresses, acceptors, and credentials of the far end.

#include <fcntl.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "event/base/sys.h"
#include "event/process.h"
#include "transports/testing/conformance.h"
#include "transports/testing/ends.h"

namespace le {
namespace transports {

GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(TransportConformanceTest);

namespace {

TEST_P(TransportConformanceTest, NobodyListens) {
  std::unique_ptr<ConformanceFixture> fixture = GetParam()();
  EXPECT_EQ(
      fixture->transport()->Connect(fixture->NewAddress()).status().code(),
      absl::StatusCode::kUnavailable);
}

TEST_P(TransportConformanceTest, OnlyOneAcceptorHasAnAddress) {
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

TEST_P(TransportConformanceTest, ReportsThePeersCredentials) {
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

TEST_P(TransportConformanceTest, ReportsTheSenderOnRequest) {
  Ends ends(GetParam());
  auto send = [&](bool attach_credentials) {
    const std::string text = "x";
    OutgoingFrame frame = Frame(1, text);
    frame.attach_credentials = attach_credentials;
    ASSERT_EQ(ends.server->Send(frame), IoResult::kOk);
  };
  send(true);
  EXPECT_FALSE(Next(ends.client.get(), ends.pool.get()).sender.has_value());
  ASSERT_TRUE(ends.client->SetReceiveCredentials(true).ok());
  send(true);
  const IncomingFrame frame = Next(ends.client.get(), ends.pool.get());
  ASSERT_TRUE(frame.sender.has_value());
  EXPECT_EQ(frame.sender->pid, event::Process::Current()->credentials().pid);
  ASSERT_TRUE(ends.client->SetReceiveCredentials(false).ok());
  send(true);
  EXPECT_FALSE(Next(ends.client.get(), ends.pool.get()).sender.has_value());
}

TEST_P(TransportConformanceTest, AnInvalidAddressIsRefused) {
  std::unique_ptr<ConformanceFixture> fixture = GetParam()();
  const std::string address = fixture->ImpossibleAddress();
  EXPECT_EQ(fixture->transport()->Listen(address).status().code(),
            absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(fixture->transport()->Connect(address).status().code(),
            absl::StatusCode::kInvalidArgument);
}

TEST_P(TransportConformanceTest, ConnectionsWaitForTheAttachment) {
  std::unique_ptr<ConformanceFixture> fixture = GetParam()();
  const std::string address = fixture->NewAddress();
  auto acceptor = fixture->transport()->Listen(address);
  ASSERT_TRUE(acceptor.ok()) << acceptor.status();
  auto client = fixture->transport()->Connect(address);
  ASSERT_TRUE(client.ok()) << client.status();
  // The connection can be used at once.
  EXPECT_EQ((*client)->Send(Frame(1, "early")), IoResult::kOk);
  event::Loop* const loop = event::Thread::Current()->loop();
  Accepting accepting;
  ASSERT_TRUE((*acceptor)->Attach(loop, &accepting).ok());
  EXPECT_TRUE(accepting.accepted.empty()) << "called inside a call";
  while (accepting.accepted.empty()) loop->RunTurn(absl::InfiniteFuture());
  BufferPool::Ptr pool = BufferPool::Create(100);
  EXPECT_EQ(TextOf(Next(accepting.accepted[0].get(), pool.get())), "early");
}

TEST_P(TransportConformanceTest, AFullBacklogHasItsOwnError) {
  std::unique_ptr<ConformanceFixture> fixture = GetParam()();
  const std::string address = fixture->NewAddress();
  auto acceptor = fixture->transport()->Listen(address);
  ASSERT_TRUE(acceptor.ok()) << acceptor.status();
  absl::Status failed;
  for (int i = 0; failed.ok(); ++i) {
    ASSERT_LT(i, 100000) << "the backlog has no limit";
    // The connection is closed at once, but stays in the backlog.
    failed = fixture->transport()->Connect(address).status();
  }
  EXPECT_EQ(failed.code(), absl::StatusCode::kAborted) << failed;
  event::Loop* const loop = event::Thread::Current()->loop();
  Accepting accepting;
  ASSERT_TRUE((*acceptor)->Attach(loop, &accepting).ok());
  while (accepting.accepted.empty()) loop->RunTurn(absl::InfiniteFuture());
  EXPECT_TRUE(fixture->transport()->Connect(address).ok()) << "there is room";
}

TEST_P(TransportConformanceTest, DestroyingAnAcceptorClosesItsBacklog) {
  Ends ends(GetParam());
  auto waiting = ends.transport()->Connect(ends.address);
  ASSERT_TRUE(waiting.ok()) << waiting.status();
  ends.acceptor.reset();
  IncomingFrame frame;
  EXPECT_EQ(
      (*waiting)->Receive(&frame, ends.pool.get(), absl::InfiniteFuture()),
      IoResult::kClosed);
  ASSERT_EQ(ends.client->Send(Frame(1, "still")), IoResult::kOk);
  EXPECT_EQ(TextOf(Next(ends.server.get(), ends.pool.get())), "still");
  EXPECT_EQ(ends.transport()->Connect(ends.address).status().code(),
            absl::StatusCode::kUnavailable);
}

TEST_P(TransportConformanceTest, AnObserverMayDestroyItsAcceptor) {
  std::unique_ptr<ConformanceFixture> fixture = GetParam()();
  const std::string address = fixture->NewAddress();
  auto listening = fixture->transport()->Listen(address);
  ASSERT_TRUE(listening.ok()) << listening.status();
  struct Once : Acceptor::Observer {
    std::unique_ptr<Acceptor> acceptor;
    int calls = 0;
    void OnAccepted(std::unique_ptr<Connection>) override {
      ++calls;
      acceptor.reset();
    }
  } once;
  once.acceptor = *std::move(listening);
  event::Loop* const loop = event::Thread::Current()->loop();
  ASSERT_TRUE(once.acceptor->Attach(loop, &once).ok());
  for (int i = 0; i < 2; ++i) {
    EXPECT_TRUE(fixture->transport()->Connect(address).ok());
  }
  while (once.calls == 0) loop->RunTurn(absl::InfiniteFuture());
  Settle(loop);
  EXPECT_EQ(once.calls, 1);
}

TEST_P(TransportConformanceTest, PeerIsKnownAfterABrokenRule) {
  Ends ends(GetParam());
  ASSERT_EQ(ends.client->Send(Frame(1, "too long")), IoResult::kOk);
  BufferPool::Ptr small = BufferPool::Create(1);
  IncomingFrame frame;
  EXPECT_EQ(ends.server->Receive(&frame, small.get(), absl::InfiniteFuture()),
            IoResult::kClosed);
  ASSERT_TRUE(ends.server->peer().ok());
  EXPECT_EQ(ends.server->peer()->pid,
            event::Process::Current()->credentials().pid);
  ends.client->Close();
  EXPECT_EQ(ends.client->peer().status().code(),
            absl::StatusCode::kUnavailable);
}

TEST_P(TransportConformanceTest, ReturnsAPidfdOrUnimplemented) {
  Ends ends(GetParam());
  for (Connection* end : {ends.client.get(), ends.server.get()}) {
    const absl::StatusOr<event::UniqueFd> fd = end->PeerPidFd();
    if (fd.ok()) {
      EXPECT_EQ(event::sys::Fcntl(fd->get(), F_GETFD, 0), FD_CLOEXEC);
    } else {
      EXPECT_EQ(fd.status().code(), absl::StatusCode::kUnimplemented);
    }
  }
  ends.client->Close();
  EXPECT_EQ(ends.client->PeerPidFd().status().code(),
            absl::StatusCode::kUnavailable);
}

// A frame is sent without credentials, then its receiver calls
// SetReceiveCredentials(). Expected: the frame has no `sender`. In particular,
// the sender is not root.
TEST_P(TransportConformanceTest, AnUnknownSenderIsNotReported) {
  Ends ends(GetParam());
  ASSERT_EQ(ends.server->Send(Frame(1, "x")), IoResult::kOk);
  ASSERT_TRUE(ends.client->SetReceiveCredentials(true).ok());
  EXPECT_FALSE(Next(ends.client.get(), ends.pool.get()).sender.has_value());
}

TEST_P(TransportConformanceTest, ReportsTheSenderOfEachGatheredFrame) {
  Ends ends(GetParam());
  ASSERT_TRUE(ends.client->SetReceiveCredentials(true).ok());
  Watcher watcher;
  bool sent = false;
  watcher.on_readable = [&] {
    Next(ends.server.get(), ends.pool.get());
    for (int i = 0; i < 4; ++i) {
      OutgoingFrame frame = Frame(1, "");
      frame.attach_credentials = true;
      ASSERT_EQ(ends.server->Send(frame), IoResult::kOk);
    }
    sent = true;
  };
  ASSERT_TRUE(ends.server->Attach(ends.loop(), &watcher).ok());
  ASSERT_EQ(ends.client->Send(Frame(1, "go")), IoResult::kOk);
  ends.RunUntil([&] { return sent; });
  for (int i = 0; i < 4; ++i) {
    const IncomingFrame frame = Next(ends.client.get(), ends.pool.get());
    ASSERT_TRUE(frame.sender.has_value()) << i;
    EXPECT_EQ(frame.sender->uid, event::Process::Current()->credentials().uid);
  }
}

}  // namespace
}  // namespace transports
}  // namespace le
