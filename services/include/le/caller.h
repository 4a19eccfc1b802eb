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

// The client of a call. A Caller is valid until the Reply or Sink of the call
// is finished. For a one-way message, it is valid until the method returns. To
// use the client later, keep its session().
class Caller {
 public:
  // No client: the user is -1, so that it is not mistaken for root (0).
  Caller() = default;
  Caller(const Peer& peer, const Message* message)
      : peer_(peer), message_(message) {}
  Caller(const Caller&) = delete;
  Caller& operator=(const Caller&) = delete;
  // The client's user and process when the session opened, from the kernel.
  uid_t user() const { return peer_.user; }
  pid_t process() const { return peer_.process; }
  // The client's session, for example as the key of a map.
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
