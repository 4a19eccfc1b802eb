// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// Clients and servers of a directory, by plain system calls.

#ifndef LE_MESSAGING_TESTS_TRUST_PLAIN_PEER_H_
#define LE_MESSAGING_TESTS_TRUST_PLAIN_PEER_H_

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstdint>
#include <cstring>
#include <string>

#include "directory/control_frame.h"
#include "transports/framing/framing.h"

namespace le {
namespace trust {

using transports::FrameHeader;

inline int Connect(const std::string& address) {
  const int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
  struct sockaddr_un to = {};
  to.sun_family = AF_UNIX;
  std::memcpy(to.sun_path, address.data(), address.size());
  if (connect(fd, reinterpret_cast<struct sockaddr*>(&to), sizeof(to)) != 0) {
    close(fd);
    return -1;
  }
  return fd;
}

// `sent`: a file descriptor to attach, or -1.
inline bool Say(int fd, directory::proto::ToDirectory message, int sent = -1) {
  message.set_version(directory::kControlVersion);
  const std::string text = message.SerializeAsString();
  FrameHeader header;
  header.type = directory::kControlFrame;
  header.flags = sent < 0 ? 0 : FrameHeader::kDescriptor;
  header.length = static_cast<uint32_t>(text.size());
  struct iovec parts[2] = {{&header, sizeof(header)},
                           {const_cast<char*>(text.data()), text.size()}};
  alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(sent))] = {};
  struct msghdr packet = {};
  packet.msg_iov = parts;
  packet.msg_iovlen = 2;
  if (sent >= 0) {
    packet.msg_control = control;
    packet.msg_controllen = sizeof(control);
    struct cmsghdr* const c = CMSG_FIRSTHDR(&packet);
    c->cmsg_level = SOL_SOCKET;
    c->cmsg_type = SCM_RIGHTS;
    c->cmsg_len = CMSG_LEN(sizeof(sent));
    std::memcpy(CMSG_DATA(c), &sent, sizeof(sent));
  }
  return sendmsg(fd, &packet, MSG_NOSIGNAL) > 0;
}

inline directory::proto::ToDirectory Open(const std::string& name) {
  directory::proto::ToDirectory message;
  auto* const client = message.mutable_open()->mutable_client();
  client->set_interface_name(name);
  client->set_protocol_id("attack");
  client->set_max_message_size(8);
  message.mutable_open()->set_wait(true);
  return message;
}

inline directory::proto::ToDirectory Advertise(
    const std::string& name, const std::string& protocol = "attack") {
  directory::proto::ToDirectory message;
  auto* const service = message.mutable_advertise()->mutable_service();
  service->set_interface_name(name);
  service->set_protocol_id(protocol);
  service->set_max_message_size(8);
  return message;
}

}  // namespace trust
}  // namespace le

#endif  // LE_MESSAGING_TESTS_TRUST_PLAIN_PEER_H_
