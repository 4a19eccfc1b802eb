// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#include "transports/loopback/loopback.h"

#include <deque>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/strings/str_cat.h"
#include "event/base/mutex.h"
#include "transports/loopback/loopback_connection.h"

namespace le {
namespace transports {

class LoopbackAcceptor final : public Acceptor, private event::Task {
 public:
  LoopbackAcceptor(LoopbackNetwork* network, std::string address,
                   std::shared_ptr<LoopbackTransport::Members> members,
                   event::Process* process)
      : network_(network),
        address_(std::move(address)),
        members_(std::move(members)),
        process_(process) {
    event::MutexLock lock(&members_->mutex);
    number_ = members_->next++;
    members_->acceptors[number_] = this;
  }

  ~LoopbackAcceptor() override {
    Die();
    event::MutexLock lock(&members_->mutex);
    members_->acceptors.erase(number_);
  }

  absl::Status Attach(event::Loop* loop, Observer* observer) override {
    event::MutexLock lock(&network_->mutex_);
    loop_ = loop;
    observer_ = observer;
    if (!backlog_.empty()) NotifyLocked();
    return absl::OkStatus();
  }

  // Returns false if the backlog is full. The calling transport holds the
  // network's lock. The thread-safety analysis does not know that this is the
  // lock that guards the backlog.
  bool OfferLocked(std::unique_ptr<Connection>* connection)
      ABSL_NO_THREAD_SAFETY_ANALYSIS {
    if (backlog_.size() >= LoopbackNetwork::kBacklog) return false;
    backlog_.push_back(std::move(*connection));
    NotifyLocked();
    return true;
  }

  void Die() {
    std::deque<std::unique_ptr<Connection>> refused;
    event::MutexLock lock(&network_->mutex_);
    auto it = network_->acceptors_.find(address_);
    if (it != network_->acceptors_.end() && it->second == this) {
      network_->acceptors_.erase(it);
    }
    if (notified_) loop_->Cancel(this);
    notified_ = false;
    loop_ = nullptr;
    refused.swap(backlog_);
  }

  const std::shared_ptr<LoopbackTransport::Members>& members() const {
    return members_;
  }
  event::Process* process() const { return process_; }

 private:
  void NotifyLocked() ABSL_EXCLUSIVE_LOCKS_REQUIRED(network_->mutex_) {
    if (loop_ == nullptr || notified_) return;
    notified_ = true;
    loop_->Post(this);
  }

  void Run() override {
    std::unique_ptr<Connection> connection;
    Observer* observer;
    {
      event::MutexLock lock(&network_->mutex_);
      notified_ = false;
      if (loop_ == nullptr || backlog_.empty()) return;
      connection = std::move(backlog_.front());
      backlog_.pop_front();
      observer = observer_;
      if (!backlog_.empty()) NotifyLocked();
    }
    observer->OnAccepted(std::move(connection));
  }

  LoopbackNetwork* const network_;
  const std::string address_;
  const std::shared_ptr<LoopbackTransport::Members> members_;
  event::Process* const process_;
  uint64_t number_ = 0;  // in members_
  event::Loop* loop_ ABSL_GUARDED_BY(network_->mutex_) = nullptr;
  Observer* observer_ ABSL_GUARDED_BY(network_->mutex_) = nullptr;
  bool notified_ ABSL_GUARDED_BY(network_->mutex_) = false;
  std::deque<std::unique_ptr<Connection>> backlog_
      ABSL_GUARDED_BY(network_->mutex_);
};

LoopbackTransport::LoopbackTransport(LoopbackNetwork* network,
                                     event::Process* process)
    : network_(network),
      process_(process),
      members_(std::make_shared<Members>()) {}

LoopbackTransport::~LoopbackTransport() = default;

absl::StatusOr<std::unique_ptr<Acceptor>> LoopbackTransport::Listen(
    const std::string& address) {
  process_->YieldPoint();
  if (address.empty()) return absl::InvalidArgumentError("an empty address");
  auto acceptor =
      std::make_unique<LoopbackAcceptor>(network_, address, members_, process_);
  bool added;
  {
    event::MutexLock lock(&network_->mutex_);
    added = network_->acceptors_.emplace(address, acceptor.get()).second;
  }
  if (!added) {
    return absl::AlreadyExistsError(
        absl::StrCat("another acceptor listens at '", address, "'"));
  }
  return std::unique_ptr<Acceptor>(std::move(acceptor));
}

absl::StatusOr<std::unique_ptr<Connection>> LoopbackTransport::Connect(
    const std::string& address) {
  process_->YieldPoint();
  if (address.empty()) return absl::InvalidArgumentError("an empty address");
  // Declared before the lock, so that on failure they are destroyed after the
  // unlock.
  std::unique_ptr<Connection> connecting, accepted;
  event::MutexLock lock(&network_->mutex_);
  auto it = network_->acceptors_.find(address);
  if (it == network_->acceptors_.end()) {
    return absl::UnavailableError(
        absl::StrCat("'", address, "': no acceptor listens there"));
  }
  LoopbackAcceptor* const acceptor = it->second;
  auto channel = std::make_shared<LoopbackChannel>(
      process_->credentials(), acceptor->process()->credentials());
  connecting =
      std::make_unique<LoopbackConnection>(channel, 0, members_, process_);
  accepted = std::make_unique<LoopbackConnection>(
      channel, 1, acceptor->members(), acceptor->process());
  if (!acceptor->OfferLocked(&accepted)) {
    return absl::AbortedError(absl::StrCat(
        "too many connections wait to be accepted at '", address, "'"));
  }
  return connecting;
}

LoopbackTransport::Pair LoopbackTransport::ConnectedPair() {
  auto channel = std::make_shared<LoopbackChannel>(process_->credentials(),
                                                   process_->credentials());
  Pair pair;
  pair.connecting =
      std::make_unique<LoopbackConnection>(channel, 0, members_, process_);
  pair.accepting =
      std::make_unique<LoopbackConnection>(channel, 1, members_, process_);
  return pair;
}

void LoopbackTransport::CloseAll() {
  // No other thread uses these objects any more. So they may be closed without
  // the lock.
  std::map<uint64_t, LoopbackConnection*> connections;
  std::map<uint64_t, LoopbackAcceptor*> acceptors;
  {
    event::MutexLock lock(&members_->mutex);
    connections = members_->connections;
    acceptors = members_->acceptors;
  }
  for (const auto& connection : connections) connection.second->Die();
  for (const auto& acceptor : acceptors) acceptor.second->Die();
}

std::shared_ptr<LocalTransport> NewLoopback(event::Process* process) {
  struct Both {
    explicit Both(event::Process* process) : transport(&network, process) {}
    LoopbackNetwork network;
    LoopbackTransport transport;
  };
  auto both = std::make_shared<Both>(process);
  return std::shared_ptr<LocalTransport>(both, &both->transport);
}

}  // namespace transports
}  // namespace le
