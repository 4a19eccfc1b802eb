// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// le/client.h: the client's end of a session, and requests.

#ifndef LE_MESSAGING_MESSAGING_CPP_LE_CLIENT_H_
#define LE_MESSAGING_MESSAGING_CPP_LE_CLIENT_H_

#include <cstdint>
#include <string>
#include <type_traits>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "le/function.h"
#include "le/internal/thread_bound.h"
#include "le/message.h"
#include "le/protocol.h"
#include "le/status.h"
#include "le_messaging_ext.h"

namespace le {

class Call;

namespace internal {

class ClientCore;

// A closure of one request or opening, in memory that is used again. Owned by the
// core's list of waiting ones, or its free list; by nobody while it runs.
struct PendingCall {
  // Large enough for a closure that holds a UniqueFunction.
  using Closure =
      UniqueFunction<void(absl::StatusOr<Message>),
                     sizeof(UniqueFunction<void()>) + 2 * sizeof(void*)>;
  Closure closure;  // empty: cancelled
  Call* handle = nullptr;
  ClientCore* core = nullptr;
  PendingCall* next = nullptr;
  PendingCall* previous = nullptr;
};

}  // namespace internal

// A request that waits. Destroying it cancels the request: its closure is destroyed
// and not called. It belongs to the thread of its client, and may outlive that. Fatal on
// another thread while it waits: its methods but status(), moving it, destroying it.
class [[nodiscard]] Call {
 public:
  // Stands for nothing.
  Call() = default;
  Call(Call&& other) noexcept { Take(&other); }
  Call& operator=(Call&& other) noexcept {
    if (this == &other) return *this;
    // Goes last: the closure that it cancels may own this object.
    const Call replaced = std::move(*this);
    Take(&other);
    return *this;
  }
  ~Call() { Cancel(); }

  // OK: the request was accepted, and its closure is called exactly once unless it is
  // cancelled. Otherwise the caller has misused the client, and the closure is not
  // called.
  const absl::Status& status() const { return status_; }
  // Whether its closure is still to be called.
  bool pending() const {
    Check("le::Call::pending");
    return pending_ != nullptr;
  }

  // The server is not told. Until it answers, the request counts as an open one of the
  // session. No-op if it is complete.
  inline void Cancel();
  // Lets the request go on without this object. The closure is called in any case,
  // unless the client goes before.
  void Detach() {
    Check("le::Call::Detach");
    if (pending_ != nullptr) std::exchange(pending_, nullptr)->handle = nullptr;
  }

 private:
  friend class Client;
  friend class internal::ClientCore;

  explicit Call(absl::Status refused) : status_(std::move(refused)) {}
  explicit Call(internal::PendingCall* pending) : pending_(pending) {
    pending_->handle = this;
  }
  // Fatal if it waits, and the calling thread is not its client's.
  inline void Check(const char* function) const;
  void Take(Call* other) {
    other->Check("le::Call");
    status_ = std::move(other->status_);
    pending_ = std::exchange(other->pending_, nullptr);
    if (pending_ != nullptr) pending_->handle = this;
  }

  absl::Status status_;
  internal::PendingCall* pending_ = nullptr;
};

namespace internal {

class ClientCore final : public ThreadBound {
 public:
  explicit ClientCore(le_msg_SessionRef_t ref)
      : ThreadBound("le::Client"), session_(ref) {
    le_msg_SetSessionCloseHandler(session_, &OnClosed, this);
  }
  ~ClientCore() override {
    while (free_ != nullptr) delete std::exchange(free_, free_->next);
  }

  le_msg_SessionRef_t session() const { return session_; }

  // C asks for this before it opens.
  bool MayOpen() const {
    return !was_opened_ || le_msg_GetCloseReason(session_) != LE_MSG_CLOSE_NONE;
  }
  absl::Status OpenStatus(le_result_t result) const {
    if (result == LE_OK) return absl::OkStatus();
    if (result == LE_CLOSED) return ClosedStatus(session_);
    char why[512] = "";
    le_msg_GetWaitReason(session_, why, sizeof(why));
    if (result == LE_FAULT) {
      return absl::FailedPreconditionError("the service has another protocol");
    }
    return ToStatus(result, absl::StrCat("the session is not open: ", why));
  }

  template <typename F>
  PendingCall* Add(F&& function) {
    // First: the user's constructor may call this, or throw.
    PendingCall::Closure closure(std::forward<F>(function));
    PendingCall* pending = free_;
    if (pending != nullptr) {
      free_ = pending->next;
    } else {
      pending = new PendingCall;
      pending->core = this;
    }
    pending->closure = std::move(closure);
    pending->handle = nullptr;
    pending->previous = nullptr;
    pending->next = waiting_;
    if (waiting_ != nullptr) waiting_->previous = pending;
    waiting_ = pending;
    return pending;
  }

  // The completion comes all the same, and is dropped. le_msg_CancelRequest() would
  // bring it earlier, but allocates for that, and the session keeps the request too.
  static void Cancel(PendingCall* pending) {
    pending->handle = nullptr;
    // Goes last: it may own the client.
    const PendingCall::Closure closure = std::move(pending->closure);
  }

  void Open(absl::Duration timeout, PendingCall* pending) {
    was_opened_ = true;
    le_msg_OpenSessionTimed(session_, ToMilliseconds(timeout), &OnOpenResult,
                            pending);
  }
  le_result_t OpenSync(absl::Duration timeout, bool waits) {
    was_opened_ = true;
    const uint32_t ms = ToMilliseconds(timeout);
    return waits ? le_msg_OpenSessionSyncTimed(session_, ms)
                 : le_msg_TryOpenSessionSyncTimed(session_, ms);
  }
  void Request(Message message, absl::Duration timeout, PendingCall* pending) {
    le_msg_RequestResponseTimed(Release(std::move(message)),
                                ToMilliseconds(timeout), &OnResult, pending);
  }
  absl::Status ResultStatus(le_result_t result) const {
    if (result == LE_CLOSED) return ClosedStatus(session_);
    return ToStatus(result, "the request has no response");
  }

  // A closure that is replaced goes last: it may own the client.
  void SetOnMessage(Handler<void(Message)>::Function function) {
    // Without a handler the C API warns of what comes.
    le_msg_SetSessionRecvHandler(session_, function ? &OnMessage : nullptr,
                                 this);
    on_message_.Set(std::move(function));
  }
  void SetOnRoom(Handler<void()>::Function function) {
    le_msg_SetSessionRoomHandler(session_, &OnRoom, this);
    on_room_.Set(std::move(function));
  }
  void SetOnClosed(Handler<void(CloseReason)>::Function function) {
    on_closed_.Set(std::move(function));
  }
  void Reopen(Handler<void(absl::Status)>::Function function) {
    reopens_ = true;
    on_reopened_.Set(std::move(function));
  }
  void StopReopening() {
    reopens_ = false;
    if (reopening_) CloseSession();
    on_reopened_.Set(nullptr);
  }
  void CloseSession() {
    reopening_ = false;
    user_closed_ = true;
    le_msg_CloseSession(session_);
  }

 private:
  void Shutdown() override {
    le_msg_DropSession(session_);
    while (waiting_ != nullptr) {
      PendingCall* const pending = waiting_;
      Unlink(pending);
      delete pending;  // its closure may do anything
    }
    on_message_.Set(nullptr);
    on_closed_.Set(nullptr);
    on_room_.Set(nullptr);
    on_reopened_.Set(nullptr);
  }

  void Unlink(PendingCall* pending) {
    (pending->previous == nullptr ? waiting_ : pending->previous->next) =
        pending->next;
    if (pending->next != nullptr) pending->next->previous = pending->previous;
    if (Call* const handle = std::exchange(pending->handle, nullptr)) {
      handle->pending_ = nullptr;
    }
  }

  // Calls the closure in its place, and keeps the place for another.
  class Completion {
   public:
    explicit Completion(PendingCall* pending)
        : hold_(pending->core), pending_(pending) {
      pending->core->Unlink(pending);
    }
    ~Completion() {
      pending_->closure = nullptr;
      pending_->next = std::exchange(pending_->core->free_, pending_);
    }
    void Run(absl::StatusOr<Message> result) {
      if (pending_->closure) pending_->closure(std::move(result));
    }

   private:
    const Hold hold_;
    PendingCall* const pending_;
  };

  static void OnResult(le_msg_MessageRef_t ref, le_result_t result,
                       void* context) {
    auto* const pending = static_cast<PendingCall*>(context);
    Completion completion(pending);
    if (result == LE_OK) {
      completion.Run(Adopt(ref, Side::kClient));
    } else if (pending->closure) {
      completion.Run(pending->core->ResultStatus(result));
    }
  }
  static void OnOpenResult(le_msg_SessionRef_t, le_result_t result,
                           void* context) {
    auto* const pending = static_cast<PendingCall*>(context);
    Completion completion(pending);
    absl::Status status = pending->core->OpenStatus(result);
    if (status.ok()) {
      completion.Run(Message());
    } else {
      completion.Run(std::move(status));
    }
  }
  static void OnMessage(le_msg_MessageRef_t ref, void* context) {
    Message message = Adopt(ref, Side::kClient);
    auto* const core = static_cast<ClientCore*>(context);
    const Hold hold(core);
    core->on_message_(std::move(message));
  }
  static void OnRoom(le_msg_SessionRef_t, void* context) {
    auto* const core = static_cast<ClientCore*>(context);
    const Hold hold(core);
    core->on_room_();
  }
  static void OnClosed(le_msg_SessionRef_t session, void* context) {
    auto* const core = static_cast<ClientCore*>(context);
    const Hold hold(core);
    core->user_closed_ = false;
    core->on_closed_(le_msg_GetCloseReason(session));
    if (core->alive() && core->reopens_ && !core->user_closed_ &&
        core->MayOpen()) {
      core->was_opened_ = true;
      core->reopening_ = true;
      le_msg_OpenSessionTimed(session, LE_MSG_NO_TIMEOUT, &OnReopened, core);
    }
  }

  static void OnReopened(le_msg_SessionRef_t, le_result_t result,
                         void* context) {
    if (result == LE_CLOSED) return;  // the user has closed it, and knows
    auto* const core = static_cast<ClientCore*>(context);
    const Hold hold(core);
    core->reopening_ = false;
    core->on_reopened_(core->OpenStatus(result));
  }

  const le_msg_SessionRef_t session_;
  bool was_opened_ = false;
  bool reopens_ = false;
  bool reopening_ = false;    // until on_reopened_ is called
  bool user_closed_ = false;  // since the last close by the server
  PendingCall* waiting_ = nullptr;
  PendingCall* free_ = nullptr;
  Handler<void(Message)> on_message_;
  Handler<void(CloseReason)> on_closed_;
  Handler<void()> on_room_;
  Handler<void(absl::Status)> on_reopened_;
};

}  // namespace internal

void Call::Cancel() {
  Check("le::Call::Cancel");
  if (internal::PendingCall* const pending = std::exchange(pending_, nullptr)) {
    internal::ClientCore::Cancel(pending);
  }
}

void Call::Check(const char* function) const {
  if (pending_ != nullptr) pending_->core->Check(function);
}

// The client's end of a session with a service.
//
// It belongs to the thread that created it. Its closures run from the loop of that
// thread (le::Loop), one at a time, and never inside a call of this API. Its methods
// return FailedPrecondition on another thread, if it was moved from or default
// constructed, and after its thread has ended.
//
// It may be destroyed at any moment, also in any closure, and before or after its
// calls and messages; but on its thread while that lives (elsewhere: fatal). It
// closes the session, and no closure of it is called after that.
//
// Nothing that a server does ends this process.
class Client {
 public:
  // Stands for nothing.
  Client() = default;
  Client(Client&&) noexcept = default;
  Client& operator=(Client&&) noexcept = default;

  // A closed session. `interface` is the name by which the bindings know it.
  //   InvalidArgument  a bad name or protocol
  //   AlreadyExists    the protocol was used with another size
  static absl::StatusOr<Client> Create(absl::string_view interface,
                                       const Protocol& protocol) {
    absl::StatusOr<le_msg_ProtocolRef_t> ref = internal::RefOf(protocol);
    if (!ref.ok()) return ref.status();
    le_msg_SessionRef_t session;
    if (le_msg_TryCreateSession(*ref, internal::NameForC(interface).c_str(),
                                &session) != LE_OK) {
      return absl::InvalidArgumentError(
          absl::StrCat("'", interface, "' is not a name of an interface"));
    }
    Client client;
    client.core_ = internal::CorePtr<internal::ClientCore>(
        new internal::ClientCore(session));
    return client;
  }
  // Create() and Open().
  static absl::StatusOr<Client> Open(
      absl::string_view interface, const Protocol& protocol,
      absl::Duration timeout = absl::InfiniteDuration()) {
    absl::StatusOr<Client> client = Create(interface, protocol);
    if (!client.ok()) return client;
    absl::Status opened = client->Open(timeout);
    if (!opened.ok()) return opened;
    return client;
  }

  // ---- Opening and closing ----
  // Waits for the directory, a binding and the server, in any order, and blocks until
  // the session is open.
  //   DeadlineExceeded    the message says what it waited for
  //   FailedPrecondition  it is open or being opened; the service has another protocol
  absl::Status Open(absl::Duration timeout = absl::InfiniteDuration()) {
    return OpenSync(timeout, /*waits=*/true);
  }
  // The same if the service is offered now, without waiting for it.
  //   NotFound           it is not offered
  //   PermissionDenied   no binding
  //   ResourceExhausted  the service has its largest number of sessions
  //   Unavailable        no directory
  absl::Status TryOpen(absl::Duration timeout = absl::InfiniteDuration()) {
    return OpenSync(timeout, /*waits=*/false);
  }
  // As Open(), without blocking: the closure gets its result, exactly once unless the
  // client goes before. Unavailable: the session was closed meanwhile. What this
  // returns says whether the opening has begun.
  absl::Status OpenAsync(absl::Duration timeout,
                         UniqueFunction<void(absl::Status)> opened) {
    absl::Status usable = CheckMayOpen();
    if (!usable.ok()) return usable;
    core_->Open(timeout,
                core_->Add([done = std::move(opened)](
                               absl::StatusOr<Message> result) mutable {
                  if (done) done(result.status());
                }));
    return absl::OkStatus();
  }
  // Pending requests and openings complete with Unavailable, from the loop. OnClosed()
  // is not called, and it does not reopen, also if this is called in that closure. Else
  // no-op if it is closed.
  absl::Status Close() {
    absl::Status usable = core_.CheckUsable();
    if (usable.ok()) core_->CloseSession();
    return usable;
  }
  // False on another thread too.
  bool is_open() const {
    return core_.CheckUsable().ok() &&
           le_msg_GetServerUserCreds(core_->session(), nullptr, nullptr) ==
               LE_OK;
  }

  // ---- Handlers. An empty closure: none. ----
  // A message from the server that is no response. None: such messages are dropped.
  absl::Status OnMessage(UniqueFunction<void(Message)> closure) {
    absl::Status usable = core_.CheckUsable();
    if (usable.ok()) core_->SetOnMessage(std::move(closure));
    return usable;
  }
  // The server closed the session or died. It may be opened again, also in the
  // closure. Earlier requests have completed before.
  absl::Status OnClosed(UniqueFunction<void(CloseReason)> closure) {
    absl::Status usable = core_.CheckUsable();
    if (usable.ok()) core_->SetOnClosed(std::move(closure));
    return usable;
  }
  // The queue has room again after Message::TrySend() found none.
  absl::Status OnRoom(UniqueFunction<void()> closure) {
    absl::Status usable = core_.CheckUsable();
    if (usable.ok()) core_->SetOnRoom(std::move(closure));
    return usable;
  }
  // From now on, after the server has closed the session or died (and OnClosed() was
  // told), the session opens again as soon as there is a server. The closure is called
  // then, or with FailedPrecondition if the service has another protocol: then the
  // session stays closed.
  absl::Status ReopenAfterClose(UniqueFunction<void(absl::Status)> reopened) {
    absl::Status usable = core_.CheckUsable();
    if (usable.ok()) core_->Reopen(std::move(reopened));
    return usable;
  }
  // Ends that, and destroys its closure. A session that is being reopened, or whose
  // closure has not been called since, is closed as by Close().
  absl::Status StayClosed() {
    absl::Status usable = core_.CheckUsable();
    if (usable.ok()) core_->StopReopening();
    return usable;
  }

  // ---- Messages and requests ----
  // A new message to the server, of this session. Fatal on another thread while the
  // client's lives. Empty if the client is not usable for another reason.
  Message NewMessage() const {
    if (!core_.Check("le::Client::NewMessage")) return Message();
    return internal::Adopt(le_msg_CreateMsg(core_->session()),
                           internal::Side::kClient);
  }

  // Sends a request and blocks until its response is here.
  //   DeadlineExceeded    the timeout, which includes the wait for room, has passed
  //   Unavailable         the session is closed, or was closed meanwhile
  //   Aborted             the server released the request
  //   ResourceExhausted   the session has its largest number of open requests
  //   FailedPrecondition  the server is on this thread; misuse
  //   InvalidArgument     not a message of this client
  absl::StatusOr<Message> Request(
      Message message, absl::Duration timeout = absl::InfiniteDuration()) {
    absl::Status usable = CheckMessage(message);
    if (!usable.ok()) return usable;
    le_msg_MessageRef_t response;
    const le_result_t result = le_msg_RequestSyncResponseTimed(
        internal::Release(std::move(message)),
        internal::ToMilliseconds(timeout), &response);
    if (result != LE_OK) return core_->ResultStatus(result);
    return internal::Adopt(response, internal::Side::kClient);
  }

  // Sends a request. `closure` is called once with the response, or with one of the
  // errors of Request(), from the loop. It is moved, never copied. If it has at most
  // 80 bytes, a request that gets its response allocates nothing in the steady state,
  // also if it is cancelled. The request ends when the result is destroyed: keep it, or
  // Detach() it. Misuse: status() of the result.
  template <typename Closure>
  Call RequestAsync(Message message, absl::Duration timeout,
                    Closure&& closure) {
    static_assert(
        std::is_invocable_v<std::decay_t<Closure>&, absl::StatusOr<Message>>,
        "the closure must take an absl::StatusOr<le::Message>");
    absl::Status usable = CheckMessage(message);
    if (!usable.ok()) return Call(std::move(usable));
    internal::PendingCall* const pending =
        core_->Add(std::forward<Closure>(closure));
    core_->Request(std::move(message), timeout, pending);
    return Call(pending);
  }

  // ---- Other ----
  // The server. Unavailable: the session is not open.
  absl::StatusOr<Peer> peer() const {
    absl::Status usable = core_.CheckUsable();
    if (!usable.ok()) return usable;
    Peer peer;
    if (le_msg_GetServerUserCreds(core_->session(), &peer.user,
                                  &peer.process) != LE_OK) {
      return internal::ClosedStatus(core_->session());
    }
    return peer;
  }
  // Why it was closed the last time. Fatal on another thread while the client's lives.
  // LE_MSG_CLOSE_NONE if the client is not usable for another reason.
  CloseReason close_reason() const {
    return core_.Check("le::Client::close_reason")
               ? le_msg_GetCloseReason(core_->session())
               : LE_MSG_CLOSE_NONE;
  }
  // Limits as of le_messaging_ext.h; structSize need not be set, 0: the default.
  // InvalidArgument: maxOpenRequests is above 65,536.
  absl::Status SetLimits(le_msg_SessionLimits_t limits) {
    absl::Status usable = core_.CheckUsable();
    if (!usable.ok()) return usable;
    if (limits.maxOpenRequests > 65536) {
      return absl::InvalidArgumentError("maxOpenRequests is above 65,536");
    }
    limits.structSize = sizeof(limits);
    le_msg_SetSessionLimits(core_->session(), &limits);
    return absl::OkStatus();
  }
  // Sends what a handler has sent and the loop would send at the end of its turn. Fatal
  // on another thread while the client's lives.
  void Flush() const {
    if (core_.Check("le::Client::Flush")) le_msg_Flush(core_->session());
  }

 private:
  absl::Status CheckMayOpen() const {
    absl::Status usable = core_.CheckUsable();
    if (usable.ok() && !core_->MayOpen()) {
      return absl::FailedPreconditionError(
          "the session is open or being opened");
    }
    return usable;
  }
  absl::Status CheckMessage(const Message& message) const {
    absl::Status usable = core_.CheckUsable();
    if (!usable.ok()) return usable;
    if (!message) return internal::NoMessage();
    if (le_msg_GetSession(internal::RefOf(message)) != core_->session()) {
      return absl::InvalidArgumentError("the message is not of this client");
    }
    return usable;
  }
  absl::Status OpenSync(absl::Duration timeout, bool waits) {
    absl::Status usable = CheckMayOpen();
    if (!usable.ok()) return usable;
    return core_->OpenStatus(core_->OpenSync(timeout, waits));
  }

  internal::CorePtr<internal::ClientCore> core_;
};

}  // namespace le

#endif  // LE_MESSAGING_MESSAGING_CPP_LE_CLIENT_H_
