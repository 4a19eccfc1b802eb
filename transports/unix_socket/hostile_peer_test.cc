// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// Tests with a far end that breaks the rules, or nearly does. Most broken rules
// close the connection with a reason. Then no received descriptor stays open.

#include <dirent.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstring>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "event/base/log.h"
#include "event/base/sys.h"
#include "event/process.h"
#include "gtest/gtest.h"
#include "transports/framing/framing.h"
#include "transports/unix_socket/ancillary.h"
#include "transports/unix_socket/unix_connection.h"

namespace le {
namespace transports {
namespace {

int OpenDescriptors() {
  DIR* const folder = opendir("/proc/self/fd");
  int count = 0;
  while (readdir(folder) != nullptr) ++count;
  closedir(folder);
  return count;
}

std::string Header(uint16_t flags, uint32_t length, uint64_t id = 0) {
  FrameHeader header;
  header.flags = flags;
  header.length = length;
  header.id = id;
  return std::string(reinterpret_cast<const char*>(&header), sizeof(header));
}

class HostilePeerTest : public ::testing::Test {
 protected:
  HostilePeerTest() {
    int fds[2];
    EXPECT_EQ(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds), 0);
    connection_ = std::make_unique<UnixConnection>(
        event::UniqueFd(fds[0]), event::Process::Current(),
        /*socket_is_nonblocking=*/false);
    raw_.reset(fds[1]);
    // The tests also send packets over the limit.
    const int large = 1 << 20;
    setsockopt(fds[1], SOL_SOCKET, SO_SNDBUF, &large, sizeof(large));
    before_ = OpenDescriptors();
  }

  void SendRaw(const std::string& bytes, const std::vector<int>& fds = {}) {
    struct iovec part = {const_cast<char*>(bytes.data()), bytes.size()};
    struct msghdr message = {};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    std::vector<char> control(CMSG_SPACE(fds.size() * sizeof(int)));
    if (!fds.empty()) {
      message.msg_control = control.data();
      message.msg_controllen = control.size();
      struct cmsghdr* const c = CMSG_FIRSTHDR(&message);
      c->cmsg_level = SOL_SOCKET;
      c->cmsg_type = SCM_RIGHTS;
      c->cmsg_len = CMSG_LEN(fds.size() * sizeof(int));
      std::memcpy(CMSG_DATA(c), fds.data(), fds.size() * sizeof(int));
    }
    ASSERT_EQ(sendmsg(raw_.get(), &message, MSG_NOSIGNAL),
              static_cast<ssize_t>(bytes.size()))
        << std::strerror(errno);
  }

  IoResult Receive(IncomingFrame* frame) {
    return connection_->Receive(frame, pool_.get(), absl::InfinitePast());
  }

  void ExpectClosedFor(
      const std::string& reason,
      absl::StatusCode code = absl::StatusCode::kInvalidArgument) {
    IncomingFrame frame;
    EXPECT_EQ(Receive(&frame), IoResult::kClosed);
    EXPECT_EQ(connection_->close_status().code(), code);
    EXPECT_NE(std::string(connection_->close_status().message()).find(reason),
              std::string::npos)
        << connection_->close_status();
    EXPECT_EQ(connection_->Send(OutgoingFrame()), IoResult::kClosed);
    EXPECT_EQ(OpenDescriptors(), before_ - 1)
        << "only the connection's socket should have been closed";
  }

  static constexpr size_t kCapacity = size_t{1} << 20;
  BufferPool::Ptr pool_ = BufferPool::Create(kCapacity);
  std::unique_ptr<UnixConnection> connection_;
  event::UniqueFd raw_;
  const event::UniqueFd null_file_{open("/dev/null", O_RDONLY | O_CLOEXEC)};
  const int null_ = null_file_.get();
  int before_;  // number of open descriptors at the start
};

TEST_F(HostilePeerTest, OneByte) {
  SendRaw("x");
  ExpectClosedFor("ends within a header");
}

TEST_F(HostilePeerTest, Garbage) {
  SendRaw(std::string(3000, 'g'));
  ExpectClosedFor("version 103", absl::StatusCode::kUnimplemented);
}

// A far end of another version gets a version refusal.
TEST_F(HostilePeerTest, AnotherVersion) {
  std::string packet = Header(0, 1) + "x";
  packet[0] = 2;
  SendRaw(packet);
  ExpectClosedFor("version 2", absl::StatusCode::kUnimplemented);
  char answer[1024];
  const ssize_t size = recv(raw_.get(), answer, sizeof(answer), 0);
  ASSERT_EQ(answer[0], 1);
  EXPECT_EQ(std::string(answer, static_cast<size_t>(size)),
            VersionRefusal(connection_->close_status().message()));
  EXPECT_TRUE(connection_->peer().ok()) << "peer() is needed for the log";
}

TEST_F(HostilePeerTest, ARefusalOfOurVersion) {
  SendRaw(VersionRefusal("update it\n"));
  ExpectClosedFor("the peer refuses: update it\\n",
                  absl::StatusCode::kUnimplemented);
  char answer;
  EXPECT_EQ(recv(raw_.get(), &answer, 1, 0), 0) << "it is not answered";
}

TEST_F(HostilePeerTest, ARefusalWithinAFrame) {
  SendRaw(Header(FrameHeader::kFragmented, 100) + "part");
  SendRaw(VersionRefusal("update it"));
  ExpectClosedFor("the peer refuses", absl::StatusCode::kUnimplemented);
}

TEST_F(HostilePeerTest, FlagsThatMayBeIgnored) {
  SendRaw(Header(0x1000 | FrameHeader::kMore, 1) + "a" + Header(0x4000, 1) +
          "b");
  SendRaw(Header(0x7000, 1) + "c");
  for (const char* text : {"a", "b", "c"}) {
    IncomingFrame frame;
    ASSERT_EQ(Receive(&frame), IoResult::kOk);
    EXPECT_EQ(frame.payload.data()[0], *text);
  }
}

TEST_F(HostilePeerTest, AHeaderThatPromisesMore) {
  SendRaw(Header(0, 10) + "short");
  ExpectClosedFor("but 5 bytes follow");
}

TEST_F(HostilePeerTest, AHeaderThatPromisesLess) {
  SendRaw(Header(0, 1) + "long");
  ExpectClosedFor("but 4 bytes follow");
}

TEST_F(HostilePeerTest, AHugeLength) {
  SendRaw(Header(FrameHeader::kFragmented, UINT32_MAX) + "part");
  ExpectClosedFor("more than the 1048576");
}

// A packet may have at most kMaxPacketBytes, even if the receiver's buffer is
// larger. Only a continuation may be larger.
TEST_F(HostilePeerTest, APacketAtTheLimit) {
  const size_t body = kMaxPacketBytes - 2 * kFrameHeaderBytes;
  SendRaw(Header(FrameHeader::kMore, 0) +
          Header(0, static_cast<uint32_t>(body)) + std::string(body, 'x'));
  IncomingFrame frame;
  EXPECT_EQ(Receive(&frame), IoResult::kOk);
  EXPECT_TRUE(connection_->HasBuffered());
  EXPECT_EQ(Receive(&frame), IoResult::kOk);
  EXPECT_EQ(frame.payload.size(), body);
}

TEST_F(HostilePeerTest, APacketOverTheLimit) {
  const size_t body = kMaxPacketBytes - 2 * kFrameHeaderBytes + 1;
  SendRaw(Header(FrameHeader::kMore, 0) +
          Header(0, static_cast<uint32_t>(body)) + std::string(body, 'x'));
  ExpectClosedFor("a packet over the limit");
}

TEST_F(HostilePeerTest, APacketFarOverTheLimit) {
  SendRaw(Header(FrameHeader::kMore, 0) + std::string(300000, '\1'));
  ExpectClosedFor("a packet over the limit");
}

// The next user of a buffer does not see the bytes of a refused packet.
TEST_F(HostilePeerTest, ARefusedPacketLeavesNothingBehind) {
  SendRaw(Header(0, 1) + std::string(100000, 's'));
  ExpectClosedFor("a packet over the limit");
  Buffer next = pool_->Allocate();
  next.ZeroFrom(0);
  EXPECT_EQ(LengthWithoutZeroTail(next.data(), kCapacity), 0u);
}

TEST_F(HostilePeerTest, AnUnfinishedFragmentLeavesNothingBehind) {
  const std::string part(1000, 's');
  SendRaw(Header(FrameHeader::kFragmented, 5000) + part);
  SendRaw(Header(FrameHeader::kContinuation, 1000) + part);
  SendRaw("x");
  ExpectClosedFor("ends within a header");
  Buffer next = pool_->Allocate();
  next.ZeroFrom(0);
  EXPECT_EQ(LengthWithoutZeroTail(next.data(), kCapacity), 0u);
}

TEST_F(HostilePeerTest, AContinuationOfNothing) {
  SendRaw(Header(FrameHeader::kContinuation, 1) + "x");
  ExpectClosedFor("a continuation without a first fragment");
}

TEST_F(HostilePeerTest, SomethingElseWithinAFragmentedFrame) {
  SendRaw(Header(FrameHeader::kFragmented, 100) + "part");
  SendRaw(Header(0, 1) + "x");
  ExpectClosedFor("in the place of a continuation");
}

TEST_F(HostilePeerTest, AContinuationTooLong) {
  SendRaw(Header(FrameHeader::kFragmented, 6) + "part");
  SendRaw(Header(FrameHeader::kContinuation, 3) + "xxx");
  ExpectClosedFor("a packet over the limit");
}

TEST_F(HostilePeerTest, AContinuationLargerThanAPacket) {
  constexpr uint32_t kRest = 2 * kMaxPacketBytes;
  SendRaw(Header(FrameHeader::kFragmented, 4 + kRest) + "part");
  SendRaw(Header(FrameHeader::kContinuation, kRest) + std::string(kRest, 'x'));
  IncomingFrame frame;
  EXPECT_EQ(Receive(&frame), IoResult::kOk);
  EXPECT_EQ(frame.payload.size(), 4 + kRest);
}

TEST_F(HostilePeerTest, ABadSecondFrame) {
  SendRaw(Header(FrameHeader::kMore, 1) + "a" + Header(0x8000, 0));
  IncomingFrame frame;
  EXPECT_EQ(Receive(&frame), IoResult::kOk);
  ExpectClosedFor("unknown flags");
}

TEST_F(HostilePeerTest, ABadFirstFrameOfALaterPacket) {
  SendRaw(Header(FrameHeader::kMore, 1) + "a" + Header(0, 1) + "b");
  IncomingFrame frame;
  EXPECT_EQ(Receive(&frame), IoResult::kOk);
  EXPECT_EQ(Receive(&frame), IoResult::kOk);
  SendRaw(Header(FrameHeader::kMore, 1) + "a");
  ExpectClosedFor("but 1 bytes follow");
}

TEST_F(HostilePeerTest, AnUnannouncedDescriptor) {
  SendRaw(Header(0, 1) + "x", {null_});
  ExpectClosedFor("1 file descriptors where none was announced");
}

TEST_F(HostilePeerTest, ADescriptorInAPacketThatMustBePlain) {
  SendRaw(Header(FrameHeader::kPlainNext, 1) + "x");
  IncomingFrame frame;
  EXPECT_EQ(Receive(&frame), IoResult::kOk);
  SendRaw(Header(FrameHeader::kDescriptor, 1) + "x", {null_});
  ExpectClosedFor("announced without one");
}

// The peer has announced a packet without file descriptors, but sends two with
// it. Expected: recv() receives the packet, and the kernel drops the file
// descriptors.
TEST_F(HostilePeerTest, AnUnannouncedDescriptorIsDropped) {
  SendRaw(Header(FrameHeader::kPlainNext, 1) + "x");
  IncomingFrame frame;
  EXPECT_EQ(Receive(&frame), IoResult::kOk);
  SendRaw(Header(FrameHeader::kPlainNext, 1) + "y", {null_, null_});
  EXPECT_EQ(Receive(&frame), IoResult::kOk);
  EXPECT_FALSE(frame.descriptor);
  EXPECT_EQ(OpenDescriptors(), before_);
}

TEST_F(HostilePeerTest, AnAnnouncementWithAPayload) {
  SendRaw(Header(FrameHeader::kAnnouncement, 1) + "x");
  ExpectClosedFor("an announcement with a payload");
}

// A series of announcements would keep the reader busy. A correct sender never
// sends two in a row.
TEST_F(HostilePeerTest, TwoAnnouncementsInARow) {
  SendRaw(Header(FrameHeader::kAnnouncement, 0));
  SendRaw(Header(FrameHeader::kAnnouncement, 0));
  ExpectClosedFor("two announcements, one after the other");
}

TEST_F(HostilePeerTest, AnAnnouncementBeforeEachPacket) {
  for (int i = 0; i < 3; ++i) {
    SendRaw(Header(FrameHeader::kAnnouncement, 0));
    SendRaw(Header(FrameHeader::kDescriptor, 1) + "x", {null_});
    IncomingFrame frame;
    EXPECT_EQ(Receive(&frame), IoResult::kOk);
    EXPECT_TRUE(frame.descriptor);
  }
}

// A peer sends a payload byte by byte. Expected: one call of Receive() does not
// read all of it.
TEST_F(HostilePeerTest, AByteAtATimeTakesManyTurns) {
  constexpr size_t kParts = 100;
  SendRaw(Header(FrameHeader::kFragmented, kParts) + "x");
  for (size_t i = 1; i < kParts; ++i) {
    SendRaw(Header(FrameHeader::kContinuation, 1) + "x");
  }
  IncomingFrame frame;
  int turns = 1;
  while (Receive(&frame) == IoResult::kWouldBlock) ++turns;
  EXPECT_EQ(frame.payload.size(), kParts);
  EXPECT_GT(turns, 2);
}

TEST_F(HostilePeerTest, AnAnnouncementWithADescriptor) {
  SendRaw(Header(FrameHeader::kAnnouncement, 0), {null_});
  ExpectClosedFor("1 file descriptors where none was announced");
}

TEST_F(HostilePeerTest, APacketOverTheLimitWithASmallPool) {
  BufferPool::Ptr small = BufferPool::Create(64);
  SendRaw(Header(FrameHeader::kPlainNext, 1) + "x");
  IncomingFrame frame;
  EXPECT_EQ(connection_->Receive(&frame, small.get(), absl::InfinitePast()),
            IoResult::kOk);
  SendRaw(Header(0, kMaxPacketBytes) + std::string(kMaxPacketBytes, 'x'));
  EXPECT_EQ(connection_->Receive(&frame, small.get(), absl::InfinitePast()),
            IoResult::kClosed);
  EXPECT_EQ(connection_->close_status().message(), "a packet over the limit");
}

TEST_F(HostilePeerTest, TwoDescriptors) {
  SendRaw(Header(FrameHeader::kDescriptor, 1) + "x", {null_, null_});
  ExpectClosedFor("2 file descriptors where one was announced");
}

TEST_F(HostilePeerTest, AsManyDescriptorsAsTheKernelSends) {
  SendRaw(Header(FrameHeader::kDescriptor, 1) + "x",
          std::vector<int>(kMaxDescriptorsPerPacket, null_));
  ExpectClosedFor("253 file descriptors where one was announced");
}

TEST_F(HostilePeerTest, GarbageWithDescriptors) {
  SendRaw("x", std::vector<int>(kMaxDescriptorsPerPacket, null_));
  ExpectClosedFor("ends within a header");
}

TEST_F(HostilePeerTest, ADescriptorWithAContinuation) {
  SendRaw(Header(FrameHeader::kFragmented, 5) + "part");
  SendRaw(Header(FrameHeader::kContinuation, 1) + "x", {null_});
  ExpectClosedFor("a file descriptor with a continuation");
}

// A connection is not passed on while it holds the rest of a packet or a part
// of a frame. Otherwise its new owner would miss frames, or would begin to read
// in the middle of a frame.
TEST_F(HostilePeerTest, AConnectionInTheMiddleOfAPacketIsNotPassedOn) {
  int fds[2];
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds), 0);
  const event::UniqueFd far_end(fds[1]);
  UnixConnection carrying(event::UniqueFd(fds[0]), event::Process::Current(),
                          /*socket_is_nonblocking=*/false);
  std::unique_ptr<Connection> passed = std::move(connection_);
  OutgoingFrame passing;
  passing.connection = &passed;
  IncomingFrame frame;

  SendRaw(Header(FrameHeader::kMore, 0) + Header(0, 0));
  EXPECT_EQ(passed->Receive(&frame, pool_.get(), absl::InfinitePast()),
            IoResult::kOk);
  EXPECT_FALSE(passed->HasPartial());
  EXPECT_EQ(carrying.Send(passing), IoResult::kNotIdle);
  EXPECT_EQ(passed->Receive(&frame, pool_.get(), absl::InfinitePast()),
            IoResult::kOk);

  SendRaw(Header(FrameHeader::kFragmented, 3) + "x");
  EXPECT_EQ(passed->Receive(&frame, pool_.get(), absl::InfinitePast()),
            IoResult::kWouldBlock);
  EXPECT_TRUE(passed->HasPartial());
  EXPECT_EQ(carrying.Send(passing), IoResult::kNotIdle);
  SendRaw(Header(FrameHeader::kContinuation, 2) + "yz");
  EXPECT_EQ(passed->Receive(&frame, pool_.get(), absl::InfinitePast()),
            IoResult::kOk);

  SendRaw(Header(FrameHeader::kAnnouncement, 0));
  EXPECT_EQ(passed->Receive(&frame, pool_.get(), absl::InfinitePast()),
            IoResult::kWouldBlock);
  EXPECT_TRUE(passed->HasPartial());
  EXPECT_EQ(carrying.Send(passing), IoResult::kNotIdle);
  SendRaw(Header(0, 0));
  EXPECT_EQ(passed->Receive(&frame, pool_.get(), absl::InfinitePast()),
            IoResult::kOk);
  EXPECT_FALSE(passed->HasPartial());
  EXPECT_EQ(carrying.Send(passing), IoResult::kOk);
}

TEST_F(HostilePeerTest, ADescriptorThatIsNoConnection) {
  SendRaw(Header(FrameHeader::kConnection, 1) + "x", {null_});
  IncomingFrame frame;
  ASSERT_EQ(Receive(&frame), IoResult::kOk);
  ASSERT_NE(frame.connection, nullptr);
  EXPECT_FALSE(frame.connection->peer().ok());
  const event::LogSink sink =
      event::SetLogSink([](event::LogLevel, absl::string_view) {});
  EXPECT_EQ(frame.connection->Send(OutgoingFrame()), IoResult::kClosed);
  event::SetLogSink(sink);
  IncomingFrame none;
  EXPECT_EQ(frame.connection->Receive(&none, pool_.get(), absl::InfinitePast()),
            IoResult::kClosed);
  frame.connection.reset();
  // Another thread may close the descriptor, so wait until it is closed.
  while (OpenDescriptors() != before_) std::this_thread::yield();
}

// A far end can refuse file descriptors (SO_PASSRIGHTS) as often as it wants.
// So the number of log lines is limited.
TEST_F(HostilePeerTest, AFarEndThatRefusesEachDescriptor) {
  class Refusing final : public event::sys::Interceptor {
   public:
    int FailCall(const event::sys::Call& call) override {
      if (std::strcmp(call.name, "SendMsg") != 0) return 0;
      // After EPERM, the connection sends the frame again without the file
      // descriptor. So every second call has one.
      with_descriptor_ = !with_descriptor_;
      return with_descriptor_ ? EPERM : 0;
    }

   private:
    bool with_descriptor_ = false;
  } refusing;
  static int lines;
  lines = 0;
  const event::LogSink sink =
      event::SetLogSink([](event::LogLevel, absl::string_view) { ++lines; });
  event::sys::SetInterceptor(&refusing);
  constexpr int kMessages = 1000;
  char packet[100];
  for (int i = 0; i < kMessages; ++i) {
    event::UniqueFd descriptor(fcntl(null_, F_DUPFD_CLOEXEC, 0));
    OutgoingFrame frame;
    frame.descriptor = &descriptor;
    ASSERT_EQ(connection_->Send(frame), IoResult::kOk);
    ASSERT_GT(recv(raw_.get(), packet, sizeof(packet), MSG_DONTWAIT), 0);
  }
  event::sys::SetInterceptor(nullptr);
  event::SetLogSink(sink);
  EXPECT_LT(lines, kMessages / 2);
}

TEST_F(HostilePeerTest, AnAnnouncedDescriptorThatIsMissing) {
  SendRaw(Header(FrameHeader::kDescriptor, 1) + "x");
  IncomingFrame frame;
  ASSERT_EQ(Receive(&frame), IoResult::kOk);
  EXPECT_TRUE(frame.descriptor_lost);
}

// No file descriptor is free, so the kernel drops the received descriptors.
// Expected: the first frame is delivered without its descriptor. The second
// frame closes the connection, because its descriptor was not announced.
TEST_F(HostilePeerTest, DescriptorsWhenNoneIsLeft) {
  struct rlimit old, none;
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &old), 0);
  none = old;
  none.rlim_cur = 1;
  SendRaw(Header(FrameHeader::kDescriptor, 1) + "x", {null_});
  SendRaw(Header(0, 1) + "x", {null_});
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &none), 0);
  IncomingFrame frame;
  const IoResult first = Receive(&frame);
  const bool lost = frame.descriptor_lost;
  const IoResult second = Receive(&frame);
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &old), 0);
  EXPECT_EQ(first, IoResult::kOk);
  EXPECT_TRUE(lost);
  EXPECT_EQ(second, IoResult::kClosed);
  EXPECT_EQ(OpenDescriptors(), before_ - 1);
}

TEST_F(HostilePeerTest, LeavesAPacketUnreadIfNoDescriptorIsFree) {
  connection_->SetDescriptorPolicy(Connection::DescriptorPolicy::kLeaveUnread);
  struct rlimit old, none;
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &old), 0);
  none = old;
  none.rlim_cur = 1;
  SendRaw(Header(FrameHeader::kDescriptor, 1) + "x", {null_});
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &none), 0);
  IncomingFrame frame;
  const IoResult first = Receive(&frame);
  const IoResult waited = connection_->Receive(
      &frame, pool_.get(),
      event::Process::Current()->Now() + absl::Milliseconds(1));
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &old), 0);
  EXPECT_EQ(first, IoResult::kWouldBlock);
  EXPECT_EQ(waited, IoResult::kWouldBlock);
  ASSERT_EQ(Receive(&frame), IoResult::kOk);
  EXPECT_TRUE(frame.descriptor);
}

TEST_F(HostilePeerTest, LeavesTheSecondPacketUnreadIfNoDescriptorIsFree) {
  connection_->SetDescriptorPolicy(Connection::DescriptorPolicy::kLeaveUnread);
  const std::string packet = Header(FrameHeader::kDescriptor, 1) + "x";
  SendRaw(packet, {null_});
  SendRaw(packet, {null_});
  IncomingFrame frame;
  ASSERT_EQ(Receive(&frame), IoResult::kOk);
  EXPECT_TRUE(frame.descriptor);
  struct rlimit old, none;
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &old), 0);
  none = old;
  none.rlim_cur = 1;
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &none), 0);
  const IoResult starved = Receive(&frame);
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &old), 0);
  EXPECT_EQ(starved, IoResult::kWouldBlock);
  ASSERT_EQ(Receive(&frame), IoResult::kOk);
  EXPECT_TRUE(frame.descriptor);
}

TEST_F(HostilePeerTest, AnEmptyPacketIsTheEnd) {
  SendRaw("");
  IncomingFrame frame;
  EXPECT_EQ(Receive(&frame), IoResult::kClosed);
  EXPECT_EQ(connection_->close_status().code(), absl::StatusCode::kUnavailable);
}

TEST_F(HostilePeerTest, HalfAClose) {
  SendRaw(Header(0, 1) + "x");
  ASSERT_EQ(shutdown(raw_.get(), SHUT_WR), 0);
  IncomingFrame frame;
  EXPECT_EQ(Receive(&frame), IoResult::kOk);
  EXPECT_EQ(Receive(&frame), IoResult::kClosed);
}

// The far end shuts down its read side, so a frame cannot be sent. Expected:
// both ends learn of the close, so that neither waits for an answer.
TEST_F(HostilePeerTest, TheOtherHalfOfAClose) {
  SendRaw(Header(0, 1) + "x");
  ASSERT_EQ(shutdown(raw_.get(), SHUT_RD), 0);
  EXPECT_EQ(connection_->Send(OutgoingFrame()), IoResult::kClosed);
  IncomingFrame frame;
  EXPECT_EQ(Receive(&frame), IoResult::kOk);
  EXPECT_EQ(Receive(&frame), IoResult::kClosed);
  char byte;
  EXPECT_EQ(send(raw_.get(), "x", 1, MSG_NOSIGNAL), -1);
  EXPECT_EQ(recv(raw_.get(), &byte, 1, MSG_DONTWAIT), 0);
}

// Receives on the loop until the end of the stream. Counts calls of shutdown().
class Closing final : public Connection::Observer,
                      public event::sys::Interceptor {
 public:
  explicit Closing(Connection* connection) : connection_(connection) {
    event::Loop* const loop = event::Thread::Current()->loop();
    EXPECT_TRUE(connection_->Attach(loop, this).ok());
    event::sys::SetInterceptor(this);
    while (!closed_) loop->RunTurn(absl::InfiniteFuture());
    event::sys::SetInterceptor(nullptr);
  }
  int shutdowns() const { return shutdowns_; }

 private:
  void OnReadable() override {
    IncomingFrame frame;
    closed_ = connection_->Receive(&frame, nullptr, absl::InfinitePast()) ==
              IoResult::kClosed;
  }
  int FailCall(const event::sys::Call& call) override {
    if (std::strcmp(call.name, "Shutdown") == 0) ++shutdowns_;
    return 0;
  }

  Connection* const connection_;
  bool closed_ = false;
  int shutdowns_ = 0;
};

TEST_F(HostilePeerTest, AfterAHangUpNothingIsShutDown) {
  ASSERT_EQ(shutdown(raw_.get(), SHUT_RDWR), 0);
  EXPECT_EQ(Closing(connection_.get()).shutdowns(), 0);
}

// The far end shuts down its write side. It may still wait for frames, so it
// must learn of the close.
TEST_F(HostilePeerTest, AfterHalfACloseTheOtherHalfIsShutDown) {
  ASSERT_EQ(shutdown(raw_.get(), SHUT_WR), 0);
  EXPECT_EQ(Closing(connection_.get()).shutdowns(), 1);
}

}  // namespace
}  // namespace transports
}  // namespace le
