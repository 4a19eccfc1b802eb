// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#include "directory/registry.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "directory/interface_name.h"

namespace le {
namespace directory {
namespace {

std::string Mismatch(const InterfaceDescription& offered,
                     const InterfaceDescription& wanted) {
  return absl::StrCat(
      "the service has protocol '", Printable(offered.protocol_id),
      "' with messages of up to ", offered.max_message_size,
      " bytes, not protocol '", Printable(wanted.protocol_id),
      "' with messages of up to ", wanted.max_message_size, " bytes");
}

std::string VersionsOf(const transports::Dialect& dialect) {
  if (dialect.lowest == dialect.highest) {
    return absl::StrCat("version ", dialect.highest);
  }
  return absl::StrCat("versions ", dialect.lowest, " to ", dialect.highest);
}

std::string OtherVersion(const Registry::Server& server,
                         const InterfaceDescription& wanted) {
  const transports::Dialect& theirs = server.description.dialect;
  const transports::Dialect& own = wanted.dialect;
  return absl::StrCat(
      "this program's library understands ", VersionsOf(own),
      " of the wire format, but the library of the server (pid ",
      server.identity.pid, ") understands ", VersionsOf(theirs), ": link ",
      own.highest < theirs.lowest ? "this program" : "the server",
      " with a later release of the library");
}

std::string MissingBinding(const std::string& client, const std::string& name) {
  return absl::StrCat("no binding ", client, " -> <USER>.", name,
                      ": add it to the bindings file of directoryd, or by "
                      "'sdir bind'");
}

}  // namespace

// ---- Bindings --------------------------------------------------------------

absl::optional<ServiceKey> Registry::Resolve(uid_t uid,
                                             const std::string& name) const {
  const Binding* binding = nullptr;
  auto user = by_user_.find({uid, name});
  if (user == by_user_.end()) user = by_user_.find({uid, kAnyName});
  if (user != by_user_.end()) {
    binding = &user->second;
  } else {
    auto any = by_any_user_.find(name);
    if (any == by_any_user_.end()) any = by_any_user_.find(kAnyName);
    if (any == by_any_user_.end()) return absl::nullopt;
    binding = &any->second;
  }
  ServiceKey key = binding->service;
  if (key.name == kAnyName) key.name = name;
  return key;
}

void Registry::Put(const Binding& binding) {
  if (binding.client.uid.has_value()) {
    by_user_[{*binding.client.uid, binding.client.name}] = binding;
  } else {
    by_any_user_[binding.client.name] = binding;
  }
}

Registry::Actions Registry::Bind(const Binding& binding) {
  Put(binding);
  return PlaceAll();
}

bool Registry::Unbind(const ClientKey& client, Actions* actions) {
  const size_t erased = client.uid.has_value()
                            ? by_user_.erase({*client.uid, client.name})
                            : by_any_user_.erase(client.name);
  if (erased == 0) return false;
  *actions = PlaceAll();
  return true;
}

Registry::Actions Registry::Load(const std::vector<Binding>& bindings) {
  // Bindings of an earlier Load() that GoOn() has not destroyed yet are
  // destroyed here, all at once.
  old_by_user_ = std::exchange(by_user_, {});
  old_by_any_user_ = std::exchange(by_any_user_, {});
  for (const Binding& binding : bindings) Put(binding);
  return PlaceAll();
}

// ---- In slices -------------------------------------------------------------

Registry::Actions Registry::PlaceAll() {
  places_ = true;
  next_to_place_ = 0;
  return GoOn();
}

Registry::Actions Registry::GoOn() {
  Actions actions;
  left_ = at_once_;
  // Only the present queues: ServeLine() may append a queue again.
  for (size_t lines = to_serve_.size(); lines > 0 && left_ > 0; --lines) {
    const ServiceKey key = std::move(to_serve_.front());
    to_serve_.pop_front();
    auto service = services_.find(key);
    if (service == services_.end()) continue;
    service->second.to_be_served = false;
    ServeLine(key, &actions);
  }
  while (places_ && left_ > 0) PlaceNext(&actions);
  for (; left_ > 0 && !old_by_user_.empty(); --left_) {
    old_by_user_.erase(old_by_user_.begin());
  }
  for (; left_ > 0 && !old_by_any_user_.empty(); --left_) {
    old_by_any_user_.erase(old_by_any_user_.begin());
  }
  return actions;
}

void Registry::PlaceNext(Actions* actions) {
  auto it = clients_.lower_bound(next_to_place_);
  if (it == clients_.end()) {
    places_ = false;
    return;
  }
  --left_;
  next_to_place_ = it->first + 1;
  const absl::optional<ServiceKey> before = it->second.service;
  Place(it->first, actions);
  // ServeLine() may have stopped at this client (IsMisplaced()). So serve the
  // clients behind it.
  if (before.has_value()) ServeLine(*before, actions);
}

bool Registry::IsMisplaced(PeerId id) const {
  if (!places_ || id < next_to_place_) return false;
  const Client& client = clients_.at(id);
  return !(ServiceOf(client) == client.service);
}

absl::optional<ServiceKey> Registry::ServiceOf(const Client& client) const {
  if (client.named.has_value()) return client.named;
  return Resolve(client.identity.uid, client.description.interface_name);
}

// ---- Clients ---------------------------------------------------------------

Registry::Client Registry::Take(PeerId id) {
  auto it = clients_.find(id);
  LeaveLine(&it->second);
  Client client = std::move(it->second);
  clients_.erase(it);
  changed_.erase({client.identity.uid, id});
  return client;
}

Registry::Actions Registry::ClientOpens(PeerId id, const PeerIdentity& identity,
                                        const InterfaceDescription& description,
                                        bool wait,
                                        absl::optional<ServiceKey> named) {
  Actions actions;
  Client client;
  client.id = id;
  client.identity = identity;
  client.description = description;
  client.wait = wait;
  client.named = std::move(named);
  clients_[id] = std::move(client);
  Place(id, &actions);
  // The limit applies to waiting clients only.
  auto waits = clients_.find(id);
  if (waits == clients_.end()) return actions;
  waits->second.waiting = accounts_->waiting.Take(identity.uid);
  if (!waits->second.waiting) {
    Refuse(id, RefusalReason::kLimit,
           absl::StrCat("user ", identity.uid, " has ",
                        accounts_->waiting.used_by(identity.uid),
                        " clients that wait already, and may have no more"),
           &actions);
  }
  return actions;
}

Registry::Actions Registry::Inspect(PeerId id, const PeerIdentity& identity,
                                    const transports::Dialect& dialect,
                                    PeerId server_id) {
  Actions actions;
  Server& server = servers_.at(server_id);
  Client client;
  client.id = id;
  client.identity = identity;
  client.description.interface_name = server.key.name;
  client.description.dialect = dialect;
  client.inspects = true;
  const transports::Dialect& theirs = server.description.dialect;
  const InterfaceDescription wanted = client.description;
  clients_[id] = std::move(client);
  if (transports::CommonVersion(dialect, theirs) == 0) {
    Refuse(id, RefusalReason::kOtherVersion, OtherVersion(server, wanted),
           &actions);
  } else if ((theirs.capabilities & transports::kCanBeInspected) == 0) {
    Refuse(id, RefusalReason::kOtherVersion,
           absl::StrCat("the library of pid ", server.identity.pid,
                        " cannot be inspected: link the server with a later "
                        "release"),
           &actions);
  } else if (server.inspections >= kMaxInspections || IsBusy(server)) {
    Refuse(id, RefusalReason::kBusy,
           absl::StrCat("pid ", server.identity.pid, " has not accepted ",
                        server.ordered + server.on_their_way.size(),
                        " introductions: it is stopped, its event loop is busy "
                        "or does not run, or it has no file descriptor left"),
           &actions);
  } else {
    Introduce(id, &server, &actions);
    if (introduced_.count(id) != 0) ++server.inspections;
  }
  return actions;
}

Registry::Actions Registry::ClientGone(PeerId id) {
  Actions actions;
  if (clients_.count(id) != 0) {
    const absl::optional<ServiceKey> line = clients_.at(id).service;
    Take(id);
    // As in PlaceNext(): ServeLine() may have stopped at this client.
    if (places_ && line.has_value()) ServeLine(*line, &actions);
  }
  auto introduced = introduced_.find(id);
  if (introduced == introduced_.end()) return actions;
  auto server = servers_.find(introduced->second.introduced_to);
  const bool inspects = introduced->second.inspects;
  if (!inspects) --introductions_;
  introduced_.erase(introduced);
  if (server != servers_.end()) {
    --server->second.ordered;
    if (inspects) --server->second.inspections;
    ServeLine(server->second.key, &actions);
  }
  return actions;
}

void Registry::LeaveLine(Client* client) {
  if (!client->service.has_value()) return;
  auto it = services_.find(*client->service);
  Service& service = it->second;
  if (service.changed.has_value() && service.changed->next == client->place &&
      ++service.changed->next == service.line.end()) {
    ForgetLineChange(&service);
  }
  service.line.erase(client->place);
  if (it->second.empty()) services_.erase(it);
  client->service.reset();
}

void Registry::NoteLineChange(const ServiceKey& key) {
  auto it = services_.find(key);
  if (it == services_.end() || it->second.line.empty()) return;
  Service& service = it->second;
  if (!service.changed.has_value()) {
    service.changed.emplace();
    service.changed->entry = changed_lines_.insert(changed_lines_.end(), key);
  }
  service.changed->next = service.line.begin();
}

void Registry::ForgetLineChange(Service* service) {
  changed_lines_.erase(service->changed->entry);
  service->changed.reset();
}

std::vector<const Registry::Client*> Registry::TakeChanged(size_t most) {
  std::vector<const Client*> taken;
  while (has_changed() && taken.size() < most) {
    if (!changed_.empty()) {
      auto next = changed_.upper_bound({last_told_, UINT64_MAX});
      if (next == changed_.end()) next = changed_.begin();
      last_told_ = next->first;
      taken.push_back(&clients_.at(next->second));
      changed_.erase(next);
    }
    if (!changed_lines_.empty() && taken.size() < most) {
      Service& service = services_.at(changed_lines_.front());
      std::list<PeerId>::iterator& next = service.changed->next;
      taken.push_back(&clients_.at(*next));
      changed_lines_.splice(changed_lines_.end(), changed_lines_,
                            changed_lines_.begin());
      if (++next == service.line.end()) ForgetLineChange(&service);
    }
  }
  return taken;
}

Registry::Wait Registry::WhyWaits(const Client& client) const {
  Wait wait;
  wait.client =
      ClientKey{client.identity.uid, client.description.interface_name};
  if (!client.service.has_value()) return wait;
  wait.service = *client.service;
  const Server* const server = Offering(wait.service);
  wait.reason =
      server == nullptr ? WaitReason::kNotOffered : WaitReason::kNotTaken;
  if (server != nullptr) wait.server_pid = server->identity.pid;
  return wait;
}

void Registry::Place(PeerId id, Actions* actions) {
  Client& client = clients_.at(id);
  const absl::optional<ServiceKey> key = ServiceOf(client);
  if (client.service.has_value() && key == client.service) return;
  if (!key.has_value() && client.unbound) return;
  LeaveLine(&client);
  client.unbound = !key.has_value();
  if (!key.has_value()) {
    if (client.wait) {
      changed_.insert({client.identity.uid, id});
    } else {
      Refuse(id, RefusalReason::kNoBinding,
             // The user is written as a number: a look-up may block, and peers
             // decide how often this code runs.
             MissingBinding(Format(ClientKey{client.identity.uid,
                                             client.description.interface_name},
                                   nullptr),
                            client.description.interface_name),
             actions);
    }
    return;
  }
  const Server* const offering = Offering(*key);
  if (offering == nullptr && !client.wait) {
    Refuse(id, RefusalReason::kNotOffered,
           absl::StrCat("service ", Format(*key, nullptr), " is not offered"),
           actions);
    return;
  }
  Service& service = services_[*key];
  if (offering != nullptr && !IsBusy(*offering) && service.line.empty()) {
    // The server has room, and no other client waits.
    Serve(id, &servers_.at(offering->id), actions);
    return;
  }
  client.service = key;
  client.place = service.line.insert(service.line.end(), id);
  changed_.insert({client.identity.uid, id});
  ServeLine(*key, actions);
}

void Registry::Refuse(PeerId client, RefusalReason reason, std::string text,
                      Actions* actions) {
  RegistryAction action;
  action.what = RegistryAction::What::kRefuse;
  action.client = client;
  action.reason = reason;
  action.text = std::move(text);
  actions->push_back(std::move(action));
  Take(client);
}

void Registry::Introduce(PeerId id, Server* server, Actions* actions) {
  // An inspection is charged to the server's user. Otherwise servers that
  // receive nothing would use up the administrator's share.
  const Client& introduced = clients_.at(id);
  const uid_t uid =
      introduced.inspects ? server->identity.uid : introduced.identity.uid;
  Quota::Charge charge = accounts_->introductions.Take(uid);
  const bool may_leave_more =
      accounts_->leftovers.MayTake(server->identity.uid);
  if (!charge || !may_leave_more) {
    // In the queue, the client would block the clients behind it, also those of
    // other users.
    const uid_t user = charge ? server->identity.uid : uid;
    const Quota& full =
        charge ? accounts_->leftovers : accounts_->introductions;
    Refuse(id, RefusalReason::kBusy,
           absl::StrCat("user ", user, " has ", full.used_by(user), " ",
                        full.name(), ", and may have no more"),
           actions);
    return;
  }
  RegistryAction action;
  action.what = RegistryAction::What::kIntroduce;
  action.client = id;
  action.server = server->id;
  actions->push_back(std::move(action));
  ++server->ordered;
  Client client = Take(id);
  if (!client.inspects) ++introductions_;
  client.introduced_to = server->id;
  client.introduction = std::move(charge);
  introduced_[id] = std::move(client);
}

void Registry::IntroductionDone(PeerId client) {
  auto introduced = introduced_.find(client);
  if (introduced == introduced_.end()) return;
  auto server = servers_.find(introduced->second.introduced_to);
  if (server != servers_.end()) {
    --server->second.ordered;
    introduced->second.waiting.Release();
    server->second.on_their_way.push_back(std::move(introduced->second));
  }
  introduced_.erase(introduced);
}

void Registry::NoteReceived(PeerId server, size_t left) {
  auto it = servers_.find(server);
  if (it == servers_.end()) return;
  std::deque<Client>& on_their_way = it->second.on_their_way;
  for (; on_their_way.size() > left; on_their_way.pop_front()) {
    if (on_their_way.front().inspects) --it->second.inspections;
  }
}

Registry::Actions Registry::ServerReceived(PeerId server, size_t left) {
  Actions actions;
  auto it = servers_.find(server);
  if (it == servers_.end()) return actions;
  NoteReceived(server, left);
  ServeLine(it->second.key, &actions);
  return actions;
}

std::deque<Registry::Client> Registry::TakeOnTheirWay(PeerId server) {
  auto it = servers_.find(server);
  if (it == servers_.end()) return {};
  for (Client& client : it->second.on_their_way) {
    Quota::Charge left = accounts_->leftovers.Take(it->second.identity.uid);
    if (left) client.introduction = std::move(left);
  }
  return std::move(it->second.on_their_way);
}

// ---- Servers ---------------------------------------------------------------

const Registry::Server* Registry::server(PeerId id) const {
  auto it = servers_.find(id);
  return it == servers_.end() ? nullptr : &it->second;
}

const Registry::Server* Registry::Offering(const ServiceKey& key) const {
  auto it = services_.find(key);
  if (it == services_.end() || it->second.offering == 0) return nullptr;
  return &servers_.at(it->second.offering);
}

const Registry::Server* Registry::ServerOf(const ServiceKey& key,
                                           pid_t pid) const {
  const auto it = services_.find(key);
  if (it == services_.end()) return nullptr;
  const Server* const offering = Offering(key);
  if (offering != nullptr && offering->identity.pid == pid) return offering;
  for (PeerId id : it->second.standing_by) {
    const Server& server = servers_.at(id);
    if (server.identity.pid == pid) return &server;
  }
  return nullptr;
}

Registry::Actions Registry::ServerAdvertises(
    PeerId id, const PeerIdentity& identity,
    const InterfaceDescription& description) {
  Actions actions;
  const auto refuse = [&](std::string text) {
    RegistryAction action;
    action.what = RegistryAction::What::kRefuseServer;
    action.server = id;
    action.text = std::move(text);
    actions.push_back(std::move(action));
    return actions;
  };
  Quota::Charge charge = accounts_->services.Take(identity.uid);
  if (!charge) {
    return refuse(absl::StrCat("user ", identity.uid, " has ",
                               accounts_->services.used_by(identity.uid),
                               " services already, and may have no more"));
  }
  const uint32_t stand_bys = accounts_->limits.stand_bys;
  const auto same =
      services_.find(ServiceKey{identity.uid, description.interface_name});
  if (same != services_.end() && same->second.standing_by.size() >= stand_bys) {
    return refuse(absl::StrCat(stand_bys,
                               " servers already stand by for this service: "
                               "the maximum"));
  }
  Server& server = servers_[id];
  server.id = id;
  server.charge = std::move(charge);
  server.identity = identity;
  server.description = description;
  server.key = ServiceKey{identity.uid, description.interface_name};
  const ServiceKey key = server.key;
  Service& service = services_[key];
  service.standing_by.push_back(id);
  if (service.offering == 0) {
    Offer(key, &actions);
    return actions;
  }
  const Server& other = servers_.at(service.offering);
  server.state = other.description.SameProtocol(description)
                     ? ServerState::kStandingBy
                     : ServerState::kOtherProtocol;
  RegistryAction tell;
  tell.what = RegistryAction::What::kTell;
  tell.server = id;
  tell.state = server.state;
  tell.text = absl::StrCat("pid ", other.identity.pid, " offers the service");
  if (server.state == ServerState::kOtherProtocol) {
    absl::StrAppend(&tell.text, ": ", Mismatch(other.description, description));
  }
  actions.push_back(std::move(tell));
  return actions;
}

Registry::Actions Registry::ServerGone(PeerId id) {
  Actions actions;
  auto it = servers_.find(id);
  if (it == servers_.end()) return actions;
  const ServiceKey key = it->second.key;
  servers_.erase(it);
  Service& service = services_[key];
  if (service.offering == id) {
    service.offering = 0;
    NoteLineChange(key);
    Offer(key, &actions);
  } else {
    service.standing_by.remove(id);
  }
  DropIfEmpty(key);
  return actions;
}

// The first server that stands by offers the service from now on. The other
// servers get their state if it has changed.
void Registry::Offer(const ServiceKey& key, Actions* actions) {
  Service& service = services_[key];
  if (service.standing_by.empty()) return;
  service.offering = service.standing_by.front();
  service.standing_by.pop_front();
  Server& offering = servers_.at(service.offering);
  auto tell = [&](Server* server, ServerState state) {
    server->state = state;
    RegistryAction action;
    action.what = RegistryAction::What::kTell;
    action.server = server->id;
    action.state = state;
    actions->push_back(std::move(action));
  };
  tell(&offering, ServerState::kOffering);
  for (PeerId id : service.standing_by) {
    Server& other = servers_.at(id);
    const ServerState state =
        other.description.SameProtocol(offering.description)
            ? ServerState::kStandingBy
            : ServerState::kOtherProtocol;
    if (state != other.state) tell(&other, state);
  }
  ServeLine(key, actions);
  // For the clients that still wait, the reason is another one now.
  NoteLineChange(key);
}

bool Registry::IsBusy(const Server& server) const {
  return server.ordered + server.on_their_way.size() >=
         accounts_->limits.introductions;
}

void Registry::ServeLine(const ServiceKey& key, Actions* actions) {
  // Each pass looks up the service again, because Serve() may change the table
  // and invalidate references into it.
  for (;;) {
    auto service = services_.find(key);
    if (service == services_.end() || service->second.offering == 0 ||
        service->second.line.empty()) {
      return;
    }
    Server& server = servers_.at(service->second.offering);
    if (IsBusy(server)) return;
    if (left_ == 0) {
      if (std::exchange(service->second.to_be_served, true)) return;
      to_serve_.push_back(key);
      return;
    }
    const PeerId first = service->second.line.front();
    // PlaceNext() will place this client, and then serve this queue.
    if (IsMisplaced(first)) return;
    --left_;
    Serve(first, &server, actions);
  }
}

void Registry::Serve(PeerId client, Server* server, Actions* actions) {
  const InterfaceDescription& wanted = clients_.at(client).description;
  if (!wanted.SameProtocol(server->description)) {
    Refuse(client, RefusalReason::kOtherProtocol,
           Mismatch(server->description, wanted), actions);
  } else if (transports::CommonVersion(wanted.dialect,
                                       server->description.dialect) == 0) {
    Refuse(client, RefusalReason::kOtherVersion, OtherVersion(*server, wanted),
           actions);
  } else {
    Introduce(client, server, actions);
  }
}

void Registry::DropIfEmpty(const ServiceKey& key) {
  auto it = services_.find(key);
  if (it != services_.end() && it->second.empty()) services_.erase(it);
}

// ---- Queries ---------------------------------------------------------------

const Registry::Client* Registry::waiting_client(PeerId id) const {
  auto it = clients_.find(id);
  return it == clients_.end() ? nullptr : &it->second;
}

std::string Registry::Discrepancy() const {
  std::map<uid_t, uint64_t> waiting, services, introductions;
  std::map<PeerId, uint64_t> inspections;
  for (const auto& client : clients_) ++waiting[client.second.identity.uid];
  // A client of introduced_ that has waited stays charged as a waiting client
  // until IntroductionDone() or ClientGone().
  for (const auto& client : introduced_) {
    if (client.second.waiting) ++waiting[client.second.identity.uid];
    ++introductions[client.second.introduction.user()];
    if (client.second.inspects) ++inspections[client.second.introduced_to];
  }
  for (const auto& server : servers_) {
    ++services[server.second.identity.uid];
    for (const Client& client : server.second.on_their_way) {
      ++introductions[client.introduction.user()];
      if (client.inspects) ++inspections[server.first];
    }
    if (inspections[server.first] != server.second.inspections) {
      return "the number of inspections is wrong";
    }
  }
  if (waiting != accounts_->waiting.users()) {
    return "the charges of waiting clients are wrong";
  }
  if (services != accounts_->services.users()) {
    return "the charges of services are wrong";
  }
  for (const auto& user : introductions) {
    // There may be more charges than introductions here, because
    // TakeOnTheirWay() gives introductions to its caller.
    if (user.second > accounts_->introductions.used_by(user.first)) {
      return "introductions not charged";
    }
  }
  return accounts_->Discrepancy();
}

// ---- Texts -----------------------------------------------------------------

WaitCause ToCause(const Registry::Wait& wait, Users* users) {
  WaitCause cause;
  cause.reason = wait.reason;
  switch (wait.reason) {
    case WaitReason::kNotOffered:
      cause.text = absl::StrCat("service ", Format(wait.service, users),
                                " is not offered");
      break;
    case WaitReason::kNotTaken:
      cause.text = absl::StrCat("service ", Format(wait.service, users),
                                " is offered by pid ", wait.server_pid,
                                ", which has not accepted the session");
      break;
    default:
      cause.text = MissingBinding(Format(wait.client, users), wait.client.name);
      break;
  }
  return cause;
}

}  // namespace directory
}  // namespace le
