// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#include "tests/endurance/strangers.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "directory/control_frame.h"
#include "messaging/machine/wire.h"
#include "transports/framing/framing.h"

namespace le {
namespace endurance {
namespace {

// The kernel's limit of descriptors in one packet (SCM_MAX_FD).
constexpr int kDescriptorsOfAPacket = 253;
// The limit of file descriptors of a stranger that sends them. The kernel
// refuses to send one while the stranger's user has more in flight.
constexpr rlim_t kMostInFlight = 2000;
// More than the number of responses that a server queues for one client.
constexpr int kQuestions = 1 << 20;

int Connect() {
  struct sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  std::snprintf(address.sun_path, sizeof(address.sun_path), "%s/directory",
                std::getenv("LE_MESSAGING_DIR"));
  const int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
  if (fd < 0 || connect(fd, reinterpret_cast<struct sockaddr*>(&address),
                        sizeof(address)) != 0) {
    _exit(1);
  }
  return fd;
}

std::string Frame(uint8_t type, uint64_t id, const std::string& payload,
                  uint16_t flags = 0) {
  transports::FrameHeader header;
  header.type = type;
  header.flags = flags;
  header.id = id;
  header.length = static_cast<uint32_t>(payload.size());
  return std::string(reinterpret_cast<const char*>(&header), sizeof(header)) +
         payload;
}

template <typename Fill>
std::string ToDirectory(Fill fill) {
  directory::proto::ToDirectory message;
  message.set_version(directory::kControlVersion);
  fill(&message);
  return Frame(directory::kControlFrame, 0, message.SerializeAsString());
}

void Describe(directory::proto::Description* description, const char* name) {
  description->set_interface_name(name);
  description->set_protocol_id("endurance");
  description->set_max_message_size(512);
}

// Returns false if the kernel has not sent the packet.
bool Send(int fd, const std::string& packet, int descriptors = 0) {
  struct iovec part = {const_cast<char*>(packet.data()), packet.size()};
  struct msghdr message = {};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  std::vector<int> fds;
  for (int i = 0; i < descriptors; ++i) fds.push_back(STDIN_FILENO);
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
  return sendmsg(fd, &message, MSG_NOSIGNAL) >= 0;
}

// Waits for a packet. Returns the descriptor in it, or -1. Ends this process if
// the connection closes.
int Receive(int fd) {
  char byte;
  struct iovec part = {&byte, 1};
  alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int))];
  struct msghdr message = {};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof(control);
  if (recvmsg(fd, &message, MSG_CMSG_CLOEXEC) <= 0) _exit(1);
  const struct cmsghdr* const c = CMSG_FIRSTHDR(&message);
  if (c == nullptr || c->cmsg_type != SCM_RIGHTS) return -1;
  int received;
  std::memcpy(&received, CMSG_DATA(c), sizeof(received));
  return received;
}

std::string Question(Where where, int number) {
  switch (where) {
    case Where::kDirectory:
      return ToDirectory([](directory::proto::ToDirectory* message) {
        message->mutable_list();
      });
    case Where::kClient:
      return Frame(messaging::kRequestFrame,
                   uint64_t{1} << 32 | static_cast<uint64_t>(number),
                   std::string(256, 'q'));
    case Where::kServer:
      break;
  }
  return Frame(messaging::kMessageFrame, 0, std::string(256, 'm'));
}

void MisbehaveOn(int fd, Where where, const std::string& how) {
  if (how == "half_close") {
    shutdown(fd, SHUT_WR);
  } else if (how == "deaf") {
    // A deaf server sends hello and nothing else.
    if (where == Where::kServer) return;
    // A server receives no more requests from a client for which too many
    // responses are queued. The timeout ends the blocking send.
    const struct timeval patience = {0, 200 * 1000};
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
    for (int i = 0; i < kQuestions && Send(fd, Question(where, i)); ++i) {
    }
  } else if (how == "one_byte") {
    while (Send(fd, "b")) {
    }
  } else if (how == "fds") {
    // The kernel limits the descriptors in flight per user. The other processes
    // of this test belong to the same user, and need some of them.
    struct rlimit limit;
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = std::min<rlim_t>(limit.rlim_cur, kMostInFlight);
    setrlimit(RLIMIT_NOFILE, &limit);
    // The first frame announces one descriptor, the others announce none.
    Send(fd,
         Frame(messaging::kMessageFrame, 0, "d",
               transports::FrameHeader::kDescriptor),
         kDescriptorsOfAPacket);
    while (Send(fd, Question(where, 0), kDescriptorsOfAPacket)) {
    }
  }
}

void WaitForTheEnd() {
  for (;;) pause();
}

}  // namespace

void Misbehave(Where where, const std::string& how, int count,
               void (*started)()) {
  if (where != Where::kServer) {
    for (int i = 0; i < count; ++i) {
      const int fd = Connect();
      if (where == Where::kClient) {
        Send(fd, ToDirectory([](directory::proto::ToDirectory* message) {
               Describe(message->mutable_open()->mutable_client(), "echo");
               message->mutable_open()->set_wait(true);
             }));
        Receive(fd);  // the directory's answer
      }
      MisbehaveOn(fd, where, how);
    }
    started();
    WaitForTheEnd();
  }
  const int directory = Connect();
  Send(directory, ToDirectory([](directory::proto::ToDirectory* message) {
         Describe(message->mutable_advertise()->mutable_service(), "strange");
       }));
  started();
  for (;;) {
    const int client = Receive(directory);
    if (client < 0 || how == "silent") continue;
    messaging::Hello hello;
    Send(client, Frame(messaging::kHelloFrame, 0,
                       std::string(reinterpret_cast<const char*>(&hello),
                                   sizeof(hello))));
    MisbehaveOn(client, where, how);
  }
}

}  // namespace endurance
}  // namespace le
