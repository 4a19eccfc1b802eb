// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#include "directory/registry.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "directory/interface_name.h"

namespace le {
namespace directory {
namespace {

std::string Mismatch(const InterfaceDescription& offered,
                     const InterfaceDescription& wanted) {
  return absl::StrCat(
      "the service speaks protocol '", Printable(offered.protocol_id),
      "' with messages of ", offered.max_message_size, " bytes, not '",
      Printable(wanted.protocol_id), "' with ", wanted.max_message_size);
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

Registry::Actions Registry::Bind(const Binding& binding) {
  if (binding.client.uid.has_value()) {
    by_user_[{*binding.client.uid, binding.client.name}] = binding;
  } else {
    by_any_user_[binding.client.name] = binding;
  }
  Actions actions;
  PlaceAll(&actions);
  return actions;
}

bool Registry::Unbind(const ClientKey& client, Actions* actions) {
  const size_t erased = client.uid.has_value()
                            ? by_user_.erase({*client.uid, client.name})
                            : by_any_user_.erase(client.name);
  if (erased == 0) return false;
  PlaceAll(actions);
  return true;
}

Registry::Actions Registry::Load(const std::vector<Binding>& bindings) {
  by_user_.clear();
  by_any_user_.clear();
  for (const Binding& binding : bindings) {
    if (binding.client.uid.has_value()) {
      by_user_[{*binding.client.uid, binding.client.name}] = binding;
    } else {
      by_any_user_[binding.client.name] = binding;
    }
  }
  Actions actions;
  PlaceAll(&actions);
  return actions;
}

std::vector<Binding> Registry::bindings() const {
  std::vector<Binding> all;
  for (const auto& entry : by_user_) all.push_back(entry.second);
  for (const auto& entry : by_any_user_) all.push_back(entry.second);
  return all;
}

// ---- Clients ---------------------------------------------------------------

Registry::Client* Registry::Add(Client client) {
  const PeerId id = client.id;
  ++clients_by_user_[client.identity.uid];
  return &(clients_[id] = std::move(client));
}

Registry::Client Registry::Take(PeerId id) {
  auto it = clients_.find(id);
  LeaveLine(&it->second);
  auto count = clients_by_user_.find(it->second.identity.uid);
  if (--count->second == 0) clients_by_user_.erase(count);
  Client client = std::move(it->second);
  clients_.erase(it);
  return client;
}

Registry::Actions Registry::ClientOpens(PeerId id, const PeerIdentity& identity,
                                        const InterfaceDescription& description,
                                        bool wait) {
  Actions actions;
  Client client;
  client.id = id;
  client.identity = identity;
  client.description = description;
  client.wait = wait;
  Add(std::move(client));
  Place(id, &actions);
  // Only one that has to wait can be one too many.
  if (clients_.contains(id) &&
      clients_by_user_[identity.uid] > limits_.waiting_clients) {
    Refuse(id, RefusalReason::kLimit,
           absl::StrCat("user ", identity.uid, " has ", limits_.waiting_clients,
                        " clients that wait already, as many as a user may"),
           &actions);
  }
  return actions;
}

Registry::Actions Registry::ClientGone(PeerId id) {
  if (clients_.contains(id)) Take(id);
  return {};
}

void Registry::LeaveLine(Client* client) {
  if (!client->service.has_value()) {
    unbound_.erase(client->id);
    return;
  }
  auto it = services_.find(*client->service);
  it->second.line.erase(client->place);
  if (it->second.empty()) services_.erase(it);
  client->service.reset();
}

void Registry::NoteChange(Client* client) {
  if (client->changed) return;
  client->changed = true;
  changed_.push_back(client->id);
}

std::vector<const Registry::Client*> Registry::TakeChanged(size_t most) {
  std::vector<const Client*> taken;
  while (!changed_.empty() && taken.size() < most) {
    auto it = clients_.find(changed_.front());
    changed_.pop_front();
    if (it == clients_.end()) continue;
    it->second.changed = false;
    taken.push_back(&it->second);
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
  const absl::optional<ServiceKey> key =
      Resolve(client.identity.uid, client.description.interface_name);
  if (client.service.has_value() && key == client.service) return;
  if (!key.has_value() && unbound_.count(id) != 0) return;
  LeaveLine(&client);
  if (!key.has_value()) {
    if (client.wait) {
      unbound_[id] = true;
      NoteChange(&client);
    } else {
      Refuse(id, RefusalReason::kNoBinding,
             // By number, as peers decide how often this is asked.
             MissingBinding(absl::StrCat("<", client.identity.uid, ">.",
                                         client.description.interface_name),
                            client.description.interface_name),
             actions);
    }
    return;
  }
  const Server* const server = Offering(*key);
  if (server == nullptr && !client.wait) {
    Refuse(
        id, RefusalReason::kNotOffered,
        absl::StrCat("service <", key->uid, ">.", key->name, " is not offered"),
        actions);
    return;
  }
  Service& service = services_[*key];
  if (server != nullptr && !server->busy && service.line.empty()) {
    Serve(id, *server, actions);  // it need not stand in line
    return;
  }
  client.service = key;
  client.place = service.line.insert(service.line.end(), id);
  NoteChange(&client);
  ServeLine(*key, actions);
}

void Registry::PlaceAll(Actions* actions) {
  std::vector<PeerId> all;
  all.reserve(clients_.size());
  for (const auto& entry : clients_) all.push_back(entry.first);
  std::sort(all.begin(), all.end());  // in order of arrival
  for (PeerId id : all) {
    if (clients_.contains(id)) Place(id, actions);
  }
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

void Registry::Introduce(PeerId client, PeerId server, Actions* actions) {
  RegistryAction action;
  action.what = RegistryAction::What::kIntroduce;
  action.client = client;
  action.server = server;
  actions->push_back(std::move(action));
  ++introductions_;
  introduced_[client] = Take(client);
}

Registry::Client Registry::IntroductionDone(PeerId client) {
  auto introduced = introduced_.find(client);
  if (introduced == introduced_.end()) return Client();
  Client done = std::move(introduced->second);
  introduced_.erase(introduced);
  return done;
}

void Registry::IntroductionFailed(PeerId client, PeerId server) {
  auto introduced = introduced_.find(client);
  if (introduced == introduced_.end()) return;
  Client back = std::move(introduced->second);
  introduced_.erase(introduced);
  --introductions_;
  auto busy = servers_.find(server);
  if (busy != servers_.end()) busy->second.busy = true;
  back.service.reset();
  Client* const stored = Add(std::move(back));
  NoteChange(stored);
  const absl::optional<ServiceKey> key =
      Resolve(stored->identity.uid, stored->description.interface_name);
  if (!key.has_value()) {
    unbound_[client] = true;
    return;
  }
  // Others may be back already: first come, first served.
  Service& service = services_[*key];
  auto place = service.line.begin();
  while (place != service.line.end() && *place < client) ++place;
  stored->service = key;
  stored->place = service.line.insert(place, client);
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

Registry::Actions Registry::ServerAdvertises(
    PeerId id, const PeerIdentity& identity,
    const InterfaceDescription& description) {
  Actions actions;
  const auto refuse = [&](std::string text) {
    RegistryAction action;
    action.what = RegistryAction::What::kRefuseServer;
    action.server = id;
    action.reason = RefusalReason::kLimit;
    action.text = std::move(text);
    actions.push_back(std::move(action));
    return actions;
  };
  if (services_of(identity.uid) >= limits_.services) {
    return refuse(absl::StrCat("user ", identity.uid, " has ", limits_.services,
                               " services already, as many as a user may"));
  }
  const auto same =
      services_.find(ServiceKey{identity.uid, description.interface_name});
  if (same != services_.end() &&
      same->second.standing_by.size() >= limits_.stand_bys) {
    return refuse(absl::StrCat(limits_.stand_bys,
                               " servers stand by for this service already, as "
                               "many as may"));
  }
  ++services_by_user_[identity.uid];
  Server& server = servers_[id];
  server.id = id;
  server.identity = identity;
  server.description = description;
  server.key = ServiceKey{identity.uid, description.interface_name};
  const ServiceKey key = server.key;
  Service& service = services_[key];
  if (service.offering == 0) {
    service.standing_by.push_back(id);
    Offer(key, &actions);
    return actions;
  }
  service.standing_by.push_back(id);
  const Server& other = servers_.at(service.offering);
  server.state = other.description.SameProtocol(description)
                     ? ServerState::kStandingBy
                     : ServerState::kOtherProtocol;
  RegistryAction tell;
  tell.what = RegistryAction::What::kTell;
  tell.server = id;
  tell.state = server.state;
  tell.text = absl::StrCat("pid ", other.identity.pid, " offers it");
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
  auto count = services_by_user_.find(it->second.identity.uid);
  if (--count->second == 0) services_by_user_.erase(count);
  servers_.erase(it);
  Service& service = services_[key];
  if (service.offering == id) {
    service.offering = 0;
    for (PeerId waiting : service.line) NoteChange(&clients_.at(waiting));
    Offer(key, &actions);
  } else {
    service.standing_by.remove(id);
  }
  DropIfEmpty(key);
  return actions;
}

// The first that stands by takes over; the others are told how they stand.
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
}

Registry::Actions Registry::ServerHasRoom(PeerId id) {
  Actions actions;
  auto it = servers_.find(id);
  if (it == servers_.end() || !it->second.busy) return actions;
  it->second.busy = false;
  ServeLine(it->second.key, &actions);
  return actions;
}

void Registry::ServeLine(const ServiceKey& key, Actions* actions) {
  Service& service = services_[key];
  if (service.offering == 0) return;
  const Server& server = servers_.at(service.offering);
  while (!service.line.empty() && !server.busy) {
    Serve(service.line.front(), server, actions);
  }
}

void Registry::Serve(PeerId client, const Server& server, Actions* actions) {
  const InterfaceDescription& wanted = clients_.at(client).description;
  if (wanted.SameProtocol(server.description)) {
    Introduce(client, server.id, actions);
  } else {
    Refuse(client, RefusalReason::kOtherProtocol,
           Mismatch(server.description, wanted), actions);
  }
}

void Registry::DropIfEmpty(const ServiceKey& key) {
  auto it = services_.find(key);
  if (it != services_.end() && it->second.empty()) services_.erase(it);
}

// ---- What there is ---------------------------------------------------------

std::vector<const Registry::Server*> Registry::servers() const {
  std::vector<const Server*> all;
  for (const auto& entry : servers_) all.push_back(&entry.second);
  std::sort(all.begin(), all.end(),
            [](const Server* a, const Server* b) { return a->id < b->id; });
  return all;
}

std::vector<const Registry::Client*> Registry::waiting() const {
  std::vector<const Client*> all;
  for (const auto& entry : clients_) all.push_back(&entry.second);
  std::sort(all.begin(), all.end(),
            [](const Client* a, const Client* b) { return a->id < b->id; });
  return all;
}

const Registry::Client* Registry::waiting_client(PeerId id) const {
  auto it = clients_.find(id);
  return it == clients_.end() ? nullptr : &it->second;
}

uint32_t Registry::waiting_of(uid_t uid) const {
  auto it = clients_by_user_.find(uid);
  return it == clients_by_user_.end() ? 0 : it->second;
}

uint32_t Registry::services_of(uid_t uid) const {
  auto it = services_by_user_.find(uid);
  return it == services_by_user_.end() ? 0 : it->second;
}

// ---- Words -----------------------------------------------------------------

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
                                ", which has not taken the session");
      break;
    default:
      cause.text = MissingBinding(Format(wait.client, users), wait.client.name);
      break;
  }
  return cause;
}

}  // namespace directory
}  // namespace le
