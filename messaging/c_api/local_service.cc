// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#include "messaging/c_api/local_service.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "messaging/c_api/callbacks.h"
#include "messaging/c_api/refs.h"
#include "messaging/session/runtime.h"

namespace le {
namespace messaging {
LocalServices::Local* LocalServices::FindLocked(le_msg_ServiceRef_t ref) {
  const auto found = all_.find(ref);
  return found == all_.end() ? nullptr : &found->second;
}

LocalServices::Local* LocalServices::FindUnownedLocked(
    le_msg_ServiceRef_t ref) {
  Local* const local = FindLocked(ref);
  return local == nullptr || local->core != nullptr ? nullptr : local;
}

bool LocalServices::Add(le_msg_ServiceRef_t ref, Interface interface) {
  // The key has the address, because two local services may have the same
  // name. The name of an interface has no blank, so the key differs from all
  // names. The log shows the key.
  interface.key = absl::StrCat(interface.name, " (local service at ",
                               reinterpret_cast<uintptr_t>(ref), ")");
  if (!Runtime::Current()->TakeServiceName(interface.key)) return false;
  event::MutexLock lock(&mutex_);
  // A thread that has ended may have left a service at this address. Remove the
  // entry of that service.
  all_.erase(ref);
  all_.emplace(
      ref, Local{std::move(interface), std::make_unique<ServiceCallbacks>()});
  return true;
}

bool LocalServices::GetInterface(le_msg_ServiceRef_t ref,
                                 Interface* interface) {
  event::MutexLock lock(&mutex_);
  const Local* const local = FindLocked(ref);
  if (local != nullptr) *interface = local->interface;
  return local != nullptr;
}

void LocalServices::Own(le_msg_ServiceRef_t ref) {
  event::MutexLock lock(&mutex_);
  Local* const local = FindUnownedLocked(ref);
  if (local == nullptr) return;
  Runtime* const runtime = Runtime::Current();
  ServiceCallbacks* const callbacks = local->callbacks.get();
  auto* const service =
      new Service(runtime, local->interface, runtime->local_introducer(),
                  std::move(local->callbacks));
  callbacks->Attach(service);
  service->set_context(local->context);
  local->core = ToRef(service);
}

le_msg_ServiceRef_t LocalServices::Resolve(le_msg_ServiceRef_t ref) {
  event::MutexLock lock(&mutex_);
  const Local* const local = FindLocked(ref);
  return local == nullptr ? ref : local->core;
}

bool LocalServices::IsUnowned(le_msg_ServiceRef_t ref) {
  return ChangeUnowned(ref, [](ServiceCallbacks*) {});
}

bool LocalServices::ChangeUnowned(
    le_msg_ServiceRef_t ref,
    const std::function<void(ServiceCallbacks* callbacks)>& change) {
  event::MutexLock lock(&mutex_);
  const Local* const local = FindUnownedLocked(ref);
  if (local != nullptr) change(local->callbacks.get());
  return local != nullptr;
}

bool LocalServices::RemoveHandlerOfUnowned(
    le_msg_SessionEventHandlerRef_t handler) {
  event::MutexLock lock(&mutex_);
  return ServiceCallbacks::RemoveOfUnowned(handler);
}

bool LocalServices::SetContextOfUnowned(le_msg_ServiceRef_t ref,
                                        void* context) {
  event::MutexLock lock(&mutex_);
  Local* const local = FindUnownedLocked(ref);
  if (local != nullptr) local->context = context;
  return local != nullptr;
}

bool LocalServices::GetContextOfUnowned(le_msg_ServiceRef_t ref,
                                        void** context) {
  event::MutexLock lock(&mutex_);
  const Local* const local = FindUnownedLocked(ref);
  if (local != nullptr) *context = local->context;
  return local != nullptr;
}

bool LocalServices::DeleteUnowned(le_msg_ServiceRef_t ref) {
  Local deleted;
  {
    event::MutexLock lock(&mutex_);
    Local* const local = FindUnownedLocked(ref);
    if (local == nullptr) return false;
    deleted = std::move(*local);
    all_.erase(ref);
  }
  Runtime::Current()->ReleaseServiceName(deleted.interface.key);
  return true;
}

void LocalServices::Forget(le_msg_ServiceRef_t ref) {
  event::MutexLock lock(&mutex_);
  all_.erase(ref);
}

}  // namespace messaging
}  // namespace le
