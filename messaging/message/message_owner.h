// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef LE_MESSAGING_MESSAGING_MESSAGE_MESSAGE_OWNER_H_
#define LE_MESSAGING_MESSAGING_MESSAGE_MESSAGE_OWNER_H_

#include <cstddef>
#include <cstdint>
#include <string>

#include "event/base/ref.h"
#include "event/base/unique_fd.h"

namespace le {
namespace messaging {

// The functions of a session that its messages call. Each message holds a
// reference to its session.
class MessageOwner : public event::RefCounted<MessageOwner> {
 public:
  // Any thread. A received request with this id and this charge was released
  // without a response.
  virtual void GiveUp(uint64_t request, size_t charged_bytes) = 0;
  // Any thread. The charge of a received request has grown by `bytes`.
  virtual void OnChargeGrown(size_t bytes) { (void)bytes; }
  // Any thread. The program has fetched the file descriptor of a received
  // message.
  virtual void OnDescriptorTaken() {}
  // Any thread. The program has not fetched `fd`, so this function closes it.
  // The close may take long.
  virtual void DropDescriptor(event::UniqueFd fd) = 0;
  // Any thread. For log lines.
  virtual const std::string& interface_name() const = 0;

 protected:
  friend class event::RefCounted<MessageOwner>;
  virtual ~MessageOwner() = default;
};

}  // namespace messaging
}  // namespace le

#endif  // LE_MESSAGING_MESSAGING_MESSAGE_MESSAGE_OWNER_H_
