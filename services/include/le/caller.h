// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef LE_MESSAGING_SERVICES_LE_CALLER_H_
#define LE_MESSAGING_SERVICES_LE_CALLER_H_

#include <sys/types.h>

#include "le/message.h"

namespace le {

namespace internal {
struct ServerCall;
}  // namespace internal

// The client of a call. Valid as long as the Reply or Sink, and for a one-way
// message until the method returns. To keep it longer, keep its session().
class Caller {
 public:
  // Nobody: the user is -1, which is not root.
  Caller() = default;
  Caller(const Peer& peer, const Message* message)
      : peer_(peer), message_(message) {}
  Caller(const Caller&) = delete;
  Caller& operator=(const Caller&) = delete;
  // Its user and its process when the session opened, from the kernel.
  uid_t user() const { return peer_.user; }
  pid_t process() const { return peer_.process; }
  // Its session, for example as the key of a map.
  Session session() const {
    return message_ == nullptr ? Session() : Session::Of(*message_);
  }

 private:
  friend struct internal::ServerCall;

  static Peer Nobody() {
    Peer peer;
    peer.user = static_cast<uid_t>(-1);
    return peer;
  }

  Peer peer_ = Nobody();
  const Message* message_ = nullptr;
};

}  // namespace le

#endif  // LE_MESSAGING_SERVICES_LE_CALLER_H_
