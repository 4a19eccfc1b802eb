// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// The C API, for clients: protocols and sessions.

#include <memory>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "directory/interface_name.h"
#include "event/os_process.h"
#include "messaging/c_api/callbacks.h"
#include "messaging/c_api/refs.h"
#include "messaging/machine/limits.h"
#include "messaging/session/runtime.h"

using le::event::CheckNotForked;
using le::event::Misuse;
using le::messaging::CheckDeletable;
using le::messaging::Checked;
using le::messaging::CheckedOut;
using le::messaging::CheckOpened;
using le::messaging::ClientCallbacks;
using le::messaging::ClientSession;
using le::messaging::ClientSide;
using le::messaging::DeadlineAfter;
using le::messaging::Delete;
using le::messaging::ForOpened;
using le::messaging::ForOpenResult;
using le::messaging::FromCaller;
using le::messaging::Interface;
using le::messaging::OrFatal;
using le::messaging::OwnedByCaller;
using le::messaging::Protocol;
using le::messaging::Result;
using le::messaging::Runtime;
using le::messaging::ServerSession;
using le::messaging::Session;
using le::messaging::TellSessionLimits;
using le::messaging::ToCaller;
using le::messaging::ToCResult;
using le::messaging::ToRef;
using le::messaging::ToSessionLimits;

namespace {

// Returns the client session. Fatal if the calling thread does not own it.
ClientSession* OwnedClient(const char* function, le_msg_SessionRef_t ref) {
  return OwnedByCaller(function, ClientSide(function, Checked(function, ref)));
}

// As OwnedClient(). Also fatal if the session is not closed, or is deleted and
// exists only because a message of it is held.
ClientSession* ReadyToOpen(const char* function, le_msg_SessionRef_t ref) {
  ClientSession* const session = OwnedClient(function, ref);
  if (session->is_deleted()) Misuse(function, "the session has been deleted");
  if (!session->is_closed()) {
    Misuse(function, "the session of interface '", session->interface()->name,
           "' is open or being opened already");
  }
  return session;
}

le_result_t OpenSync(const char* function, le_msg_SessionRef_t ref, bool waits,
                     absl::Time deadline) {
  ClientSession* const session = ReadyToOpen(function, ref);
  return ToCResult(
      OrFatal(function, [&] { return session->OpenSync(waits, deadline); }));
}

// As OpenSync(), without a deadline. Fatal if the service has another protocol.
le_result_t OpenSyncUntimed(const char* function, le_msg_SessionRef_t ref,
                            bool waits) {
  ClientSession* const session = ReadyToOpen(function, ref);
  const Result result = OrFatal(function, [&] {
    return session->OpenSync(waits, absl::InfiniteFuture());
  });
  CheckOpened(function, session, result);
  return ToCResult(result);
}

// If the result is not LE_OK, *problem says why.
le_result_t GetProtocol(const char* function, const char* id,
                        size_t largest_size, le_msg_ProtocolRef_t* ref,
                        std::string* problem) {
  absl::Status valid =
      id == nullptr ? absl::InvalidArgumentError("the protocol's id is NULL")
                    : le::directory::CheckProtocolId(id);
  if (valid.ok() && largest_size > le::messaging::kMaxMessageBytes) {
    valid = absl::InvalidArgumentError(absl::StrCat(
        "a largest message of ", largest_size,
        " bytes is more than the limit of ", le::messaging::kMaxMessageBytes));
  }
  if (!valid.ok()) {
    *problem = std::string(valid.message());
    return LE_BAD_PARAMETER;
  }
  absl::StatusOr<Protocol*> protocol = OrFatal(function, [&] {
    return Runtime::Current()->GetProtocol(id, largest_size);
  });
  if (!protocol.ok()) {
    *problem = std::string(protocol.status().message());
    return LE_DUPLICATE;
  }
  *ref = ToRef(*protocol);
  return LE_OK;
}

le_msg_SessionRef_t NewSession(const char* function, Protocol* protocol,
                               const char* name) {
  return OrFatal(function, [&] {
    return ToRef(new ClientSession(Interface{name, protocol},
                                   Runtime::Current()->introducer(),
                                   std::make_unique<ClientCallbacks>()));
  });
}

}  // namespace

// ---- Protocols -------------------------------------------------------------

le_msg_ProtocolRef_t le_msg_GetProtocolRef(const char* protocolId,
                                           size_t largestMsgSize) {
  CheckNotForked(__func__);
  le_msg_ProtocolRef_t ref = nullptr;
  std::string problem;
  if (GetProtocol(__func__, protocolId, largestMsgSize, &ref, &problem) !=
      LE_OK) {
    Misuse(__func__, problem);
  }
  return ref;
}

le_result_t le_msg_TryGetProtocolRef(const char* protocolId,
                                     size_t largestMsgSize,
                                     le_msg_ProtocolRef_t* refPtr) {
  CheckNotForked(__func__);
  *CheckedOut(__func__, refPtr) = nullptr;
  std::string problem;
  return GetProtocol(__func__, protocolId, largestMsgSize, refPtr, &problem);
}

const char* le_msg_GetProtocolIdStr(le_msg_ProtocolRef_t protocolRef) {
  return Checked(__func__, protocolRef)->id().c_str();
}

size_t le_msg_GetProtocolMaxMsgSize(le_msg_ProtocolRef_t protocolRef) {
  return Checked(__func__, protocolRef)->max_message_size();
}

void le_msg_SetProtocolPoolSize(le_msg_ProtocolRef_t protocolRef,
                                size_t messages) {
  Protocol* const protocol = Checked(__func__, protocolRef);
  OrFatal(__func__, [&] { protocol->pool()->Reserve(messages); });
}

// ---- Sessions --------------------------------------------------------------

le_msg_SessionRef_t le_msg_CreateSession(le_msg_ProtocolRef_t protocolRef,
                                         const char* interfaceName) {
  Protocol* const protocol = Checked(__func__, protocolRef);
  if (interfaceName == nullptr)
    Misuse(__func__, "the interface's name is NULL");
  const absl::Status valid = le::directory::CheckInterfaceName(interfaceName);
  if (!valid.ok()) Misuse(__func__, valid.message());
  return NewSession(__func__, protocol, interfaceName);
}

le_result_t le_msg_TryCreateSession(le_msg_ProtocolRef_t protocolRef,
                                    const char* interfaceName,
                                    le_msg_SessionRef_t* refPtr) {
  Protocol* const protocol = Checked(__func__, protocolRef);
  *CheckedOut(__func__, refPtr) = nullptr;
  if (interfaceName == nullptr ||
      !le::directory::CheckInterfaceName(interfaceName).ok()) {
    return LE_BAD_PARAMETER;
  }
  *refPtr = NewSession(__func__, protocol, interfaceName);
  return LE_OK;
}

void le_msg_DeleteSession(le_msg_SessionRef_t sessionRef) {
  Delete(__func__, ClientSide(__func__, Checked(__func__, sessionRef)));
}

void le_msg_DropSession(le_msg_SessionRef_t sessionRef) {
  ClientSession* const session =
      ClientSide(__func__, Checked(__func__, sessionRef));
  CheckDeletable(__func__, session);
  session->Drop();
}

void le_msg_SetSessionRecvHandler(le_msg_SessionRef_t sessionRef,
                                  le_msg_ReceiveHandler_t handlerFunc,
                                  void* contextPtr) {
  ClientCallbacks::Of(OwnedClient(__func__, sessionRef))
      ->SetReceive(handlerFunc, contextPtr);
}

void le_msg_SetSessionRoomHandler(le_msg_SessionRef_t sessionRef,
                                  le_msg_SessionEventHandler_t handlerFunc,
                                  void* contextPtr) {
  ClientCallbacks::Of(OwnedClient(__func__, sessionRef))
      ->SetRoom(handlerFunc, contextPtr);
}

void le_msg_SetSessionCloseHandler(le_msg_SessionRef_t sessionRef,
                                   le_msg_SessionEventHandler_t handlerFunc,
                                   void* contextPtr) {
  ClientCallbacks::Of(OwnedClient(__func__, sessionRef))
      ->SetClose(handlerFunc, contextPtr);
}

void le_msg_GetSessionCloseHandler(le_msg_SessionRef_t sessionRef,
                                   le_msg_SessionEventHandler_t* handlerFuncPtr,
                                   void** contextPtrPtr) {
  le_msg_SessionEventHandler_t handler;
  void* context;
  ClientCallbacks::Of(ClientSide(__func__, Checked(__func__, sessionRef)))
      ->GetClose(&handler, &context);
  if (handlerFuncPtr != nullptr) *handlerFuncPtr = handler;
  if (contextPtrPtr != nullptr) *contextPtrPtr = context;
}

void le_msg_OpenSession(le_msg_SessionRef_t sessionRef,
                        le_msg_SessionEventHandler_t callbackFunc,
                        void* contextPtr) {
  ClientSession* const session = ReadyToOpen(__func__, sessionRef);
  OrFatal(__func__, [&] {
    session->Open(ForOpened(callbackFunc, contextPtr), absl::InfiniteFuture());
  });
}

void le_msg_OpenSessionSync(le_msg_SessionRef_t sessionRef) {
  OpenSyncUntimed(__func__, sessionRef, /*waits=*/true);
}

le_result_t le_msg_TryOpenSessionSync(le_msg_SessionRef_t sessionRef) {
  return OpenSyncUntimed(__func__, sessionRef, /*waits=*/false);
}

le_result_t le_msg_TryOpenSessionSyncAsLegato_(le_msg_SessionRef_t sessionRef) {
  const le_result_t result =
      OpenSyncUntimed("le_msg_TryOpenSessionSync", sessionRef, /*waits=*/false);
  return result == LE_NOT_FOUND ? LE_UNAVAILABLE : result;
}

void le_msg_CloseSession(le_msg_SessionRef_t sessionRef) {
  Session* const session =
      OwnedByCaller(__func__, Checked(__func__, sessionRef));
  if (session->is_client()) {
    static_cast<ClientSession*>(session)->Close();
  } else {
    static_cast<ServerSession*>(session)->Close(
        le::messaging::CloseReason::kByCaller);
  }
}

void le_msg_SetSessionContextPtr(le_msg_SessionRef_t sessionRef,
                                 void* contextPtr) {
  Checked(__func__, sessionRef)->set_context(contextPtr);
}

void* le_msg_GetSessionContextPtr(le_msg_SessionRef_t sessionRef) {
  return Checked(__func__, sessionRef)->context();
}

le_msg_ProtocolRef_t le_msg_GetSessionProtocol(le_msg_SessionRef_t sessionRef) {
  return ToRef(Checked(__func__, sessionRef)->protocol());
}

le_msg_InterfaceRef_t le_msg_GetSessionInterface(
    le_msg_SessionRef_t sessionRef) {
  return ToRef(Checked(__func__, sessionRef)->interface());
}

const char* le_msg_GetInterfaceName(le_msg_InterfaceRef_t interfaceRef) {
  return Checked(__func__, interfaceRef)->name.c_str();
}

le_msg_ProtocolRef_t le_msg_GetInterfaceProtocol(
    le_msg_InterfaceRef_t interfaceRef) {
  return ToRef(Checked(__func__, interfaceRef)->protocol);
}

// ---- Extensions ------------------------------------------------------------

void le_msg_OpenSessionTimed(le_msg_SessionRef_t sessionRef, uint32_t timeoutMs,
                             le_msg_OpenResultHandler_t handlerFunc,
                             void* contextPtr) {
  ClientSession* const session = ReadyToOpen(__func__, sessionRef);
  OrFatal(__func__, [&] {
    session->Open(ForOpenResult(handlerFunc, contextPtr),
                  DeadlineAfter(timeoutMs));
  });
}

le_result_t le_msg_OpenSessionSyncTimed(le_msg_SessionRef_t sessionRef,
                                        uint32_t timeoutMs) {
  return OpenSync(__func__, sessionRef, /*waits=*/true,
                  DeadlineAfter(timeoutMs));
}

le_result_t le_msg_TryOpenSessionSyncTimed(le_msg_SessionRef_t sessionRef,
                                           uint32_t timeoutMs) {
  return OpenSync(__func__, sessionRef, /*waits=*/false,
                  DeadlineAfter(timeoutMs));
}

le_msg_WaitReason_t le_msg_GetWaitReason(le_msg_SessionRef_t sessionRef,
                                         char* bufferPtr, size_t bufferSize) {
  ClientSession* const session =
      ClientSide(__func__, Checked(__func__, sessionRef));
  const le::directory::WaitCause cause =
      OrFatal(__func__, [&] { return session->wait_cause(); });
  if (bufferPtr != nullptr && bufferSize > 0) {
    const size_t size = cause.text.copy(bufferPtr, bufferSize - 1);
    bufferPtr[size] = '\0';
  }
  return static_cast<le_msg_WaitReason_t>(cause.reason);
}

le_msg_CloseReason_t le_msg_GetCloseReason(le_msg_SessionRef_t sessionRef) {
  return static_cast<le_msg_CloseReason_t>(
      Checked(__func__, sessionRef)->close_reason());
}

const char* le_msg_GetCloseReasonTxt(le_msg_CloseReason_t reason) {
  CheckNotForked(__func__);
  const bool is_known = reason >= 0 && reason <= LE_MSG_CLOSE_SYSTEM;
  return le::messaging::CloseReasonText(
      is_known ? static_cast<le::messaging::CloseReason>(reason)
               : le::messaging::CloseReason{UINT8_MAX});
}

void le_msg_Flush(le_msg_SessionRef_t sessionRef) {
  Session* const session = Checked(__func__, sessionRef);
  OrFatal(__func__, [&] { session->Flush(); });
}

size_t le_msg_GetQueuedBytes(le_msg_SessionRef_t sessionRef) {
  return Checked(__func__, sessionRef)->QueuedBytes();
}

le_result_t le_msg_GetServerUserCreds(le_msg_SessionRef_t sessionRef,
                                      uid_t* userIdPtr, pid_t* processIdPtr) {
  le::event::Credentials server;
  if (!ClientSide(__func__, Checked(__func__, sessionRef))
           ->ServerCredentials(&server)) {
    return LE_CLOSED;
  }
  if (userIdPtr != nullptr) *userIdPtr = server.uid;
  if (processIdPtr != nullptr) *processIdPtr = server.pid;
  return LE_OK;
}

void le_msg_SetSessionLimits(le_msg_SessionRef_t sessionRef,
                             const le_msg_SessionLimits_t* limitsPtr) {
  ClientSession* const session = OwnedClient(__func__, sessionRef);
  if (limitsPtr == nullptr) Misuse(__func__, "the limits are NULL");
  session->SetLimits(
      ToSessionLimits(__func__, FromCaller(__func__, limitsPtr)));
}

void le_msg_GetSessionLimits(le_msg_SessionRef_t sessionRef,
                             le_msg_SessionLimits_t* limitsPtr) {
  ClientSession* const session =
      ClientSide(__func__, Checked(__func__, sessionRef));
  if (limitsPtr == nullptr) Misuse(__func__, "the limits are NULL");
  le_msg_SessionLimits_t limits = {};
  TellSessionLimits(session->limits(), *session->protocol(), &limits);
  ToCaller(__func__, limits, limitsPtr);
}
