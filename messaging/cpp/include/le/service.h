// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// le/service.h: a service that a server offers.

#ifndef LE_MESSAGING_MESSAGING_CPP_LE_SERVICE_H_
#define LE_MESSAGING_MESSAGING_CPP_LE_SERVICE_H_

#include <cstring>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "le/function.h"
#include "le/internal/thread_bound.h"
#include "le/message.h"
#include "le/protocol.h"
#include "le/status.h"
#include "le_messaging_ext.h"
#include "le_thread.h"

namespace le {

namespace internal {

class ServiceCore final : public ThreadBound {
 public:
  using SessionFunction = UniqueFunction<void(Session)>;

  explicit ServiceCore(le_msg_ServiceRef_t ref)
      : ThreadBound("le::Service"), service_(ref) {
    le_msg_SetServiceRecvHandler(service_, &OnMessage, this);
    le_msg_AddServiceOpenHandler(service_, &OnOpened, this);
  }

  le_msg_ServiceRef_t service() const { return service_; }

  // In each setter the replaced closure is destroyed last: it may own the
  // service.
  void SetOnMessage(UniqueFunction<void(Message)> function) {
    on_message_.Set(std::move(function));
  }
  void SetOnOpened(SessionFunction function) {
    on_opened_.Set(std::move(function));
  }
  void SetOnClosed(SessionFunction function) {
    // The C handler is added only when it is needed: a close handler makes the
    // C API keep each client's credentials.
    if (function && !tells_closes_) {
      le_msg_AddServiceCloseHandler(service_, &OnClosed, this);  // may throw
      tells_closes_ = true;
    }
    on_closed_.Set(std::move(function));
  }
  void SetOnRoom(SessionFunction function) {
    le_msg_SetServiceRoomHandler(service_, &OnRoom, this);
    on_room_.Set(std::move(function));
  }

 private:
  void Shutdown() override {
    le_msg_DropService(service_);
    on_message_.Set(nullptr);
    on_opened_.Set(nullptr);
    on_closed_.Set(nullptr);
    on_room_.Set(nullptr);
  }

  static void OnMessage(le_msg_MessageRef_t ref, void* context) {
    Message message = Adopt(ref, Side::kServer);
    auto* const core = static_cast<ServiceCore*>(context);
    const Hold hold(core);
    core->on_message_(std::move(message));
  }
  static void OnOpened(le_msg_SessionRef_t session, void* context) {
    // Session::Close() compares this context with the calling thread.
    le_msg_SetSessionContextPtr(session, le_thread_GetCurrent());
    auto* const core = static_cast<ServiceCore*>(context);
    Tell(core, &core->on_opened_, session);
  }
  static void OnClosed(le_msg_SessionRef_t session, void* context) {
    auto* const core = static_cast<ServiceCore*>(context);
    Tell(core, &core->on_closed_, session);
  }
  static void OnRoom(le_msg_SessionRef_t session, void* context) {
    auto* const core = static_cast<ServiceCore*>(context);
    Tell(core, &core->on_room_, session);
  }
  static void Tell(ServiceCore* core, Handler<void(Session)>* handler,
                   le_msg_SessionRef_t session) {
    if (!*handler) return;
    const Hold hold(core);
    (*handler)(Keep(Adopt(le_msg_CreateMsg(session), Side::kServer)));
  }

  const le_msg_ServiceRef_t service_;
  bool tells_closes_ = false;
  Handler<void(Message)> on_message_;
  Handler<void(Session)> on_opened_;
  Handler<void(Session)> on_closed_;
  Handler<void(Session)> on_room_;
};

}  // namespace internal

// A service of this process. Clients find it by its name.
//
// A service belongs to the thread that created it. Its closures run from the
// loop of that thread (le::Loop), one at a time, and never inside a method of a
// Client or Service. Its methods return FailedPrecondition on another thread,
// or when its thread is ending, or if the service was moved from or default
// constructed.
//
// The service's thread may destroy it at any time, also in any closure, and
// before or after its messages and sessions. The destructor hides the service
// and closes its sessions. After the destructor no closure of the service is
// called. Another thread may destroy the service only after the service's
// thread has ended; before that, this is fatal.
//
// No action of a client ends this process.
class Service {
 public:
  // Offers nothing. Its methods return FailedPrecondition.
  Service() = default;
  Service(Service&&) noexcept = default;
  Service& operator=(Service&&) noexcept = default;

  // Creates a hidden service.
  //   InvalidArgument  the name or the protocol is not valid
  //   AlreadyExists    this process has a service of that name, or used the
  //                    protocol's id with another size
  static absl::StatusOr<Service> Create(absl::string_view name,
                                        const Protocol& protocol) {
    absl::StatusOr<le_msg_ProtocolRef_t> ref = internal::RefOf(protocol);
    if (!ref.ok()) return ref.status();
    le_msg_ServiceRef_t service;
    switch (le_msg_TryCreateService(*ref, internal::NameForC(name).c_str(),
                                    &service)) {
      case LE_OK:
        break;
      case LE_DUPLICATE:
        return absl::AlreadyExistsError(
            absl::StrCat("this process has a service '", name, "'"));
      default:
        return absl::InvalidArgumentError(internal::NotAName(name));
    }
    Service created;
    created.core_ = internal::CorePtr<internal::ServiceCore>(
        new internal::ServiceCore(service));
    return created;
  }

  // Offers the service, now and after each restart of the directory. Does not
  // wait: OK does not mean that clients find the service already. No-op if it
  // is offered already.
  absl::Status Advertise() {
    absl::Status usable = core_.CheckUsable();
    if (usable.ok()) le_msg_AdvertiseService(core_->service());
    return usable;
  }
  // Stops offering the service: no new session opens. Open sessions stay open.
  absl::Status Hide() {
    absl::Status usable = core_.CheckUsable();
    if (usable.ok()) le_msg_HideService(core_->service());
    return usable;
  }

  // ---- Handlers. An empty closure removes the handler. ----
  // Called for each message of a client. If needs_response() of the message is
  // true, the message is a request. Any thread may respond to it, also later.
  // Without a handler messages are released, so requests fail (Aborted).
  absl::Status OnMessage(UniqueFunction<void(Message)> closure) {
    absl::Status usable = core_.CheckUsable();
    if (usable.ok()) core_->SetOnMessage(std::move(closure));
    return usable;
  }
  // Called when a session has opened, before its first message. The closure may
  // keep the Session, to push messages later from any thread.
  absl::Status OnSessionOpened(UniqueFunction<void(Session)> closure) {
    absl::Status usable = core_.CheckUsable();
    if (usable.ok()) core_->SetOnOpened(std::move(closure));
    return usable;
  }
  // Called once for each session, after a close by either side.
  absl::Status OnSessionClosed(UniqueFunction<void(Session)> closure) {
    absl::Status usable = core_.CheckUsable();
    if (usable.ok()) core_->SetOnClosed(std::move(closure));
    return usable;
  }
  // Called when the queue to a client has room again after a message did not
  // fit, for example in Message::TrySend().
  absl::Status OnRoom(UniqueFunction<void(Session)> closure) {
    absl::Status usable = core_.CheckUsable();
    if (usable.ok()) core_->SetOnRoom(std::move(closure));
    return usable;
  }

  // From now on, new sessions receive no file descriptors from their clients:
  // messages arrive without them. Cannot be undone.
  absl::Status RefuseDescriptors() {
    absl::Status usable = core_.CheckUsable();
    if (usable.ok()) le_msg_RefuseServiceFds(core_->service());
    return usable;
  }
  // Sets all limits of le_msg_ServiceLimits_t (le_messaging_ext.h). A limit of
  // 0 means the default. The caller need not set structSize.
  //   InvalidArgument  maxOpenRequests is above 65,536, or slowReaderPolicy is
  //                    unknown
  absl::Status SetLimits(le_msg_ServiceLimits_t limits) {
    absl::Status usable = core_.CheckUsable();
    if (!usable.ok()) return usable;
    if (limits.maxOpenRequests > 65536) {
      return absl::InvalidArgumentError("maxOpenRequests is above 65,536");
    }
    // The policy is read as a number, because reading an invalid value as an
    // enumeration is undefined behaviour.
    unsigned policy;
    static_assert(sizeof(policy) == sizeof(limits.slowReaderPolicy), "");
    std::memcpy(&policy, &limits.slowReaderPolicy, sizeof(policy));
    if (policy != LE_MSG_SLOW_READER_CLOSE &&
        policy != LE_MSG_SLOW_READER_DROP) {
      return absl::InvalidArgumentError(absl::StrCat(
          "slowReaderPolicy is ", policy,
          ", neither LE_MSG_SLOW_READER_CLOSE nor LE_MSG_SLOW_READER_DROP"));
    }
    limits.structSize = sizeof(limits);
    le_msg_SetServiceLimits(core_->service(), &limits);
    return absl::OkStatus();
  }

 private:
  internal::CorePtr<internal::ServiceCore> core_;
};

}  // namespace le

#endif  // LE_MESSAGING_MESSAGING_CPP_LE_SERVICE_H_
