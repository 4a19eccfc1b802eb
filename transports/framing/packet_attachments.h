// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// The descriptors and credentials that arrived with a packet.

#ifndef LE_MESSAGING_TRANSPORTS_FRAMING_PACKET_ATTACHMENTS_H_
#define LE_MESSAGING_TRANSPORTS_FRAMING_PACKET_ATTACHMENTS_H_

#include <cstddef>
#include <cstring>

#include "absl/types/optional.h"
#include "event/base/sys.h"
#include "event/base/unique_fd.h"
#include "event/process.h"

namespace le {
namespace transports {

// The most descriptors that the kernel sends in one packet (SCM_MAX_FD). The
// receiver has room for all of them, so it can close each descriptor that the
// kernel installs.
constexpr size_t kMaxDescriptorsPerPacket = 253;

// Owns the received descriptors until they are taken.
class PacketAttachments {
 public:
  PacketAttachments() = default;
  ~PacketAttachments() { Reset(); }
  PacketAttachments(const PacketAttachments&) = delete;
  PacketAttachments& operator=(const PacketAttachments&) = delete;

  // Closes the remaining descriptors, and clears the other members.
  void Reset() {
    for (size_t i = 0; i < count_; ++i) event::sys::Close(fds_[i]);
    count_ = 0;
    truncated_ = false;
    sender_.reset();
  }

  // Takes ownership of `fd`. Closes `fd` if there are too many descriptors.
  void AddDescriptor(int fd) {
    if (count_ < kMaxDescriptorsPerPacket) {
      fds_[count_++] = fd;
    } else {
      event::sys::Close(fd);
    }
  }
  void set_truncated(bool truncated) { truncated_ = truncated; }
  void set_sender(const event::Credentials& sender) { sender_ = sender; }

  size_t descriptors() const { return count_; }
  // Whether the packet had no descriptors and no credentials, and truncated()
  // is false.
  bool empty() const {
    return count_ == 0 && !truncated_ && !sender_.has_value();
  }
  // Whether descriptors were lost at this end. For example, no file descriptor
  // was free.
  bool truncated() const { return truncated_; }
  // Removes and returns the first descriptor, if there is one.
  event::UniqueFd TakeDescriptor() {
    if (count_ == 0) return event::UniqueFd();
    const int first = fds_[0];
    --count_;
    std::memmove(fds_, fds_ + 1, count_ * sizeof(int));
    return event::UniqueFd(first);
  }
  const absl::optional<event::Credentials>& sender() const { return sender_; }

 private:
  int fds_[kMaxDescriptorsPerPacket];
  size_t count_ = 0;
  bool truncated_ = false;
  absl::optional<event::Credentials> sender_;
};

}  // namespace transports
}  // namespace le

#endif  // LE_MESSAGING_TRANSPORTS_FRAMING_PACKET_ATTACHMENTS_H_
