// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// The C API, for messages and transactions of both sides.

#include <fcntl.h>

#include <cerrno>
#include <new>
#include <utility>

#include "absl/strings/str_cat.h"
#include "event/base/sys.h"
#include "event/peer_log.h"
#include "messaging/c_api/callbacks.h"
#include "messaging/c_api/refs.h"

using le::event::Log;
using le::event::LogLevel;
using le::event::Misuse;
using le::event::Ref;
using le::messaging::Checked;
using le::messaging::ClientSession;
using le::messaging::ClientSide;
using le::messaging::DeadlineAfter;
using le::messaging::ForResponse;
using le::messaging::ForResult;
using le::messaging::Message;
using le::messaging::OrFatal;
using le::messaging::OwnedByCaller;
using le::messaging::Result;
using le::messaging::ServerSession;
using le::messaging::Session;
using le::messaging::SessionOf;
using le::messaging::ToCResult;
using le::messaging::ToRef;

namespace {

// Returns the message's session. Fatal on the server's side.
ClientSession* Requester(const char* function, Message* message) {
  Session* const session = SessionOf(message);
  if (!session->is_client()) {
    Misuse(function, "only the client may make requests in a session");
  }
  return static_cast<ClientSession*>(session);
}

}  // namespace

le_msg_MessageRef_t le_msg_CreateMsg(le_msg_SessionRef_t sessionRef) {
  Session* const session = Checked(__func__, sessionRef);
  return OrFatal(__func__,
                 [&] { return ToRef(session->NewMessage().release()); });
}

void le_msg_AddRef(le_msg_MessageRef_t msgRef) {
  Checked(__func__, msgRef)->Ref();
}

void le_msg_ReleaseMsg(le_msg_MessageRef_t msgRef) {
  Checked(__func__, msgRef)->Unref();
}

bool le_msg_NeedsResponse(le_msg_MessageRef_t msgRef) {
  return Checked(__func__, msgRef)->owes_response();
}

void* le_msg_GetPayloadPtr(le_msg_MessageRef_t msgRef) {
  Message* const message = Checked(__func__, msgRef);
  return OrFatal(__func__, [&] { return message->payload(); });
}

size_t le_msg_GetMaxPayloadSize(le_msg_MessageRef_t msgRef) {
  return Checked(__func__, msgRef)->capacity();
}

void le_msg_SetPayloadSize(le_msg_MessageRef_t msgRef, size_t size) {
  Message* const message = Checked(__func__, msgRef);
  if (size > message->capacity()) {
    Misuse(__func__, "a size of ", size,
           " bytes is more than the protocol's largest message of ",
           message->capacity());
  }
  message->SetSize(size);
}

size_t le_msg_GetPayloadSize(le_msg_MessageRef_t msgRef) {
  return Checked(__func__, msgRef)->size();
}

const void* le_msg_GetPayloadForReading(le_msg_MessageRef_t msgRef,
                                        size_t* sizePtr) {
  Message* const message = Checked(__func__, msgRef);
  if (sizePtr != nullptr) *sizePtr = message->size();
  return OrFatal(__func__, [&] { return message->PayloadForReading(); });
}

void* le_msg_GetPayloadForWriting(le_msg_MessageRef_t msgRef, size_t size) {
  Message* const message = Checked(__func__, msgRef);
  if (size > message->capacity()) return nullptr;
  return OrFatal(__func__, [&] { return message->PayloadForWriting(size); });
}

void le_msg_SetFd(le_msg_MessageRef_t msgRef, int fd) {
  Message* const message = Checked(__func__, msgRef);
  if (fd < 0) return;
  if (le::event::sys::Fcntl(fd, F_GETFD, 0) < 0 && errno == EBADF) {
    Misuse(__func__, fd, " is not an open file descriptor");
  }
  if (message->has_descriptor_to_send()) {
    Misuse(__func__, "the message has a file descriptor already");
  }
  message->SetDescriptorToSend(fd);
}

int le_msg_GetFd(le_msg_MessageRef_t msgRef) {
  return Checked(__func__, msgRef)->TakeReceivedDescriptor();
}

le_msg_SessionRef_t le_msg_GetSession(le_msg_MessageRef_t msgRef) {
  return ToRef(SessionOf(Checked(__func__, msgRef)));
}

void le_msg_Send(le_msg_MessageRef_t msgRef) {
  Message* const message = Checked(__func__, msgRef);
  OrFatal(__func__, [&] {
    return SessionOf(message)->Send(Ref<Message>::Adopt(message),
                                    absl::InfiniteFuture());
  });
}

le_result_t le_msg_SendTimed(le_msg_MessageRef_t msgRef, uint32_t timeoutMs) {
  Message* const message = Checked(__func__, msgRef);
  return ToCResult(OrFatal(__func__, [&] {
    return SessionOf(message)->Send(Ref<Message>::Adopt(message),
                                    DeadlineAfter(timeoutMs));
  }));
}

le_result_t le_msg_TrySend(le_msg_MessageRef_t msgRef) {
  Message* const message = Checked(__func__, msgRef);
  const Result result =
      OrFatal(__func__, [&] { return SessionOf(message)->TrySend(message); });
  if (result == Result::kNoRoom) {
    message->OnFrameRefused();
  } else {
    message->Unref();
  }
  return ToCResult(result);
}

void le_msg_RequestResponse(le_msg_MessageRef_t msgRef,
                            le_msg_ResponseCallback_t handlerFunc,
                            void* contextPtr) {
  Message* const message = Checked(__func__, msgRef);
  ClientSession* const session = Requester(__func__, message);
  OrFatal(__func__, [&] {
    return session->Request(Ref<Message>::Adopt(message),
                            ForResponse(handlerFunc, contextPtr),
                            absl::InfiniteFuture());
  });
}

le_msg_RequestId_t le_msg_RequestResponseTimed(
    le_msg_MessageRef_t msgRef, uint32_t timeoutMs,
    le_msg_ResultHandler_t handlerFunc, void* contextPtr) {
  Message* const message = Checked(__func__, msgRef);
  ClientSession* const session = Requester(__func__, message);
  return OrFatal(__func__, [&] {
    return session->Request(
        Ref<Message>::Adopt(message), ForResult(handlerFunc, contextPtr),
        DeadlineAfter(timeoutMs), ClientSession::Refusal::kReported);
  });
}

le_result_t le_msg_CancelRequest(le_msg_SessionRef_t sessionRef,
                                 le_msg_RequestId_t requestId) {
  return OwnedByCaller(__func__,
                       ClientSide(__func__, Checked(__func__, sessionRef)))
                 ->CancelRequest(requestId)
             ? LE_OK
             : LE_NOT_FOUND;
}

le_msg_MessageRef_t le_msg_RequestSyncResponse(le_msg_MessageRef_t msgRef) {
  Message* const message = Checked(__func__, msgRef);
  ClientSession* const session =
      OwnedByCaller(__func__, Requester(__func__, message));
  Ref<Message> response;
  OrFatal(__func__, [&] {
    return session->RequestSync(Ref<Message>::Adopt(message),
                                absl::InfiniteFuture(), &response);
  });
  return ToRef(response.release());
}

le_result_t le_msg_RequestSyncResponseTimed(le_msg_MessageRef_t msgRef,
                                            uint32_t timeoutMs,
                                            le_msg_MessageRef_t* responsePtr) {
  Message* const message = Checked(__func__, msgRef);
  if (responsePtr == nullptr) Misuse(__func__, "the response pointer is NULL");
  ClientSession* const session =
      OwnedByCaller(__func__, Requester(__func__, message));
  Ref<Message> response;
  const Result result = OrFatal(__func__, [&] {
    return session->RequestSync(Ref<Message>::Adopt(message),
                                DeadlineAfter(timeoutMs), &response,
                                ClientSession::Refusal::kReported);
  });
  *responsePtr = ToRef(response.release());
  return ToCResult(result);
}

void le_msg_Respond(le_msg_MessageRef_t msgRef) {
  Message* const message = Checked(__func__, msgRef);
  if (!message->is_received_request()) {
    // This is not fatal: the client decides whether its message is a request,
    // and a client must not be able to end the server.
    Session* const session = SessionOf(message);
    le::event::Credentials client;
    const bool known =
        !session->is_client() &&
        static_cast<ServerSession*>(session)->ClientCredentials(&client);
    le::event::LogForPeer(
        LogLevel::kError, known ? client.uid : le::event::kUnknownPeer,
        absl::StrCat("le_msg_Respond: interface '", session->interface_name(),
                     "': this message is not a request; it is released "
                     "without a response"));
    message->Unref();
    return;
  }
  const uint64_t request = message->TakeRequestId();
  if (request == 0) {
    Misuse(__func__, "the request has a response already");
  }
  OrFatal(__func__, [&] {
    static_cast<ServerSession*>(SessionOf(message))
        ->Respond(Ref<Message>::Adopt(message), request);
  });
}
