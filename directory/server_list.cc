// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#include "directory/server_list.h"

#include <iterator>

#include "absl/strings/str_cat.h"

namespace le {
namespace directory {
namespace {

// The bound of the connection's queue. The list pauses while the queue is
// congested.
constexpr size_t kListBytes = 8 * kPartBytes;

// In the section kNotTaken, each server adds this number to the size of the
// part, even if it has no entry. So one turn checks at most kPartBytes /
// kLookBytes = 768 servers.
constexpr size_t kLookBytes = 64;

}  // namespace

DirectoryServer::List::List(DirectoryServer* directory, Peer* peer)
    : directory_(directory), peer_(peer) {
  transports::SendLimits limits;
  limits.bytes = kListBytes;
  limits.reports_congestion = true;
  (*peer->connection_slot())->SetSendLimits(limits);
}

void DirectoryServer::List::GoOn() {
  if (posted_) return;
  posted_ = true;
  directory_->loop_->Post(this);
}

void DirectoryServer::List::Run() {
  posted_ = false;
  proto::FromDirectory message;
  proto::ListPart* const part = message.mutable_list();
  size_t bytes = 0;
  while (section_ != Section::kEnd && bytes < kPartBytes) {
    size_t size = 0;
    switch (section_) {
      case Section::kBindingsOfUsers:
      case Section::kBindingsOfAnyUser:
        size = AddBinding(part);
        break;
      case Section::kServers:
        size = AddServer(part);
        break;
      case Section::kWaiting:
        size = AddWaiting(part);
        break;
      case Section::kNotTaken:
        size = AddNotTaken(part);
        break;
      case Section::kUsers:
        size = AddUser(part);
        break;
      case Section::kEnd:
        break;
    }
    if (size == 0) NextSection();
    bytes += size;
  }
  const bool ends = section_ == Section::kEnd;
  if (ends) AddTotals(part);
  peer_->Say([&](proto::FromDirectory* m) { *m = std::move(message); });
  transports::Connection* const connection = peer_->connection_slot()->get();
  if (peer_->lost) {
    directory_->Remove(peer_->id());
  } else if (ends) {
    connection->SetSendLimits(transports::SendLimits());
    peer_->list.reset();
  } else if (!connection->congested()) {
    GoOn();
  }
}

void DirectoryServer::List::NextSection() {
  section_ = static_cast<Section>(static_cast<int>(section_) + 1);
  last_ = 0;
}

size_t DirectoryServer::List::AddBinding(proto::ListPart* part) {
  const Binding* binding = nullptr;
  if (section_ == Section::kBindingsOfUsers) {
    const auto& all = directory_->registry_.bindings_of_users();
    auto it = user_binding_ ? all.upper_bound(*user_binding_) : all.begin();
    if (it == all.end()) return 0;
    user_binding_ = it->first;
    binding = &it->second;
  } else {
    const auto& all = directory_->registry_.bindings_of_any_user();
    auto it =
        any_user_binding_ ? all.upper_bound(*any_user_binding_) : all.begin();
    if (it == all.end()) return 0;
    any_user_binding_ = it->first;
    binding = &it->second;
  }
  proto::BindingEntry* const entry = part->add_bindings();
  entry->set_client(Format(binding->client, nullptr));
  entry->set_service(Format(binding->service, nullptr));
  return entry->ByteSizeLong();
}

size_t DirectoryServer::List::AddServer(proto::ListPart* part) {
  const auto& all = directory_->registry_.servers();
  auto it = all.upper_bound(last_);
  if (it == all.end()) return 0;
  last_ = it->first;
  const Registry::Server& server = it->second;
  proto::ServiceEntry* const entry = part->add_services();
  entry->set_service(Format(server.key, nullptr));
  entry->set_pid(server.identity.pid);
  entry->set_protocol_id(server.description.protocol_id);
  entry->set_max_message_size(server.description.max_message_size);
  entry->set_state(ToProto(server.state));
  return entry->ByteSizeLong();
}

size_t DirectoryServer::List::AddWaiting(proto::ListPart* part) {
  const auto& all = directory_->registry_.waiting();
  auto it = all.upper_bound(last_);
  if (it == all.end()) return 0;
  last_ = it->first;
  const Registry::Client& client = it->second;
  const ClientKey key{client.identity.uid, client.description.interface_name};
  proto::WaitingEntry* const entry = part->add_waiting();
  entry->set_client(Format(key, nullptr));
  entry->set_pid(client.identity.pid);
  entry->set_protocol_id(client.description.protocol_id);
  const Registry::Wait wait = directory_->registry_.WhyWaits(client);
  entry->set_reason(static_cast<proto::WaitReason>(wait.reason));
  entry->set_server_pid(wait.server_pid);
  if (client.service.has_value()) {
    entry->set_service(Format(*client.service, nullptr));
  } else {
    entry->set_missing_binding(
        absl::StrCat(entry->client(), " -> <USER>.", key.name));
  }
  return entry->ByteSizeLong();
}

// Adds the introductions of clients that one server has not received. One call
// adds them all, because Limits::introductions bounds their number. Returns
// kLookBytes if there are none, and 0 if no server is left.
size_t DirectoryServer::List::AddNotTaken(proto::ListPart* part) {
  const auto& all = directory_->registry_.servers();
  auto it = all.upper_bound(last_);
  if (it == all.end()) return 0;
  last_ = it->first;
  if (!it->second.on_their_way.empty()) directory_->LookAtServer(last_);
  // LookAtServer() may have removed some introductions, and the server itself.
  size_t size = kLookBytes;
  const Registry::Server* const server = directory_->registry_.server(last_);
  if (server == nullptr) return size;
  for (const Registry::Client& client : server->on_their_way) {
    if (client.inspects) continue;
    proto::WaitingEntry* const entry = part->add_not_taken();
    entry->set_client(Format(
        ClientKey{client.identity.uid, client.description.interface_name},
        nullptr));
    entry->set_pid(client.identity.pid);
    entry->set_protocol_id(client.description.protocol_id);
    entry->set_service(Format(server->key, nullptr));
    entry->set_reason(proto::WAIT_NOT_TAKEN);
    entry->set_server_pid(server->identity.pid);
    size += entry->ByteSizeLong();
  }
  return size;
}

size_t DirectoryServer::List::AddUser(proto::ListPart* part) {
  const Accounts& accounts = directory_->accounts();
  last_user_ = accounts.UserAfter(last_user_);
  if (!last_user_.has_value()) return 0;
  const uid_t user = *last_user_;
  proto::UsageEntry* const entry = part->add_users();
  entry->set_user(absl::StrCat(user));
  const auto used = [&](const Quota& quota) {
    return static_cast<uint32_t>(quota.used_by(user));
  };
  entry->set_connections(used(accounts.connections));
  entry->set_waiting(used(accounts.waiting));
  entry->set_services(used(accounts.services));
  entry->set_introductions(used(accounts.introductions));
  entry->set_at_limit(accounts.AtLimit(user));
  return entry->ByteSizeLong();
}

void DirectoryServer::List::AddTotals(proto::ListPart* part) {
  const Refusals& refusals = directory_->refusals_;
  for (const auto& [code, count] : refusals.counts()) {
    proto::RefusalEntry* const entry = part->add_refusals();
    entry->set_code(code);
    entry->set_count(count);
  }
  for (const Refusals::Latest& refusal : refusals.latest()) {
    proto::LatestRefusal* const entry = part->add_latest_refusals();
    *entry->mutable_peer() = refusal.peer;
    entry->set_code(refusal.code);
    entry->set_reason(refusal.reason);
    entry->set_seconds_ago(static_cast<uint64_t>(
        absl::ToInt64Seconds(directory_->process_->Now() - refusal.at)));
  }
  for (const Quota* quota : directory_->accounts().All()) {
    proto::ResourceEntry* const entry = part->add_resources();
    entry->set_name(quota->name());
    entry->set_used(quota->used());
    entry->set_total(quota->bound().total);
    entry->set_reserve(quota->bound().reserve);
    entry->set_per_user(quota->bound().per_user);
  }
  part->set_introductions(directory_->registry_.introductions());
  part->set_last(true);
}

}  // namespace directory
}  // namespace le
