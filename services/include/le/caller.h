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
// is finished. The Caller of a one-way message is valid until the method
// returns. To push messages to the client later, keep the result of session().
class Caller {
 public:
  // No client: the user is -1, so that it is not mistaken for root (0).
  Caller() = default;
  Caller(const Peer& peer, const Message* message)
      : peer_(peer), message_(message) {}
  Caller(const Caller&) = delete;
  Caller& operator=(const Caller&) = delete;
  // The user and the process of the client, as the kernel reported them when
  // the session opened.
  uid_t user() const { return peer_.user; }
  pid_t process() const { return peer_.process; }
  // The client's session. Its key() may be the key of a map.
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
