// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// The C API, for services and clients within one process.

#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "directory/interface_name.h"
#include "event/os_process.h"
#include "le_mem.h"
#include "messaging/c_api/callbacks.h"
#include "messaging/c_api/refs.h"
#include "messaging/machine/limits.h"
#include "messaging/session/runtime.h"

using le::event::CheckNotForked;
using le::event::Misuse;
using le::messaging::Checked;
using le::messaging::ClientCallbacks;
using le::messaging::ClientSession;
using le::messaging::Interface;
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
  const size_t size = block - LE_MSG_LOCAL_HEADER_SIZE;
  if (size > le::messaging::kMaxMessageBytes) {
    Misuse(__func__, "messages of ", size, " bytes are more than ",
           le::messaging::kMaxMessageBytes);
  }
  Runtime* const runtime = Runtime::Current();
  Interface interface{serviceName, runtime->GetLocalProtocol(size)};
  // Two local services may have the same name: what identifies one is where it
  // is. With a blank this is no interface's name.
  interface.key = absl::StrCat("local service at ",
                               reinterpret_cast<uintptr_t>(localServicePtr));
  if (!runtime->TakeServiceName(interface.key)) {
    Misuse(__func__, "the service has been initialized already");
  }
  localServicePtr->serviceRef = ToRef(new Service(
      runtime, std::move(interface), runtime->local_introducer(),
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
  return ToRef(new ClientSession(*service,
                                 Runtime::Current()->local_introducer(),
                                 std::make_unique<ClientCallbacks>()));
}
