// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// A real directory introduces a client to a server that breaks the protocol.
// (In a few tests a directory or a client breaks it.) Expected: the session
// does not open or it closes, the client learns why, and no call blocks. All
// parties use real sockets and share one thread, so the test decides the order
// of their steps.

#include <fcntl.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <condition_variable>
#include <cstring>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "directory/control_frame.h"
#include "event/base/log.h"
#include "event/base/sys.h"
#include "event/base/unique_fd.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "le_messaging_ext.h"
#include "legato.h"
#include "messaging/machine/wire.h"
#include "tests/one_thread/world.h"
#include "transports/framing/framing.h"

namespace le {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::HasSubstr;
using transports::FrameHeader;

std::string Frame(uint8_t type, const std::string& payload,
                  uint16_t flags = 0) {
  FrameHeader header;
  header.type = type;
  header.flags = flags;
  header.length = static_cast<uint32_t>(payload.size());
  return std::string(reinterpret_cast<const char*>(&header), sizeof(header)) +
         payload;
}

std::string Hello() {
  const messaging::Hello hello;
  return Frame(
      messaging::kHelloFrame,
      std::string(reinterpret_cast<const char*>(&hello), sizeof(hello)));
}

// Frames that only a directory may send. In most tests a server sends them.
std::string Refusal(directory::proto::RefusalCode code, uint16_t flags = 0) {
  directory::proto::FromDirectory message;
  message.set_version(directory::kControlVersion);
  message.mutable_refusal()->set_code(code);
  message.mutable_refusal()->set_text("a lie");
  return Frame(directory::kControlFrame, message.SerializeAsString(), flags);
}

std::string Waiting(uint16_t flags = 0, const std::string& text = "a lie") {
  directory::proto::FromDirectory message;
  message.mutable_waiting()->set_reason(directory::proto::WAIT_NO_BINDING);
  message.mutable_waiting()->set_text(text);
  return Frame(directory::kControlFrame, message.SerializeAsString(), flags);
}

event::UniqueFd Connect(const std::string& address) {
  event::UniqueFd fd(
      socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  struct sockaddr_un to = {};
  to.sun_family = AF_UNIX;
  std::memcpy(to.sun_path, address.data(), address.size());
  EXPECT_EQ(
      connect(fd.get(), reinterpret_cast<struct sockaddr*>(&to), sizeof(to)),
      0);
  return fd;
}

// Returns a non-blocking socket that listens.
event::UniqueFd Listen(const std::string& address) {
  event::UniqueFd listener(
      socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  struct sockaddr_un at = {};
  at.sun_family = AF_UNIX;
  std::memcpy(at.sun_path, address.data(), address.size());
  EXPECT_EQ(
      bind(listener.get(), reinterpret_cast<struct sockaddr*>(&at), sizeof(at)),
      0);
  EXPECT_EQ(listen(listener.get(), 4), 0);
  return listener;
}

void Send(const event::UniqueFd& fd, const std::string& packet) {
  EXPECT_EQ(
      send(fd.get(), packet.data(), packet.size(), MSG_DONTWAIT | MSG_NOSIGNAL),
      static_cast<ssize_t>(packet.size()));
}

// Sends a frame with a file descriptor. `flag` is kDescriptor, or kConnection
// for the socket of a connection.
void SendWithDescriptor(const event::UniqueFd& fd, uint8_t type,
                        uint16_t flag = FrameHeader::kDescriptor) {
  std::string packet = Frame(type, "", flag);
  if (type == messaging::kHelloFrame) {
    const messaging::Hello hello;
    packet = Frame(
        type, std::string(reinterpret_cast<const char*>(&hello), sizeof(hello)),
        flag);
  }
  struct iovec part = {&packet[0], packet.size()};
  const int sent = eventfd(0, EFD_CLOEXEC);
  alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(sent))] = {};
  struct msghdr message = {};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof(control);
  struct cmsghdr* const c = CMSG_FIRSTHDR(&message);
  c->cmsg_level = SOL_SOCKET;
  c->cmsg_type = SCM_RIGHTS;
  c->cmsg_len = CMSG_LEN(sizeof(sent));
  std::memcpy(CMSG_DATA(c), &sent, sizeof(sent));
  EXPECT_EQ(sendmsg(fd.get(), &message, MSG_DONTWAIT | MSG_NOSIGNAL),
            static_cast<ssize_t>(packet.size()));
  close(sent);
}

// The number that the next opened file descriptor will have.
int LowestFree() {
  const int probe = open("/dev/null", O_RDONLY | O_CLOEXEC);
  close(probe);
  return probe;
}

// Returns "" if no packet has arrived, or the peer has closed.
std::string Receive(const event::UniqueFd& fd) {
  char bytes[65536];
  const ssize_t size = recv(fd.get(), bytes, sizeof(bytes), MSG_DONTWAIT);
  return size <= 0 ? "" : std::string(bytes, static_cast<size_t>(size));
}

// Offers "service", and sends to its clients by plain system calls.
class RawServer {
 public:
  explicit RawServer(const std::string& address) : socket_(Connect(address)) {
    directory::proto::ToDirectory message;
    message.set_version(directory::kControlVersion);
    auto* const service = message.mutable_advertise()->mutable_service();
    service->set_interface_name("service");
    service->set_protocol_id("p");
    service->set_max_message_size(8);
    Send(socket_, Frame(directory::kControlFrame, message.SerializeAsString()));
  }
  // The connection of the next client; empty if no client has been introduced.
  event::UniqueFd Accept() {
    for (;;) {
      char bytes[1024];
      alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int))];
      struct iovec part = {bytes, sizeof(bytes)};
      struct msghdr packet = {};
      packet.msg_iov = &part;
      packet.msg_iovlen = 1;
      packet.msg_control = control;
      packet.msg_controllen = sizeof(control);
      if (recvmsg(socket_.get(), &packet, MSG_DONTWAIT | MSG_CMSG_CLOEXEC) <=
          0) {
        return event::UniqueFd();
      }
      const struct cmsghdr* const c = CMSG_FIRSTHDR(&packet);
      if (c == nullptr || c->cmsg_type != SCM_RIGHTS) continue;
      int fd;
      std::memcpy(&fd, CMSG_DATA(c), sizeof(fd));
      return event::UniqueFd(fd);
    }
  }

 private:
  const event::UniqueFd socket_;
};

// Runs `act` in the middle of a client's opening: the client has sent its
// request, and has not yet enabled SO_PASSCRED.
class BeforeCredentialsAreAskedFor final : public event::sys::Interceptor {
 public:
  explicit BeforeCredentialsAreAskedFor(std::function<void()> act)
      : act_(std::move(act)) {
    event::sys::SetInterceptor(this);
  }
  ~BeforeCredentialsAreAskedFor() override {
    event::sys::SetInterceptor(nullptr);
  }
  int FailCall(const event::sys::Call& call) override {
    if (absl::string_view(call.name) == "SetSockOpt" &&
        call.detail == SO_PASSCRED) {
      if (const std::function<void()> act = std::exchange(act_, nullptr)) {
        act();
      }
    }
    return 0;
  }

 private:
  std::function<void()> act_;
};

// Records which thread closed which file descriptor.
class NotesCloses final : public event::sys::Interceptor {
 public:
  NotesCloses() { event::sys::SetInterceptor(this); }
  ~NotesCloses() override { event::sys::SetInterceptor(nullptr); }
  int FailCall(const event::sys::Call&) override { return 0; }
  void OnClose(int fd) override {
    std::lock_guard<std::mutex> lock(mutex_);
    closed_by_[fd] = std::this_thread::get_id();
    changed_.notify_all();
  }
  // Waits until `fd` has been closed.
  std::thread::id ClosedBy(int fd) {
    std::unique_lock<std::mutex> lock(mutex_);
    changed_.wait(lock, [&] { return closed_by_.count(fd) != 0; });
    return closed_by_[fd];
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<int, std::thread::id> closed_by_;
};

// Acts as a peer that sends without end: sends one more packet before each call
// that waits or receives. Stops after kTooManyCalls calls. A bounded reader
// makes fewer calls.
class Flood final : public event::sys::Interceptor {
 public:
  explicit Flood(std::function<void()> send_packet)
      : send_packet_(std::move(send_packet)) {
    event::sys::SetInterceptor(this);
  }
  ~Flood() override {
    event::sys::SetInterceptor(nullptr);
    EXPECT_LT(calls_, kTooManyCalls);
  }
  int FailCall(const event::sys::Call& call) override {
    const absl::string_view name = call.name;
    if (name != "Poll" && name != "Recv" && name != "RecvMsg") return 0;
    if (calls_ == kTooManyCalls) return 0;
    ++calls_;
    send_packet_();
    return 0;
  }

 private:
  static constexpr int kTooManyCalls = 1000;
  const std::function<void()> send_packet_;
  int calls_ = 0;
};

// Sends the packet if there is room.
void TrySend(const event::UniqueFd& fd, const std::string& packet) {
  send(fd.get(), packet.data(), packet.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
}

// A packet with many frames of a type that the receiver may ignore.
std::string PacketOf(uint8_t type) {
  constexpr int kFrames = 4096;
  std::string packet;
  for (int i = 1; i < kFrames; ++i)
    packet += Frame(type, "", FrameHeader::kMore);
  return packet + Frame(type, "");
}

std::vector<std::string>* g_log = nullptr;

class HostileServerTest : public ::testing::Test {
 protected:
  HostileServerTest() {
    g_log = &log_;
    former_sink_ =
        event::SetLogSink([](event::LogLevel level, absl::string_view text) {
          if (level >= event::LogLevel::kWarning) {
            g_log->push_back(std::string(text));
          }
        });
  }
  ~HostileServerTest() override { event::SetLogSink(former_sink_); }

  // Starts to open a session. The first call creates the client. The client's
  // directory is at `address`, or is the directory of world_ if `address` is
  // "".
  void Open(const std::string& address = "") {
    if (client_ == nullptr) client_ = world_.Add("client", address);
    client_->Do([this] {
      session_ = le_msg_CreateSession(le_msg_GetProtocolRef("p", 8), "service");
      le_msg_SetSessionCloseHandler(
          session_,
          [](le_msg_SessionRef_t, void* closes) {
            ++*static_cast<int*>(closes);
          },
          &closes_);
      le_msg_OpenSession(
          session_,
          [](le_msg_SessionRef_t, void* opens) { ++*static_cast<int*>(opens); },
          &opens_);
    });
  }
  void Delete() {
    client_->Do([this] { le_msg_DeleteSession(session_); });
    world_.Settle();
  }
  // Introduces a client to a server that sends `packets`. Returns the client's
  // wait reason after that.
  le_msg_WaitReason_t OpenAtServerThatSays(
      const std::vector<std::string>& packets) {
    RawServer server(world_.address());
    world_.Settle();
    Open();
    world_.Settle();
    socket_ = server.Accept();
    EXPECT_TRUE(socket_);
    for (const std::string& packet : packets) Send(socket_, packet);
    world_.Settle();
    return Reason();
  }
  le_msg_WaitReason_t Reason() {
    le_msg_WaitReason_t reason = LE_MSG_WAIT_NONE;
    client_->Do([&] {
      char text[1024];
      reason = le_msg_GetWaitReason(session_, text, sizeof(text));
      text_ = text;
    });
    return reason;
  }
  void ExpectOwnCredentials() {
    client_->Do([this] {
      uid_t uid = 0;
      pid_t pid = 0;
      EXPECT_EQ(le_msg_GetServerUserCreds(session_, &uid, &pid), LE_OK);
      EXPECT_EQ(uid, geteuid());
      EXPECT_EQ(pid, getpid());
    });
  }

  testing::OneThreadWorld world_;
  testing::OneThreadWorld::Party* client_ = nullptr;
  le_msg_SessionRef_t session_ = nullptr;
  event::UniqueFd socket_;  // the server's end of the last client's connection
  std::string text_;        // the text of the last wait reason
  int opens_ = 0;
  int closes_ = 0;
  std::vector<std::string> log_;
  event::LogSink former_sink_;
};

TEST_F(HostileServerTest, AServerThatKeepsTheRules) {
  EXPECT_EQ(OpenAtServerThatSays({Hello()}), LE_MSG_WAIT_NONE);
  EXPECT_EQ(opens_, 1);
  ExpectOwnCredentials();
  Delete();
}

TEST_F(HostileServerTest, ADirectorysFrameFromAServerOpensNoSession) {
  const std::vector<std::vector<std::string>> lies = {
      {Waiting(FrameHeader::kMore) + Hello()},
      {Refusal(directory::proto::NO_BINDING, FrameHeader::kMore) + Hello()},
      {Refusal(directory::proto::NO_BINDING), Hello()},
      // A directory's OTHER_PROTOCOL is fatal for the client.
      {Refusal(directory::proto::OTHER_PROTOCOL)},
      {Frame(directory::kIntroductionFrame, ""), Hello()},
      {Frame(directory::kControlFrame, "\xff\xff"), Hello()},
      {Frame(255, ""), Hello()},
  };
  for (const auto& lie : lies) {
    EXPECT_EQ(OpenAtServerThatSays(lie), LE_MSG_WAIT_SERVER_FAULT);
    EXPECT_THAT(text_, AllOf(HasSubstr(absl::StrCat("pid ", getpid())),
                             HasSubstr("only a directory sends")));
    EXPECT_EQ(opens_, 0);
    Delete();
  }
}

TEST_F(HostileServerTest, ADirectorysFrameClosesAnOpenSession) {
  log_.clear();
  EXPECT_EQ(OpenAtServerThatSays({Hello()}), LE_MSG_WAIT_NONE);
  for (int i = 0; i < 3; ++i)
    Send(socket_, Frame(directory::kControlFrame, ""));
  world_.Settle();
  EXPECT_EQ(closes_, 1);
  client_->Do([this] {
    EXPECT_EQ(le_msg_GetCloseReason(session_), LE_MSG_CLOSE_PROTOCOL_ERROR);
  });
  const auto said = HasSubstr("a frame that only a directory sends");
  EXPECT_THAT(log_, Contains(said).Times(1));
  Delete();
}

TEST_F(HostileServerTest, TheFirstFrameIsAHello) {
  EXPECT_EQ(OpenAtServerThatSays({Frame(messaging::kMessageFrame, "x")}),
            LE_MSG_WAIT_SERVER_FAULT);
  EXPECT_THAT(text_, HasSubstr("not a hello"));
  Delete();
  EXPECT_EQ(OpenAtServerThatSays({"garbage that is long enough to be a frame"}),
            LE_MSG_WAIT_OTHER_VERSION);
  Delete();
  EXPECT_EQ(OpenAtServerThatSays({Frame(1, "", FrameHeader::kContinuation)}),
            LE_MSG_WAIT_SERVER_FAULT);
  EXPECT_THAT(text_, HasSubstr(absl::StrCat("pid ", getpid())));
  Delete();
  EXPECT_EQ(opens_, 0);
}

// The kernel attaches credentials only if the sender or the receiver has asked
// for them. This server sends before the client has asked.
TEST_F(HostileServerTest, AHelloWithoutCredentialsIsRefused) {
  for (const std::string& before : {std::string(), Waiting()}) {
    RawServer server(world_.address());
    world_.Settle();
    {
      const BeforeCredentialsAreAskedFor hook([&] {
        world_.Settle();
        socket_ = server.Accept();
        ASSERT_TRUE(socket_);
        if (!before.empty()) Send(socket_, before);
        Send(socket_, Hello());
      });
      Open();
      world_.Settle();
    }
    EXPECT_EQ(Reason(), LE_MSG_WAIT_SERVER_FAULT) << text_;
    EXPECT_THAT(text_, HasSubstr(before.empty() ? "without credentials"
                                                : "only a directory sends"));
    EXPECT_EQ(opens_, 0);
    Delete();
  }
}

// A server that uses the library attaches credentials itself, so it may send
// its hello before the client has asked for them.
TEST_F(HostileServerTest, TheLibrarysHelloHasCredentials) {
  auto* const server = world_.Add("server");
  le_msg_ServiceRef_t service = nullptr;
  server->Do([&] {
    service = le_msg_CreateService(le_msg_GetProtocolRef("p", 8), "service");
    le_msg_AdvertiseService(service);
  });
  world_.Settle();
  {
    const BeforeCredentialsAreAskedFor hook([&] { world_.Settle(); });
    Open();
    world_.Settle();
  }
  EXPECT_EQ(Reason(), LE_MSG_WAIT_NONE) << text_;
  EXPECT_EQ(opens_, 1);
  ExpectOwnCredentials();
  Delete();
  server->Do([&] { le_msg_DeleteService(service); });
}

// ---- File descriptors ------------------------------------------------------
//
// A server can send a descriptor whose close() blocks for long. So a thread
// other than the client's must close the descriptor.

TEST_F(HostileServerTest, AFirstFrameWithADescriptorIsRefused) {
  for (const int type :
       {int{messaging::kHelloFrame}, int{messaging::kTurnedAwayFrame},
        int{directory::kControlFrame}}) {
    EXPECT_NE(OpenAtServerThatSays({}), LE_MSG_WAIT_NONE);
    SendWithDescriptor(socket_, static_cast<uint8_t>(type));
    const int comes_as = LowestFree();
    NotesCloses closes;
    world_.Settle();
    EXPECT_EQ(Reason(), LE_MSG_WAIT_SERVER_FAULT);
    EXPECT_THAT(text_, HasSubstr("has sent a file descriptor"));
    EXPECT_NE(closes.ClosedBy(comes_as), std::this_thread::get_id());
    Delete();
  }
  EXPECT_EQ(opens_, 0);
}

TEST_F(HostileServerTest, AHelloWithAConnectionIsRefused) {
  EXPECT_NE(OpenAtServerThatSays({}), LE_MSG_WAIT_NONE);
  SendWithDescriptor(socket_, messaging::kHelloFrame, FrameHeader::kConnection);
  world_.Settle();
  EXPECT_EQ(Reason(), LE_MSG_WAIT_SERVER_FAULT);
  EXPECT_THAT(text_, HasSubstr("which only a directory may send"));
  Delete();
}

// The client does not read the packet with the descriptor. Either an earlier
// frame ends the opening, or the client deletes the session before it reads.
TEST_F(HostileServerTest, ADescriptorThatIsNotReadIsClosedElsewhere) {
  // The first session opens descriptors that the client keeps.
  OpenAtServerThatSays({Hello()});
  Delete();
  for (const bool is_introduced : {true, false}) {
    RawServer server(world_.address());
    world_.Settle();
    const int session_is = LowestFree();
    NotesCloses closes;
    if (is_introduced) {
      Open();
      world_.Settle();
      socket_ = server.Accept();
      Send(socket_, Frame(messaging::kMessageFrame, "x"));
      SendWithDescriptor(socket_, messaging::kMessageFrame);
      world_.Settle();
      EXPECT_EQ(Reason(), LE_MSG_WAIT_SERVER_FAULT);
    } else {
      client_->Do([&] {
        Open();
        world_.Settle();  // runs all parties but the client
        socket_ = server.Accept();
        SendWithDescriptor(socket_, messaging::kHelloFrame);
        le_msg_DeleteSession(session_);
      });
    }
    EXPECT_NE(closes.ClosedBy(session_is), std::this_thread::get_id());
    if (is_introduced) Delete();
  }
}

// ---- Frames without end ----------------------------------------------------

constexpr uint8_t kIgnorableFrame = 0x30;
constexpr uint8_t kIgnorableDirectoryFrame = 0xb0;

// Sends until there is no room. Returns the message that was refused.
le_msg_MessageRef_t FillQueue(le_msg_SessionRef_t session) {
  for (;;) {
    const le_msg_MessageRef_t message = le_msg_CreateMsg(session);
    const le_result_t sent = le_msg_TrySend(message);
    if (sent == LE_OK) continue;
    EXPECT_EQ(sent, LE_WOULD_BLOCK);
    return message;
  }
}

TEST_F(HostileServerTest, IgnoredFramesHoldUpNoSyncRequest) {
  ASSERT_EQ(OpenAtServerThatSays({Hello()}), LE_MSG_WAIT_NONE);
  const std::string packet = PacketOf(kIgnorableFrame);
  client_->Do([&] {
    const Flood flood([&] { TrySend(socket_, packet); });
    le_msg_MessageRef_t response = nullptr;
    EXPECT_EQ(le_msg_RequestSyncResponseTimed(le_msg_CreateMsg(session_), 0,
                                              &response),
              LE_TIMEOUT);
  });
  EXPECT_EQ(closes_, 0);
  Delete();
}

TEST_F(HostileServerTest, IgnoredFramesHoldUpNoLoopWhenARequestExpires) {
  ASSERT_EQ(OpenAtServerThatSays({Hello()}), LE_MSG_WAIT_NONE);
  const std::string packet = PacketOf(kIgnorableFrame);
  int timeouts = 0;
  client_->Do([&] {
    const Flood flood([&] { TrySend(socket_, packet); });
    le_msg_RequestResponseTimed(
        le_msg_CreateMsg(session_), 0,
        [](le_msg_MessageRef_t, le_result_t result, void* count) {
          EXPECT_EQ(result, LE_TIMEOUT);
          ++*static_cast<int*>(count);
        },
        &timeouts);
    for (int turns = 0; turns < 10 && timeouts == 0; ++turns) {
      client_->loop()->RunTurn(absl::InfinitePast());
    }
  });
  EXPECT_EQ(timeouts, 1);
  EXPECT_EQ(closes_, 0);
  Delete();
}

TEST_F(HostileServerTest, IgnoredFramesHoldUpNoSender) {
  ASSERT_EQ(OpenAtServerThatSays({Hello()}), LE_MSG_WAIT_NONE);
  const std::string packet = PacketOf(kIgnorableFrame);
  client_->Do([&] {
    const le_msg_MessageRef_t message = FillQueue(session_);
    const Flood flood([&] { TrySend(socket_, packet); });
    EXPECT_EQ(le_msg_SendTimed(message, 0), LE_TIMEOUT);
  });
  EXPECT_EQ(closes_, 0);
  Delete();
}

// In a turn, Loop::Now() stands still. The deadline must pass nevertheless.
TEST_F(HostileServerTest, IgnoredFramesHoldUpNoHandler) {
  ASSERT_EQ(OpenAtServerThatSays({Hello()}), LE_MSG_WAIT_NONE);
  const std::string packet = PacketOf(kIgnorableFrame);
  struct Handler final : event::Task {
    std::function<void()> body;
    void Run() override { body(); }
  } handler;
  client_->Do([&] {
    handler.body = [&] {
      client_->loop()->Now();
      const le_msg_MessageRef_t message = FillQueue(session_);
      const Flood flood([&] { TrySend(socket_, packet); });
      EXPECT_EQ(le_msg_SendTimed(message, 0), LE_TIMEOUT);
      le_msg_MessageRef_t response = nullptr;
      EXPECT_EQ(le_msg_RequestSyncResponseTimed(le_msg_CreateMsg(session_), 0,
                                                &response),
                LE_TIMEOUT);
    };
    client_->loop()->Post(&handler);
    client_->loop()->RunTurn(absl::InfinitePast());
  });
  EXPECT_EQ(closes_, 0);
  Delete();
}

// A directory sends frames without end: frames that the client ignores, or
// reasons to wait. These frames must not block an opening.
TEST_F(HostileServerTest, ADirectorysFramesHoldUpNoOpening) {
  const std::string address = world_.folder() + "/hostile";
  const event::UniqueFd listener = Listen(address);
  client_ = world_.Add("client", address);
  const std::string ignored = PacketOf(kIgnorableDirectoryFrame);
  for (const bool waiting : {false, true}) {
    client_->Do([&] {
      session_ = le_msg_CreateSession(le_msg_GetProtocolRef("p", 8), "service");
      event::UniqueFd hostile;
      int said = 0;
      const Flood flood([&] {
        if (!hostile) {
          hostile.reset(
              accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
        }
        TrySend(hostile, waiting ? Waiting(0, absl::StrCat(said++)) : ignored);
      });
      EXPECT_EQ(le_msg_OpenSessionSyncTimed(session_, 0), LE_TIMEOUT);
    });
    Delete();
  }
  unlink(address.c_str());
}

// ---- Versions ---------------------------------------------------------------

std::string OfVersion(uint8_t version, std::string packet) {
  packet[0] = static_cast<char>(version);
  return packet;
}

TEST_F(HostileServerTest, AServerOfAnotherVersionIsNamed) {
  EXPECT_EQ(OpenAtServerThatSays({OfVersion(2, Hello())}),
            LE_MSG_WAIT_OTHER_VERSION);
  const std::string why =
      "a packet of version 2 of the wire format came to a library that "
      "understands versions 1 to 1: update the program that received it";
  EXPECT_THAT(text_,
              AllOf(HasSubstr(absl::StrCat("pid ", getpid())), HasSubstr(why)));
  EXPECT_EQ(Receive(socket_), transports::VersionRefusal(why));
  Delete();

  messaging::Hello hello;
  hello.version = 7;
  EXPECT_EQ(
      OpenAtServerThatSays({Frame(
          messaging::kHelloFrame,
          std::string(reinterpret_cast<const char*>(&hello), sizeof(hello)))}),
      LE_MSG_WAIT_OTHER_VERSION);
  EXPECT_THAT(text_, HasSubstr("version 7 of the wire format"));
  Delete();

  EXPECT_EQ(OpenAtServerThatSays({transports::VersionRefusal("update it")}),
            LE_MSG_WAIT_OTHER_VERSION);
  EXPECT_THAT(text_, HasSubstr("the peer refuses: update it"));
  Delete();
  EXPECT_EQ(opens_, 0);
}

// The peer is a library of version 2 that does not support version 1.
TEST_F(HostileServerTest, ADirectoryAnswersAnotherVersionInWords) {
  log_.clear();
  for (int i = 0; i < 3; ++i) {
    const event::UniqueFd client = Connect(world_.address());
    Send(client, OfVersion(2, Frame(directory::kControlFrame, "what it says")));
    world_.Settle();
    EXPECT_EQ(Receive(client),
              transports::VersionRefusal(
                  "a packet of version 2 of the wire format came to a library "
                  "that understands versions 1 to 1: update the program that "
                  "received it"));
  }
  EXPECT_THAT(log_, Contains(HasSubstr("refused: pid ")).Times(1));
}

// The directory has a later version of the protocol than the client.
TEST_F(HostileServerTest, ADirectoryOfAnotherVersionIsNamed) {
  const std::string address = world_.folder() + "/later";
  const event::UniqueFd listener = Listen(address);
  Open(address);
  const event::UniqueFd later(
      accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
  ASSERT_TRUE(later);
  Send(later, transports::VersionRefusal("update the client"));
  world_.Settle();
  EXPECT_EQ(Reason(), LE_MSG_WAIT_OTHER_VERSION);
  EXPECT_EQ(
      text_,
      "the directory has another version: the peer refuses: update the client");
  Delete();
  unlink(address.c_str());
}

}  // namespace
}  // namespace le
