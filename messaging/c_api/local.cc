// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// The C API, for services and clients within one process.

#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "directory/interface_name.h"
#include "event/os_process.h"
#include "le_mem.h"
#include "messaging/c_api/callbacks.h"
#include "messaging/c_api/refs.h"
#include "messaging/session/runtime.h"

using le::event::CheckNotForked;
using le::event::Misuse;
using le::messaging::Checked;
using le::messaging::ClientCallbacks;
using le::messaging::ClientSession;
using le::messaging::Interface;
using le::messaging::Protocol;
using le::messaging::Runtime;
using le::messaging::Service;
using le::messaging::ServiceCallbacks;
using le::messaging::ToRef;

le_msg_ServiceRef_t le_msg_InitLocalService(
    le_msg_LocalService_t* localServicePtr, const char* serviceName,
    le_mem_PoolRef_t messagingPoolRef) {
  CheckNotForked(__func__);
  if (localServicePtr == nullptr) Misuse(__func__, "the service is NULL");
  if (serviceName == nullptr) Misuse(__func__, "the service's name is NULL");
  const absl::Status valid = le::directory::CheckInterfaceName(serviceName);
  if (!valid.ok()) Misuse(__func__, valid.message());
  const size_t block = le_mem_GetObjectSize(messagingPoolRef);
  if (block < LE_MSG_LOCAL_HEADER_SIZE) {
    Misuse(__func__, "the pool's blocks of ", block,
           " bytes have no room for a header of ", LE_MSG_LOCAL_HEADER_SIZE);
  }
  Runtime* const runtime = Runtime::Current();
  // Two local services may have the same name: what names one is where it is.
  const std::string name = absl::StrCat(
      serviceName, "@", reinterpret_cast<uintptr_t>(localServicePtr));
  if (!runtime->TakeServiceName(name)) {
    Misuse(__func__, "the service has been initialized already");
  }
  const size_t size = block - LE_MSG_LOCAL_HEADER_SIZE;
  absl::StatusOr<Protocol*> protocol =
      runtime->GetProtocol(absl::StrCat("local messages of ", size), size);
  localServicePtr->serviceRef = ToRef(new Service(
      runtime, Interface{name, *protocol}, runtime->local_introducer(),
      std::make_unique<ServiceCallbacks>()));
  return localServicePtr->serviceRef;
}

le_msg_SessionRef_t le_msg_CreateLocalSession(
    le_msg_LocalService_t* localServicePtr) {
  CheckNotForked(__func__);
  if (localServicePtr == nullptr || localServicePtr->serviceRef == nullptr) {
    Misuse(__func__, "the service has not been initialized");
  }
  const Interface* const service =
      Checked(__func__, localServicePtr->serviceRef)->interface();
  return ToRef(new ClientSession(Interface{service->name, service->protocol},
                                 Runtime::Current()->local_introducer(),
                                 std::make_unique<ClientCallbacks>()));
}
