// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#include "transports/unix_socket/ancillary.h"

#include <cstring>

namespace le {
namespace transports {
namespace {

// The number that the kernel reports if the user is unknown or not mapped in
// this user namespace.
constexpr uid_t kOverflowUid = 65534;

void Append(char* bytes, size_t* used, int type, const void* data,
            size_t size) {
  auto* const header = reinterpret_cast<struct cmsghdr*>(bytes + *used);
  std::memset(header, 0, CMSG_SPACE(size));
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = type;
  header->cmsg_len = CMSG_LEN(size);
  std::memcpy(CMSG_DATA(header), data, size);
  *used += CMSG_SPACE(size);
}

}  // namespace

void OutgoingAncillary::AddDescriptor(int fd) {
  Append(bytes_, &size_, SCM_RIGHTS, &fd, sizeof(fd));
}

void OutgoingAncillary::AddCredentials(const event::Credentials& credentials) {
  struct ucred raw = {};
  raw.pid = credentials.pid;
  raw.uid = credentials.uid;
  raw.gid = credentials.gid;
  Append(bytes_, &size_, SCM_CREDENTIALS, &raw, sizeof(raw));
}

void OutgoingAncillary::PutInto(struct msghdr* message) {
  message->msg_control = size_ == 0 ? nullptr : bytes_;
  message->msg_controllen = size_;
}

void IncomingAncillary::PutInto(struct msghdr* message) {
  message->msg_control = bytes_;
  message->msg_controllen = sizeof(bytes_);
}

void IncomingAncillary::TakeFrom(const struct msghdr& message) {
  set_truncated((message.msg_flags & MSG_CTRUNC) != 0);
  auto* const raw = const_cast<struct msghdr*>(&message);
  for (struct cmsghdr* c = CMSG_FIRSTHDR(raw); c != nullptr;
       c = CMSG_NXTHDR(raw, c)) {
    if (c->cmsg_level != SOL_SOCKET) continue;
    if (c->cmsg_type == SCM_RIGHTS) {
      const size_t count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
      for (size_t i = 0; i < count; ++i) {
        int fd;
        std::memcpy(&fd, CMSG_DATA(c) + i * sizeof(int), sizeof(fd));
        fd = event::sys::MoveFromStandard(fd);
        if (fd >= 0) {
          AddDescriptor(fd);
        } else {
          set_truncated(true);
        }
      }
    } else if (c->cmsg_type == SCM_CREDENTIALS) {
      struct ucred credentials;
      std::memcpy(&credentials, CMSG_DATA(c), sizeof(credentials));
      // The kernel reports these values for a packet without credentials.
      if (credentials.pid == 0 && credentials.uid == kOverflowUid) continue;
      set_sender({credentials.pid, credentials.uid, credentials.gid});
    }
  }
}

}  // namespace transports
}  // namespace le
