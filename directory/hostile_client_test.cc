// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// A directory over real sockets: clients and servers that break the rules or
// are slow, and a lack of memory.

#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>
#include <new>
#include <string>
#include <vector>

#include "directory/control_frame.h"
#include "directory/server.h"
#include "directory/testing/numbered_users.h"
#include "directory/testing/small_world.h"
#include "event/base/log.h"
#include "event/base/sys.h"
#include "event/base/unique_fd.h"
#include "gtest/gtest.h"
#include "transports/framing/framing.h"
#include "transports/unix_socket/unix_socket.h"

namespace le {
namespace directory {
namespace {

using transports::FrameHeader;
using transports::IoResult;

std::string Packet(uint8_t type, uint16_t flags, size_t length,
                   const std::string& bytes) {
  FrameHeader header;
  header.type = type;
  header.flags = flags;
  header.length = static_cast<uint32_t>(length);
  return std::string(reinterpret_cast<const char*>(&header), sizeof(header)) +
         bytes;
}

// A socket that sends any bytes.
class RawClient {
 public:
  explicit RawClient(const std::string& address)
      : socket_(socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0)) {
    struct sockaddr_un to = {};
    to.sun_family = AF_UNIX;
    std::memcpy(to.sun_path, address.data(), address.size());
    EXPECT_EQ(connect(socket_.get(), reinterpret_cast<struct sockaddr*>(&to),
                      sizeof(to)),
              0);
  }
  void Send(const std::string& packet) {
    EXPECT_EQ(send(socket_.get(), packet.data(), packet.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(packet.size()));
  }
  void SendAdvertise() {
    proto::ToDirectory message = AdvertiseMessage(Interface("clock"));
    message.set_version(kControlVersion);
    const std::string text = message.SerializeAsString();
    Send(Packet(kControlFrame, 0, text.size(), text));
  }
  // Sends a request for a session. `more`: further frames of the same packet.
  void SendOpen(uint16_t flags = 0, const std::string& more = "") {
    proto::ToDirectory message = OpenMessage(Interface("clock"), true);
    message.set_version(kControlVersion);
    const std::string text = message.SerializeAsString();
    Send(Packet(kControlFrame, flags, text.size(), text) + more);
  }
  void ShutDown() { EXPECT_EQ(shutdown(socket_.get(), SHUT_WR), 0); }
  // Receives a packet with one frame, and returns:
  //   "nothing"   no packet has arrived
  //   "closed"    the connection is closed
  //   "a frame"   the frame is not a control message
  //   ""          the frame is a control message, but not a refusal
  //   otherwise   the text of the refusal
  std::string Hear() {
    char bytes[4096];
    const ssize_t size =
        recv(socket_.get(), bytes, sizeof(bytes), MSG_DONTWAIT);
    if (size == 0) return "closed";
    if (size < static_cast<ssize_t>(transports::kFrameHeaderBytes)) {
      return "nothing";
    }
    proto::FromDirectory message;
    if (static_cast<uint8_t>(bytes[1]) != kControlFrame) return "a frame";
    EXPECT_TRUE(message.ParseFromArray(
        bytes + transports::kFrameHeaderBytes,
        static_cast<int>(size) -
            static_cast<int>(transports::kFrameHeaderBytes)));
    return message.refusal().text();
  }

 private:
  const event::UniqueFd socket_;
};

// The first `after` introductions are sent. The send of each later one fails.
class BreaksIntroductions final : public event::sys::Interceptor {
 public:
  explicit BreaksIntroductions(size_t after) : left_(after) {
    event::sys::SetInterceptor(this);
  }
  ~BreaksIntroductions() override { event::sys::SetInterceptor(nullptr); }
  int FailCall(const event::sys::Call& call) override {
    if (call.name != std::string("SendMsg") || call.detail == 0) return 0;
    if (left_ == 0) return EPIPE;
    --left_;
    return 0;
  }
  bool Clock(struct timespec* now) override {
    clock_gettime(CLOCK_MONOTONIC, now);
    now->tv_sec += passed_;
    return true;
  }
  void LetSecondsPass(time_t seconds) { passed_ += seconds; }

 private:
  size_t left_;
  time_t passed_ = 0;
};

class HostileClientTest : public ::testing::Test {
 protected:
  HostileClientTest() {
    EXPECT_TRUE(directory_->Load("<*>.* -> <self>.*", "bindings").ok());
    EXPECT_TRUE(directory_->Listen(&transport_, address_).ok());
  }
  ~HostileClientTest() override {
    event::SetLogSink(former_sink_);
    directory_.reset();  // this deletes the socket
    EXPECT_EQ(rmdir(folder_), 0);
  }

  // Runs the loop until no handler is due.
  void Settle() {
    while (loop_->RunTurn(absl::InfinitePast())) {
    }
  }

  void Advertise() {
    auto connected = transport_.Connect(address_);
    ASSERT_TRUE(connected.ok()) << connected.status();
    service_ = *std::move(connected);
    // Settle() makes the directory's loop watch the connection. From then on,
    // the second and later frames of a turn are gathered (Connection::Send()).
    Settle();
    SendControl(service_.get(), AdvertiseMessage(Interface("clock")));
    Settle();
    transports::IncomingFrame frame;
    ASSERT_EQ(NextOf(service_.get(), &frame), IoResult::kOk);
    proto::FromDirectory message;
    ASSERT_TRUE(ParseControl(frame, &message));
    EXPECT_EQ(message.advertise_state().state(), proto::OFFERED);
  }

  IoResult NextOf(transports::Connection* connection,
                  transports::IncomingFrame* frame) {
    return connection->Receive(frame, pool_.get(), absl::InfinitePast());
  }

  char folder_[32] = "/tmp/le_hostile_XXXXXX";
  const std::string address_ = [this] {
    return std::string(mkdtemp(folder_)) + "/d";
  }();
  event::Loop* const loop_ = event::Thread::Current()->loop();
  NumberedUsers users_;
  transports::UnixTransport transport_{event::Process::Current()};
  std::unique_ptr<DirectoryServer> directory_ =
      std::make_unique<DirectoryServer>(event::Process::Current(), loop_,
                                        &users_, DirectoryServer::Options());
  std::unique_ptr<transports::Connection> service_;
  const transports::BufferPool::Ptr pool_ =
      transports::BufferPool::Create(kMaxControlBytes);
  const event::LogSink former_sink_ =
      event::SetLogSink([](event::LogLevel, absl::string_view) {});
};

// Once `fails` is set, the next call that receives finds no memory.
class NoMemoryToReceive final : public event::sys::Interceptor {
 public:
  NoMemoryToReceive() { event::sys::SetInterceptor(this); }
  ~NoMemoryToReceive() override { event::sys::SetInterceptor(nullptr); }
  int FailCall(const event::sys::Call& call) override {
    const std::string name = call.name;
    if (!fails || (name != "Recv" && name != "RecvMsg")) return 0;
    fails = false;
    throw std::bad_alloc();
  }
  bool fails = false;
};

TEST_F(HostileClientTest, WithoutMemoryForARequestItsConnectionIsClosed) {
  Advertise();
  RawClient client(address_);
  NoMemoryToReceive memory;
  memory.fails = true;
  client.SendOpen();
  while (memory.fails || client.Hear() != "closed") Settle();
  EXPECT_EQ(directory_->accounts().connections.used(), 1u);
  EXPECT_EQ(directory_->Discrepancy(), "");
  RawClient next(address_);
  next.SendOpen();
  Settle();
  EXPECT_EQ(directory_->accounts().introductions.used(), 1u);
}

// A server shuts its socket down for sending before it has received its
// introductions, so the directory removes it. The kernel still holds the
// introductions, and counts them against the limit of the directory's user.
// Expected: the directory charges them to the server's user for as long as the
// kernel holds them.
TEST_F(HostileClientTest, UnreceivedIntroductionsStayCharged) {
  RawClient server(address_);
  server.SendAdvertise();
  Settle();
  RawClient first(address_), second(address_);
  first.SendOpen();
  second.SendOpen();
  Settle();
  const Accounts& accounts = directory_->accounts();
  EXPECT_EQ(accounts.introductions.used(), 2u);
  EXPECT_EQ(accounts.connections.used(), 1u);
  server.ShutDown();
  Settle();
  EXPECT_TRUE(directory_->registry().servers().empty());
  EXPECT_EQ(accounts.services.used(), 0u);
  EXPECT_EQ(accounts.introductions.used(), 0u);
  EXPECT_EQ(accounts.leftovers.used(), 2u);
  EXPECT_EQ(accounts.connections.used(), 1u);
  EXPECT_EQ(directory_->Discrepancy(), "");
  while (server.Hear() != "nothing") {
  }
  while (accounts.leftovers.used() > 0) {
    loop_->RunTurn(absl::InfiniteFuture());
  }
  EXPECT_EQ(directory_->accounts().connections.used(), 0u);
}

// A server receives some introductions, and then its connection breaks.
// Expected: the introductions that it has not received stay charged.
TEST_F(HostileClientTest, AServerThatBreaksWhenItMakesRoomLingers) {
  RawClient server(address_);
  server.SendAdvertise();
  Settle();
  const uint32_t most = Limits().introductions;
  std::vector<std::unique_ptr<RawClient>> clients;
  for (uint32_t i = 0; i <= most; ++i) {
    clients.push_back(std::make_unique<RawClient>(address_));
    clients.back()->SendOpen();
    Settle();
  }
  EXPECT_EQ(directory_->registry().waiting().size(), 1u);
  const BreaksIntroductions broken(0);
  for (uint32_t i = 0; i < most - 4; ++i) server.Hear();
  while (!directory_->registry().servers().empty()) {
    loop_->RunTurn(absl::InfiniteFuture());
  }
  EXPECT_EQ(clients.back()->Hear(), "");
  EXPECT_EQ(clients.back()->Hear(), "closed");
  EXPECT_GT(directory_->accounts().leftovers.used(), 0u);
  EXPECT_EQ(directory_->accounts().connections.used(), 1u);
  EXPECT_EQ(directory_->Discrepancy(), "");
}

TEST_F(HostileClientTest, RemovesAServerThatBreaksDuringItsAdvertise) {
  RawClient first(address_), second(address_);
  first.SendOpen();
  second.SendOpen();
  Settle();
  RawClient server(address_);
  server.SendAdvertise();
  BreaksIntroductions broken(1);
  Settle();
  EXPECT_TRUE(directory_->registry().servers().empty());
  EXPECT_EQ(directory_->accounts().leftovers.used(), 1u);
  broken.LetSecondsPass(2);
  Settle();
  EXPECT_EQ(directory_->accounts().leftovers.used(), 1u);
  EXPECT_EQ(directory_->accounts().connections.used(), 1u);
  EXPECT_EQ(directory_->Discrepancy(), "");
}

// A part of a frame would occupy a buffer of the directory until the rest
// arrives.
TEST_F(HostileClientTest, AServerThatBeginsAFrameIsRefused) {
  RawClient server(address_);
  server.SendAdvertise();
  Settle();
  EXPECT_EQ(directory_->accounts().services.used(), 1u);
  while (server.Hear() != "nothing") {
  }
  server.Send(Packet(1, FrameHeader::kFragmented, 1000, std::string(10, 'x')));
  Settle();
  EXPECT_EQ(directory_->accounts().services.used(), 0u);
  EXPECT_EQ(directory_->accounts().connections.used(), 0u);
}

TEST_F(HostileClientTest, AServerThatReadsAgainGetsTheRestOfItsClients) {
  Advertise();
  constexpr size_t kClients = 100;
  std::vector<std::unique_ptr<RawClient>> clients;
  for (size_t i = 0; i < kClients; ++i) {
    clients.push_back(std::make_unique<RawClient>(address_));
    clients.back()->SendOpen();
    Settle();
  }
  const uint32_t most = Limits().introductions;
  EXPECT_EQ(directory_->accounts().introductions.used(), most);
  EXPECT_EQ(directory_->registry().waiting().size(), kClients - most);
  for (size_t received = 0; received < kClients; ++received) {
    transports::IncomingFrame frame;
    while (NextOf(service_.get(), &frame) != IoResult::kOk) {
      loop_->RunTurn(absl::InfiniteFuture());
    }
    ASSERT_EQ(frame.type, kIntroductionFrame);
    EXPECT_LE(directory_->accounts().introductions.used(), most);
  }
  EXPECT_TRUE(directory_->registry().waiting().empty());
  EXPECT_EQ(directory_->Discrepancy(), "");
}

TEST_F(HostileClientTest, AClientThatBeginsAFrameAfterItsOpenIsRefused) {
  RawClient client(address_);
  client.SendOpen();
  Settle();
  EXPECT_EQ(directory_->registry().waiting().size(), 1u);
  client.Send(Packet(1, FrameHeader::kFragmented, 1000, "ten bytes."));
  Settle();
  Advertise();
  EXPECT_EQ(client.Hear(), "the peer has sent more than its role allows");
  EXPECT_EQ(client.Hear(), "closed");
  EXPECT_TRUE(directory_->registry().waiting().empty());
  transports::IncomingFrame none;
  EXPECT_EQ(NextOf(service_.get(), &none), IoResult::kWouldBlock);
}

// An announcement packet is not a frame. It announces a large frame.
TEST_F(HostileClientTest, AClientThatAnnouncesAPacketAfterItsOpenIsRefused) {
  RawClient client(address_);
  client.SendOpen();
  Settle();
  client.Send(Packet(0, FrameHeader::kAnnouncement, 0, ""));
  Settle();
  Advertise();
  EXPECT_EQ(client.Hear(), "the peer has sent more than its role allows");
  EXPECT_EQ(client.Hear(), "closed");
}

TEST_F(HostileClientTest, AClientWithAFrameBehindItsOpenIsRefused) {
  Advertise();
  RawClient client(address_);
  client.SendOpen(FrameHeader::kMore, Packet(1, 0, 1, "x"));
  Settle();
  EXPECT_EQ(client.Hear(), "the peer has sent more than its role allows");
  EXPECT_EQ(client.Hear(), "closed");
}

// A client sends a part of a frame behind its request, before the directory
// receives the request. Expected: the server receives this frame in the
// session.
TEST_F(HostileClientTest,
       AFrameThatTheDirectoryHasNotReceivedGoesToTheService) {
  Advertise();
  RawClient client(address_);
  client.SendOpen();
  client.Send(Packet(1, FrameHeader::kFragmented, 4, "ab"));
  Settle();
  transports::IncomingFrame introduction;
  ASSERT_EQ(NextOf(service_.get(), &introduction), IoResult::kOk);
  ASSERT_NE(introduction.connection, nullptr);
  client.Send(Packet(1, FrameHeader::kContinuation, 2, "cd"));
  transports::IncomingFrame frame;
  ASSERT_EQ(NextOf(introduction.connection.get(), &frame), IoResult::kOk);
  EXPECT_EQ(std::string(reinterpret_cast<char*>(frame.payload.data()), 4),
            "abcd");
  EXPECT_EQ(client.Hear(), "")
      << "the client has been introduced, and not refused";
  EXPECT_EQ(client.Hear(), "nothing");
}

}  // namespace
}  // namespace directory
}  // namespace le
