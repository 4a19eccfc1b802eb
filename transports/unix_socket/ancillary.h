// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// The ancillary data of a packet: its descriptors and credentials.

#ifndef LE_MESSAGING_TRANSPORTS_UNIX_SOCKET_ANCILLARY_H_
#define LE_MESSAGING_TRANSPORTS_UNIX_SOCKET_ANCILLARY_H_

#include <sys/socket.h>

#include <cstddef>

#include "event/process.h"
#include "transports/framing/packet_attachments.h"

namespace le {
namespace transports {

// The ancillary data of a packet to send: at most one descriptor, and
// credentials.
class OutgoingAncillary {
 public:
  void AddDescriptor(int fd);
  void AddCredentials(const event::Credentials& credentials);
  // This object must outlive the use of `message`.
  void PutInto(struct msghdr* message);

 private:
  alignas(struct cmsghdr) char bytes_[CMSG_SPACE(sizeof(int)) +
                                      CMSG_SPACE(sizeof(struct ucred))];
  size_t size_ = 0;
};

// The ancillary data that recvmsg() returned.
class IncomingAncillary final : public PacketAttachments {
 public:
  void PutInto(struct msghdr* message);
  // Call it after recvmsg().
  void TakeFrom(const struct msghdr& message);

 private:
  // Not initialized, because only the bytes that the kernel has written are
  // read.
  alignas(struct cmsghdr) char bytes_[CMSG_SPACE(kMaxDescriptorsPerPacket *
                                                 sizeof(int)) +
                                      CMSG_SPACE(sizeof(struct ucred))];
};

}  // namespace transports
}  // namespace le

#endif  // LE_MESSAGING_TRANSPORTS_UNIX_SOCKET_ANCILLARY_H_
