// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// What travels beside the bytes of a packet: descriptors and credentials.

#ifndef LE_MESSAGING_TRANSPORTS_UNIX_SOCKET_ANCILLARY_H_
#define LE_MESSAGING_TRANSPORTS_UNIX_SOCKET_ANCILLARY_H_

#include <sys/socket.h>

#include <cstddef>

#include "absl/types/optional.h"
#include "event/base/unique_fd.h"
#include "event/process.h"

namespace le {
namespace transports {

// As many descriptors as the kernel sends in one packet (SCM_MAX_FD): with room
// for all of them, none is installed that we do not learn of.
constexpr size_t kMaxDescriptorsPerPacket = 253;

// At most one descriptor, and credentials.
class OutgoingAncillary {
 public:
  void AddDescriptor(int fd);
  void AddCredentials(const event::Credentials& credentials);
  // Must outlive its use in `message`.
  void PutInto(struct msghdr* message);

 private:
  alignas(struct cmsghdr) char bytes_[CMSG_SPACE(sizeof(int)) +
                                      CMSG_SPACE(sizeof(struct ucred))];
  size_t size_ = 0;
};

// Owns every descriptor that came, until it is taken.
class IncomingAncillary {
 public:
  IncomingAncillary() = default;
  ~IncomingAncillary() { Reset(); }
  // Closes what has not been taken.
  void Reset();
  IncomingAncillary(const IncomingAncillary&) = delete;
  IncomingAncillary& operator=(const IncomingAncillary&) = delete;

  void PutInto(struct msghdr* message);
  // After recvmsg().
  void TakeFrom(const struct msghdr& message);

  size_t descriptors() const { return count_; }
  // Neither descriptors nor credentials, and none that were lost.
  bool empty() const {
    return count_ == 0 && !truncated_ && !sender_.has_value();
  }
  // Something had no room: descriptors that the process could not have.
  bool truncated() const { return truncated_; }
  // The first, or none.
  event::UniqueFd TakeDescriptor();
  const absl::optional<event::Credentials>& sender() const { return sender_; }

 private:
  // Not initialized: the kernel writes what there is.
  alignas(struct cmsghdr) char bytes_[CMSG_SPACE(kMaxDescriptorsPerPacket *
                                                 sizeof(int)) +
                                      CMSG_SPACE(sizeof(struct ucred))];
  int fds_[kMaxDescriptorsPerPacket];
  size_t count_ = 0;
  bool truncated_ = false;
  absl::optional<event::Credentials> sender_;
};

}  // namespace transports
}  // namespace le

#endif  // LE_MESSAGING_TRANSPORTS_UNIX_SOCKET_ANCILLARY_H_
