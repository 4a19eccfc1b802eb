// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// Converts between the C API's opaque references and objects. Has the checks
// that each function of the C API makes first.

#ifndef LE_MESSAGING_MESSAGING_C_API_REFS_H_
#define LE_MESSAGING_MESSAGING_C_API_REFS_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <new>

#include "absl/base/attributes.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "event/base/log.h"
#include "event/os_process.h"
#include "event/process.h"
#include "le_messaging.h"
#include "le_messaging_ext.h"
#include "messaging/message/message.h"
#include "messaging/message/protocol.h"
#include "messaging/session/client_session.h"
#include "messaging/session/server_session.h"
#include "messaging/session/service.h"
#include "messaging/session/session.h"

namespace le {
namespace messaging {

inline le_msg_SessionRef_t ToRef(Session* s) {
  return reinterpret_cast<le_msg_SessionRef_t>(s->ref());
}
// In a debug build (without NDEBUG), the low bits of a message's reference are
// the message's generation, so that a stale reference is detected. A debug
// build also detects that a program has written where it must not
// (Message::IsCleanAsPromised()): a later message might show these bytes.
#ifdef NDEBUG
constexpr bool kChecksMessages = false;
#else
constexpr bool kChecksMessages = true;
#endif
inline le_msg_MessageRef_t ToRef(Message* m) {
  uintptr_t ref = reinterpret_cast<uintptr_t>(m);
  if (kChecksMessages && m != nullptr) ref |= m->generation();
  return reinterpret_cast<le_msg_MessageRef_t>(ref);
}
inline le_msg_ProtocolRef_t ToRef(Protocol* p) {
  return reinterpret_cast<le_msg_ProtocolRef_t>(p);
}
inline le_msg_InterfaceRef_t ToRef(const Interface* i) {
  return reinterpret_cast<le_msg_InterfaceRef_t>(const_cast<Interface*>(i));
}
inline le_msg_ServiceRef_t ToRef(Service* s) {
  return reinterpret_cast<le_msg_ServiceRef_t>(s->ref());
}

// Fatal if the reference is NULL, or in the child of a fork.
template <typename Object, typename Ref>
Object* Checked(const char* function, Ref ref, const char* what) {
  event::CheckNotForked(function);
  if (ref == nullptr) event::Misuse(function, "the ", what, " is NULL");
  return reinterpret_cast<Object*>(ref);
}
// As Checked(), for Referable objects. In a debug build, the stale reference of
// a destroyed object is fatal. There is one exception: for a destroyed session
// of a server, the result is a closed session of the same service.
template <typename Object, typename Ref>
Object* Found(const char* function, Ref ref, const char* what) {
  Checked<Object>(function, ref, what);
  Object* const object = Object::Find(reinterpret_cast<uintptr_t>(ref));
  if (object == nullptr) {
    event::Misuse(function, "a stale reference: the ", what,
                  " has been deleted");
  }
  return object;
}

inline Protocol* Checked(const char* function, le_msg_ProtocolRef_t ref) {
  return Checked<Protocol>(function, ref, "protocol");
}
inline Interface* Checked(const char* function, le_msg_InterfaceRef_t ref) {
  return Checked<Interface>(function, ref, "interface");
}
inline Session* Checked(const char* function, le_msg_SessionRef_t ref) {
  return Found<Session>(function, ref, "session");
}
inline Message* Checked(const char* function, le_msg_MessageRef_t ref) {
  Message* message = Checked<Message>(function, ref, "message");
  if (kChecksMessages) {
    const uintptr_t stated = reinterpret_cast<uintptr_t>(ref);
    message = reinterpret_cast<Message*>(stated & ~Message::kGenerationBits);
    if (message->generation() != (stated & Message::kGenerationBits)) {
      event::Misuse(function,
                    "a stale reference: the message has been sent or released");
    }
    if (!message->IsCleanAsPromised()) {
      event::Misuse(function,
                    "the program has written to a payload for reading, or "
                    "beyond the size of a payload for writing");
    }
  }
  return message;
}
inline Service* Checked(const char* function, le_msg_ServiceRef_t ref) {
  return Found<Service>(function, ref, "service");
}

inline Session* SessionOf(Message* message) {
  return static_cast<Session*>(message->owner());
}

// Ends the process: the calling thread is not the owner of the object.
template <typename Object>
[[noreturn]] void MisuseByThread(const char* function, Object* object,
                                 const char* when = "") {
  event::Misuse(function, "interface '", object->interface()->name,
                "': only the thread that created it ('",
                object->owner()->thread_name(), "'",
                object->owner()->gone() ? ", which has ended" : "",
                ") may call this", when, ", and this is thread '",
                event::Thread::Current()->name(), "'");
}

template <typename Object>
Object* OwnedByCaller(const char* function, Object* object) {
  if (!object->owner()->IsCurrent()) MisuseByThread(function, object);
  return object;
}

// Fatal if the calling thread must not delete the object, or if the object was
// deleted before.
template <typename Object>
void CheckDeletable(const char* function, Object* object) {
  const bool is_owner = object->owner()->IsCurrent();
  if (!is_owner && !object->owner()->gone()) {
    MisuseByThread(function, object, " while that thread lives");
  }
  if (is_owner ? object->is_deleted() : !Owner::TakeAbandoned(object)) {
    event::Misuse(function, "the session or service has been deleted already");
  }
}

// Deletes an object of the calling thread, or of a thread that has ended.
template <typename Object>
void Delete(const char* function, Object* object) {
  CheckDeletable(function, object);
  object->Delete();
}

[[noreturn]] ABSL_ATTRIBUTE_NOINLINE inline void NoMemory(
    const char* function) {
  event::Fatal(absl::StrCat(function, ": no memory"));
}
// Ends the process if `work` finds no memory, as programs usually do after
// malloc() has failed. No exception may leave the C API.
template <typename Work>
auto OrFatal(const char* function, Work work) -> decltype(work()) {
  try {
    return work();
  } catch (const std::bad_alloc&) {
    NoMemory(function);
  }
}

// Returns the pointer for a function's result. Fatal if it is NULL.
template <typename Out>
Out* CheckedOut(const char* function, Out* out) {
  if (out == nullptr) event::Misuse(function, "the result's pointer is NULL");
  return out;
}

inline ClientSession* ClientSide(const char* function, Session* session) {
  if (!session->is_client()) {
    event::Misuse(function,
                  "only for a client's session, and this is a server's");
  }
  return static_cast<ClientSession*>(session);
}

inline ServerSession* ServerSide(const char* function, Session* session) {
  if (session->is_client()) {
    event::Misuse(function,
                  "only for a server's session, and this is a client's");
  }
  return static_cast<ServerSession*>(session);
}

inline event::Instant DeadlineAfter(uint32_t timeout_ms) {
  if (timeout_ms == LE_MSG_NO_TIMEOUT) return absl::InfiniteFuture();
  return event::Process::Current()->Now() + absl::Milliseconds(timeout_ms);
}

// Returns the size of the caller's structure. The structure may be of an older
// or a newer version. Fatal if the size is impossible.
template <typename CStructure>
size_t StatedSize(const char* function, const CStructure* stated) {
  constexpr size_t kMaxSize = 4096;  // no version's structure is larger
  size_t size;
  std::memcpy(&size, stated, sizeof(size));
  if (size < sizeof(size) || size > kMaxSize) {
    event::Misuse(function, "structSize is ", size,
                  ": it must be set to the structure's size");
  }
  return size;
}

// Returns the caller's structure as this version's structure. Members that an
// older structure does not have are 0. A warning is logged if an unknown member
// of a newer structure is not 0.
template <typename CStructure>
CStructure FromCaller(const char* function, const CStructure* stated) {
  const size_t size = StatedSize(function, stated);
  CStructure ours = {};
  std::memcpy(&ours, stated, std::min(size, sizeof(ours)));
  const auto* const bytes = reinterpret_cast<const unsigned char*>(stated);
  for (size_t i = sizeof(ours); i < size; ++i) {
    if (bytes[i] == 0) continue;
    event::Log(event::LogLevel::kWarning,
               absl::StrCat(function, ": a structure of ", size,
                            " bytes sets more than this version knows (",
                            sizeof(ours), " bytes); the rest is ignored"));
    break;
  }
  return ours;
}

// Writes the structure to the caller, but not beyond the caller's size. Members
// that this version does not know become 0.
template <typename CStructure>
void ToCaller(const char* function, CStructure ours, CStructure* told) {
  const size_t size = StatedSize(function, told);
  ours.structSize = size;
  std::memcpy(told, &ours, std::min(size, sizeof(ours)));
  if (size > sizeof(ours)) {
    std::memset(reinterpret_cast<unsigned char*>(told) + sizeof(ours), 0,
                size - sizeof(ours));
  }
}

// Converts the limits of a session. Two structures of the API have them as
// members, so this is a template.
template <typename CLimits>
SessionLimits ToSessionLimits(const char* function, const CLimits& stated) {
  if (stated.maxOpenRequests > kMaxOpenRequests) {
    event::Misuse(function, "maxOpenRequests is ", stated.maxOpenRequests,
                  ", more than the limit of ", kMaxOpenRequests);
  }
  SessionLimits limits;
  limits.queued_bytes = stated.maxQueuedBytes;
  if (stated.maxQueuedMessages != 0) {
    limits.queued_messages = stated.maxQueuedMessages;
  }
  if (stated.maxQueuedFds != 0) limits.queued_descriptors = stated.maxQueuedFds;
  if (stated.maxOpenRequests != 0)
    limits.open_requests = stated.maxOpenRequests;
  limits.gathered_bytes = stated.maxGatheredBytes;
  return limits;
}
template <typename CLimits>
void TellSessionLimits(const SessionLimits& limits, const Protocol& protocol,
                       CLimits* told) {
  const transports::SendLimits send =
      limits.ToSend(protocol.max_message_size());
  told->maxQueuedBytes = send.bytes;
  told->maxQueuedMessages = limits.queued_messages;
  told->maxQueuedFds = limits.queued_descriptors;
  told->maxOpenRequests = limits.open_requests;
  told->maxGatheredBytes = send.gathered_bytes;
}

inline le_result_t ToCResult(Result result) {
  switch (result) {
    case Result::kOk:
      return LE_OK;
    case Result::kClosed:
      return LE_CLOSED;
    case Result::kTimedOut:
      return LE_TIMEOUT;
    case Result::kUnanswered:
      return LE_UNAVAILABLE;
    case Result::kCancelled:
      return LE_TERMINATED;
    case Result::kNoRoom:
      return LE_WOULD_BLOCK;
    case Result::kNoMemory:
    case Result::kTooMany:
      return LE_NO_MEMORY;
    case Result::kDeadlock:
      return LE_DEADLOCK;
    case Result::kNotOffered:
      return LE_NOT_FOUND;
    case Result::kNoBinding:
      return LE_NOT_PERMITTED;
    case Result::kNoDirectory:
      return LE_COMM_ERROR;
    case Result::kServiceFull:
      return LE_BUSY;
    case Result::kOtherProtocol:
      return LE_FAULT;
  }
  return LE_FAULT;
}

}  // namespace messaging
}  // namespace le

#endif  // LE_MESSAGING_MESSAGING_C_API_REFS_H_
