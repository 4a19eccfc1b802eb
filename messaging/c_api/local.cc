// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// The C API, for services and clients within one process. A program that does
// not call these functions does not link le_mem.

#include <memory>
#include <utility>

#include "directory/interface_name.h"
#include "le_mem.h"
#include "messaging/c_api/callbacks.h"
#include "messaging/c_api/local_service.h"
#include "messaging/c_api/refs.h"
#include "messaging/machine/limits.h"
#include "messaging/session/runtime.h"

using le::event::CheckNotForked;
using le::event::Misuse;
using le::messaging::ClientCallbacks;
using le::messaging::ClientSession;
using le::messaging::Interface;
using le::messaging::LocalServices;
using le::messaging::OrFatal;
using le::messaging::Runtime;
using le::messaging::ToRef;

le_msg_ServiceRef_t le_msg_InitLocalService(
    le_msg_LocalService_t* localServicePtr, const char* serviceName,
    le_mem_PoolRef_t messagingPoolRef) {
  CheckNotForked(__func__);
  if (localServicePtr == nullptr) return nullptr;
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
    Misuse(__func__, "messages of ", size, " bytes are more than the limit of ",
           le::messaging::kMaxMessageBytes);
  }
  const le_msg_ServiceRef_t ref = &localServicePtr->service;
  const bool is_new = OrFatal(__func__, [&] {
    return LocalServices::OfCurrentProcess()->Add(
        ref, {serviceName, Runtime::Current()->GetLocalProtocol(size)});
  });
  if (!is_new) Misuse(__func__, "the service has been initialized already");
  *localServicePtr = {};
  localServicePtr->service.type = le_msg_Service::LE_MSG_SERVICE_LOCAL;
  localServicePtr->messagePool = messagingPoolRef;
  return ref;
}

le_msg_SessionRef_t le_msg_CreateLocalSession(
    le_msg_LocalService_t* localServicePtr) {
  CheckNotForked(__func__);
  if (localServicePtr == nullptr) return nullptr;
  return OrFatal(__func__, [&]() -> le_msg_SessionRef_t {
    Interface interface {};
    if (!LocalServices::OfCurrentProcess()->GetInterface(
            &localServicePtr->service, &interface)) {
      return nullptr;
    }
    return ToRef(new ClientSession(std::move(interface),
                                   Runtime::Current()->local_introducer(),
                                   std::make_unique<ClientCallbacks>()));
  });
}
