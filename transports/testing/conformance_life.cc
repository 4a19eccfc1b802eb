// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// Conformance tests: observers, attachment, and the close.

#include <atomic>
#include <memory>
#include <string>
#include <utility>

#include "event/process.h"
#include "transports/testing/conformance.h"
#include "transports/testing/ends.h"

namespace le {
namespace transports {
namespace {

TEST_P(TransportConformanceTest, SentFramesArriveBeforeTheClose) {
  Ends ends(GetParam());
  // The closing end has an unread frame. The frames that it has sent must still
  // arrive.
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

TEST_P(TransportConformanceTest, OnReadableIsCalledWhileFramesAreLeft) {
  Ends ends(GetParam());
  Watcher watcher;
  int calls = 0;
  watcher.on_readable = [&] { ++calls; };
  ASSERT_TRUE(ends.server->Attach(ends.loop(), &watcher).ok());
  ASSERT_EQ(ends.client->Send(Frame(1, "x")), IoResult::kOk);
  EXPECT_EQ(calls, 0) << "called inside Send()";
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

// The far end closes while this end has no read interest. Expected: the loop
// does not spin.
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

TEST_P(TransportConformanceTest, TheLastReferenceDestroysTheConnection) {
  Ends ends(GetParam());
  ConnectionRef first(std::move(ends.client));
  ConnectionRef second = first;
  first = ConnectionRef();
  EXPECT_FALSE(first);
  EXPECT_EQ(second->Send(Frame(1, "x")), IoResult::kOk);
  ConnectionRef third = std::move(second);
  third = ConnectionRef(std::move(ends.server));  // destroys the client
  IncomingFrame frame;
  EXPECT_EQ(third->Receive(&frame, ends.pool.get(), absl::InfiniteFuture()),
            IoResult::kOk);
  EXPECT_EQ(third->Receive(&frame, ends.pool.get(), absl::InfiniteFuture()),
            IoResult::kClosed);
}

TEST_P(TransportConformanceTest, OnReadableMayDestroyTheConnection) {
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

// A thread waits for room, and another thread closes the connection. Expected:
// the waiting thread returns.
TEST_P(TransportConformanceTest, CloseWakesAWaitingThread) {
  Ends ends(GetParam());
  ends.client->SetSendLimits({1000, SIZE_MAX});
  while (ends.client->Send(Frame(1, std::string(500, 'x'))) == IoResult::kOk) {
  }
  std::atomic<bool> began{false};
  Helper waiter([&] {
    began = true;
    ends.client->Wait(Connection::kWritable, absl::InfiniteFuture());
    EXPECT_EQ(ends.client->Send(Frame(1, "x")), IoResult::kClosed);
  });
  while (!began) LetOthersRun();
  ends.client->Close();
  waiter.Join();
}

TEST_P(TransportConformanceTest, MovesOutOfANestedLoop) {
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

TEST_P(TransportConformanceTest, AClosedConnectionCannotBeAttached) {
  Ends ends(GetParam());
  Watcher watcher;
  int calls = 0;
  watcher.on_readable = [&] { ++calls; };
  ends.server->Close();
  EXPECT_EQ(ends.server->Attach(ends.loop(), &watcher).code(),
            absl::StatusCode::kCancelled);
  ends.server.reset();
  // The peer's close must not call the observer, because the attachment has
  // failed.
  ends.client->Close();
  ends.client.reset();
  Settle(ends.loop());
  EXPECT_EQ(calls, 0);
}

TEST_P(TransportConformanceTest, AttachingTwiceIsFatal) {
  Ends ends(GetParam());
  Watcher watcher;
  ASSERT_TRUE(ends.server->Attach(ends.loop(), &watcher).ok());
  event::Loop* const loop = ends.loop();
  if (ends.fixture->simulated()) return;
  EXPECT_EXIT(ends.server->Attach(loop, &watcher).IgnoreError(),
              ::testing::ExitedWithCode(EXIT_FAILURE), "attached twice");
}

// Two observers are to be called in the same turn. The first one ends the
// attachment of the other. Expected: the other observer is not called.
TEST_P(TransportConformanceTest, NoCallFollowsTheEndOfTheAttachment) {
  for (const int how : {0, 1, 2}) {
    Ends ends(GetParam());
    std::unique_ptr<Connection> client, server;
    ends.Connect(&client, &server);
    int calls = 0;
    Watcher watchers[2];
    std::unique_ptr<Connection>* const servers[] = {&ends.server, &server};
    for (int i = 0; i < 2; ++i) {
      watchers[i].on_readable = [&, i] {
        ++calls;
        // Both connections are readable, but only the first observer may be
        // called.
        std::unique_ptr<Connection>* const other = servers[1 - i];
        switch (how) {
          case 0:
            (*other)->Detach();
            break;
          case 1:
            (*other)->Close();
            break;
          default:
            other->reset();
        }
        (*servers[i])->Detach();
      };
      ASSERT_TRUE((*servers[i])->Attach(ends.loop(), &watchers[i]).ok());
    }
    ASSERT_EQ(ends.client->Send(Frame(1, "x")), IoResult::kOk);
    ASSERT_EQ(client->Send(Frame(1, "x")), IoResult::kOk);
    ends.RunUntil([&] { return calls > 0; });
    Settle(ends.loop());
    EXPECT_EQ(calls, 1) << "way " << how;
  }
}

TEST_P(TransportConformanceTest, OnWritableMayDestroyTheConnection) {
  Ends ends(GetParam());
  ends.client->SetSendLimits({10000, SIZE_MAX});
  Watcher watcher;
  int calls = 0;
  watcher.on_writable = [&] {
    ++calls;
    ends.client.reset();
  };
  ASSERT_TRUE(ends.client->Attach(ends.loop(), &watcher).ok());
  while (ends.client->Send(Frame(1, std::string(1000, 'x'))) == IoResult::kOk) {
  }
  while (calls == 0) {
    IncomingFrame frame;
    ends.server->Receive(&frame, ends.pool.get(), absl::InfinitePast());
    ends.loop()->RunTurn(absl::InfinitePast());
  }
  Settle(ends.loop());
  EXPECT_EQ(calls, 1);
}

TEST_P(TransportConformanceTest, EachAttachmentBeginsWithReadInterest) {
  Ends ends(GetParam());
  Watcher watcher;
  int calls = 0;
  watcher.on_readable = [&] { ++calls; };
  ASSERT_TRUE(ends.server->Attach(ends.loop(), &watcher).ok());
  ends.server->SetReadInterest(false);
  ends.server->Detach();
  ends.server->Detach();
  ends.server->SetReadInterest(false);
  ASSERT_TRUE(ends.server->Attach(ends.loop(), &watcher).ok());
  ASSERT_EQ(ends.client->Send(Frame(1, "x")), IoResult::kOk);
  ends.RunUntil([&] { return calls > 0; });
  ends.server->Detach();
}

TEST_P(TransportConformanceTest, CloseIsIdempotentAndClosedIsReady) {
  Ends ends(GetParam());
  EXPECT_TRUE(ends.client->close_status().ok());
  ASSERT_EQ(ends.server->Send(Frame(1, "never read")), IoResult::kOk);
  for (int i = 0; i < 2; ++i) {
    ends.client->Close();
    EXPECT_EQ(ends.client->close_status().code(), absl::StatusCode::kCancelled);
    IncomingFrame frame;
    EXPECT_EQ(
        ends.client->Receive(&frame, ends.pool.get(), absl::InfiniteFuture()),
        IoResult::kClosed);
    EXPECT_EQ(ends.client->Send(Frame(1, "x")), IoResult::kClosed);
    EXPECT_TRUE(ends.client->Wait(Connection::kReadable, absl::InfinitePast()));
    EXPECT_TRUE(ends.client->Wait(Connection::kWritable, absl::InfinitePast()));
    EXPECT_EQ(ends.client->queued_bytes(), 0u);
    EXPECT_FALSE(ends.client->HasBuffered());
    EXPECT_FALSE(ends.client->HasPartial());
    ends.client->Flush();
    ends.client->Detach();
    ends.client->SetReadInterest(true);
  }
}

}  // namespace
}  // namespace transports
}  // namespace le
