// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// Local services of the C API, whose reference is the user's structure. The core's service
// is made when a thread becomes the owner. Until then a local service is "unowned".

#ifndef LE_MESSAGING_MESSAGING_C_API_LOCAL_SERVICE_H_
#define LE_MESSAGING_MESSAGING_C_API_LOCAL_SERVICE_H_

#include <functional>

#include "le_messaging.h"
#include "messaging/c_api/callbacks.h"

namespace le {
namespace messaging {

// Any thread. Each function takes the reference of any service, local or not.
struct LocalService {
  // The calling thread becomes the owner of an unowned one.
  static void Own(le_msg_ServiceRef_t ref);
  // The reference of the core's service.
  static le_msg_ServiceRef_t Resolve(le_msg_ServiceRef_t ref);
  static bool IsUnowned(le_msg_ServiceRef_t ref);
  // Calls the function, which must not end the process: it runs under the lock that
  // Own() takes. False: not unowned.
  static bool ChangeUnowned(
      le_msg_ServiceRef_t ref,
      const std::function<void(ServiceCallbacks* callbacks)>& change);
  // False: no handler of an unowned one.
  static bool RemoveHandlerOfUnowned(le_msg_SessionEventHandlerRef_t handler);
  // False: not unowned.
  static bool SetContextOfUnowned(le_msg_ServiceRef_t ref, void* context);
  static bool GetContextOfUnowned(le_msg_ServiceRef_t ref, void** context);
  static bool DeleteUnowned(const char* function, le_msg_ServiceRef_t ref);
  // The core's service has been deleted.
  static void Forget(le_msg_ServiceRef_t ref);
};

}  // namespace messaging
}  // namespace le

#endif  // LE_MESSAGING_MESSAGING_C_API_LOCAL_SERVICE_H_
