// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#include "directory/server.h"

#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "directory/control_frame.h"
#include "directory/interface_name.h"
#include "directory/server_peer.h"
#include "event/peer_log.h"

namespace le {
namespace directory {

using event::LogLevel;
using transports::Connection;
using transports::IoResult;

namespace {

proto::RefusalCode ToProto(RefusalReason reason) {
  switch (reason) {
    case RefusalReason::kNotOffered:
      return proto::NOT_OFFERED;
    case RefusalReason::kNoBinding:
      return proto::NO_BINDING;
    case RefusalReason::kOtherProtocol:
      return proto::OTHER_PROTOCOL;
    case RefusalReason::kLimit:
      return proto::LIMIT;
  }
  return proto::REFUSED;
}

proto::WaitReason ToProto(WaitReason reason) {
  return static_cast<proto::WaitReason>(reason);
}

absl::Status Check(const proto::Description& described,
                   InterfaceDescription* description) {
  absl::Status name = CheckInterfaceName(described.interface_name());
  if (!name.ok()) return name;
  absl::Status protocol = CheckProtocolId(described.protocol_id());
  if (!protocol.ok()) return protocol;
  if (described.max_message_size() > transports::kMaxPayloadBytes) {
    return absl::InvalidArgumentError("the largest message is too large");
  }
  description->interface_name = described.interface_name();
  description->protocol_id = described.protocol_id();
  description->max_message_size =
      static_cast<size_t>(described.max_message_size());
  return absl::OkStatus();
}

}  // namespace

DirectoryServer::DirectoryServer(event::Process* process, event::Loop* loop,
                                 Users* users, Options options)
    : process_(process),
      loop_(loop),
      users_(users),
      options_(std::move(options)),
      self_(process->credentials().uid),
      registry_(options_.limits),
      pool_(transports::BufferPool::Create(kMaxControlBytes)) {}

DirectoryServer::~DirectoryServer() = default;

absl::Status DirectoryServer::Listen(transports::Transport* transport,
                                     const std::string& address) {
  acceptor_.reset();  // it may stand at this address
  absl::StatusOr<std::unique_ptr<transports::Acceptor>> acceptor =
      transport->Listen(address);
  if (!acceptor.ok()) return acceptor.status();
  acceptor_ = *std::move(acceptor);
  return acceptor_->Attach(loop_, this);
}

// ---- Connections -----------------------------------------------------------

void DirectoryServer::OnAccepted(std::unique_ptr<Connection> connection) {
  absl::StatusOr<event::Credentials> credentials = connection->peer();
  if (!credentials.ok()) return;
  PeerIdentity identity;
  identity.uid = credentials->uid;
  identity.pid = credentials->pid;
  Usage& usage = usage_[identity.uid];
  if (usage.connections >= options_.connections_per_user ||
      usage.half_open >= options_.half_open_per_user) {
    const std::string text =
        absl::StrCat("user ", identity.uid, " has as many ",
                     usage.connections >= options_.connections_per_user
                         ? "connections"
                         : "connections that have said nothing",
                     " as a user may");
    event::LogForPeer(LogLevel::kWarning, identity.uid,
                      absl::StrCat(text, "; turned away"));
    proto::FromDirectory message;
    message.mutable_refusal()->set_code(proto::LIMIT);
    message.mutable_refusal()->set_text(text);
    SendControl(connection.get(), std::move(message));
    return;
  }
  ++usage.connections;
  ++usage.half_open;
  const PeerId id = next_id_++;
  auto peer = std::make_unique<Peer>(this, id, identity, std::move(connection));
  Peer* const raw = peer.get();
  peers_[id] = std::move(peer);
  raw->Begin();
}

DirectoryServer::Peer* DirectoryServer::Find(PeerId id) {
  auto it = peers_.find(id);
  return it == peers_.end() ? nullptr : it->second.get();
}

void DirectoryServer::Remove(PeerId id) {
  to_remove_.push_back(id);
  if (std::exchange(removing_, true)) return;
  while (!to_remove_.empty()) {
    const PeerId next = to_remove_.front();
    to_remove_.pop_front();
    RemoveOne(next);
  }
  removing_ = false;
}

void DirectoryServer::RemoveOne(PeerId id) {
  auto it = peers_.find(id);
  if (it == peers_.end()) return;
  const std::unique_ptr<Peer> peer = std::move(it->second);
  peers_.erase(it);
  peer->EndHalfOpen();
  auto usage = usage_.find(peer->identity().uid);
  if (--usage->second.connections == 0) usage_.erase(usage);
  monitors_.erase(id);
  for (auto w = service_waiters_.begin(); w != service_waiters_.end();) {
    w = w->second == id ? service_waiters_.erase(w) : std::next(w);
  }
  switch (peer->role) {
    case Peer::Role::kClient:
      CarryOut(registry_.ClientGone(id));
      break;
    case Peer::Role::kServer:
      if (const Registry::Server* server = registry_.server(id)) {
        Report(absl::StrCat("withdrawn: '", server->description.interface_name,
                            "' by pid ", peer->identity().pid, " of user ",
                            peer->identity().uid));
      }
      CarryOut(registry_.ServerGone(id));
      break;
    default:
      break;
  }
}

std::string DirectoryServer::Describe(PeerId id) {
  Peer* const peer = Find(id);
  if (peer == nullptr) return "somebody";
  return absl::StrCat("pid ", peer->identity().pid, " of user ",
                      peer->identity().uid);
}

void DirectoryServer::CarryOut(Registry::Actions actions) {
  std::vector<PeerId> lost;
  for (const RegistryAction& action : actions) {
    switch (action.what) {
      case RegistryAction::What::kIntroduce:
        Introduce(action.client, action.server);
        break;
      case RegistryAction::What::kRefuse:
        if (Peer* const client = Find(action.client)) {
          client->Refuse(ToProto(action.reason), action.text);
          lost.push_back(action.client);
        }
        break;
      case RegistryAction::What::kTell:
        if (Peer* const server = Find(action.server)) {
          server->Say([&](proto::FromDirectory* message) {
            message->mutable_advertise_state()->set_state(
                ToProto(action.state));
            message->mutable_advertise_state()->set_text(action.text);
          });
          if (server->lost) lost.push_back(action.server);
        }
        break;
      case RegistryAction::What::kRefuseServer:
        if (Peer* const server = Find(action.server)) {
          server->role = Peer::Role::kNone;  // it has nothing to withdraw
          server->Refuse(proto::LIMIT, action.text);
          lost.push_back(action.server);
        }
        break;
    }
  }
  for (PeerId id : lost) Remove(id);
  if (registry_.has_changed() && !running()) {
    loop_->StartTimer(this, loop_->Now() + kTellWaitingAfter);
  }
}

void DirectoryServer::OnExpiry() {
  for (const Registry::Client* client : registry_.TakeChanged(kMaxToldAtOnce)) {
    if (Peer* const peer = Find(client->id)) {
      TellWaiting(peer, registry_.WhyWaits(*client));
    }
  }
  if (registry_.has_changed()) {
    loop_->StartTimer(this, loop_->Now() + kTellWaitingAfter);
  }
}

void DirectoryServer::TellWaiting(Peer* peer, const Registry::Wait& wait) {
  Connection* const connection = peer->connection_slot()->get();
  if (connection == nullptr ||
      connection->unreceived_bytes() > kMaxUnreceivedBytes) {
    return;
  }
  WaitCause cause = ToCause(wait, &names_);
  if (cause.text == peer->told) return;
  proto::FromDirectory message;
  message.mutable_waiting()->set_reason(ToProto(cause.reason));
  message.mutable_waiting()->set_text(cause.text);
  // Unlike other answers this one may be missing.
  if (SendControl(connection, std::move(message)) != IoResult::kOk) return;
  // What stays queued could not be passed on together with the connection.
  connection->Flush();
  peer->told = std::move(cause.text);
}

void DirectoryServer::Introduce(PeerId client, PeerId server) {
  Peer* const from = Find(client);
  Peer* const to = Find(server);
  if (from == nullptr || to == nullptr || *to->connection_slot() == nullptr) {
    registry_.IntroductionFailed(client, server);
    return;
  }
  // A client sends nothing between its request and the server's first frame.
  // What this end has received of more than that cannot be passed on, so the
  // client is refused. Data that the kernel holds unread goes along as the
  // beginning of the session: nothing can tell it from what the client sends a
  // moment later, and only the client's own session depends on it.
  IoResult sent = IoResult::kNotIdle;
  if (!(*from->connection_slot())->HasBuffered()) {
    if (!from->told.empty()) {
      Registry::Wait wait;
      wait.reason = WaitReason::kNotTaken;
      wait.service = registry_.server(server)->key;
      wait.server_pid = to->identity().pid;
      TellWaiting(from, wait);
    }
    if (!to->introduced.empty() && to->HasReceivedAll()) to->introduced.clear();
    from->Unwatch();
    transports::OutgoingFrame frame;
    frame.type = kIntroductionFrame;
    frame.connection = from->connection_slot();
    sent = (*to->connection_slot())->Send(frame);
  }
  if (sent == IoResult::kNotIdle) {
    registry_.IntroductionDone(client);
    const Connection& connection = **from->connection_slot();
    if (connection.HasBuffered() || connection.HasPartial()) {
      from->RefuseOutOfTurn();
    }
    Remove(client);  // without a refusal it asks again at once
    return;
  }
  if (sent == IoResult::kOk) {
    Registry::Client introduced = registry_.IntroductionDone(client);
    if (to->introduced.size() < kMaxListedIntroductions) {
      to->introduced.push_back(std::move(introduced));
    }
    if (!monitors_.empty()) {
      Report(absl::StrCat("introduced: ", Describe(client), " to ",
                          Describe(server)));
    }
    Remove(client);
    return;
  }
  // Full, or about to be found closed. Its clients wait on, in their order.
  registry_.IntroductionFailed(client, server);
  if (!from->Watch()) Remove(client);
}

// ---- Clients and servers ---------------------------------------------------

void DirectoryServer::Open(Peer* peer, const proto::Open& open) {
  InterfaceDescription description;
  const absl::Status valid = Check(open.client(), &description);
  if (!valid.ok()) {
    peer->Refuse(proto::INVALID, std::string(valid.message()));
    return;
  }
  const PeerId id = peer->id();
  CarryOut(
      registry_.ClientOpens(id, peer->identity(), description, open.wait()));
  if (!monitors_.empty() && Find(id) != nullptr) {
    Report(absl::StrCat("waiting: ", Describe(id), " for a session of '",
                        description.interface_name, "'"));
  }
}

void DirectoryServer::Advertise(Peer* peer, const proto::Advertise& advertise) {
  InterfaceDescription description;
  const absl::Status valid = Check(advertise.service(), &description);
  if (!valid.ok()) {
    peer->Refuse(proto::INVALID, std::string(valid.message()));
    return;
  }
  const PeerId id = peer->id();
  const ServiceKey key{peer->identity().uid, description.interface_name};
  peer->role = Peer::Role::kServer;
  CarryOut(registry_.ServerAdvertises(id, peer->identity(), description));
  if (Find(id) == nullptr) return;  // refused
  Report(absl::StrCat("advertised: '", description.interface_name, "' by ",
                      Describe(id)));
  WakeThoseWhoWaitFor(key);
}

void DirectoryServer::WakeThoseWhoWaitFor(const ServiceKey& key) {
  if (registry_.Offering(key) == nullptr) return;
  const auto range = service_waiters_.equal_range({key.uid, key.name});
  std::vector<PeerId> waiters;
  for (auto it = range.first; it != range.second; ++it) {
    waiters.push_back(it->second);
  }
  service_waiters_.erase(range.first, range.second);
  for (PeerId id : waiters) {
    if (Peer* const peer = Find(id)) {
      peer->Say([](proto::FromDirectory* m) { m->mutable_done(); });
      if (peer->lost) Remove(id);
    }
  }
}

}  // namespace directory
}  // namespace le
