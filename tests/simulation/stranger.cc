// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#include "tests/simulation/stranger.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "directory/control_frame.h"
#include "event/base/sys.h"
#include "messaging/machine/wire.h"
#include "tests/simulation/payload.h"
#include "transports/framing/framing.h"

namespace le {
namespace simulation {

namespace sys = event::sys;
using transports::FrameHeader;

namespace {

// A directory with few descriptors has room for other clients beside these
// sockets.
constexpr size_t kMaxSockets = 4;
constexpr uint64_t kMaxPauseMs = 40;

// The length of a frame of which only a part is sent.
constexpr size_t kLengthOfAPart = 1000;

constexpr char kProtocol[] = "simulated";

// No binding has this name, so its clients wait for ever.
constexpr char kUnbound[] = "unbound";

// Exceeds the limit of introductions for a server that receives none of them.
constexpr int kFlood = 40;

std::string Frame(const FrameHeader& header, const std::string& bytes) {
  return std::string(reinterpret_cast<const char*>(&header), sizeof(header)) +
         bytes;
}

std::string Frame(uint8_t type, uint16_t flags, const std::string& bytes) {
  FrameHeader header;
  header.type = type;
  header.flags = flags;
  header.length = static_cast<uint32_t>(bytes.size());
  return Frame(header, bytes);
}

std::string Hello() {
  const messaging::Hello hello;
  return Frame(
      messaging::kHelloFrame, 0,
      std::string(reinterpret_cast<const char*>(&hello), sizeof(hello)));
}

}  // namespace

Stranger::Stranger(World* world, std::string directory)
    : world_(world), directory_(std::move(directory)) {}

void Stranger::Run() {
  for (int i = 0; i < world_->plan().operations; ++i) {
    if (sockets_.size() < kMaxSockets && world_->OneIn(3)) {
      const int fd = Connect();
      if (fd >= 0) {
        sockets_.push_back(fd);
        switch (world_->Roll(8)) {
          case 0:
            break;
          case 1:
            SendAdvertise(fd, "x", AnyBytes(8));
            break;
          case 2:
            SendPartWhileWaiting(fd);
            break;
          default:
            SendOpen(fd, AnyInterface());
            break;
        }
      }
    } else if (!sockets_.empty()) {
      // Mostly choose the latest socket, so that some exchanges get far.
      const size_t index = world_->OneIn(3) ? world_->Roll(sockets_.size())
                                            : sockets_.size() - 1;
      const int fd = sockets_[index];
      if (world_->OneIn(6)) {
        sys::Close(fd);
        sockets_.erase(sockets_.begin() + static_cast<ptrdiff_t>(index));
      } else {
        Act(fd);
      }
    }
    if (world_->OneIn(2)) Pause();
  }
  for (;;) event::Thread::Current()->parker()->Park(absl::InfiniteFuture());
}

int Stranger::Connect() {
  const int fd =
      sys::Socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return -1;
  struct sockaddr_un to = {};
  to.sun_family = AF_UNIX;
  std::memcpy(to.sun_path, directory_.data(), directory_.size());
  if (sys::Connect(fd, reinterpret_cast<struct sockaddr*>(&to), sizeof(to)) !=
      0) {
    sys::Close(fd);
    return -1;
  }
  return fd;
}

void Stranger::Act(int fd) {
  switch (world_->Roll(9)) {
    case 0:
      SendOpen(fd, AnyInterface());
      return;
    case 1:
      SendAdvertise(fd, "x", AnyBytes(8));
      return;
    case 2:
      SendPart(fd);
      return;
    case 3:  // a continuation without a first part
      SendFrame(fd, 0, FrameHeader::kContinuation, kLengthOfAPart, "x");
      return;
    case 4: {
      const std::string bytes = AnyBytes(64);
      SendFrame(fd,
                world_->OneIn(2) ? messaging::kMessageFrame
                                 : messaging::kRequestFrame,
                0, bytes.size(), bytes);
      return;
    }
    case 5: {  // any frame
      const std::string bytes = AnyBytes(64);
      SendFrame(fd, static_cast<uint8_t>(world_->Roll(256)),
                static_cast<uint16_t>(world_->Roll(512)), world_->Roll(128),
                bytes);
      return;
    }
    case 6:
      SendBytes(fd, AnyBytes(64));
      return;
    case 7:
      SendDescriptor(fd);
      return;
    default: {
      char bytes[64];
      sys::Recv(fd, bytes, sizeof(bytes), MSG_DONTWAIT);
      return;
    }
  }
}

void Stranger::SendPartWhileWaiting(int fd) {
  if (SendOpen(fd, kUnbound) && SendPart(fd)) {
    sockets_.pop_back();
    out_of_turn_.push_back(fd);
  }
}

void Stranger::CheckClosed() {
  for (int fd : out_of_turn_) {
    struct pollfd wait = {fd, POLLIN, 0};
    sys::Poll(&wait, 1, 0);
    if ((wait.revents & POLLHUP) == 0) {
      world_->referee()->Fail(
          "the directory keeps the connection of a waiting client that has "
          "sent a part of a frame");
    }
  }
}

void Stranger::Flood() {
  int offer = Connect();
  if (offer < 0) return;
  SendAdvertise(offer, kFull, kProtocol);
  for (int i = 0; i < kFlood; ++i) {
    const int fd = Connect();
    if (fd < 0) {
      Pause();
      continue;
    }
    SendOpen(fd, kFull);
    struct pollfd answer = {fd, POLLIN, 0};
    sys::Poll(&answer, 1, kMaxPauseMs);
    sys::Close(fd);
  }
  for (;;) event::Thread::Current()->parker()->Park(absl::InfiniteFuture());
}

// ---- As a server -----------------------------------------------------------

void Stranger::Serve(const std::function<bool()>& is_over) {
  int offer = -1;
  while (!is_over()) {
    if (offer < 0) {
      offer = Connect();
      if (offer < 0) {
        Pause();
        continue;
      }
      SendAdvertise(offer, kService, kProtocol);
    }
    const int client = TakeClient(&offer);
    if (client < 0) continue;
    Deceive(client);
    sockets_.push_back(client);
    if (sockets_.size() > kMaxSockets || world_->OneIn(4)) {
      sys::Close(sockets_.front());
      sockets_.erase(sockets_.begin());
    }
  }
}

int Stranger::TakeClient(int* offer) {
  struct pollfd wait = {*offer, POLLIN, 0};
  sys::Poll(&wait, 1, kMaxPauseMs);
  char bytes[1024];
  alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int))];
  struct iovec part = {bytes, sizeof(bytes)};
  struct msghdr packet = {};
  packet.msg_iov = &part;
  packet.msg_iovlen = 1;
  packet.msg_control = control;
  packet.msg_controllen = sizeof(control);
  const ssize_t size =
      sys::RecvMsg(*offer, &packet, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
  if (size < 0 && errno == EAGAIN) return -1;
  if (size <= 0) {
    sys::Close(*offer);
    *offer = -1;
    return -1;
  }
  const struct cmsghdr* const c = CMSG_FIRSTHDR(&packet);
  if (c == nullptr || c->cmsg_type != SCM_RIGHTS) return -1;
  int client;
  std::memcpy(&client, CMSG_DATA(c), sizeof(client));
  return client;
}

// Mostly sends at once, so that frames come before the client has requested
// credentials.
void Stranger::Deceive(int client) {
  for (uint64_t i = world_->Roll(4); i > 0; --i) {
    if (world_->OneIn(4)) Pause();
    switch (world_->Roll(6)) {
      case 0:
        SendBytes(client, Lie(FrameHeader::kMore) + Hello());
        break;
      case 1:
        SendBytes(client, Lie(0));
        break;
      case 2:
        Act(client);
        break;
      default:
        SendBytes(client, Hello());
        break;
    }
  }
}

// Returns a forged frame of a directory.
std::string Stranger::Lie(uint16_t flags) {
  directory::proto::FromDirectory message;
  message.set_version(directory::kControlVersion);
  switch (world_->Roll(3)) {
    case 0:
      message.mutable_introduced()->set_server_uid(0);
      message.mutable_introduced()->set_server_pid(1);
      break;
    case 1:
      message.mutable_waiting()->set_reason(directory::proto::WAIT_NO_BINDING);
      message.mutable_waiting()->set_text(kLie);
      break;
    default:
      message.mutable_refusal()->set_code(
          static_cast<directory::proto::RefusalCode>(
              world_->Roll(directory::proto::RefusalCode_ARRAYSIZE)));
      message.mutable_refusal()->set_text(kLie);
      break;
  }
  return Frame(directory::kControlFrame, flags, message.SerializeAsString());
}

// ---- Frames ----------------------------------------------------------------

bool Stranger::SendOpen(int fd, const std::string& interface_name) {
  directory::proto::ToDirectory message;
  message.set_version(directory::kControlVersion);
  message.mutable_open()->set_wait(interface_name == kUnbound ||
                                   !world_->OneIn(4));
  directory::proto::Description* const client =
      message.mutable_open()->mutable_client();
  client->set_interface_name(interface_name);
  client->set_protocol_id(kProtocol);
  client->set_max_message_size(MaxMessageSize(world_->plan()));
  const std::string text = message.SerializeAsString();
  return SendFrame(fd, directory::kControlFrame, 0, text.size(), text);
}

void Stranger::SendAdvertise(int fd, const std::string& service_name,
                             const std::string& protocol) {
  directory::proto::ToDirectory message;
  message.set_version(directory::kControlVersion);
  directory::proto::Description* const service =
      message.mutable_advertise()->mutable_service();
  service->set_interface_name(service_name);
  service->set_protocol_id(protocol);
  service->set_max_message_size(MaxMessageSize(world_->plan()));
  if (world_->OneIn(2)) {  // so that it may be inspected
    directory::ToProto(transports::Dialect(),
                       message.mutable_advertise()->mutable_dialect());
  }
  const std::string text = message.SerializeAsString();
  SendFrame(fd, directory::kControlFrame, 0, text.size(), text);
}

// Sends the first part of a frame of a session or of the directory's protocol.
bool Stranger::SendPart(int fd) {
  uint8_t type = directory::kControlFrame;
  if (world_->OneIn(2)) type = messaging::kMessageFrame;
  return SendFrame(fd, type, FrameHeader::kFragmented, kLengthOfAPart,
                   "ten bytes.");
}

bool Stranger::SendFrame(int fd, uint8_t type, uint16_t flags, size_t length,
                         const std::string& bytes) {
  FrameHeader header;
  header.type = type;
  header.flags = flags;
  header.length = static_cast<uint32_t>(length);
  header.id = world_->Roll(4);
  return SendBytes(fd, Frame(header, bytes));
}

bool Stranger::SendBytes(int fd, const std::string& bytes) {
  return sys::Send(fd, bytes.data(), bytes.size(),
                   MSG_DONTWAIT | MSG_NOSIGNAL) >= 0;
}

void Stranger::SendDescriptor(int fd) {
  std::string bytes = Frame(
      messaging::kMessageFrame,
      world_->OneIn(2) ? FrameHeader::kDescriptor : uint16_t{0}, AnyBytes(8));
  struct iovec part = {&bytes[0], bytes.size()};
  alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
  struct msghdr packet = {};
  packet.msg_iov = &part;
  packet.msg_iovlen = 1;
  packet.msg_control = control;
  packet.msg_controllen = sizeof(control);
  struct cmsghdr* const c = CMSG_FIRSTHDR(&packet);
  c->cmsg_level = SOL_SOCKET;
  c->cmsg_type = SCM_RIGHTS;
  c->cmsg_len = CMSG_LEN(sizeof(int));
  const int sent = world_->NewSlowDescriptor();
  std::memcpy(CMSG_DATA(c), &sent, sizeof(sent));
  sys::SendMsg(fd, &packet, MSG_DONTWAIT | MSG_NOSIGNAL);
  sys::Close(sent);
}

std::string Stranger::AnyInterface() { return world_->OneIn(2) ? "a" : "b"; }

std::string Stranger::AnyBytes(size_t limit) {
  std::string bytes(1 + world_->Roll(limit), '\0');
  for (char& byte : bytes) byte = static_cast<char>(world_->Roll(256));
  return bytes;
}

void Stranger::Pause() {
  world_->PassTime(
      absl::Milliseconds(static_cast<int64_t>(world_->Roll(kMaxPauseMs))));
}

}  // namespace simulation
}  // namespace le
