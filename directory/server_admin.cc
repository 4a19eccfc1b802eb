// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// DirectoryServer: what root and the directory's own user may ask of it.

#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "directory/server.h"
#include "directory/server_peer.h"
#include "event/base/log.h"

namespace le {
namespace directory {

using event::LogLevel;
using transports::Connection;

UserContext DirectoryServer::Context() {
  UserContext context;
  context.users = users_;
  context.self = self_;
  context.is_overflow_user = [this](uid_t uid) {
    return process_->IsOverflowUser(uid);
  };
  return context;
}

absl::StatusOr<std::string> DirectoryServer::Load(const std::string& text,
                                                  const std::string& file_name,
                                                  bool check_only) {
  const ParsedBindings parsed = ParseBindings(text, Context());
  std::string lines;
  for (const Diagnostic& d :
       parsed.errors.empty() ? parsed.warnings : parsed.errors) {
    absl::StrAppend(&lines, lines.empty() ? "" : "\n", d.ToString(file_name));
  }
  if (!parsed.errors.empty()) return absl::InvalidArgumentError(lines);
  if (!check_only) {
    names_.Clear();
    CarryOut(registry_.Load(parsed.bindings));
    Report(absl::StrCat("loaded: ", parsed.bindings.size(), " bindings"));
  }
  return lines;
}

void DirectoryServer::Administer(Peer* peer,
                                 const proto::ToDirectory& request) {
  const uid_t uid = peer->identity().uid;
  if ((uid != 0 && uid != self_) || process_->IsOverflowUser(uid)) {
    peer->Refuse(proto::NOT_PERMITTED,
                 absl::StrCat("only root and user ", self_,
                              " may administer this directory"));
    return;
  }
  const UserContext context = Context();
  // Carrying an action out may close the connection of this peer.
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
  auto done = [&](const std::string& what) {
    Report(what);
    answer(absl::StrCat(what, ", until the next load or restart"));
  };
  switch (request.what_case()) {
    case proto::ToDirectory::kList:
      SendList(peer);
      return;
    case proto::ToDirectory::kBind: {
      const absl::StatusOr<Binding> binding = ParseBinding(
          request.bind().client(), request.bind().service(), context);
      if (!binding.ok()) return answer(binding.status());
      CarryOut(registry_.Bind(*binding));
      return done(absl::StrCat("bound: ", Format(*binding, users_)));
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
      return done(absl::StrCat("unbound: ", Format(*client, users_)));
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
      return answer(std::string());
    default:
      return;
  }
}

void DirectoryServer::SendList(Peer* peer) {
  names_.Clear();  // a user may have got another name
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
    entry->set_client(Format(binding.client, &names_));
    entry->set_service(Format(binding.service, &names_));
    grown(*entry);
  }
  for (const Registry::Server* server : registry_.servers()) {
    proto::ServiceEntry* const entry = part->add_services();
    entry->set_service(Format(server->key, &names_));
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
    const Registry::Wait wait = registry_.WhyWaits(*client);
    entry->set_reason(static_cast<proto::WaitReason>(wait.reason));
    entry->set_server_pid(wait.server_pid);
    if (client->service.has_value()) {
      entry->set_service(Format(*client->service, &names_));
    } else {
      entry->set_missing_binding(
          absl::StrCat("<", user, ">.", name, " -> <USER>.", name));
    }
    grown(*entry);
  }
  for (const Registry::Server* server : registry_.servers()) {
    Peer* const to = Find(server->id);
    if (to == nullptr || to->introduced.empty()) continue;
    if (to->HasReceivedAll()) {
      to->introduced.clear();
      continue;
    }
    for (const Registry::Client& client : to->introduced) {
      proto::WaitingEntry* const entry = part->add_not_taken();
      entry->set_client(Format(
          ClientKey{client.identity.uid, client.description.interface_name},
          &names_));
      entry->set_pid(client.identity.pid);
      entry->set_protocol_id(client.description.protocol_id);
      entry->set_service(Format(server->key, &names_));
      entry->set_reason(proto::WAIT_NOT_TAKEN);
      entry->set_server_pid(server->identity.pid);
      grown(*entry);
    }
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
