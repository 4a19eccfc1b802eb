// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// Local services of the C API. The reference of a local service points to the
// program's structure. A local service is "unowned" until a thread becomes its
// owner. Then a Service of messaging/session is created ("the core's service").

#ifndef LE_MESSAGING_MESSAGING_C_API_LOCAL_SERVICE_H_
#define LE_MESSAGING_MESSAGING_C_API_LOCAL_SERVICE_H_

#include <functional>
#include <map>
#include <memory>

#include "event/base/mutex.h"
#include "event/process.h"
#include "le_messaging.h"
#include "messaging/c_api/callbacks.h"
#include "messaging/session/session.h"

namespace le {
namespace messaging {

// The local services of a process. Thread-safe. Each function takes the
// reference of any service, local or not.
class LocalServices final : public event::ModuleState {
 public:
  static LocalServices* OfCurrentProcess() {
    return event::Process::Current()->State<LocalServices>(
        [] { return std::make_unique<LocalServices>(); });
  }

  // Adds an unowned service. False: the service was added before, was not
  // deleted since, and its owner's thread (if any) has not ended.
  bool Add(le_msg_ServiceRef_t ref, Interface interface);
  // False: there is no such local service.
  bool GetInterface(le_msg_ServiceRef_t ref, Interface* interface);
  // If the service is unowned, the calling thread becomes its owner.
  void Own(le_msg_ServiceRef_t ref);
  // Returns the reference of the core's service. This is `ref` itself if the
  // service is not local.
  le_msg_ServiceRef_t Resolve(le_msg_ServiceRef_t ref);
  bool IsUnowned(le_msg_ServiceRef_t ref);
  // Calls `change` with mutex_ held. `change` must not end the process: an exit
  // handler may need mutex_. False: the service is not local, or it has an
  // owner.
  bool ChangeUnowned(
      le_msg_ServiceRef_t ref,
      const std::function<void(ServiceCallbacks* callbacks)>& change);
  // False: there is no such handler, or its service is not local, or its
  // service has an owner.
  bool RemoveHandlerOfUnowned(le_msg_SessionEventHandlerRef_t handler);
  // These three return false if the service is not local, or if it has an
  // owner.
  bool SetContextOfUnowned(le_msg_ServiceRef_t ref, void* context);
  bool GetContextOfUnowned(le_msg_ServiceRef_t ref, void** context);
  bool DeleteUnowned(le_msg_ServiceRef_t ref);
  // Removes the entry of a local service that was deleted.
  void Forget(le_msg_ServiceRef_t ref);

 private:
  struct Local {
    Interface interface;
    // These two are used while the service is unowned.
    std::unique_ptr<ServiceCallbacks> callbacks;
    void* context = nullptr;
    // The core's service. Null: the service is unowned.
    le_msg_ServiceRef_t core = nullptr;
  };

  // Null: there is no such local service.
  Local* FindLocked(le_msg_ServiceRef_t ref)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Null: there is no such local service, or it has an owner.
  Local* FindUnownedLocked(le_msg_ServiceRef_t ref)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  event::Mutex mutex_;
  std::map<le_msg_ServiceRef_t, Local> all_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace messaging
}  // namespace le

#endif  // LE_MESSAGING_MESSAGING_C_API_LOCAL_SERVICE_H_
