// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#include "messaging/c_api/local_service.h"

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "event/base/mutex.h"
#include "event/os_process.h"
#include "messaging/c_api/callbacks.h"
#include "messaging/c_api/refs.h"
#include "messaging/session/runtime.h"

namespace le {
namespace messaging {
namespace {

// A local service.
struct Local {
  Interface interface;
  // These two are used while the service is unowned.
  std::unique_ptr<ServiceCallbacks> callbacks;
  void* context = nullptr;
  // The core's service. Null: the service is unowned.
  le_msg_ServiceRef_t core = nullptr;
};

// The local services of a process, by their references.
class LocalServices final : public event::ModuleState {
 public:
  static LocalServices* Get() {
    return event::Process::Current()->State<LocalServices>(
        [] { return std::make_unique<LocalServices>(); });
  }

  event::Mutex mutex;
  std::map<le_msg_ServiceRef_t, Local> all ABSL_GUARDED_BY(mutex);

  // Null: there is no such local service.
  Local* FindLocked(le_msg_ServiceRef_t ref)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex) {
    const auto found = all.find(ref);
    return found == all.end() ? nullptr : &found->second;
  }
  // Null: there is no such local service, or it has an owner.
  Local* FindUnownedLocked(le_msg_ServiceRef_t ref)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex) {
    Local* const local = FindLocked(ref);
    return local == nullptr || local->core != nullptr ? nullptr : local;
  }
};

}  // namespace

bool LocalService::Add(le_msg_ServiceRef_t ref, Interface interface) {
  // The key has the address, because two local services may have the same
  // name. The name of an interface has no blank, so the key differs from all
  // names. The log shows the key.
  interface.key = absl::StrCat(interface.name, " (local service at ",
                               reinterpret_cast<uintptr_t>(ref), ")");
  if (!Runtime::Current()->TakeServiceName(interface.key)) return false;
  LocalServices* const services = LocalServices::Get();
  event::MutexLock lock(&services->mutex);
  // A thread that has ended may have left a service at this address. Remove the
  // entry of that service.
  services->all.erase(ref);
  services->all.emplace(
      ref, Local{std::move(interface), std::make_unique<ServiceCallbacks>()});
  return true;
}

bool LocalService::GetInterface(le_msg_ServiceRef_t ref, Interface* interface) {
  LocalServices* const services = LocalServices::Get();
  event::MutexLock lock(&services->mutex);
  const Local* const local = services->FindLocked(ref);
  if (local != nullptr) *interface = local->interface;
  return local != nullptr;
}

void LocalService::Own(le_msg_ServiceRef_t ref) {
  LocalServices* const services = LocalServices::Get();
  event::MutexLock lock(&services->mutex);
  Local* const local = services->FindUnownedLocked(ref);
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

le_msg_ServiceRef_t LocalService::Resolve(le_msg_ServiceRef_t ref) {
  LocalServices* const services = LocalServices::Get();
  event::MutexLock lock(&services->mutex);
  const Local* const local = services->FindLocked(ref);
  return local == nullptr ? ref : local->core;
}

bool LocalService::IsUnowned(le_msg_ServiceRef_t ref) {
  return ChangeUnowned(ref, [](ServiceCallbacks*) {});
}

bool LocalService::ChangeUnowned(
    le_msg_ServiceRef_t ref,
    const std::function<void(ServiceCallbacks* callbacks)>& change) {
  LocalServices* const services = LocalServices::Get();
  event::MutexLock lock(&services->mutex);
  const Local* const local = services->FindUnownedLocked(ref);
  if (local != nullptr) change(local->callbacks.get());
  return local != nullptr;
}

bool LocalService::RemoveHandlerOfUnowned(
    le_msg_SessionEventHandlerRef_t handler) {
  LocalServices* const services = LocalServices::Get();
  event::MutexLock lock(&services->mutex);
  return ServiceCallbacks::RemoveOfUnowned(handler);
}

bool LocalService::SetContextOfUnowned(le_msg_ServiceRef_t ref, void* context) {
  LocalServices* const services = LocalServices::Get();
  event::MutexLock lock(&services->mutex);
  Local* const local = services->FindUnownedLocked(ref);
  if (local != nullptr) local->context = context;
  return local != nullptr;
}

bool LocalService::GetContextOfUnowned(le_msg_ServiceRef_t ref,
                                       void** context) {
  LocalServices* const services = LocalServices::Get();
  event::MutexLock lock(&services->mutex);
  const Local* const local = services->FindUnownedLocked(ref);
  if (local != nullptr) *context = local->context;
  return local != nullptr;
}

bool LocalService::DeleteUnowned(const char* function,
                                 le_msg_ServiceRef_t ref) {
  event::CheckNotForked(function);
  LocalServices* const services = LocalServices::Get();
  Local deleted;
  {
    event::MutexLock lock(&services->mutex);
    Local* const local = services->FindUnownedLocked(ref);
    if (local == nullptr) return false;
    deleted = std::move(*local);
    services->all.erase(ref);
  }
  Runtime::Current()->ReleaseServiceName(deleted.interface.key);
  return true;
}

void LocalService::Forget(le_msg_ServiceRef_t ref) {
  LocalServices* const services = LocalServices::Get();
  event::MutexLock lock(&services->mutex);
  services->all.erase(ref);
}

}  // namespace messaging
}  // namespace le
