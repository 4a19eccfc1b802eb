// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// Tests with the smallest send buffer that the kernel allows, because an
// administrator may have set a small default. Expected: all frames still
// arrive, in smaller parts.

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "event/base/log.h"
#include "event/base/sys.h"
#include "event/peer_log.h"
#include "event/process.h"
#include "gtest/gtest.h"
#include "transports/framing/framing.h"
#include "transports/unix_socket/unix_connection.h"

namespace le {
namespace transports {
namespace {

constexpr size_t kCapacity = size_t{1} << 20;

std::string Pattern(size_t size, size_t seed) {
  std::string text(size, '\0');
  for (size_t i = 0; i < size; ++i) {
    text[i] = static_cast<char>(i * 131 + (i >> 8) + seed);
  }
  return text;
}

class SmallBufferTest : public ::testing::Test, protected Connection::Observer {
 protected:
  SmallBufferTest() {
    int fds[2];
    EXPECT_EQ(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds), 0);
    const int smallest = 1;  // the kernel sets its minimum instead
    EXPECT_EQ(
        setsockopt(fds[0], SOL_SOCKET, SO_SNDBUF, &smallest, sizeof(smallest)),
        0);
    int size = 0;
    socklen_t length = sizeof(size);
    EXPECT_EQ(getsockopt(fds[0], SOL_SOCKET, SO_SNDBUF, &size, &length), 0);
    EXPECT_LT(static_cast<size_t>(size), kMaxPacketBytes / 4);
    sender_ = NewConnection(fds[0]);
    receiver_ = NewConnection(fds[1]);
    sender_->SetSendLimits({8 * kCapacity, SIZE_MAX});
  }

  static std::unique_ptr<UnixConnection> NewConnection(int fd) {
    return std::make_unique<UnixConnection>(event::UniqueFd(fd),
                                            event::Process::Current(),
                                            /*socket_is_nonblocking=*/false);
  }

  IoResult Send(uint64_t id, const std::string& payload,
                event::UniqueFd descriptor = {},
                bool attach_credentials = false) {
    OutgoingFrame frame;
    frame.type = 3;
    frame.id = id;
    frame.payload = absl::MakeConstSpan(
        reinterpret_cast<const uint8_t*>(payload.data()), payload.size());
    if (descriptor) frame.descriptor = &descriptor;
    frame.attach_credentials = attach_credentials;
    return sender_->Send(frame);
  }

  // Receives the next frame. Flushes the sender's queue until the frame
  // arrives.
  IncomingFrame Next() {
    for (;;) {
      IncomingFrame frame;
      const IoResult result =
          receiver_->Receive(&frame, pool_.get(), absl::InfinitePast());
      if (result == IoResult::kOk) return frame;
      EXPECT_EQ(result, IoResult::kWouldBlock) << receiver_->close_status();
      if (result == IoResult::kClosed) return frame;
      if (sender_->queued_bytes() == 0) {
        ADD_FAILURE() << "a frame is missing";
        return frame;
      }
      sender_->Flush();
    }
  }
  void ExpectNext(uint64_t id, const std::string& payload,
                  bool with_descriptor = false) {
    const IncomingFrame frame = Next();
    EXPECT_EQ(frame.id, id);
    EXPECT_EQ(
        frame.payload
            ? std::string(reinterpret_cast<const char*>(frame.payload.data()),
                          frame.payload.size())
            : "",
        payload)
        << id;
    EXPECT_EQ(static_cast<bool>(frame.descriptor), with_descriptor) << id;
    EXPECT_FALSE(frame.descriptor_lost) << id;
  }

  static event::UniqueFd NullFile() {
    return event::UniqueFd(open("/dev/null", O_RDONLY | O_CLOEXEC));
  }

  void OnReadable() override {}

  BufferPool::Ptr pool_ = BufferPool::Create(kCapacity);
  std::unique_ptr<UnixConnection> sender_, receiver_;
};

TEST_F(SmallBufferTest, PayloadsOfAllSizes) {
  uint64_t id = 0;
  for (size_t size : {size_t{0}, size_t{1}, size_t{1000}, size_t{2000},
                      size_t{3000}, size_t{5000}, size_t{20000},
                      kMaxPacketBytes, 2 * kMaxPacketBytes + 1, kCapacity}) {
    const bool with_descriptor = ++id % 2 == 0;
    ASSERT_EQ(Send(id, Pattern(size, id),
                   with_descriptor ? NullFile() : event::UniqueFd()),
              IoResult::kOk);
    ExpectNext(id, Pattern(size, id), with_descriptor);
  }
  EXPECT_EQ(sender_->queued_bytes(), 0u);
}

TEST_F(SmallBufferTest, QueuedFramesKeepTheirOrder) {
  // The first frame is so large that the queue cannot shrink before all frames
  // are queued.
  constexpr uint64_t kFrames = 60;
  auto payload = [](uint64_t id) {
    return Pattern(id == 0 ? kCapacity : id * 397 % 9000, id);
  };
  for (uint64_t id = 0; id < kFrames; ++id) {
    ASSERT_EQ(
        Send(id, payload(id), id % 7 == 3 ? NullFile() : event::UniqueFd()),
        IoResult::kOk);
  }
  for (uint64_t id = 0; id < kFrames; ++id) {
    ExpectNext(id, payload(id), id % 7 == 3);
  }
  EXPECT_EQ(sender_->queued_bytes(), 0u);
}

// Large frames are queued before the connection knows that the send buffer is
// small. Expected: they are sent in parts that fit.
TEST_F(SmallBufferTest, QueuedLargeFramesAreSentInSmallParts) {
  uint64_t small = 0;
  while (sender_->queued_bytes() == 0) {
    ASSERT_EQ(Send(small, Pattern(100, small)), IoResult::kOk);
    ++small;
  }
  ASSERT_EQ(Send(small, Pattern(kCapacity, 1), NullFile()), IoResult::kOk);
  ASSERT_EQ(Send(small + 1, Pattern(3 * kMaxPacketBytes, 2)), IoResult::kOk);
  ASSERT_EQ(Send(small + 2, "end", NullFile()), IoResult::kOk);
  for (uint64_t id = 0; id < small; ++id) ExpectNext(id, Pattern(100, id));
  ExpectNext(small, Pattern(kCapacity, 1), true);
  ExpectNext(small + 1, Pattern(3 * kMaxPacketBytes, 2));
  ExpectNext(small + 2, "end", true);
  EXPECT_EQ(sender_->queued_bytes(), 0u);
}

// Frames that a turn gathers form packets of 64 KiB. Expected: these packets
// are divided.
TEST_F(SmallBufferTest, GatheredFramesAreCutAgain) {
  event::Loop* const loop = event::Thread::Current()->loop();
  ASSERT_TRUE(sender_->Attach(loop, this).ok());
  constexpr uint64_t kFrames = 200;
  struct Gather final : event::Task {
    std::function<void()> run;
    void Run() override { run(); }
  } gather;
  gather.run = [this] {
    for (uint64_t id = 0; id < kFrames; ++id) {
      ASSERT_EQ(Send(id, Pattern(id * 5, id),
                     id % 50 == 20 ? NullFile() : event::UniqueFd()),
                IoResult::kOk);
    }
  };
  loop->Post(&gather);
  loop->RunTurn(absl::InfinitePast());
  for (uint64_t id = 0; id < kFrames; ++id) {
    ExpectNext(id, Pattern(id * 5, id), id % 50 == 20);
  }
  sender_->Detach();
}

TEST_F(SmallBufferTest, AFragmentedFrameHasCredentials) {
  ASSERT_TRUE(receiver_->SetReceiveCredentials(true).ok());
  const std::string payload = Pattern(3 * kMaxPacketBytes, 1);
  ASSERT_EQ(Send(1, payload, NullFile(), /*attach_credentials=*/true),
            IoResult::kOk);
  const IncomingFrame frame = Next();
  ASSERT_TRUE(frame.sender.has_value());
  EXPECT_EQ(frame.sender->pid, getpid());
  EXPECT_TRUE(frame.descriptor);
  EXPECT_EQ(frame.payload.size(), payload.size());
}

// The queue keeps a full buffer, and copies the payload of a mostly empty one,
// because no limit counts unused memory.
TEST_F(SmallBufferTest, AQueuedLargeFrameKeepsItsBuffer) {
  uint64_t id = 0;
  for (size_t size : {kCapacity, 2 * kMaxPacketBytes}) {
    const std::string text = Pattern(size, ++id);
    Buffer buffer = pool_->Allocate();
    buffer.Assign(reinterpret_cast<const uint8_t*>(text.data()), size);
    OutgoingFrame frame;
    frame.id = id;
    frame.payload = absl::MakeConstSpan(buffer.data(), size);
    frame.headroom = buffer.headroom();
    frame.movable_payload = &buffer;
    ASSERT_EQ(sender_->Send(frame), IoResult::kOk);
    EXPECT_EQ(static_cast<bool>(buffer), size < kCapacity / 2);
    EXPECT_GT(sender_->queued_bytes(), 0u);
    ExpectNext(id, text);
    EXPECT_EQ(sender_->queued_bytes(), 0u);
  }
  EXPECT_EQ(pool_->buffers_in_use(), 0u);
}

// Stops the clock, and counts the system calls that send.
class SendCounter final : public event::sys::Interceptor {
 public:
  SendCounter() { event::sys::SetInterceptor(this); }
  ~SendCounter() override { event::sys::SetInterceptor(nullptr); }
  int FailCall(const event::sys::Call& call) override {
    if (std::strncmp(call.name, "Send", 4) == 0) ++sends;  // SendMsg too
    return 0;
  }
  bool Clock(struct timespec* now) override {
    *now = time;
    return true;
  }

  int sends = 0;
  struct timespec time = {1000, 0};
};

// A frame with a descriptor follows another frame. Expected: an announcement is
// sent between them only if the first frame did not have `attachment_follows`.
TEST_F(SmallBufferTest, AnExpectedAttachmentNeedsNoAnnouncement) {
  for (const bool said : {false, true}) {
    Buffer buffer = pool_->Allocate();
    buffer.Assign(reinterpret_cast<const uint8_t*>("first"), 5);
    OutgoingFrame first;
    first.payload = absl::MakeConstSpan(buffer.data(), 5);
    first.headroom = buffer.headroom();
    first.attachment_follows = said;
    SendCounter counter;
    ASSERT_EQ(sender_->Send(first), IoResult::kOk);
    ASSERT_EQ(Send(0, "second", NullFile()), IoResult::kOk);
    EXPECT_EQ(counter.sends, said ? 2 : 3);
    ExpectNext(0, "first");
    ExpectNext(0, "second", true);
  }
}

TEST_F(SmallBufferTest, AFullSocketIsNotRetriedAtOnce) {
  SendCounter counter;
  uint64_t id = 0;
  auto send = [&] { ASSERT_EQ(Send(id, Pattern(100, id)), IoResult::kOk); };
  for (; sender_->queued_bytes() == 0; ++id) send();
  const int full = counter.sends;
  for (; id < 200; ++id) send();
  EXPECT_EQ(counter.sends, full);

  counter.time.tv_nsec += 20000;
  send();
  ++id;
  const int still_full = counter.sends;
  EXPECT_GT(still_full, full);
  send();
  ++id;
  EXPECT_EQ(counter.sends, still_full);

  // ExpectNext() calls Flush(), which ignores the pause after a full socket.
  for (uint64_t i = 0; i < id; ++i) ExpectNext(i, Pattern(100, i));
  EXPECT_EQ(sender_->queued_bytes(), 0u);
}

// A full queue refuses a frame only after an attempt to send.
TEST_F(SmallBufferTest, AFullQueueIsFlushedAtOnce) {
  SendCounter counter;
  sender_->SetSendLimits({100000, 20});
  uint64_t id = 0;
  while (sender_->queued_bytes() == 0) {
    ASSERT_EQ(Send(id, Pattern(100, id)), IoResult::kOk);
    ++id;
  }
  for (int i = 1; i < 20; ++i, ++id) {
    ASSERT_EQ(Send(id, Pattern(100, id)), IoResult::kOk);
  }
  EXPECT_EQ(Send(id, "too much"), IoResult::kWouldBlock);
  // Receive without Next(), because Next() flushes the queue.
  IncomingFrame frame;
  uint64_t next = 0;
  while (receiver_->Receive(&frame, pool_.get(), absl::InfinitePast()) ==
         IoResult::kOk) {
    EXPECT_EQ(frame.id, next++);
  }
  ASSERT_EQ(Send(id, "now"), IoResult::kOk);
  for (; next < id; ++next) ExpectNext(next, Pattern(100, next));
  ExpectNext(id, "now");
}

// exit() outside the loop sends queued frames as far as the kernel accepts
// them. The log has the number of dropped frames.
TEST_F(SmallBufferTest, ExitSendsQueuedFrames) {
  ::testing::FLAGS_gtest_death_test_style = "threadsafe";
  auto fill = [this] {
    event::Thread::Current();  // each function of the API does this
    uint64_t id = 0;
    while (sender_->queued_bytes() < 1000) {
      EXPECT_EQ(Send(id, Pattern(100, id)), IoResult::kOk);
      ++id;
    }
    return id;
  };
  EXPECT_EXIT(
      {
        fill();
        exit(7);
      },
      ::testing::ExitedWithCode(7),
      "the process ends, and drops [0-9]* messages .1[0-9]* bytes. of 1");
  EXPECT_EXIT(
      {
        const uint64_t sent = fill();
        IncomingFrame frame;
        uint64_t received = 0;
        auto receive = [&] {
          while (receiver_->Receive(&frame, pool_.get(),
                                    absl::InfinitePast()) == IoResult::kOk) {
            ++received;
          }
        };
        receive();
        EXPECT_LT(received, sent);
        event::Thread::BeforeProcessEnds();
        receive();
        exit(received == sent ? 7 : 8);
      },
      ::testing::ExitedWithCode(7), "^$");
}

// A signal interrupts the wait. While its handler runs, a frame arrives, and
// then the deadline passes. Expected: the frame is received.
TEST_F(SmallBufferTest, AFrameThatArrivesDuringASignalIsReceived) {
  class Signal final : public event::sys::Interceptor {
   public:
    explicit Signal(std::function<void()> handler)
        : handler_(std::move(handler)) {
      event::sys::SetInterceptor(this);
    }
    ~Signal() override { event::sys::SetInterceptor(nullptr); }
    int FailCall(const event::sys::Call& call) override {
      if (std::strcmp(call.name, "Poll") != 0 || came_) return 0;
      came_ = true;
      handler_();
      time_.tv_sec += 10;
      return EINTR;
    }
    bool Clock(struct timespec* now) override {
      *now = time_;
      return true;
    }

   private:
    const std::function<void()> handler_;
    struct timespec time_ = {1000, 0};
    bool came_ = false;
  };
  Signal signal([this] { ASSERT_EQ(Send(7, "in time"), IoResult::kOk); });
  IncomingFrame frame;
  EXPECT_EQ(
      receiver_->Receive(&frame, pool_.get(),
                         event::Process::Current()->Now() + absl::Seconds(1)),
      IoResult::kOk);
  EXPECT_EQ(frame.id, 7u);
}

std::string* g_log;

// At a close, frames that cannot be sent are dropped. The log has their number.
TEST_F(SmallBufferTest, ACloseLogsTheNumberOfDroppedFrames) {
  std::string log;
  g_log = &log;
  int held_back = 0;
  while (held_back < 3) {
    ASSERT_EQ(Send(1, Pattern(100, 1)), IoResult::kOk);
    if (sender_->queued_bytes() > 0) ++held_back;
  }
  const event::LogSink sink =
      event::SetLogSink([](event::LogLevel, absl::string_view message) {
        *g_log += std::string(message);
      });
  sender_->Close();
  event::SetLogSink(sink);
  EXPECT_NE(log.find("3 messages"), std::string::npos) << log;
  EXPECT_NE(log.find("dropped"), std::string::npos) << log;
}

// A frame's descriptor has a number that is not open. Expected: the frame
// arrives without a descriptor.
TEST_F(SmallBufferTest, ADescriptorThatCannotBeSent) {
  const event::LogSink sink =
      event::SetLogSink([](event::LogLevel, absl::string_view) {});
  constexpr int kNobody = 987654;
  ASSERT_EQ(Send(1, "x", event::UniqueFd(kNobody)), IoResult::kOk);
  event::SetLogSink(sink);
  const IncomingFrame frame = Next();
  EXPECT_EQ(frame.id, 1u);
  EXPECT_TRUE(frame.descriptor_lost);
  EXPECT_TRUE(frame.lost_by_sender);
  EXPECT_FALSE(frame.descriptor);
  ASSERT_EQ(Send(2, "y"), IoResult::kOk);
  ExpectNext(2, "y");
}

// The kernel refuses a descriptor, with several errors. Expected: the frame,
// sent directly or queued, arrives with descriptor_lost and lost_by_sender.
TEST_F(SmallBufferTest, ADescriptorThatTheKernelRefuses) {
  struct Refusal final : event::sys::Interceptor {
    explicit Refusal(int error) : error(error) {
      event::sys::SetInterceptor(this);
    }
    ~Refusal() override { event::sys::SetInterceptor(nullptr); }
    int FailCall(const event::sys::Call& call) override {
      return std::string(call.name) == "SendMsg" && call.detail == 1 ? error
                                                                     : 0;
    }
    const int error;
  };
  const event::LogSink sink =
      event::SetLogSink([](event::LogLevel, absl::string_view) {});
  for (const int error : {EBADF, EINVAL, EPERM, EACCES, EOPNOTSUPP, ELOOP}) {
    for (const bool queued : {false, true}) {
      const std::string large(queued ? kCapacity : 1, 'x');
      if (queued) {
        ASSERT_EQ(Send(1, large), IoResult::kOk);
      }
      {
        const Refusal refusal(error);
        ASSERT_EQ(Send(2, "y", NullFile()), IoResult::kOk) << error;
        if (queued) {
          EXPECT_GT(sender_->queued_bytes(), 0u);
          ExpectNext(1, large);
        }
        const IncomingFrame frame = Next();
        EXPECT_EQ(frame.id, 2u) << error;
        EXPECT_TRUE(frame.descriptor_lost) << error;
        EXPECT_TRUE(frame.lost_by_sender) << error;
      }
      ASSERT_EQ(Send(3, "z", NullFile()), IoResult::kOk);
      ExpectNext(3, "z", /*with_descriptor=*/true);
    }
  }
  event::SetLogSink(sink);
}

// A signal handler interrupts a send and calls exit(). At exit() the turn's
// gathered frames should be sent, but the interrupted send holds the lock.
// Expected: exit() does not wait for the lock.
TEST_F(SmallBufferTest, ExitWithinASendDoesNotWait) {
  struct Signalled final : event::sys::Interceptor {
    int FailCall(const event::sys::Call& call) override {
      if (std::string(call.name) == "Send" && armed) {
        armed = false;
        exit(7);
      }
      return 0;
    }
    bool armed = false;
  };
  ::testing::FLAGS_gtest_death_test_style = "threadsafe";
  EXPECT_EXIT(
      {
        alarm(20);
        event::Loop* const loop = event::Thread::Current()->loop();
        ASSERT_TRUE(sender_->Attach(loop, this).ok());
        static Signalled signalled;
        event::sys::SetInterceptor(&signalled);
        struct Gather final : event::Task {
          void Run() override { body(); }
          std::function<void()> body;
        } gather;
        gather.body = [this] {
          Send(1, "leaves at once");
          Send(2, "is gathered");
          signalled.armed = true;
          sender_->Flush();
        };
        loop->Post(&gather);
        loop->RunTurn(absl::InfinitePast());
      },
      ::testing::ExitedWithCode(7), "");
}

// A signal handler interrupts a log line and calls exit(). Expected: exit()
// still sends the queue, but does not log a failure, because the interrupted
// code holds the log's lock.
TEST_F(SmallBufferTest, ExitWithinALogLineDoesNotWait) {
  struct Signalled final : event::sys::Interceptor {
    int FailCall(const event::sys::Call&) override { return 0; }
    bool Clock(struct timespec*) override {
      if (armed) {
        armed = false;
        exit(7);
      }
      return false;
    }
    bool armed = false;
  };
  ::testing::FLAGS_gtest_death_test_style = "threadsafe";
  EXPECT_EXIT(
      {
        alarm(20);
        event::Thread::Current();
        while (sender_->queued_bytes() == 0) {
          ASSERT_EQ(Send(1, Pattern(100, 1)), IoResult::kOk);
        }
        constexpr int kNobody = 987654;
        ASSERT_EQ(Send(2, "x", event::UniqueFd(kNobody)), IoResult::kOk);
        IncomingFrame frame;
        while (receiver_->Receive(&frame, pool_.get(), absl::InfinitePast()) ==
               IoResult::kOk) {
        }
        auto* const signalled = new Signalled;  // exit() still calls it
        event::sys::SetInterceptor(signalled);
        signalled->armed = true;
        event::LogForPeer(event::LogLevel::kError, 1, "a line");
      },
      ::testing::ExitedWithCode(7), "^$");
}

// Makes the system calls that send fail with `error`, and sets the clock.
class Refuser final : public event::sys::Interceptor {
 public:
  Refuser() { event::sys::SetInterceptor(this); }
  ~Refuser() override { event::sys::SetInterceptor(nullptr); }
  int FailCall(const event::sys::Call& call) override {
    return std::strncmp(call.name, "Send", 4) == 0 ? error : 0;
  }
  bool Clock(struct timespec* now) override {
    *now = time;
    return true;
  }

  int error = 0;
  struct timespec time = {1000, 0};
};

// First the kernel lacks memory. It does not report when it has memory again,
// so the loop retries after a pause. Then the socket is full. Expected: the
// loop watches the socket again.
TEST_F(SmallBufferTest, AfterALackOfMemoryAFullSocketIsWatchedAgain) {
  event::Loop* const loop = event::Thread::Current()->loop();
  Refuser kernel;
  auto run = [loop] {
    while (loop->RunTurn(absl::InfinitePast())) {
    }
  };
  ASSERT_TRUE(sender_->Attach(loop, this).ok());
  kernel.error = ENOBUFS;
  uint64_t id = 0;
  for (; id < 100; ++id) {
    ASSERT_EQ(Send(id, Pattern(1000, id)), IoResult::kOk);
  }
  run();
  kernel.error = 0;
  const size_t all = sender_->queued_bytes();
  run();
  EXPECT_EQ(sender_->queued_bytes(), all);
  kernel.time.tv_sec += 1;
  run();
  EXPECT_LT(sender_->queued_bytes(), all);
  EXPECT_GT(sender_->queued_bytes(), 0u);  // the socket is full now
  IncomingFrame frame;
  for (uint64_t next = 0; next < id; ++next) {
    ASSERT_EQ(receiver_->Receive(&frame, pool_.get(), absl::InfinitePast()),
              IoResult::kOk);
    EXPECT_EQ(frame.id, next);
    run();
  }
  sender_->Detach();
}

// In a turn frames are gathered, then the connection breaks. Expected: a Send()
// that flushes the full queue finds this out and returns kClosed.
TEST_F(SmallBufferTest, ASendThatFindsTheConnectionBrokenFails) {
  event::Loop* const loop = event::Thread::Current()->loop();
  ASSERT_TRUE(sender_->Attach(loop, this).ok());
  sender_->SetSendLimits({kCapacity, SIZE_MAX});
  Refuser kernel;
  struct Sending final : event::Task {
    void Run() override { run(); }
    std::function<void()> run;
  } task;
  task.run = [&] {
    ASSERT_EQ(Send(1, "leaves at once"), IoResult::kOk);
    ASSERT_EQ(Send(2, Pattern(kCapacity, 2)), IoResult::kOk);
    kernel.time.tv_sec += 1;
    kernel.error = EPIPE;
    event::UniqueFd descriptor = NullFile();
    const std::string payload = Pattern(kCapacity, 3);
    OutgoingFrame frame;
    frame.payload = absl::MakeConstSpan(
        reinterpret_cast<const uint8_t*>(payload.data()), payload.size());
    frame.descriptor = &descriptor;
    EXPECT_EQ(sender_->Send(frame), IoResult::kClosed);
    EXPECT_TRUE(descriptor);  // the caller still owns it
    EXPECT_EQ(sender_->queued_bytes(), 0u);
  };
  loop->Post(&task);
  loop->RunTurn(absl::InfinitePast());
  sender_->Detach();
}

// A blind receive is one without poll(). Signals may interrupt it before its
// timeout, again and again. Expected: the first signal makes the call use
// poll().
TEST_F(SmallBufferTest, SignalsDoNotKeepAReceiveBlind) {
  struct Signals final : event::sys::Interceptor {
    Signals() { event::sys::SetInterceptor(this); }
    ~Signals() override { event::sys::SetInterceptor(nullptr); }
    int FailCall(const event::sys::Call& call) override {
      const bool is_blind = std::strncmp(call.name, "Recv", 4) == 0 &&
                            (call.detail & MSG_DONTWAIT) == 0;
      return is_blind && ++interrupted <= 100 ? EINTR : 0;
    }
    int interrupted = 0;
  } signals;
  ASSERT_EQ(Send(1, "text"), IoResult::kOk);
  IncomingFrame frame;
  EXPECT_EQ(receiver_->Receive(&frame, pool_.get(), absl::InfiniteFuture()),
            IoResult::kOk);
  EXPECT_EQ(signals.interrupted, 1);
}

}  // namespace
}  // namespace transports
}  // namespace le
