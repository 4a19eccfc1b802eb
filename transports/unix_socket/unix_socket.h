// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// The transport between processes: AF_UNIX, SOCK_SEQPACKET. An address is a
// path. transports/wire.md defines the format of the packets.

#ifndef LE_MESSAGING_TRANSPORTS_UNIX_SOCKET_UNIX_SOCKET_H_
#define LE_MESSAGING_TRANSPORTS_UNIX_SOCKET_UNIX_SOCKET_H_

#include <memory>
#include <string>
#include <utility>

#include "event/base/unique_fd.h"
#include "event/process.h"
#include "transports/transport.h"

namespace le {
namespace transports {

// The longest path of a socket: the size of sun_path minus the final zero byte.
constexpr size_t kMaxSocketPathBytes = 107;

// The most connections that wait to be accepted. The kernel's limit somaxconn
// may be lower.
constexpr int kListenBacklog = 1024;
// The number of tries of Connect() at a full backlog. An accepting server makes
// room every few microseconds. While one user fills the backlog, about one try
// in three finds room.
constexpr int kConnectTries = 16;

class UnixTransport final : public Transport {
 public:
  explicit UnixTransport(event::Process* process) : process_(process) {}

  // Call it before Listen(). Accepted connections receive no descriptors until
  // they are passed on. From Linux 6.16 on the kernel refuses descriptors at
  // the sender. An older kernel delivers them, and this end closes them. If
  // their user is a stranger, another thread closes them, because a close can
  // block without limit.
  void RefuseDescriptors() { refuses_descriptors_ = true; }

  // Call it before Listen(). At most `connections` wait to be accepted. (The
  // kernel allows one more.)
  void SetBacklog(int connections) { backlog_ = connections; }

  // The next Listen() uses `socket` in place of a new socket. `socket` already
  // listens, and connections may already wait in its backlog. Clients see the
  // credentials of the process that called listen(). The acceptor never removes
  // the path. If `socket` has a duplicate, the end of the acceptor leaves the
  // backlog unchanged. This call of Listen() has one more error:
  //  - FailedPrecondition: `socket` does not listen at the address, or the path
  //    was deleted.
  void UseListener(event::UniqueFd socket) { listener_ = std::move(socket); }

  absl::StatusOr<std::unique_ptr<Acceptor>> Listen(
      const std::string& address) override;
  absl::StatusOr<std::unique_ptr<Connection>> Connect(
      const std::string& address) override;

 private:
  absl::StatusOr<std::unique_ptr<Acceptor>> ListenWith(
      event::UniqueFd listener, const std::string& address);

  event::Process* const process_;
  event::UniqueFd listener_;  // of UseListener()
  bool refuses_descriptors_ = false;
  int backlog_ = kListenBacklog;
};

}  // namespace transports
}  // namespace le

#endif  // LE_MESSAGING_TRANSPORTS_UNIX_SOCKET_UNIX_SOCKET_H_
