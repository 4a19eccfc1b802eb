// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#include "tests/trust/protocol_attacker.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "messaging/machine/wire.h"

#ifndef SO_PASSRIGHTS
#define SO_PASSRIGHTS 83  // since Linux 6.16; older headers do not name it
#endif

namespace le {
namespace trust {

using directory::proto::ToDirectory;
using transports::FrameHeader;

namespace {

// The kernel's limit of descriptors in one packet (SCM_MAX_FD).
constexpr uint32_t kMaxDescriptors = 253;

void CloseAll(const std::vector<int>& fds) {
  for (const int fd : fds) close(fd);
}

}  // namespace

ProtocolAttacker::~ProtocolAttacker() {
  for (const int fd : connections_) {
    if (fd >= 0) close(fd);
  }
}

void ProtocolAttacker::Act() {
  int* const connection = &connections_[Below(kConnections)];
  const int fd = *connection;
  // If there is no connection yet, and sometimes instead of an old one, make a
  // new connection in a role.
  if (fd < 0 || OneIn(12)) {
    switch (Below(5)) {
      case 0:
        return Connect(connection);
      case 1:
      case 2:
        return BeClient(connection);
      case 3:
        return BeServer(connection);
      default:
        Connect(connection);
        return BeAdministrator(*connection);
    }
  }
  switch (Below(16)) {
    case 0:
    case 1:
    case 2:
      return TakeIntroduction(fd);
    case 3:
      return SayHello(fd);
    case 4:
    case 5:
    case 6:
    case 7:
      return SpeakInASession(fd);
    case 8:
      return BeAdministrator(fd);
    case 9:
      return LieAsADirectory(fd);
    case 10:
    case 11:
      return SendAnyFrame(fd);
    case 12:
      return SendParts(fd);
    case 13:
      return SetSomeOption(fd);
    case 14:
      shutdown(fd, static_cast<int>(Below(3)));  // SHUT_RD, SHUT_WR, SHUT_RDWR
      return;
    default:
      close(fd);
      *connection = -1;
      return;
  }
}

std::string ProtocolAttacker::Bytes(size_t size) {
  std::string bytes(size, '\0');
  for (char& byte : bytes) byte = static_cast<char>(random_());
  return bytes;
}

// Mostly returns the name of a service of the honest user or of the attackers.
std::string ProtocolAttacker::Text() {
  switch (Below(8)) {
    case 0:
      return "echo";
    case 1:
      return "no_fds";
    case 2:
      return Bytes(Below(80));
    case 3:
      return std::string(Below(9000), 'n');
    default:
      return absl::StrCat("s", Below(kOfferedNames));
  }
}

// ---- Legal prefixes --------------------------------------------------------

void ProtocolAttacker::Adopt(int* to, int fd) {
  if (*to >= 0) close(*to);
  *to = fd;
}

void ProtocolAttacker::Connect(int* fd) {
  Adopt(fd, socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  struct sockaddr_un to = {};
  to.sun_family = AF_UNIX;
  std::memcpy(to.sun_path, address_.data(), address_.size());
  // connect() may fail: the backlog is full, or there is no file descriptor
  // left.
  if (connect(*fd, reinterpret_cast<struct sockaddr*>(&to), sizeof(to)) != 0) {
    Adopt(fd, -1);
  }
}

void ProtocolAttacker::Describe(directory::proto::Description* description,
                                std::string name,
                                directory::proto::Dialect* dialect) {
  description->set_interface_name(std::move(name));
  description->set_protocol_id(OneIn(4) ? Bytes(Below(40)) : "fuzzed");
  description->set_max_message_size(OneIn(8) ? random_() : 200);
  dialect->set_lowest_version(OneIn(8) ? Below(4) : 1);
  dialect->set_highest_version(OneIn(8) ? Below(4) : 1);
  dialect->set_capabilities(OneIn(2) ? 1 : OneIn(2) ? 0 : random_());
}

void ProtocolAttacker::BeClient(int* fd) {
  Connect(fd);
  ToDirectory message;
  auto* const open = message.mutable_open();
  const uint32_t which = Below(4);
  Describe(open->mutable_client(),
           which == 0   ? "echo"
           : which == 1 ? "no_fds"
                        : Text(),
           open->mutable_dialect());
  // Mostly describe the client honestly, so that sessions open.
  if (!OneIn(4)) {
    open->mutable_client()->set_protocol_id("fuzzed");
    open->mutable_client()->set_max_message_size(200);
  }
  open->set_wait(OneIn(2));
  Say(*fd, std::move(message));
}

void ProtocolAttacker::BeServer(int* fd) {
  Connect(fd);
  ToDirectory message;
  auto* const advertise = message.mutable_advertise();
  Describe(advertise->mutable_service(),
           OneIn(4) ? Text() : absl::StrCat("s", Below(kOfferedNames)),
           advertise->mutable_dialect());
  Say(*fd, std::move(message));
}

// Sends a random request, in most cases one of an administrator or a monitor.
void ProtocolAttacker::BeAdministrator(int fd) {
  ToDirectory message;
  switch (Below(9)) {
    case 0:
      message.mutable_list();
      break;
    case 1:
      message.mutable_monitor();
      break;
    case 2:
      message.mutable_bind()->set_client(Text());
      message.mutable_bind()->set_service(Text());
      break;
    case 3:
      message.mutable_unbind()->set_client(Text());
      break;
    case 4:
      message.mutable_load()->set_text(OneIn(2) ? Bytes(Below(3000)) : "");
      message.mutable_load()->set_last(OneIn(2));
      break;
    case 5:
      message.mutable_reload();
      break;
    case 6:
      message.mutable_wait()->set_service(Text());
      break;
    case 7:
      message.mutable_advertise();
      break;
    default:
      break;  // none
  }
  Say(fd, std::move(message));
}

void ProtocolAttacker::Say(int fd, ToDirectory message) {
  message.set_version(OneIn(16) ? Below(5) : directory::kControlVersion);
  Send(fd, Frame(directory::kControlFrame, message.SerializeAsString()));
}

// Receives a packet. Keeps most file descriptors of the packet as connections.
void ProtocolAttacker::TakeIntroduction(int fd) {
  char bytes[4096];
  alignas(struct cmsghdr) char control[CMSG_SPACE(16 * sizeof(int))];
  struct iovec part = {bytes, sizeof(bytes)};
  struct msghdr message = {};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof(control);
  const int look = OneIn(16) ? MSG_PEEK : 0;
  if (recvmsg(fd, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC | look) <= 0) {
    return;
  }
  for (struct cmsghdr* c = CMSG_FIRSTHDR(&message); c != nullptr;
       c = CMSG_NXTHDR(&message, c)) {
    if (c->cmsg_type != SCM_RIGHTS) continue;
    const size_t count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (size_t i = 0; i < count; ++i) {
      int received;
      std::memcpy(&received, CMSG_DATA(c) + i * sizeof(int), sizeof(received));
      if (OneIn(8)) {
        close(received);
        continue;
      }
      if (OneIn(2)) {
        const int on = 1;
        setsockopt(received, SOL_SOCKET, SO_PASSRIGHTS, &on, sizeof(on));
      }
      if (!OneIn(4)) SayHello(received);
      Adopt(&connections_[Below(kConnections)], received);
    }
  }
}

void ProtocolAttacker::SayHello(int fd) {
  messaging::Hello hello;
  if (OneIn(8)) hello.version = Below(4);
  hello.thread_token = random_();
  std::string packet = Frame(
      OneIn(8) ? messaging::kTurnedAwayFrame : messaging::kHelloFrame,
      std::string(reinterpret_cast<const char*>(&hello),
                  OneIn(8) ? Below(messaging::Hello::kSize) : sizeof(hello)));
  // Mostly send a legal hello, which has credentials and nothing else.
  Send(fd, packet, /*may_attach=*/OneIn(4));
}

void ProtocolAttacker::SpeakInASession(int fd) {
  // A type from kMessageFrame to kUnansweredFrame.
  uint8_t type = static_cast<uint8_t>(2 + Below(4));
  if (OneIn(4)) type |= messaging::kLengthWasSet;
  const uint16_t flags = OneIn(3) ? FrameHeader::kDescriptor : 0;
  Send(fd, Frame(type, Bytes(OneIn(8) ? Below(1000) : Below(200)), flags));
}

// ---- Anything --------------------------------------------------------------

void ProtocolAttacker::LieAsADirectory(int fd) {
  directory::proto::FromDirectory message;
  message.set_version(directory::kControlVersion);
  switch (Below(5)) {
    case 0:
      message.mutable_introduced()->set_server_uid(0);
      message.mutable_introduced()->mutable_server()->set_capabilities(
          random_());
      break;
    case 1:
      message.mutable_refusal()->set_code(
          static_cast<directory::proto::RefusalCode>(Below(9)));
      message.mutable_refusal()->set_text(Bytes(Below(60)));
      break;
    case 2:
      message.mutable_waiting()->set_text(Bytes(Below(60)));
      break;
    case 3:
      message.mutable_advertise_state()->set_text(Bytes(Below(60)));
      break;
    default:
      message.mutable_list()->set_last(OneIn(2));
      break;
  }
  if (OneIn(3)) {
    Send(fd, Frame(directory::kIntroductionFrame, Bytes(Below(10)),
                   FrameHeader::kConnection));
    return;
  }
  Send(fd, Frame(directory::kControlFrame, message.SerializeAsString()));
}

void ProtocolAttacker::SendAnyFrame(int fd) {
  std::string packet;
  // The packet has one to four frames.
  for (uint32_t frames = 1 + (OneIn(4) ? Below(4) : 0); frames > 0; --frames) {
    FrameHeader header;
    header.type = static_cast<uint8_t>(OneIn(3) ? random_() : Below(8));
    header.flags = frames > 1 ? FrameHeader::kMore : uint16_t{0};
    for (uint32_t flags = Below(3); flags > 0; --flags) {
      header.flags |= static_cast<uint16_t>(1u << Below(16));
    }
    if (OneIn(12)) header.version = static_cast<uint8_t>(random_());
    if (OneIn(2)) header.id = OneIn(2) ? random_() : Below(4);
    const std::string payload = Bytes(Below(OneIn(10) ? 60000 : 100));
    header.length = static_cast<uint32_t>(payload.size());
    if (OneIn(8)) header.length = static_cast<uint32_t>(random_());
    packet.append(reinterpret_cast<const char*>(&header), sizeof(header));
    packet += payload;
  }
  if (OneIn(10)) packet.resize(Below(static_cast<uint32_t>(packet.size()) + 1));
  Send(fd, packet);
}

// Sends a fragmented frame, mostly without its end.
void ProtocolAttacker::SendParts(int fd) {
  FrameHeader header;
  header.type =
      static_cast<uint8_t>(OneIn(2) ? directory::kControlFrame : 2 + Below(2));
  header.flags = FrameHeader::kFragmented;
  header.length = OneIn(4) ? static_cast<uint32_t>(random_()) : 600;
  for (uint32_t parts = 1 + Below(4); parts > 0; --parts) {
    const std::string payload = Bytes(200);
    Send(fd,
         std::string(reinterpret_cast<const char*>(&header), sizeof(header)) +
             payload);
    header.flags = FrameHeader::kContinuation;
    header.length = static_cast<uint32_t>(payload.size());
  }
}

void ProtocolAttacker::SetSomeOption(int fd) {
  static constexpr int kOptions[] = {SO_PASSCRED, SO_PASSRIGHTS, SO_SNDBUF,
                                     SO_RCVBUF, SO_PASSSEC};
  const int option = kOptions[Below(5)];
  const int value = option == SO_SNDBUF || option == SO_RCVBUF
                        ? static_cast<int>(Below(8192))
                        : static_cast<int>(Below(2));
  setsockopt(fd, SOL_SOCKET, option, &value, sizeof(value));
}

std::string ProtocolAttacker::Frame(uint8_t type, const std::string& payload,
                                    uint16_t flags) {
  FrameHeader header;
  header.type = type;
  header.flags = flags;
  if (OneIn(2)) header.id = (uint64_t{Below(3)} << 32) + Below(8);
  header.length = static_cast<uint32_t>(payload.size());
  return std::string(reinterpret_cast<const char*>(&header), sizeof(header)) +
         payload;
}

// Returns a new file descriptor of any kind, or -1.
int ProtocolAttacker::NewDescriptor() {
  int pair[2] = {-1, -1};
  switch (Below(12)) {
    case 0:
      return open("/dev/null", O_RDWR | O_CLOEXEC);
    case 1:
      return open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
    case 2:
      return memfd_create("fuzz", MFD_CLOEXEC);
    case 3:
      return eventfd(0, EFD_CLOEXEC);
    case 4:
      return timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
    case 5: {
      const int epoll = epoll_create1(EPOLL_CLOEXEC);
      struct epoll_event event = {};
      event.events = EPOLLIN;
      const int watched = AnyConnection();
      if (watched >= 0) epoll_ctl(epoll, EPOLL_CTL_ADD, watched, &event);
      return epoll;
    }
    case 6:
      if (pipe2(pair, O_CLOEXEC) != 0) return -1;
      break;
    case 7:
      if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0) {
        return -1;
      }
      break;
    case 8: {
      // A socket that has itself in its queue.
      if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0) {
        return -1;
      }
      char byte = 0;
      struct iovec part = {&byte, 1};
      alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
      struct msghdr message = {};
      message.msg_iov = &part;
      message.msg_iovlen = 1;
      message.msg_control = control;
      message.msg_controllen = sizeof(control);
      struct cmsghdr* const c = CMSG_FIRSTHDR(&message);
      c->cmsg_level = SOL_SOCKET;
      c->cmsg_type = SCM_RIGHTS;
      c->cmsg_len = CMSG_LEN(sizeof(int));
      std::memcpy(CMSG_DATA(c), &pair[1], sizeof(int));
      sendmsg(pair[0], &message, MSG_NOSIGNAL | MSG_DONTWAIT);
      break;
    }
    case 9: {
      // The close of this socket blocks for a second if data is unsent.
      const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
      const struct linger lasting = {1, 1};
      setsockopt(fd, SOL_SOCKET, SO_LINGER, &lasting, sizeof(lasting));
      return fd;
    }
    default: {
      // One of this peer's connections, perhaps the one on which it is sent.
      const int own = AnyConnection();
      return own < 0 ? -1 : fcntl(own, F_DUPFD_CLOEXEC, 0);
    }
  }
  close(pair[1]);
  return pair[0];
}

void ProtocolAttacker::Send(int fd, const std::string& packet,
                            bool may_attach) {
  FrameHeader header;
  if (packet.size() >= sizeof(header)) {
    std::memcpy(&header, packet.data(), sizeof(header));
  }
  std::vector<int> fds;
  const bool announced =
      header.has(FrameHeader::kDescriptor | FrameHeader::kConnection);
  if (announced ? !OneIn(8) : may_attach && OneIn(8)) {
    uint32_t count = OneIn(6) ? Below(5) : 1;
    if (OneIn(60)) count = kMaxDescriptors;
    for (; count > 0; --count) {
      const int attached = NewDescriptor();
      if (attached >= 0) fds.push_back(attached);
    }
  }
  std::vector<char> control(CMSG_SPACE(fds.size() * sizeof(int)) +
                            CMSG_SPACE(sizeof(struct ucred)));
  struct iovec part = {const_cast<char*>(packet.data()), packet.size()};
  struct msghdr message = {};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  size_t used = 0;
  const auto append = [&](int type, const void* data, size_t size) {
    auto* const c = reinterpret_cast<struct cmsghdr*>(control.data() + used);
    c->cmsg_level = SOL_SOCKET;
    c->cmsg_type = type;
    c->cmsg_len = CMSG_LEN(size);
    std::memcpy(CMSG_DATA(c), data, size);
    used += CMSG_SPACE(size);
  };
  if (!fds.empty()) append(SCM_RIGHTS, fds.data(), fds.size() * sizeof(int));
  if (!may_attach || OneIn(8)) {
    const struct ucred self = {getpid(), getuid(), getgid()};
    append(SCM_CREDENTIALS, &self, sizeof(self));
  }
  message.msg_control = used == 0 ? nullptr : control.data();
  message.msg_controllen = used;
  sendmsg(fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
  CloseAll(fds);
}

}  // namespace trust
}  // namespace le
