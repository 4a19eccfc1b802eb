// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#include "tests/fuzz/raw_socket.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <vector>

#include "transports/framing/framing.h"

namespace le {
namespace fuzz {

using transports::FrameHeader;

void RawSocket::Connect(const std::string& address) {
  Close();
  struct sockaddr_un to = {};
  to.sun_family = AF_UNIX;
  std::memcpy(to.sun_path, address.data(), address.size());
  fd_ = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (connect(fd_, reinterpret_cast<struct sockaddr*>(&to), sizeof(to)) != 0) {
    Close();
  }
}

void RawSocket::Adopt(int fd) {
  Close();
  fd_ = fd;
}

void RawSocket::Close() {
  if (fd_ >= 0) close(fd_);
  fd_ = -1;
}

void RawSocket::Send(const std::string& packet, int descriptors) {
  if (fd_ < 0) return;
  struct iovec part = {const_cast<char*>(packet.data()), packet.size()};
  struct msghdr message = {};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  std::vector<int> fds;
  for (int i = 0; i < descriptors; ++i) {
    fds.push_back(open("/dev/null", O_RDONLY | O_CLOEXEC));
  }
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
  sendmsg(fd_, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
  for (int fd : fds) close(fd);
}

std::string RawSocket::Receive() {
  if (fd_ < 0) return "";
  static char bytes[transports::kMaxPacketBytes];
  char control[CMSG_SPACE(16 * sizeof(int))];
  struct iovec part = {bytes, sizeof(bytes)};
  struct msghdr message = {};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof(control);
  const ssize_t size = recvmsg(fd_, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
  if (size < 0) return "";
  for (struct cmsghdr* c = CMSG_FIRSTHDR(&message); c != nullptr;
       c = CMSG_NXTHDR(&message, c)) {
    if (c->cmsg_type != SCM_RIGHTS) continue;
    const size_t count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (size_t i = 0; i < count; ++i) {
      int fd;
      std::memcpy(&fd, CMSG_DATA(c) + i * sizeof(int), sizeof(fd));
      close(fd);
    }
  }
  return std::string(bytes, static_cast<size_t>(size));
}

void RawSocket::HalfClose(bool sending) {
  if (fd_ >= 0) shutdown(fd_, sending ? SHUT_WR : SHUT_RD);
}

std::string RawSocket::NearlyAFrame(Input* input, uint8_t type) {
  FrameHeader header;
  const uint8_t oddity = input->Byte();
  header.type = type != 0 ? type : input->Byte();
  if ((oddity & 1) != 0) header.flags = input->Byte();
  if ((oddity & 2) != 0) header.version = input->Byte();
  if ((oddity & 4) != 0) header.id = input->Number();
  if ((oddity & 8) != 0) header.id |= uint64_t{input->Byte()} << 32;
  const std::string payload = input->Bytes(input->Byte() * 2u);
  header.length = static_cast<uint32_t>(payload.size());
  if ((oddity & 16) != 0) header.length = input->Number();
  std::string packet(reinterpret_cast<const char*>(&header), sizeof(header));
  return packet + payload;
}

std::string RawSocket::Frame(uint8_t type, uint64_t id,
                             const std::string& payload) {
  FrameHeader header;
  header.type = type;
  header.id = id;
  header.length = static_cast<uint32_t>(payload.size());
  return std::string(reinterpret_cast<const char*>(&header), sizeof(header)) +
         payload;
}

}  // namespace fuzz
}  // namespace le
