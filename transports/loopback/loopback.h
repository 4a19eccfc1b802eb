// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// A transport within one process of the operating system.
//
// It behaves like a socket: it limits its queues, delivers frames that were
// sent before a close, duplicates descriptors, and knows the credentials of the
// far end. It posts events to the loop and never calls an observer directly. A
// payload that may be moved is copied in two cases: its buffer is too large for
// it (Buffer::IsTooLargeFor()), or its buffer has another capacity than the
// receiver's pool.
//
// An address is any text that is not empty. A loop that a connection is
// attached to must not run tasks inside Post(), and must outlive the
// attachment.

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

// The acceptors of a network, by address. Thread-safe. A network must outlive
// its transports.
class LoopbackNetwork {
 public:
  LoopbackNetwork() = default;
  LoopbackNetwork(const LoopbackNetwork&) = delete;
  LoopbackNetwork& operator=(const LoopbackNetwork&) = delete;

  // The most connections that wait to be accepted at one address.
  static constexpr size_t kBacklog = 128;

 private:
  friend class LoopbackAcceptor;
  friend class LoopbackTransport;
  event::Mutex mutex_;
  std::map<std::string, LoopbackAcceptor*> acceptors_ ABSL_GUARDED_BY(mutex_);
};

// One process's access to a network. Thread-safe.
class LoopbackTransport final : public LocalTransport {
 public:
  // Does not own the arguments.
  LoopbackTransport(LoopbackNetwork* network, event::Process* process);
  ~LoopbackTransport() override;

  absl::StatusOr<std::unique_ptr<Acceptor>> Listen(
      const std::string& address) override;
  absl::StatusOr<std::unique_ptr<Connection>> Connect(
      const std::string& address) override;

  Pair ConnectedPair() override;

  // Closes all connections and acceptors of this process, as a kernel does when
  // a process dies. The far ends still receive the frames that were sent.
  // After this call, this transport, its connections and its acceptors may only
  // be destroyed.
  void CloseAll();

 private:
  LoopbackNetwork* const network_;
  event::Process* const process_;
  // The connections share this object, because they may outlive the transport.
  struct Members;
  const std::shared_ptr<Members> members_;

  friend class LoopbackAcceptor;
  friend class LoopbackConnection;
};

// Returns a transport with a network of its own.
std::shared_ptr<LocalTransport> NewLoopback(event::Process* process);

}  // namespace transports
}  // namespace le

#endif  // LE_MESSAGING_TRANSPORTS_LOOPBACK_LOOPBACK_H_
