// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// The C API, for messages and transactions: both sides.

#include <utility>

#include "messaging/c_api/refs.h"
#include "messaging/machine/limits.h"

using le::event::Misuse;
using le::messaging::Checked;
using le::messaging::ClientSession;
using le::messaging::ClientSide;
using le::messaging::Completion;
using le::messaging::DeadlineAfter;
using le::messaging::Message;
using le::messaging::MessageRef;
using le::messaging::Owned;
using le::messaging::Result;
using le::messaging::ServerSession;
using le::messaging::Session;
using le::messaging::ToCResult;
using le::messaging::ToRef;

namespace {

// The session of a message that a client may make a request of.
ClientSession* Requester(const char* function, Message* message) {
  if (!message->session()->is_client()) {
    Misuse(function, "a server may not make requests");
  }
  return static_cast<ClientSession*>(message->session());
}

}  // namespace

le_msg_MessageRef_t le_msg_CreateMsg(le_msg_SessionRef_t sessionRef) {
  Session* const session = Checked(__func__, sessionRef);
  return ToRef(session->NewMessage({}));
}

void le_msg_AddRef(le_msg_MessageRef_t msgRef) {
  Checked(__func__, msgRef)->AddRef();
}

void le_msg_ReleaseMsg(le_msg_MessageRef_t msgRef) {
  Checked(__func__, msgRef)->Release();
}

bool le_msg_NeedsResponse(le_msg_MessageRef_t msgRef) {
  return Checked(__func__, msgRef)->owes_response();
}

void* le_msg_GetPayloadPtr(le_msg_MessageRef_t msgRef) {
  return Checked(__func__, msgRef)->payload();
}

size_t le_msg_GetMaxPayloadSize(le_msg_MessageRef_t msgRef) {
  return Checked(__func__, msgRef)->session()->protocol()->max_message_size();
}

void le_msg_SetPayloadSize(le_msg_MessageRef_t msgRef, size_t size) {
  Message* const message = Checked(__func__, msgRef);
  const size_t max = message->session()->protocol()->max_message_size();
  if (size > max) {
    Misuse(__func__, "a size of ", size, " bytes is more than the protocol's ",
           max);
  }
  message->SetSize(size);
}

size_t le_msg_GetPayloadSize(le_msg_MessageRef_t msgRef) {
  return Checked(__func__, msgRef)->size();
}

void le_msg_SetFd(le_msg_MessageRef_t msgRef, int fd) {
  Message* const message = Checked(__func__, msgRef);
  if (fd < 0) Misuse(__func__, "not a descriptor: ", fd);
  if (message->has_outgoing_descriptor()) {
    Misuse(__func__, "the message has a descriptor already");
  }
  message->SetDescriptor(fd);
}

int le_msg_GetFd(le_msg_MessageRef_t msgRef) {
  return Checked(__func__, msgRef)->TakeDescriptor();
}

le_msg_SessionRef_t le_msg_GetSession(le_msg_MessageRef_t msgRef) {
  return ToRef(Checked(__func__, msgRef)->session());
}

void le_msg_Send(le_msg_MessageRef_t msgRef) {
  Message* const message = Checked(__func__, msgRef);
  message->session()->Send(MessageRef(message), absl::InfiniteFuture());
}

le_result_t le_msg_SendTimed(le_msg_MessageRef_t msgRef, uint32_t timeoutMs) {
  Message* const message = Checked(__func__, msgRef);
  return ToCResult(
      message->session()->Send(MessageRef(message), DeadlineAfter(timeoutMs)));
}

void le_msg_RequestResponse(le_msg_MessageRef_t msgRef,
                            le_msg_ResponseCallback_t handlerFunc,
                            void* contextPtr) {
  Message* const message = Checked(__func__, msgRef);
  Completion completion;
  completion.kind = Completion::Kind::kResponse;
  completion.function = reinterpret_cast<void (*)()>(handlerFunc);
  completion.context = contextPtr;
  Requester(__func__, message)
      ->Request(MessageRef(message), completion, absl::InfiniteFuture());
}

le_msg_RequestId_t le_msg_RequestResponseTimed(
    le_msg_MessageRef_t msgRef, uint32_t timeoutMs,
    le_msg_ResultHandler_t handlerFunc, void* contextPtr) {
  Message* const message = Checked(__func__, msgRef);
  Completion completion;
  completion.kind = Completion::Kind::kResult;
  completion.function = reinterpret_cast<void (*)()>(handlerFunc);
  completion.context = contextPtr;
  return Requester(__func__, message)
      ->Request(MessageRef(message), completion, DeadlineAfter(timeoutMs));
}

le_result_t le_msg_CancelRequest(le_msg_SessionRef_t sessionRef,
                                 le_msg_RequestId_t requestId) {
  return Owned(__func__, ClientSide(__func__, Checked(__func__, sessionRef)))
                 ->CancelRequest(requestId)
             ? LE_OK
             : LE_NOT_FOUND;
}

le_msg_MessageRef_t le_msg_RequestSyncResponse(le_msg_MessageRef_t msgRef) {
  Message* const message = Checked(__func__, msgRef);
  ClientSession* const session = Owned(__func__, Requester(__func__, message));
  MessageRef response;
  session->RequestSync(MessageRef(message), absl::InfiniteFuture(), &response);
  return ToRef(response.release());
}

le_result_t le_msg_RequestSyncResponseTimed(le_msg_MessageRef_t msgRef,
                                            uint32_t timeoutMs,
                                            le_msg_MessageRef_t* responsePtr) {
  Message* const message = Checked(__func__, msgRef);
  if (responsePtr == nullptr) Misuse(__func__, "the response pointer is NULL");
  ClientSession* const session = Owned(__func__, Requester(__func__, message));
  MessageRef response;
  const Result result = session->RequestSync(
      MessageRef(message), DeadlineAfter(timeoutMs), &response);
  *responsePtr = ToRef(response.release());
  return ToCResult(result);
}

void le_msg_Respond(le_msg_MessageRef_t msgRef) {
  Message* const message = Checked(__func__, msgRef);
  const uint64_t request = message->TakeRequestId();
  if (request == 0) {
    Misuse(__func__,
           "the message owes no response (it is no request, or has "
           "been responded to)");
  }
  static_cast<ServerSession*>(message->session())
      ->Respond(MessageRef(message), request);
}
