// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#include "directory/server.h"

#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "directory/control_frame.h"
#include "directory/interface_name.h"
#include "event/base/log.h"

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

proto::OfferState ToProto(ServerState state) {
  switch (state) {
    case ServerState::kOffering:
      return proto::OFFERED;
    case ServerState::kStandingBy:
      return proto::STANDING_BY;
    case ServerState::kOtherProtocol:
      return proto::OFFERED_WITH_OTHER_PROTOCOL;
  }
  return proto::OFFERED;
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

// One connection. Destroyed by Remove() only.
class DirectoryServer::Peer final : private Connection::Observer,
                                    private event::Timer {
 public:
  enum class Role { kNone, kClient, kServer, kAdmin };

  Peer(DirectoryServer* directory, PeerId id, PeerIdentity identity,
       std::unique_ptr<Connection> connection)
      : directory_(directory),
        id_(id),
        identity_(identity),
        connection_(std::move(connection)) {}

  PeerId id() const { return id_; }
  const PeerIdentity& identity() const { return identity_; }
  std::unique_ptr<Connection>* connection_slot() { return &connection_; }

  Role role = Role::kNone;
  bool lost = false;   // its connection is closed, or must be
  std::string loaded;  // the parts of a text so far

  // What is there already, before anything is watched: mostly the one message.
  void Begin() { Read(); }

  // Watches the connection, if it is not handed on or closed already.
  bool Watch() {
    if (connection_ == nullptr || watched_) return true;
    const absl::Status attached = connection_->Attach(directory_->loop_, this);
    watched_ = attached.ok();
    return attached.ok();
  }
  void Unwatch() {
    if (watched_) connection_->Detach();
    watched_ = false;
  }

  template <typename Fill>
  void Say(Fill fill) {
    if (connection_ == nullptr) return;
    proto::FromDirectory message;
    fill(&message);
    if (SendControl(connection_.get(), std::move(message)) != IoResult::kOk) {
      // It does not read. Nothing that it is told may be missing.
      lost = true;
    }
  }
  void Refuse(proto::RefusalCode code, const std::string& text) {
    Say([&](proto::FromDirectory* message) {
      message->mutable_refusal()->set_code(code);
      message->mutable_refusal()->set_text(text);
    });
    lost = true;
  }

  // It sent more than its role allows.
  void RefuseOutOfTurn() {
    event::Log(LogLevel::kWarning,
               absl::StrCat(directory_->Describe(id_), " speaks out of turn"));
    Refuse(proto::INVALID, "out of turn");
  }

  // It has said something, or is gone.
  void EndHalfOpen() {
    if (!half_open_) return;
    half_open_ = false;
    if (running()) directory_->loop_->StopTimer(this);
    --directory_->usage_[identity_.uid].half_open;
  }

 private:
  void OnReadable() override { Read(); }
  void OnWritable() override {
    DirectoryServer* const directory = directory_;
    directory->CarryOut(directory->registry_.ServerHasRoom(id_));
  }
  void OnExpiry() override {
    event::Log(LogLevel::kWarning, absl::StrCat(directory_->Describe(id_),
                                                " has not said what it wants"));
    directory_->Remove(id_);
  }

  // Receives what is there. May end with the peer's destruction.
  void Read() {
    DirectoryServer* const directory = directory_;
    const PeerId id = id_;
    do {
      transports::IncomingFrame frame;
      switch (connection_->Receive(&frame, directory->pool_.get(),
                                   absl::InfinitePast())) {
        case IoResult::kWouldBlock:
          if (role == Role::kClient && connection_->HasPartial()) {
            RefuseOutOfTurn();
            directory->Remove(id);
            return;
          }
          if (half_open_ && !running()) {
            directory->loop_->StartTimer(
                this,
                directory->loop_->Now() + directory->options_.half_open_time);
          }
          if (!Watch()) directory->Remove(id);
          return;
        case IoResult::kNotIdle:
        case IoResult::kClosed: {
          const absl::Status why = connection_->close_status();
          if (why.code() != absl::StatusCode::kUnavailable) {
            event::Log(LogLevel::kWarning, absl::StrCat(directory->Describe(id),
                                                        ": ", why.message()));
          }
          directory->Remove(id);
          return;
        }
        case IoResult::kOk:
          Understand(frame);
          break;
      }
      if (directory->Find(id) != this) return;  // handed on
      if (lost) {
        directory->Remove(id);
        return;
      }
    } while (connection_ != nullptr && connection_->HasBuffered());
    if (!Watch()) directory->Remove(id);
  }

  void Understand(const transports::IncomingFrame& frame) {
    EndHalfOpen();
    proto::ToDirectory message;
    if (!ParseControl(frame, &message)) {
      event::Log(LogLevel::kWarning,
                 absl::StrCat(directory_->Describe(id_),
                              " does not speak to a directory"));
      lost = true;
      return;
    }
    if (message.version() != kControlVersion) {
      Refuse(proto::OTHER_VERSION,
             absl::StrCat("the directory speaks version ", kControlVersion,
                          ", not ", message.version()));
      return;
    }
    const bool first = role == Role::kNone;
    switch (message.what_case()) {
      case proto::ToDirectory::kOpen:
        if (!first) break;
        role = Role::kClient;
        directory_->Open(this, message.open());
        return;
      case proto::ToDirectory::kAdvertise:
        if (!first) break;
        directory_->Advertise(this, message.advertise());
        return;
      case proto::ToDirectory::WHAT_NOT_SET:
        Refuse(proto::INVALID, "a request that this directory does not know");
        return;
      default:
        if (!first && role != Role::kAdmin) break;
        role = Role::kAdmin;
        directory_->Administer(this, message);
        return;
    }
    RefuseOutOfTurn();
  }

  DirectoryServer* const directory_;
  const PeerId id_;
  const PeerIdentity identity_;
  std::unique_ptr<Connection> connection_;
  bool watched_ = false;
  bool half_open_ = true;  // has said nothing; timed once it is waited for
};

DirectoryServer::DirectoryServer(event::Process* process, event::Loop* loop,
                                 Users* users, Options options)
    : loop_(loop),
      users_(users),
      options_(std::move(options)),
      self_(process->credentials().uid),
      registry_(options_.limits),
      pool_(transports::BufferPool::Create(kMaxControlBytes)) {}

DirectoryServer::~DirectoryServer() = default;

absl::Status DirectoryServer::Listen(transports::Transport* transport,
                                     const std::string& address) {
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
    if (usage.name.empty()) usage.name = NameOf(identity.uid);
    const std::string text =
        absl::StrCat("user ", usage.name, " has as many ",
                     usage.connections >= options_.connections_per_user
                         ? "connections"
                         : "connections that have said nothing",
                     " as a user may");
    // Told ever more rarely: whoever floods us must not fill the log as well.
    ++usage.turned_away;
    if ((usage.turned_away & (usage.turned_away - 1)) == 0) {
      event::Log(
          LogLevel::kWarning,
          absl::StrCat(text, "; turned away so far: ", usage.turned_away));
    }
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
      Report(absl::StrCat("withdrawn: a service of pid ", peer->identity().pid,
                          " of user ", NameOf(peer->identity().uid)));
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
                      NameOf(peer->identity().uid));
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
  // client is refused. What has come but was not received yet goes along as the
  // beginning of the session: nothing can tell it from what the client sends a
  // moment later, and only the client's own session depends on it.
  IoResult sent = IoResult::kNotIdle;
  if (!(*from->connection_slot())->HasBuffered()) {
    from->Unwatch();
    transports::OutgoingFrame frame;
    frame.type = kIntroductionFrame;
    frame.connection = from->connection_slot();
    sent = (*to->connection_slot())->Send(frame);
  }
  if (sent == IoResult::kNotIdle) {
    registry_.IntroductionDone(client);
    from->RefuseOutOfTurn();
    Remove(client);
    return;
  }
  if (sent == IoResult::kOk) {
    registry_.IntroductionDone(client);
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

// ---- Administration --------------------------------------------------------

absl::StatusOr<std::string> DirectoryServer::Load(const std::string& text,
                                                  const std::string& file_name,
                                                  bool check_only) {
  UserContext context;
  context.users = users_;
  context.self = self_;
  const ParsedBindings parsed = ParseBindings(text, context);
  std::string lines;
  for (const Diagnostic& d :
       parsed.errors.empty() ? parsed.warnings : parsed.errors) {
    absl::StrAppend(&lines, lines.empty() ? "" : "\n", d.ToString(file_name));
  }
  if (!parsed.errors.empty()) return absl::InvalidArgumentError(lines);
  if (!check_only) {
    CarryOut(registry_.Load(parsed.bindings));
    Report(absl::StrCat("loaded: ", parsed.bindings.size(), " bindings"));
  }
  return lines;
}

void DirectoryServer::Administer(Peer* peer,
                                 const proto::ToDirectory& request) {
  if (peer->identity().uid != 0 && peer->identity().uid != self_) {
    peer->Refuse(proto::NOT_PERMITTED,
                 absl::StrCat("only root and user ", NameOf(self_),
                              " may administer this directory"));
    return;
  }
  UserContext context;
  context.users = users_;
  context.self = self_;
  // What is carried out may cost the peer its connection.
  const PeerId id = peer->id();
  auto answer = [&](const absl::StatusOr<std::string>& result) {
    Peer* const asker = Find(id);
    if (asker == nullptr) return;
    asker->Say([&](proto::FromDirectory* m) {
      if (result.ok()) {
        m->mutable_done()->set_text(*result);
      } else {
        m->mutable_refusal()->set_code(proto::INVALID);
        m->mutable_refusal()->set_text(std::string(result.status().message()));
      }
    });
  };
  auto done = [&](const char* text) { answer(std::string(text)); };
  switch (request.what_case()) {
    case proto::ToDirectory::kList:
      SendList(peer);
      return;
    case proto::ToDirectory::kBind: {
      const absl::StatusOr<Binding> binding = ParseBinding(
          request.bind().client(), request.bind().service(), context);
      if (!binding.ok()) return answer(binding.status());
      CarryOut(registry_.Bind(*binding));
      Report(absl::StrCat("bound: ", Format(*binding, users_)));
      return done("until the next load or restart");
    }
    case proto::ToDirectory::kUnbind: {
      const absl::StatusOr<ClientKey> client =
          ParseClient(request.unbind().client(), context);
      if (!client.ok()) return answer(client.status());
      Registry::Actions actions;
      if (!registry_.Unbind(*client, &actions)) {
        return answer(absl::NotFoundError(
            absl::StrCat("there is no binding of ", Format(*client, users_))));
      }
      CarryOut(std::move(actions));
      Report(absl::StrCat("unbound: ", Format(*client, users_)));
      return done("until the next load or restart");
    }
    case proto::ToDirectory::kLoad: {
      const proto::LoadPart& part = request.load();
      if (peer->loaded.size() + part.text().size() > kMaxBindingsBytes) {
        return peer->Refuse(proto::LIMIT, "the bindings are too long");
      }
      peer->loaded += part.text();
      if (!part.last()) return;
      const std::string text = std::move(peer->loaded);
      peer->loaded.clear();
      return answer(Load(text, part.file_name(), part.check_only()));
    }
    case proto::ToDirectory::kReload:
      return answer(options_.reload
                        ? options_.reload()
                        : absl::StatusOr<std::string>(absl::NotFoundError(
                              "the directory was started without a bindings "
                              "file")));
    case proto::ToDirectory::kWait: {
      const absl::StatusOr<ServiceKey> service =
          ParseService(request.wait().service(), context);
      if (!service.ok()) return answer(service.status());
      service_waiters_.emplace(std::make_pair(service->uid, service->name),
                               peer->id());
      return WakeThoseWhoWaitFor(*service);
    }
    case proto::ToDirectory::kMonitor:
      monitors_.insert(peer->id());
      return done("");
    default:
      return;
  }
}

void DirectoryServer::SendList(Peer* peer) {
  Connection* const connection = peer->connection_slot()->get();
  const transports::SendLimits usual;
  // A list is of one moment, and leaves whole, however long it is; but not a
  // second one for somebody who has not read the first.
  if (connection->queued_bytes() > usual.bytes) {
    peer->lost = true;
    return;
  }
  connection->SetSendLimits({SIZE_MAX, SIZE_MAX});
  proto::FromDirectory message;
  proto::ListPart* part = message.mutable_list();
  size_t part_bytes = 0;
  // A part is sent as soon as it is long enough.
  auto grown = [&](const auto& entry) {
    part_bytes += entry.ByteSizeLong();
    if (part_bytes < kPartBytes) return;
    peer->Say([&](proto::FromDirectory* m) { *m = std::move(message); });
    message.Clear();
    part = message.mutable_list();
    part_bytes = 0;
  };
  for (const Binding& binding : registry_.bindings()) {
    proto::BindingEntry* const entry = part->add_bindings();
    entry->set_client(Format(binding.client, users_));
    entry->set_service(Format(binding.service, users_));
    grown(*entry);
  }
  for (const Registry::Server* server : registry_.servers()) {
    proto::ServiceEntry* const entry = part->add_services();
    entry->set_service(Format(server->key, users_));
    entry->set_pid(server->identity.pid);
    entry->set_protocol_id(server->description.protocol_id);
    entry->set_max_message_size(server->description.max_message_size);
    entry->set_state(ToProto(server->state));
    grown(*entry);
  }
  for (const Registry::Client* client : registry_.waiting()) {
    proto::WaitingEntry* const entry = part->add_waiting();
    const std::string& name = client->description.interface_name;
    const std::string user = NameOf(client->identity.uid);
    entry->set_client(absl::StrCat("<", user, ">.", name));
    entry->set_pid(client->identity.pid);
    entry->set_protocol_id(client->description.protocol_id);
    if (client->service.has_value()) {
      entry->set_service(Format(*client->service, users_));
    } else {
      entry->set_missing_binding(
          absl::StrCat("<", user, ">.", name, " -> <USER>.", name));
    }
    grown(*entry);
  }
  for (const auto& usage : usage_) {
    proto::UsageEntry* const entry = part->add_users();
    entry->set_user(NameOf(usage.first));
    entry->set_connections(usage.second.connections);
    entry->set_waiting(registry_.waiting_of(usage.first));
    entry->set_services(registry_.services_of(usage.first));
    std::vector<const char*> reached;
    if (usage.second.connections >= options_.connections_per_user) {
      reached.push_back("connections");
    }
    if (usage.second.half_open >= options_.half_open_per_user) {
      reached.push_back("connections that have said nothing");
    }
    if (entry->waiting() >= registry_.limits().waiting_clients) {
      reached.push_back("waiting clients");
    }
    if (entry->services() >= registry_.limits().services) {
      reached.push_back("services");
    }
    entry->set_at_limit(absl::StrJoin(reached, ", "));
    grown(*entry);
  }
  part->set_introductions(registry_.introductions());
  part->set_last(true);
  peer->Say([&](proto::FromDirectory* m) { *m = std::move(message); });
  connection->SetSendLimits(usual);
}

void DirectoryServer::Report(const std::string& event) {
  std::vector<PeerId> lost;
  for (PeerId id : monitors_) {
    Peer* const peer = Find(id);
    peer->Say(
        [&](proto::FromDirectory* m) { m->mutable_event()->set_text(event); });
    // One that does not read loses its connection, not we our memory.
    if (peer->lost) lost.push_back(id);
  }
  for (PeerId id : lost) Remove(id);
}

}  // namespace directory
}  // namespace le
