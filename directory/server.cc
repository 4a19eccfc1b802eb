// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#include "directory/server.h"

#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "directory/control_frame.h"
#include "directory/interface_name.h"
#include "directory/server_list.h"
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
    case RefusalReason::kOtherVersion:
      return proto::OTHER_VERSION;
    case RefusalReason::kLimit:
    case RefusalReason::kBusy:
      return proto::LIMIT;
  }
  return proto::REFUSED;
}

proto::WaitReason ToProto(WaitReason reason) {
  return static_cast<proto::WaitReason>(reason);
}

absl::Status Check(const proto::Description& described,
                   const proto::Dialect& dialect,
                   InterfaceDescription* description) {
  absl::Status name = CheckInterfaceName(described.interface_name());
  if (!name.ok()) return name;
  absl::Status protocol = CheckProtocolId(described.protocol_id());
  if (!protocol.ok()) return protocol;
  if (described.max_message_size() > transports::kMaxPayloadBytes) {
    return absl::InvalidArgumentError(absl::StrCat(
        "interface '", described.interface_name(), "': a largest message of ",
        described.max_message_size(), " bytes is more than the limit of ",
        transports::kMaxPayloadBytes));
  }
  description->interface_name = described.interface_name();
  description->protocol_id = described.protocol_id();
  description->max_message_size =
      static_cast<size_t>(described.max_message_size());
  description->dialect = FromProto(dialect);
  if (description->dialect.lowest > description->dialect.highest) {
    return absl::InvalidArgumentError(
        absl::StrCat("interface '", description->interface_name,
                     "': the lowest version, ", description->dialect.lowest,
                     ", is above the highest, ", description->dialect.highest));
  }
  return absl::OkStatus();
}

// Names a party, for log lines and monitors. The text has the number of the
// user, because looking up its name may block for long.
std::string Describe(const proto::Party& party) {
  return absl::StrCat(party.interface_name().empty()
                          ? std::string()
                          : absl::StrCat("'", party.interface_name(), "' of "),
                      "pid ", party.pid(), " of user ", party.uid());
}

// A client that does not wait may ask every second whether its service is
// offered. So NOT_OFFERED is logged at debug level only.
LogLevel LevelOf(proto::RefusalCode code) {
  switch (code) {
    case proto::NOT_OFFERED:
      return LogLevel::kDebug;
    case proto::NO_BINDING:
      return LogLevel::kInfo;
    default:
      return LogLevel::kWarning;
  }
}

}  // namespace

DirectoryServer::DirectoryServer(event::Process* process, event::Loop* loop,
                                 Users* users, Options options)
    : process_(process),
      loop_(loop),
      users_(users),
      options_(std::move(options)),
      self_(process->credentials().uid),
      accounts_(options_.limits),
      registry_(&accounts_),
      pool_(transports::BufferPool::Create(kMaxControlBytes)),
      small_pool_(transports::BufferPool::Create(kMaxAnswerBytes)) {}

DirectoryServer::~DirectoryServer() = default;

absl::Status DirectoryServer::Listen(transports::Transport* transport,
                                     const std::string& address) {
  acceptor_.reset();  // the former acceptor may occupy this address
  absl::StatusOr<std::unique_ptr<transports::Acceptor>> acceptor =
      transport->Listen(address);
  if (!acceptor.ok()) return acceptor.status();
  acceptor_ = *std::move(acceptor);
  take_over_.Begin(options_.take_over_time);
  return acceptor_->Attach(loop_, this);
}

// ---- Connections -----------------------------------------------------------

void DirectoryServer::OnAccepted(std::unique_ptr<Connection> connection) {
  absl::StatusOr<event::Credentials> credentials = connection->peer();
  if (!credentials.ok()) return;
  PeerIdentity identity;
  identity.uid = credentials->uid;
  identity.pid = credentials->pid;
  Peer::Charges charges;
  event::HeldRef charge;
  const auto take = [&](Quota::Purpose purpose) {
    charges.silent = accounts_.silent.Take(identity.uid, purpose);
    charge.reset();
    charge = connection_charges_.Take(identity.uid, purpose);
    return charges.silent && charge;
  };
  if (!take(Quota::Purpose::kAny) && MayAdminister(identity.uid)) {
    charges.reserved = take(Quota::Purpose::kAdministration);
  }
  if (!charges.silent || !charge) {
    const std::string text = absl::StrCat(
        "user ", identity.uid, " has reached its limit of ",
        (charge ? accounts_.silent : accounts_.connections).name());
    proto::Party party;
    party.set_uid(identity.uid);
    party.set_pid(identity.pid);
    NoteRefusal(party, proto::LIMIT, text);
    proto::FromDirectory message;
    message.mutable_refusal()->set_code(proto::LIMIT);
    message.mutable_refusal()->set_text(text);
    SendControl(connection.get(), std::move(message));
    return;
  }
  transports::SendLimits limits;
  limits.bytes = kMaxQueuedBytes;
  connection->SetSendLimits(limits);
  connection->KeepUntilClosed(std::move(charge));
  const PeerId id = next_id_++;
  auto peer = std::make_unique<Peer>(this, id, identity, std::move(connection),
                                     std::move(charges));
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
  if (it == peers_.end() || it->second->lingers()) return;
  std::unique_ptr<Peer> peer = std::move(it->second);
  peers_.erase(it);
  peer->EndHalfOpen();
  monitors_.erase(id);
  for (auto w = service_waiters_.begin(); w != service_waiters_.end();) {
    w = w->second == id ? service_waiters_.erase(w) : std::next(w);
  }
  switch (std::exchange(peer->role, Peer::Role::kNone)) {
    case Peer::Role::kClient:
      CarryOut(registry_.ClientGone(id));
      break;
    case Peer::Role::kServer: {
      if (registry_.server(id) != nullptr) {
        proto::Event event;
        event.set_kind(proto::EVENT_WITHDRAWN);
        *event.mutable_server() = peer->party();
        event.set_text(absl::StrCat("withdrawn: ", Describe(event.server())));
        Report(std::move(event));
      }
      peer->Unwatch();
      if (peer->Linger(registry_.TakeOnTheirWay(id))) {
        peers_[id] = std::move(peer);
      }
      CarryOut(registry_.ServerGone(id));
      break;
    }
    default:
      break;
  }
}

void DirectoryServer::NoteRefusal(const proto::Party& party,
                                  proto::RefusalCode code,
                                  absl::string_view reason) {
  const auto text = [&] {
    return absl::StrCat("refused: ", Describe(party), ": ", reason);
  };
  if (!monitors_.empty()) {
    proto::Event event;
    event.set_kind(proto::EVENT_REFUSED);
    *event.mutable_client() = party;
    event.set_code(code);
    event.set_reason(std::string(reason));
    event.set_text(text());
    Report(std::move(event));
  }
  const absl::optional<uint64_t> hidden =
      refusals_.Note(party, code, reason, process_->Now());
  if (!hidden.has_value()) return;
  const std::string before =
      *hidden == 0 ? std::string()
                   : absl::StrCat(" (and ", *hidden, " times before)");
  event::LogForPeer(LevelOf(code), party.uid(), absl::StrCat(text(), before));
}

void DirectoryServer::CarryOut(Registry::Actions actions) {
  for (RegistryAction& action : actions) to_do_.push_back(std::move(action));
  // If CarryOutSome() is running or posted already, it carries them out.
  if (!carrying_out_ && !carries_out_.running() && CarryOutSome()) {
    carries_out_.Start();
  }
}

bool DirectoryServer::CarryOutSome() {
  // The bound is for a whole turn, since very many peers may each cause some
  // actions in one turn.
  const uint32_t turn = loop_->turn();
  if (std::exchange(turn_, turn) != turn) {
    actions_left_ = kMaxActionsAtOnce;
    may_go_on_ = true;
  }
  carrying_out_ = true;
  if (to_do_.empty() && registry_.has_more() &&
      std::exchange(may_go_on_, false)) {
    for (RegistryAction& action : registry_.GoOn()) {
      to_do_.push_back(std::move(action));
    }
  }
  for (; actions_left_ > 0 && !to_do_.empty(); --actions_left_) {
    const RegistryAction action = std::move(to_do_.front());
    to_do_.pop_front();
    CarryOut(action);
  }
  carrying_out_ = false;
  if (registry_.has_changed() && !running()) {
    loop_->StartTimer(this, loop_->Now() + kTellWaitingAfter);
  }
  return !to_do_.empty() || registry_.has_more();
}

void DirectoryServer::CarryOut(const RegistryAction& action) {
  switch (action.what) {
    case RegistryAction::What::kIntroduce:
      Introduce(action.client, action.server);
      break;
    case RegistryAction::What::kRefuse:
      if (Peer* const client = Find(action.client)) {
        if (action.reason == RefusalReason::kBusy && client->waits) {
          // A client asks again, with back-off, if its connection closes
          // without a refusal.
          client->Say([&](proto::FromDirectory* message) {
            message->mutable_waiting()->set_reason(proto::WAIT_NOT_TAKEN);
            message->mutable_waiting()->set_text(action.text);
          });
          NoteRefusal(client->party(), proto::LIMIT, action.text);
        } else {
          client->Refuse(ToProto(action.reason), action.text);
        }
        Remove(action.client);
      }
      // A limit of introductions is reached, but servers may have received
      // introductions in the meantime. A check of the servers releases the
      // charges of the received introductions.
      if (action.reason == RefusalReason::kBusy) looks_.Start();
      break;
    case RegistryAction::What::kTell:
      if (Peer* const server = Find(action.server)) {
        server->Say([&](proto::FromDirectory* message) {
          message->mutable_advertise_state()->set_state(ToProto(action.state));
          message->mutable_advertise_state()->set_text(action.text);
        });
        if (server->lost) Remove(action.server);
      }
      break;
    case RegistryAction::What::kRefuseServer:
      if (Peer* const server = Find(action.server)) {
        server->role = Peer::Role::kNone;  // it has no service
        server->Refuse(proto::LIMIT, action.text);
        Remove(action.server);
      }
      break;
  }
}

bool DirectoryServer::LookAtSomeServers() {
  auto it = registry_.servers().upper_bound(last_looked_at_);
  std::vector<PeerId> servers;
  for (size_t i = 0; i < kMaxServersLookedAtAtOnce; ++i, ++it) {
    if (it == registry_.servers().end()) break;
    if (!it->second.on_their_way.empty()) servers.push_back(it->first);
    last_looked_at_ = it->first;
  }
  const bool done = it == registry_.servers().end();
  if (done) last_looked_at_ = 0;
  for (PeerId id : servers) LookAtServer(id);
  return !done;
}

void DirectoryServer::LookAtServer(PeerId id) {
  Peer* const peer = Find(id);
  if (peer == nullptr || registry_.server(id) == nullptr) return;
  CarryOut(registry_.ServerReceived(id, peer->Unreceived()));
  // CarryOut() may have removed the server. Then `peer` was destroyed, or
  // lingers. So use `peer` only if the registry still has the server.
  const Registry::Server* const server = registry_.server(id);
  if (server != nullptr && registry_.IsBusy(*server)) {
    peer->NotifyWhenReceived();
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
  WaitCause cause = ToCause(wait, nullptr);
  if (cause.text == peer->told) return;
  proto::FromDirectory message;
  message.mutable_waiting()->set_reason(ToProto(cause.reason));
  message.mutable_waiting()->set_text(cause.text);
  // A waiting client may miss a cause. So if the message cannot be sent, the
  // client stays connected. (Say() would mark the peer as lost.)
  if (SendControl(connection, std::move(message)) != IoResult::kOk) return;
  // A connection with bytes in its queue cannot be passed to a server.
  connection->Flush();
  peer->told = std::move(cause.text);
}

void DirectoryServer::Introduce(PeerId client, PeerId server) {
  Peer* const from = Find(client);
  Peer* const to = Find(server);
  if (from == nullptr) return;  // Remove() has called ClientGone()
  if (to == nullptr || registry_.server(server) == nullptr) {
    Remove(client);  // the client asks again
    return;
  }
  // A client must send nothing between its request and the server's first
  // frame. If the directory has received further data, it refuses the client,
  // because it cannot pass this data to the server. Data that is still in the
  // kernel reaches the server as the beginning of the session. The directory
  // cannot distinguish data in the kernel from data that the client sends a
  // moment later. In all these cases the client can harm only its own session.
  const Connection& connection = **from->connection_slot();
  if (connection.HasBuffered() || connection.HasPartial()) {
    from->RefuseOutOfTurn();
  } else if (const IoResult passed = PassOn(from, to);
             passed == IoResult::kClosed) {
    Remove(server);  // the send has found its connection closed
  } else if (passed == IoResult::kOk) {
    registry_.IntroductionDone(client);
    const Registry::Server* const offering = registry_.server(server);
    const size_t on_their_way = offering->on_their_way.size();
    if (registry_.IsBusy(*offering)) {
      to->NotifyWhenReceived();
    } else if (on_their_way >= kLookAtIntroductions) {
      registry_.NoteReceived(server, to->Unreceived());
    }
    if (!monitors_.empty()) {
      proto::Event event;
      event.set_kind(from->inspects ? proto::EVENT_INSPECTED
                                    : proto::EVENT_INTRODUCED);
      *event.mutable_client() = from->party();
      *event.mutable_server() = to->party();
      const std::string client_text = Describe(event.client());
      const std::string server_text = Describe(event.server());
      event.set_text(
          from->inspects
              ? absl::StrCat("inspected: ", server_text, " by ", client_text)
              : absl::StrCat("introduced: ", client_text, " to ", server_text));
      Report(std::move(event));
    }
  }
  // The directory does not need the client's Peer any more. If the client was
  // neither passed on nor refused, its connection closes now. Then the client
  // asks again.
  Remove(client);
}

// Sends Introduced to the client, and passes the client's connection to the
// server. kClosed: the server's connection is closed. kNotIdle: the client's
// connection cannot be passed, for example because Introduced could not be sent
// at once. After a failure, the client's connection must be closed.
IoResult DirectoryServer::PassOn(Peer* client, Peer* server) {
  client->Unwatch();
  proto::FromDirectory message;
  proto::Introduced* const introduced = message.mutable_introduced();
  introduced->set_server_uid(server->identity().uid);
  introduced->set_server_pid(server->identity().pid);
  ToProto(server->dialect, introduced->mutable_server());
  introduced->set_client_uid(client->identity().uid);
  introduced->set_client_pid(client->identity().pid);
  std::unique_ptr<Connection>* const passed = client->connection_slot();
  // The next frame to the client is the server's first one, and has the
  // server's credentials. attachment_follows announces this to the transport.
  if (SendControl(passed->get(), std::move(message),
                  /*attachment_follows=*/true) != IoResult::kOk) {
    return IoResult::kNotIdle;
  }
  proto::Introduction introduction;
  ToProto(client->dialect, introduction.mutable_client());
  introduction.set_inspects(client->inspects);
  const std::string bytes = introduction.SerializeAsString();
  transports::OutgoingFrame frame;
  frame.type = kIntroductionFrame;
  frame.payload = absl::MakeConstSpan(
      reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size());
  frame.connection = passed;
  frame.owner_lets_descriptors_in =
      (server->dialect.capabilities & transports::kLetsDescriptorsIn) != 0;
  // The frame needs no room in the server's queue, because the registry bounds
  // the introductions on their way.
  frame.room = transports::Room::kOwed;
  return (*server->connection_slot())->Send(frame);
}

// ---- Clients and servers ---------------------------------------------------

void DirectoryServer::Open(Peer* peer, const proto::Open& open) {
  InterfaceDescription description;
  const absl::Status valid = Check(open.client(), open.dialect(), &description);
  if (!valid.ok()) {
    peer->Refuse(proto::INVALID, std::string(valid.message()));
    return;
  }
  const PeerId id = peer->id();
  peer->interface_name = description.interface_name;
  peer->waits = open.wait();
  peer->dialect = description.dialect;
  absl::optional<ServiceKey> named;
  if (!open.service().empty()) {
    named = NamedService(peer, open.service());
    if (!named.has_value()) return;
  }
  Registry::Actions actions = registry_.ClientOpens(
      id, peer->identity(), description, open.wait(), named);
  const bool not_offered = !open.wait() && actions.size() == 1 &&
                           actions[0].what == RegistryAction::What::kRefuse &&
                           actions[0].reason == RefusalReason::kNotOffered;
  if (not_offered && take_over_.running()) {
    actions = registry_.ClientOpens(id, peer->identity(), description,
                                    /*wait=*/true, named);
    taken_over_.push_back(id);
  }
  CarryOut(std::move(actions));
  const Registry::Client* const waiting = registry_.waiting_client(id);
  if (!monitors_.empty() && waiting != nullptr) {
    proto::Event event;
    event.set_kind(proto::EVENT_WAITING);
    *event.mutable_client() = peer->party();
    event.set_reason(ToCause(registry_.WhyWaits(*waiting), nullptr).text);
    event.set_text(absl::StrCat("waiting: ", Describe(event.client()), ": ",
                                event.reason()));
    Report(std::move(event));
  }
}

absl::optional<ServiceKey> DirectoryServer::NamedService(
    Peer* peer, const std::string& name) {
  if (!MayAdminister(peer->identity().uid)) {
    RefuseToAdminister(peer);
    return absl::nullopt;
  }
  const absl::StatusOr<ServiceKey> key = ParseService(name, Context());
  if (key.ok()) return *key;
  peer->Refuse(proto::INVALID, std::string(key.status().message()));
  return absl::nullopt;
}

void DirectoryServer::TellDescription(Peer* peer,
                                      const proto::DescribeRequest& request) {
  absl::optional<ServiceKey> key;
  if (!request.service().empty()) {
    key = NamedService(peer, request.service());
    if (!key.has_value()) return;
  } else {
    const absl::Status valid = CheckInterfaceName(request.interface_name());
    if (!valid.ok()) {
      return peer->Refuse(proto::INVALID, std::string(valid.message()));
    }
    const uid_t uid = peer->identity().uid;
    peer->interface_name = request.interface_name();
    key = registry_.Resolve(uid, peer->interface_name);
    if (!key.has_value()) {
      Registry::Wait wait;
      wait.client = ClientKey{uid, peer->interface_name};
      return peer->Refuse(proto::NO_BINDING, ToCause(wait, nullptr).text);
    }
  }
  const Registry::Server* const server = registry_.Offering(*key);
  if (server == nullptr) {
    return peer->Refuse(
        proto::NOT_OFFERED,
        absl::StrCat("service ", Format(*key, nullptr), " is not offered"));
  }
  peer->Say([&](proto::FromDirectory* message) {
    proto::Described* const described = message->mutable_described();
    described->set_service(Format(*key, nullptr));
    described->set_pid(server->identity.pid);
    described->set_protocol_id(server->description.protocol_id);
    described->set_max_message_size(server->description.max_message_size);
  });
}

bool DirectoryServer::EndSomeTakeOvers() {
  for (size_t i = 0; i < kMaxActionsAtOnce && !taken_over_.empty(); ++i) {
    const PeerId id = taken_over_.front();
    taken_over_.pop_front();
    const Registry::Client* const client = registry_.waiting_client(id);
    if (client == nullptr) continue;  // introduced, or gone
    const PeerIdentity identity = client->identity;
    const InterfaceDescription description = client->description;
    const absl::optional<ServiceKey> named = client->named;
    CarryOut(registry_.ClientGone(id));
    CarryOut(registry_.ClientOpens(id, identity, description, /*wait=*/false,
                                   named));
  }
  return !taken_over_.empty();
}

void DirectoryServer::Advertise(Peer* peer, const proto::Advertise& advertise) {
  InterfaceDescription description;
  const absl::Status valid =
      Check(advertise.service(), advertise.dialect(), &description);
  if (!valid.ok()) {
    peer->Refuse(proto::INVALID, std::string(valid.message()));
    return;
  }
  const PeerId id = peer->id();
  const ServiceKey key{peer->identity().uid, description.interface_name};
  peer->role = Peer::Role::kServer;
  peer->interface_name = description.interface_name;
  peer->dialect = description.dialect;
  Registry::Actions actions =
      registry_.ServerAdvertises(id, peer->identity(), description);
  const bool added = registry_.server(id) != nullptr;
  if (added) {
    proto::Event event;
    event.set_kind(proto::EVENT_ADVERTISED);
    *event.mutable_server() = peer->party();
    event.set_text(absl::StrCat("advertised: ", Describe(event.server())));
    Report(std::move(event));
  }
  CarryOut(std::move(actions));
  if (added) AnswerWaitRequests(key);
}

std::string DirectoryServer::Discrepancy() {
  std::map<uid_t, uint64_t> connections;
  for (const auto& peer : peers_) {
    ++connections[peer.second->identity().uid];
  }
  // Connections that are being closed are charged, too.
  for (const auto& user : connections) {
    if (user.second > accounts().connections.used_by(user.first)) {
      return "connections not charged";
    }
  }
  return registry_.Discrepancy();
}

void DirectoryServer::AnswerWaitRequests(const ServiceKey& key) {
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
