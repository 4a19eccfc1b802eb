// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// Local services of the C API. The reference of a local service points to the
// user's structure. A local service is "unowned" until a thread becomes its
// owner. Then a Service of messaging/session is created ("the core's service").

#ifndef LE_MESSAGING_MESSAGING_C_API_LOCAL_SERVICE_H_
#define LE_MESSAGING_MESSAGING_C_API_LOCAL_SERVICE_H_

#include <functional>

#include "le_messaging.h"
#include "messaging/c_api/callbacks.h"
#include "messaging/session/session.h"

namespace le {
namespace messaging {

// Any thread. Each function takes the reference of any service, local or not.
struct LocalService {
  // Adds an unowned service. False: the service has been added, and was not
  // deleted.
  static bool Add(le_msg_ServiceRef_t ref, Interface interface);
  // False: there is no such local service.
  static bool GetInterface(le_msg_ServiceRef_t ref, Interface* interface);
  // If the service is unowned, the calling thread becomes its owner.
  static void Own(le_msg_ServiceRef_t ref);
  // Returns the reference of the core's service. This is `ref` itself if the
  // service is not local.
  static le_msg_ServiceRef_t Resolve(le_msg_ServiceRef_t ref);
  static bool IsUnowned(le_msg_ServiceRef_t ref);
  // Calls `change` under the lock of Own(), so `change` must not end the
  // process. False: the service is not local, or it has an owner.
  static bool ChangeUnowned(
      le_msg_ServiceRef_t ref,
      const std::function<void(ServiceCallbacks* callbacks)>& change);
  // False: the handler's service is not local, or it has an owner.
  static bool RemoveHandlerOfUnowned(le_msg_SessionEventHandlerRef_t handler);
  // These three return false if the service is not local, or if it has an
  // owner.
  static bool SetContextOfUnowned(le_msg_ServiceRef_t ref, void* context);
  static bool GetContextOfUnowned(le_msg_ServiceRef_t ref, void** context);
  static bool DeleteUnowned(const char* function, le_msg_ServiceRef_t ref);
  // Removes the entry of a local service that was deleted.
  static void Forget(le_msg_ServiceRef_t ref);
};

}  // namespace messaging
}  // namespace le

#endif  // LE_MESSAGING_MESSAGING_C_API_LOCAL_SERVICE_H_
