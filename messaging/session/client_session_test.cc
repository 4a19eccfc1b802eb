// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// Tests of a client's session: waiting for room, packed messages, and the
// completion of requests when memory is short.

#include "messaging/session/client_session.h"

#include <cstdlib>
#include <cstring>
#include <functional>
#include <memory>
#include <new>
#include <utility>
#include <vector>

#include "event/process.h"
#include "event/testing/sim.h"
#include "gtest/gtest.h"
#include "messaging/machine/wire.h"
#include "messaging/message/message.h"
#include "messaging/session/fake_connection.h"
#include "messaging/session/runtime.h"

namespace {
bool g_no_memory_for_messages = false;  // operator new with an alignment
bool g_no_memory_to_pack = false;       // operator new[]
bool g_no_memory = false;               // operator new without an alignment

void* Allocate(void* block) {
  if (block == nullptr) throw std::bad_alloc();
  return block;
}
}  // namespace

void* operator new(size_t size) {
  return Allocate(g_no_memory ? nullptr : std::malloc(size));
}
// std::stable_partition() uses this form.
void* operator new(size_t size, const std::nothrow_t&) noexcept {
  return g_no_memory ? nullptr : std::malloc(size);
}
void operator delete(void* block) noexcept { std::free(block); }
void operator delete(void* block, size_t) noexcept { std::free(block); }
// Only messages use this form, because they have alignas(64).
void* operator new(size_t size, std::align_val_t alignment) {
  if (g_no_memory_for_messages) throw std::bad_alloc();
  return Allocate(std::aligned_alloc(static_cast<size_t>(alignment), size));
}
void operator delete(void* block, std::align_val_t) noexcept {
  std::free(block);
}
void operator delete(void* block, size_t, std::align_val_t) noexcept {
  std::free(block);
}
void* operator new[](size_t size) {
  if (g_no_memory_to_pack) throw std::bad_alloc();
  return Allocate(std::malloc(size));
}
// Message::Pack() uses this form for its copy of the payload.
void* operator new[](size_t size, const std::nothrow_t&) noexcept {
  return g_no_memory_to_pack ? nullptr : std::malloc(size);
}
void operator delete[](void* block) noexcept { std::free(block); }
void operator delete[](void* block, size_t) noexcept { std::free(block); }

namespace le {
namespace messaging {
namespace {

using transports::IncomingFrame;
using transports::IoResult;
using transports::OutgoingFrame;

// The size of a buffer. It is so large that Message::Pack() packs a response of
// a few bytes.
constexpr size_t kMessageBytes = 8192;

class FakeIntroducer final : public directory::Introducer {
 public:
  std::unique_ptr<directory::Opening> Open(
      event::Loop*, const directory::InterfaceDescription&, bool,
      directory::Opening::Observer* observer) override {
    observer_ = observer;
    return nullptr;
  }
  std::unique_ptr<directory::Offer> Advertise(
      event::Loop*, const directory::InterfaceDescription&,
      directory::Offer::Observer*) override {
    return nullptr;
  }
  directory::Opening::Observer* observer_ = nullptr;
};

class CountingHandler final : public ClientHandler {
 public:
  void OnMessage(ClientSession*, event::Ref<Message>) override {
    if (on_message) on_message();
  }
  void OnClosed(ClientSession*) override { ++closes; }
  void OnRoom(ClientSession*) override { ++rooms; }

  std::function<void()> on_message;
  int closes = 0;
  int rooms = 0;
};

struct Completed {
  int times = 0;
  Result result = Result::kOk;
  event::Ref<Message> response;
};

class ClientSessionTest : public ::testing::Test {
 protected:
  // Runs `body` on the thread that owns an open session.
  void Run(const std::function<void()>& body) {
    event::SimProcess* const process = sim_.AddProcess("client", {0, 500, 500});
    Runtime::Parts parts;
    parts.introducer = introducer_;
    Runtime::Install(process, std::move(parts));
    sim_.Spawn(process, "main", [&] {
      auto handler = std::make_unique<CountingHandler>();
      handler_ = handler.get();
      session_ = new ClientSession(
          {"s", *Runtime::Current()->GetProtocol("p", kMessageBytes)},
          introducer_.get(), std::move(handler));
      session_->Open(Completion(), absl::InfiniteFuture());
      LetItOpen();
      body();
      session_->Delete();
      Turns();
    });
    EXPECT_EQ(static_cast<int>(sim_.Run()),
              static_cast<int>(event::Simulation::Outcome::kEnded))
        << sim_.Report();
  }
  void LetItOpen() {
    server_.on_send = [this](const OutgoingFrame& frame) {
      requests_.push_back(frame.id);
      return IoResult::kOk;
    };
    IncomingFrame first;
    const Hello hello;
    first.type = kHelloFrame;
    first.payload = buffers_->Allocate();
    first.payload.Assign(reinterpret_cast<const uint8_t*>(&hello),
                         sizeof(hello));
    first.sender = event::Credentials{1, FarEnd::kUser, FarEnd::kUser};
    introducer_->observer_->OnIntroduced(
        std::make_unique<FakeConnection>(&server_), std::move(first), {});
    ASSERT_FALSE(session_->is_closed());
  }
  // Sends a request.
  uint64_t Request(Completed* completed) {
    Completion completion;
    completion.context = completed;
    completion.done = [](const Completion& c, ClientSession*,
                         event::Ref<Message> response, Result result) {
      auto* const to = static_cast<Completed*>(c.context);
      ++to->times;
      to->result = result;
      to->response = std::move(response);
    };
    return session_->Request(NewMessage(), completion, absl::InfiniteFuture());
  }
  Result RequestSync() {
    event::Ref<Message> response;
    return session_->RequestSync(NewMessage(), absl::InfiniteFuture(),
                                 &response);
  }
  // Returns a new message. kept_ also refers to it, so that no later message
  // reuses its memory.
  event::Ref<Message> NewMessage() {
    kept_.push_back(session_->NewMessage());
    return kept_.back();
  }
  // The server responds to the request of that id with the bytes of the id. The
  // session has not received the response yet.
  void Answer(uint64_t id) {
    IncomingFrame frame;
    frame.type = kResponseFrame;
    frame.id = id;
    frame.payload = buffers_->Allocate();
    frame.payload.Assign(reinterpret_cast<const uint8_t*>(&id), sizeof(id));
    server_.frames.push_back(std::move(frame));
  }
  // The server pushes a message. The session has not received it yet.
  void Push() {
    IncomingFrame frame;
    frame.type = kMessageFrame;
    frame.payload = buffers_->Allocate();
    server_.frames.push_back(std::move(frame));
  }
  static void Turns() {
    event::Loop* const loop = event::Thread::Current()->loop();
    const event::Instant end = loop->Now() + absl::Milliseconds(10);
    while (loop->Now() < end) loop->RunTurn(end);
  }

  event::Simulation sim_{1};
  const std::shared_ptr<FakeIntroducer> introducer_ =
      std::make_shared<FakeIntroducer>();
  const transports::BufferPool::Ptr buffers_ =
      transports::BufferPool::Create(kMessageBytes);
  FarEnd server_;
  std::vector<uint64_t> requests_;  // the ids that the server has received
  std::vector<event::Ref<Message>> kept_;
  CountingHandler* handler_ = nullptr;
  ClientSession* session_ = nullptr;
};

TEST_F(ClientSessionTest, WithoutMemoryForItsResponseARequestCompletes) {
  Run([this] {
    Completed completed;
    Request(&completed);
    Answer(requests_.back());
    g_no_memory_for_messages = true;
    server_.observer->OnReadable();
    g_no_memory_for_messages = false;
    Turns();
    EXPECT_EQ(completed.times, 1);
    EXPECT_EQ(completed.result, Result::kClosed);
    EXPECT_EQ(handler_->closes, 1);
    EXPECT_EQ(session_->close_reason(), CloseReason::kSystem);
    kept_.clear();
  });
}

TEST_F(ClientSessionTest, WithoutMemoryForItsResponseASyncRequestReturns) {
  Run([this] {
    server_.on_send = [this](const OutgoingFrame& frame) {
      Answer(frame.id);
      g_no_memory_for_messages = true;
      return IoResult::kOk;
    };
    EXPECT_EQ(RequestSync(), Result::kClosed);
    g_no_memory_for_messages = false;
    Turns();
    EXPECT_EQ(handler_->closes, 1);
    EXPECT_EQ(session_->close_reason(), CloseReason::kSystem);
    kept_.clear();
  });
}

TEST_F(ClientSessionTest, WithoutMemoryToPackItAResponseIsKeptAsItIs) {
  Run([this] {
    Completed completed;
    Request(&completed);
    const uint64_t first = requests_.back();
    server_.on_send = [this, first](const OutgoingFrame& frame) {
      Answer(first);
      Answer(frame.id);
      g_no_memory_to_pack = true;
      return IoResult::kOk;
    };
    EXPECT_EQ(RequestSync(), Result::kOk);
    g_no_memory_to_pack = false;
    Turns();
    EXPECT_EQ(completed.times, 1);
    ASSERT_TRUE(completed.response);
    EXPECT_EQ(std::memcmp(completed.response->payload(), &first, sizeof(first)),
              0);
    EXPECT_EQ(handler_->closes, 0);
    kept_.clear();
  });
}

// If the pool has many buffers (Buffer::IsOfLargePool()), a small payload is
// packed when it arrives. A blocking call packs each payload that it keeps.
// Expected: the call does not pack this payload again.
TEST_F(ClientSessionTest, ABlockingCallKeepsAResponseThatIsPackedAlready) {
  Run([this] {
    std::vector<transports::Buffer> many;
    do {
      many.push_back(buffers_->Allocate());
    } while (!many.back().IsOfLargePool());
    Completed completed;
    Request(&completed);
    const uint64_t first = requests_.back();
    server_.on_send = [this, first](const OutgoingFrame& frame) {
      Answer(first);
      Answer(frame.id);
      return IoResult::kOk;
    };
    EXPECT_EQ(RequestSync(), Result::kOk);
    Turns();
    EXPECT_EQ(completed.times, 1);
    ASSERT_TRUE(completed.response);
    EXPECT_EQ(std::memcmp(completed.response->payload(), &first, sizeof(first)),
              0);
    kept_.clear();
  });
}

TEST_F(ClientSessionTest, APackedMessageIsSentWithoutABuffer) {
  Run([this] {
    Completed completed;
    Request(&completed);
    const uint64_t first = requests_.back();
    server_.on_send = [this, first](const OutgoingFrame& frame) {
      Answer(first);
      Answer(frame.id);
      return IoResult::kOk;
    };
    EXPECT_EQ(RequestSync(), Result::kOk);
    Turns();
    ASSERT_TRUE(completed.response);
    ASSERT_LT(completed.response->held_bytes(), kMessageBytes);
    std::vector<uint8_t> sent;
    server_.on_send = [&sent](const OutgoingFrame& frame) {
      sent.assign(frame.payload.begin(), frame.payload.end());
      return IoResult::kOk;
    };
    std::vector<uint8_t> expected(sizeof(first));
    std::memcpy(expected.data(), &first, sizeof(first));
    session_->Send(completed.response, absl::InfiniteFuture());
    EXPECT_EQ(sent, expected);
    completed.response->SetSize(1);
    session_->Send(completed.response, absl::InfiniteFuture());
    EXPECT_EQ(sent, std::vector<uint8_t>(1, expected[0]));
    EXPECT_LT(completed.response->held_bytes(), kMessageBytes);
    // In a buffer, zeros follow the received bytes. The packed copy does not
    // have them, so the message is unpacked before it is sent.
    completed.response->SetSize(expected.size() + 1);
    session_->Send(completed.response, absl::InfiniteFuture());
    expected.push_back(0);
    EXPECT_EQ(sent, expected);
    kept_.clear();
  });
}

// The room for a completion is reserved when its request is made.
TEST_F(ClientSessionTest, WithoutMemoryARequestCompletesOnce) {
  Run([this] {
    constexpr int kRequests = 20;
    Completed completed[kRequests];
    uint64_t ids[kRequests];
    for (int i = 0; i < kRequests; ++i) ids[i] = Request(&completed[i]);
    g_no_memory = true;
    for (int i = 0; i < kRequests / 2; ++i) {
      EXPECT_NO_THROW(session_->CancelRequest(ids[i]));
    }
    EXPECT_NO_THROW(session_->Close());
    g_no_memory = false;
    Turns();
    for (int i = 0; i < kRequests; ++i) {
      EXPECT_EQ(completed[i].times, 1);
      EXPECT_EQ(completed[i].result,
                i < kRequests / 2 ? Result::kCancelled : Result::kClosed);
    }
    kept_.clear();
  });
}

// The handlers of the pushes make synchronous requests, and further pushes
// arrive during these.
TEST_F(ClientSessionTest, RoomIsReportedAlthoughPushesAreDue) {
  Run([this] {
    int pushes = 0;
    server_.on_send = [&](const OutgoingFrame& frame) {
      if (++pushes <= 3) Push();
      Answer(frame.id);
      return IoResult::kOk;
    };
    handler_->on_message = [this] { EXPECT_EQ(RequestSync(), Result::kOk); };
    EXPECT_EQ(RequestSync(), Result::kOk);
    server_.observer->OnWritable();
    EXPECT_EQ(handler_->rooms, 1);
    Turns();
    EXPECT_EQ(pushes, 4);
    EXPECT_EQ(handler_->rooms, 1);
    kept_.clear();
  });
}

// If handlers waited for room, two processes could wait for each other.
TEST_F(ClientSessionTest, AHandlerOfAnotherThreadDoesNotWaitForRoom) {
  struct Sending final : event::Task {
    void Run() override { run(); }
    std::function<void()> run;
  };
  Run([this] {
    std::vector<transports::Room> rooms;
    server_.on_send = [&](const OutgoingFrame& frame) {
      rooms.push_back(frame.room);
      return rooms.size() == 1 ? IoResult::kWouldBlock : IoResult::kOk;
    };
    const auto send = [this] {
      EXPECT_EQ(session_->Send(NewMessage(), absl::InfiniteFuture()),
                Result::kOk);
    };
    const auto join = [](std::function<void()> body) {
      event::Process::Current()->StartThread("other", std::move(body))->Join();
    };
    join([&] {
      Sending handler;
      handler.run = send;
      event::Loop* const loop = event::Thread::Current()->loop();
      loop->Post(&handler);
      loop->RunTurn(absl::InfinitePast());
    });
    EXPECT_EQ(rooms,
              (std::vector<transports::Room>{transports::Room::kQueue,
                                             transports::Room::kGathered}));
    rooms.clear();
    join(send);  // outside a handler
    EXPECT_EQ(rooms, (std::vector<transports::Room>{transports::Room::kQueue,
                                                    transports::Room::kQueue}));
    kept_.clear();
  });
}

}  // namespace
}  // namespace messaging
}  // namespace le
