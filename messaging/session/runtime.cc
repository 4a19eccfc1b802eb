// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#include "messaging/session/runtime.h"

#include <utility>

#include "absl/strings/str_cat.h"

namespace le {
namespace messaging {

Runtime* Runtime::Current() {
  event::Process* const process = event::Process::Current();
  return process->State<Runtime>([process] {
    return std::make_unique<Runtime>(process, DefaultParts(process));
  });
}

void Runtime::Install(event::Process* process, Parts parts) {
  process->State<Runtime>([process, &parts] {
    return std::make_unique<Runtime>(process, std::move(parts));
  });
}

Runtime::Runtime(event::Process* process, Parts parts)
    : parts_(std::move(parts)),
      client_accounts_(std::make_shared<ClientAccounts>(process)) {}

Runtime::~Runtime() = default;

directory::Introducer* Runtime::local_introducer() {
  event::MutexLock lock(&mutex_);
  if (local_introducer_ == nullptr) {
    local_introducer_ = parts_.make_local_introducer();
  }
  return local_introducer_.get();
}

absl::StatusOr<Protocol*> Runtime::GetProtocol(absl::string_view id,
                                               size_t max_message_size) {
  const std::string key(id);
  event::MutexLock lock(&mutex_);
  std::unique_ptr<Protocol>& slot = protocols_[key];
  if (slot == nullptr) slot = std::make_unique<Protocol>(key, max_message_size);
  if (slot->max_message_size() != max_message_size) {
    return absl::AlreadyExistsError(absl::StrCat(
        "protocol '", key,
        "' was used in this process with a largest message of ",
        slot->max_message_size(), " bytes, and cannot have one of ",
        max_message_size, ", too"));
  }
  return slot.get();
}

Protocol* Runtime::GetLocalProtocol(size_t max_message_size) {
  event::MutexLock lock(&mutex_);
  std::unique_ptr<Protocol>& slot = local_protocols_[max_message_size];
  if (slot == nullptr) {
    slot = std::make_unique<Protocol>(
        absl::StrCat("local messages of ", max_message_size), max_message_size);
  }
  return slot.get();
}

bool Runtime::TakeServiceName(const std::string& name) {
  event::MutexLock lock(&mutex_);
  return service_names_.insert(name).second;
}

void Runtime::ReleaseServiceName(const std::string& name) {
  event::MutexLock lock(&mutex_);
  service_names_.erase(name);
}

}  // namespace messaging
}  // namespace le
