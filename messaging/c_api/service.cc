// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// The C API, for servers: services and their clients.

#include <cstdarg>
#include <cstdio>
#include <cstring>
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "directory/interface_name.h"
#include "event/os_process.h"
#include "event/peer_log.h"
#include "messaging/c_api/callbacks.h"
#include "messaging/c_api/local_service.h"
#include "messaging/c_api/refs.h"
#include "messaging/machine/limits.h"
#include "messaging/session/runtime.h"

using le::event::CheckNotForked;
using le::event::Misuse;
using le::messaging::CheckDeletable;
using le::messaging::Checked;
using le::messaging::CheckedOut;
using le::messaging::CurrentCall;
using le::messaging::Delete;
using le::messaging::FromCaller;
using le::messaging::Interface;
using le::messaging::LocalServices;
using le::messaging::OrFatal;
using le::messaging::OwnedByCaller;
using le::messaging::Protocol;
using le::messaging::Runtime;
using le::messaging::ServerSession;
using le::messaging::ServerSide;
using le::messaging::Service;
using le::messaging::ServiceCallbacks;
using le::messaging::ServiceLimits;
using le::messaging::TellSessionLimits;
using le::messaging::ToCaller;
using le::messaging::ToRef;
using le::messaging::ToSessionLimits;

namespace {

// Returns the service. If it is an unowned local service, the calling thread
// becomes its owner.
Service* WithOwner(const char* function, le_msg_ServiceRef_t ref) {
  CheckNotForked(function);
  LocalServices* const local = LocalServices::OfCurrentProcess();
  OrFatal(function, [&] { local->Own(ref); });
  return Checked(function, local->Resolve(ref));
}

// Fatal if another thread owns the service.
void ChangeCallbacks(
    const char* function, le_msg_ServiceRef_t ref,
    const std::function<void(ServiceCallbacks* callbacks)>& change) {
  CheckNotForked(function);
  LocalServices* const local = LocalServices::OfCurrentProcess();
  OrFatal(function, [&] {
    if (local->ChangeUnowned(ref, change)) return;
    change(ServiceCallbacks::Of(
        OwnedByCaller(function, Checked(function, local->Resolve(ref)))));
  });
}

le_msg_SessionEventHandlerRef_t AddHandler(const char* function,
                                           le_msg_ServiceRef_t serviceRef,
                                           ServiceCallbacks::SessionEvent event,
                                           le_msg_SessionEventHandler_t handler,
                                           void* context) {
  CheckNotForked(function);
  if (handler == nullptr) Misuse(function, "the handler is NULL");
  le_msg_SessionEventHandlerRef_t added = nullptr;
  ChangeCallbacks(function, serviceRef, [&](ServiceCallbacks* callbacks) {
    added = callbacks->Add(event, handler, context);
  });
  return added;
}

// Null: the process has a service of that name.
le_msg_ServiceRef_t NewService(const char* function, Protocol* protocol,
                               const char* name) {
  return OrFatal(function, [&]() -> le_msg_ServiceRef_t {
    Runtime* const runtime = Runtime::Current();
    if (!runtime->TakeServiceName(name)) return nullptr;
    auto callbacks = std::make_unique<ServiceCallbacks>();
    ServiceCallbacks* const attached = callbacks.get();
    auto* const service =
        new Service(runtime, Interface{name, protocol}, runtime->introducer(),
                    std::move(callbacks));
    attached->Attach(service);
    return ToRef(service);
  });
}

}  // namespace

le_msg_ServiceRef_t le_msg_CreateService(le_msg_ProtocolRef_t protocolRef,
                                         const char* interfaceName) {
  Protocol* const protocol = Checked(__func__, protocolRef);
  if (interfaceName == nullptr)
    Misuse(__func__, "the interface's name is NULL");
  const absl::Status valid = le::directory::CheckInterfaceName(interfaceName);
  if (!valid.ok()) Misuse(__func__, valid.message());
  const le_msg_ServiceRef_t service =
      NewService(__func__, protocol, interfaceName);
  if (service == nullptr) {
    Misuse(__func__, "this process has a service '", interfaceName,
           "' already");
  }
  return service;
}

le_result_t le_msg_TryCreateService(le_msg_ProtocolRef_t protocolRef,
                                    const char* interfaceName,
                                    le_msg_ServiceRef_t* refPtr) {
  Protocol* const protocol = Checked(__func__, protocolRef);
  *CheckedOut(__func__, refPtr) = nullptr;
  if (interfaceName == nullptr ||
      !le::directory::CheckInterfaceName(interfaceName).ok()) {
    return LE_BAD_PARAMETER;
  }
  *refPtr = NewService(__func__, protocol, interfaceName);
  return *refPtr == nullptr ? LE_DUPLICATE : LE_OK;
}

void le_msg_DeleteService(le_msg_ServiceRef_t serviceRef) {
  CheckNotForked(__func__);
  LocalServices* const local = LocalServices::OfCurrentProcess();
  if (local->DeleteUnowned(serviceRef)) return;
  Service* const service = Checked(__func__, local->Resolve(serviceRef));
  Delete(__func__, service);
  local->Forget(serviceRef);
}

void le_msg_DropService(le_msg_ServiceRef_t serviceRef) {
  CheckNotForked(__func__);
  LocalServices* const local = LocalServices::OfCurrentProcess();
  if (local->DeleteUnowned(serviceRef)) return;
  Service* const service = Checked(__func__, local->Resolve(serviceRef));
  CheckDeletable(__func__, service);
  ServiceCallbacks::Of(service)->RemoveAll();
  service->Delete();
  local->Forget(serviceRef);
}

le_msg_SessionEventHandlerRef_t le_msg_AddServiceOpenHandler(
    le_msg_ServiceRef_t serviceRef, le_msg_SessionEventHandler_t handlerFunc,
    void* contextPtr) {
  return AddHandler(__func__, serviceRef, ServiceCallbacks::SessionEvent::kOpen,
                    handlerFunc, contextPtr);
}

le_msg_SessionEventHandlerRef_t le_msg_AddServiceCloseHandler(
    le_msg_ServiceRef_t serviceRef, le_msg_SessionEventHandler_t handlerFunc,
    void* contextPtr) {
  return AddHandler(__func__, serviceRef,
                    ServiceCallbacks::SessionEvent::kClose, handlerFunc,
                    contextPtr);
}

void le_msg_RemoveServiceHandler(le_msg_SessionEventHandlerRef_t handlerRef) {
  CheckNotForked(__func__);
  if (LocalServices::OfCurrentProcess()->RemoveHandlerOfUnowned(handlerRef)) {
    return;
  }
  ServiceCallbacks::Remove(__func__, handlerRef);
}

void le_msg_SetServiceRecvHandler(le_msg_ServiceRef_t serviceRef,
                                  le_msg_ReceiveHandler_t handlerFunc,
                                  void* contextPtr) {
  ChangeCallbacks(__func__, serviceRef, [&](ServiceCallbacks* callbacks) {
    callbacks->SetReceive(handlerFunc, contextPtr);
  });
}

void le_msg_SetServiceRoomHandler(le_msg_ServiceRef_t serviceRef,
                                  le_msg_SessionEventHandler_t handlerFunc,
                                  void* contextPtr) {
  ChangeCallbacks(__func__, serviceRef, [&](ServiceCallbacks* callbacks) {
    callbacks->SetRoom(handlerFunc, contextPtr);
  });
}

void le_msg_SetServiceContextPtr(le_msg_ServiceRef_t serviceRef,
                                 void* contextPtr) {
  CheckNotForked(__func__);
  LocalServices* const local = LocalServices::OfCurrentProcess();
  if (local->SetContextOfUnowned(serviceRef, contextPtr)) return;
  Checked(__func__, local->Resolve(serviceRef))->set_context(contextPtr);
}

void* le_msg_GetServiceContextPtr(le_msg_ServiceRef_t serviceRef) {
  CheckNotForked(__func__);
  LocalServices* const local = LocalServices::OfCurrentProcess();
  void* context;
  if (local->GetContextOfUnowned(serviceRef, &context)) return context;
  return Checked(__func__, local->Resolve(serviceRef))->context();
}

void le_msg_AdvertiseService(le_msg_ServiceRef_t serviceRef) {
  Service* const service =
      OwnedByCaller(__func__, WithOwner(__func__, serviceRef));
  OrFatal(__func__, [&] { service->Advertise(); });
}

void le_msg_HideService(le_msg_ServiceRef_t serviceRef) {
  CheckNotForked(__func__);
  LocalServices* const local = LocalServices::OfCurrentProcess();
  if (local->IsUnowned(serviceRef)) return;
  OwnedByCaller(__func__, Checked(__func__, local->Resolve(serviceRef)))
      ->Hide();
}

le_msg_MessageRef_t le_msg_GetServiceRxMsg(void) {
  CheckNotForked(__func__);
  return ToRef(CurrentCall::Get().message);
}

void le_msg_KillClient_(const char* format, ...) {
  CheckNotForked("LE_KILL_CLIENT");
  char reason[512];
  va_list arguments;
  va_start(arguments, format);
  std::vsnprintf(reason, sizeof(reason), format, arguments);
  va_end(arguments);

  ServerSession* const session = CurrentCall::Get().session;
  if (session == nullptr) {
    Misuse("LE_KILL_CLIENT",
           "not inside a service's receive handler; the reason was: ", reason);
  }
  le::event::Credentials client;
  session->ClientCredentials(&client);
  le::event::LogForPeer(le::event::LogLevel::kEmergency, client.uid,
                        absl::StrCat("service '", session->interface()->name,
                                     "': killing client pid ", client.pid,
                                     " of user ", client.uid, ": ", reason));
  session->Close(le::messaging::CloseReason::kKilled);
}

// ---- Credentials of the client ---------------------------------------------

namespace {

// Either pointer may be null.
le_result_t GetClient(const char* function, le_msg_SessionRef_t ref, uid_t* uid,
                      pid_t* pid) {
  le::event::Credentials client;
  if (!ServerSide(function, Checked(function, ref))
           ->ClientCredentials(&client)) {
    return LE_CLOSED;
  }
  if (uid != nullptr) *uid = client.uid;
  if (pid != nullptr) *pid = client.pid;
  return LE_OK;
}

}  // namespace

le_result_t le_msg_GetClientUserCreds(le_msg_SessionRef_t sessionRef,
                                      uid_t* userIdPtr, pid_t* processIdPtr) {
  return GetClient(__func__, sessionRef, userIdPtr, processIdPtr);
}

le_result_t le_msg_GetClientUserId(le_msg_SessionRef_t sessionRef,
                                   uid_t* userIdPtr) {
  return GetClient(__func__, sessionRef, userIdPtr, nullptr);
}

le_result_t le_msg_GetClientProcessId(le_msg_SessionRef_t sessionRef,
                                      pid_t* processIdPtr) {
  return GetClient(__func__, sessionRef, nullptr, processIdPtr);
}

le_result_t le_msg_GetClientPidFd(le_msg_SessionRef_t sessionRef,
                                  int* pidFdPtr) {
  ServerSession* const session =
      ServerSide(__func__, Checked(__func__, sessionRef));
  if (pidFdPtr == nullptr)
    Misuse(__func__, "the file descriptor's pointer is NULL");
  absl::StatusOr<le::event::UniqueFd> pid_fd = session->ClientPidFd();
  if (pid_fd.ok()) {
    *pidFdPtr = pid_fd->release();
    return LE_OK;
  }
  *pidFdPtr = -1;
  return pid_fd.status().code() == absl::StatusCode::kUnavailable
             ? LE_CLOSED
             : LE_UNSUPPORTED;
}

// ---- Limits ----------------------------------------------------------------

void le_msg_SetServiceLimits(le_msg_ServiceRef_t serviceRef,
                             const le_msg_ServiceLimits_t* limitsPtr) {
  Service* const service =
      OwnedByCaller(__func__, WithOwner(__func__, serviceRef));
  if (limitsPtr == nullptr) Misuse(__func__, "the limits are NULL");
  const le_msg_ServiceLimits_t stated = FromCaller(__func__, limitsPtr);
  ServiceLimits limits;
  if (stated.maxSessions != 0) limits.sessions = stated.maxSessions;
  limits.session = ToSessionLimits(__func__, stated);
  if (stated.maxRequestBytes != 0) {
    limits.session.request_bytes = stated.maxRequestBytes;
  }
  // The policy is read as a number, because reading an invalid value as an
  // enumeration is undefined behaviour.
  unsigned policy;
  static_assert(sizeof(policy) == sizeof(stated.slowReaderPolicy), "");
  std::memcpy(&policy, &stated.slowReaderPolicy, sizeof(policy));
  if (policy != LE_MSG_SLOW_READER_CLOSE && policy != LE_MSG_SLOW_READER_DROP) {
    Misuse(__func__, "slowReaderPolicy is ", policy,
           ", neither LE_MSG_SLOW_READER_CLOSE nor LE_MSG_SLOW_READER_DROP");
  }
  if (stated.maxSessionsPerUser != 0) {
    limits.user.sessions = stated.maxSessionsPerUser;
  }
  if (stated.maxFdsPerUser != 0) {
    limits.user.descriptors = stated.maxFdsPerUser;
  }
  if (stated.maxBytesPerUser != 0) limits.user.bytes = stated.maxBytesPerUser;
  limits.drop_when_slow = policy == LE_MSG_SLOW_READER_DROP;
  service->SetLimits(limits);
}

void le_msg_RefuseServiceFds(le_msg_ServiceRef_t serviceRef) {
  OwnedByCaller(__func__, WithOwner(__func__, serviceRef))->RefuseDescriptors();
}

void le_msg_GetServiceLimits(le_msg_ServiceRef_t serviceRef,
                             le_msg_ServiceLimits_t* limitsPtr) {
  Service* const service = WithOwner(__func__, serviceRef);
  if (limitsPtr == nullptr) Misuse(__func__, "the limits are NULL");
  const ServiceLimits limits = service->limits();
  le_msg_ServiceLimits_t told = {};
  told.maxSessions = limits.sessions;
  TellSessionLimits(limits.session, *service->interface()->protocol, &told);
  told.maxRequestBytes = limits.session.request_bytes;
  told.maxSessionsPerUser = limits.user.sessions;
  told.maxFdsPerUser = limits.user.descriptors;
  told.maxBytesPerUser = limits.user.bytes;
  told.slowReaderPolicy = limits.drop_when_slow ? LE_MSG_SLOW_READER_DROP
                                                : LE_MSG_SLOW_READER_CLOSE;
  ToCaller(__func__, told, limitsPtr);
}
