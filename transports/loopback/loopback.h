// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// A transport within one process of the operating system.
//
// As honest a peer as a socket: it calls nobody in place but posts, it pushes
// back, it delivers what was sent before a close, it duplicates descriptors, and
// it knows the credentials of the far end. A payload whose ownership may move is not
// copied.
//
// An address is any text but the empty one. The loops that its connections are attached to must not run tasks inside
// Post(), and must outlive the attachment.

#ifndef LE_MESSAGING_TRANSPORTS_LOOPBACK_LOOPBACK_H_
#define LE_MESSAGING_TRANSPORTS_LOOPBACK_LOOPBACK_H_

#include <map>
#include <memory>
#include <string>

#include "absl/base/thread_annotations.h"
#include "event/base/mutex.h"
#include "event/process.h"
#include "transports/transport.h"

namespace le {
namespace transports {

class LoopbackAcceptor;
class LoopbackConnection;

// Where the parties meet: addresses, and who listens there. Thread-safe;
// outlives its transports.
class LoopbackNetwork {
 public:
  LoopbackNetwork() = default;
  LoopbackNetwork(const LoopbackNetwork&) = delete;
  LoopbackNetwork& operator=(const LoopbackNetwork&) = delete;

  // Connections that may wait to be accepted at one address.
  static constexpr size_t kBacklog = 128;

 private:
  friend class LoopbackAcceptor;
  friend class LoopbackTransport;
  event::Mutex mutex_;
  std::map<std::string, LoopbackAcceptor*> acceptors_ ABSL_GUARDED_BY(mutex_);
};

// The view that one process has of a network. Thread-safe.
class LoopbackTransport final : public LocalTransport {
 public:
  // Neither is owned.
  LoopbackTransport(LoopbackNetwork* network, event::Process* process);
  ~LoopbackTransport() override;

  absl::StatusOr<std::unique_ptr<Acceptor>> Listen(
      const std::string& address) override;
  absl::StatusOr<std::unique_ptr<Connection>> Connect(
      const std::string& address) override;

  Pair ConnectedPair() override;

  // What a kernel does when a process dies: the far ends find everything closed,
  // once they have received what was sent. No object of this process may be
  // used afterwards, but to destroy it.
  void CloseAll();

 private:
  LoopbackNetwork* const network_;
  event::Process* const process_;
  // Kept beyond the transport by its connections, which may outlive it.
  struct Members;
  const std::shared_ptr<Members> members_;

  friend class LoopbackAcceptor;
  friend class LoopbackConnection;
};

// A transport with a network to itself.
std::shared_ptr<LocalTransport> NewLoopback(event::Process* process);

}  // namespace transports
}  // namespace le

#endif  // LE_MESSAGING_TRANSPORTS_LOOPBACK_LOOPBACK_H_
