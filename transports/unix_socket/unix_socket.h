// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// The transport between processes: AF_UNIX, SOCK_SEQPACKET. An address is a
// path. The format of the packets: transports/wire.md.

#ifndef LE_MESSAGING_TRANSPORTS_UNIX_SOCKET_UNIX_SOCKET_H_
#define LE_MESSAGING_TRANSPORTS_UNIX_SOCKET_UNIX_SOCKET_H_

#include <memory>
#include <string>

#include "event/process.h"
#include "transports/transport.h"

namespace le {
namespace transports {

// The longest path that a socket can have: sun_path less its end.
constexpr size_t kMaxSocketPathBytes = 107;

// Connections that may wait to be accepted; the kernel caps it at somaxconn.
constexpr int kListenBacklog = 1024;

class UnixTransport final : public Transport {
 public:
  explicit UnixTransport(event::Process* process) : process_(process) {}

  // Before Listen(): connections that are accepted take no descriptors, until they
  // are passed on. Where the kernel can (Linux 6.16), it refuses them, and the sender
  // learns of it; elsewhere they are closed by another thread, since that may take
  // as long as the sender likes.
  void RefuseDescriptors() { refuses_descriptors_ = true; }

  absl::StatusOr<std::unique_ptr<Acceptor>> Listen(
      const std::string& address) override;
  absl::StatusOr<std::unique_ptr<Connection>> Connect(
      const std::string& address) override;

 private:
  event::Process* const process_;
  bool refuses_descriptors_ = false;
};

}  // namespace transports
}  // namespace le

#endif  // LE_MESSAGING_TRANSPORTS_UNIX_SOCKET_UNIX_SOCKET_H_
