// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// le/internal/client_core.h: the session, the requests and the closures of a
// le::Client. Not an API.

#ifndef LE_MESSAGING_MESSAGING_CPP_LE_INTERNAL_CLIENT_CORE_H_
#define LE_MESSAGING_MESSAGING_CPP_LE_INTERNAL_CLIENT_CORE_H_

#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "le/function.h"
#include "le/internal/back_off.h"
#include "le/internal/thread_bound.h"
#include "le/message.h"
#include "le/status.h"
#include "le/timer.h"
#include "le_messaging_ext.h"

namespace le {

class Call;

namespace internal {

class ClientCore;

// Holds the closure of one request or opening. When the request or opening is
// complete, this object is reused. Its owner is one of these: the core's list
// of waiting calls, the Completion that runs the closure, the core's free list.
struct PendingCall {
  // Large enough for a closure that holds a UniqueFunction.
  using Closure =
      UniqueFunction<void(absl::StatusOr<Message>),
                     sizeof(UniqueFunction<void()>) + 2 * sizeof(void*)>;
  Closure closure;                 // empty: cancelled
  PendingCall** handle = nullptr;  // the pointer of the Call
  ClientCore* core = nullptr;
  PendingCall* next = nullptr;
  PendingCall* previous = nullptr;
};

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

  // Returns whether the program may open the session.
  bool MayOpen() const { return !keeps_open_ && IsClosed(); }
  absl::Status OpenStatus(le_result_t result) const {
    if (result == LE_OK) return absl::OkStatus();
    if (result == LE_CLOSED) return ClosedStatus(session_);
    if (result == LE_FAULT) {
      return StatusOf(session_, absl::StatusCode::kFailedPrecondition,
                      WaitReason());
    }
    return StatusOf(session_, ToStatusCode(result),
                    absl::StrCat("the session is not open: ", WaitReason()));
  }

  template <typename F>
  PendingCall* Add(F&& function) {
    // Meanwhile this object is in no list: the constructor of the program's
    // closure may call Add(), or throw.
    std::unique_ptr<PendingCall> pending = NewPending();
    pending->closure.Emplace(std::forward<F>(function));
    return AddToWaiting(pending.release());
  }

  // The request still completes, and its completion is dropped.
  // le_msg_CancelRequest() is not used, for two reasons: it allocates memory
  // for an early completion, and the session would still keep the request until
  // the server answers.
  static void Cancel(PendingCall* pending) {
    pending->handle = nullptr;
    // The closure is destroyed last: it may own the client.
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
  Message NewMessage() const {
    return Adopt(le_msg_CreateMsg(session_), Side::kClient);
  }
  absl::StatusOr<Message> Request(Message message, uint32_t timeout_ms) {
    le_msg_MessageRef_t response;
    const le_result_t result = le_msg_RequestSyncResponseTimed(
        Release(std::move(message)), timeout_ms, &response);
    if (result != LE_OK) return ResultStatus(result);
    return Adopt(response, Side::kClient);
  }
  // le/client.h defines it, after Call.
  template <typename Closure>
  Call RequestAsync(Message message, uint32_t timeout_ms, Closure&& closure);
  // The status of a request without a response.
  absl::Status ResultStatus(le_result_t result) const {
    std::string text;
    switch (result) {
      case LE_CLOSED:
        return NotOpen();
      case LE_TIMEOUT:
        text = "no response in time";
        break;
      case LE_UNAVAILABLE:
        text = "the server released the request without a response";
        break;
      case LE_NO_MEMORY:
        text = "the session has its largest number of open requests";
        break;
      case LE_DEADLOCK:
        text = "the server is on the same thread, which must not wait for it";
        break;
      default:
        text = absl::StrCat("no response: ", LE_RESULT_TXT(result));
    }
    return StatusOf(session_, ToStatusCode(result), text);
  }
  // The status of an operation that needs an open session.
  absl::Status NotOpen() const {
    const std::string why = WaitReason();
    if (why.empty()) return ClosedStatus(session_);
    return StatusOf(session_, absl::StatusCode::kUnavailable,
                    absl::StrCat("the session is not open: ", why));
  }

  // In each setter the replaced closure is destroyed last: it may own the
  // client.
  void SetOnMessage(Handler<void(Message)>::Function function) {
    // Without a handler the C API logs a warning for a message that arrives.
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
  void KeepOpen(Handler<void(absl::Status)>::Function function) {
    if (timer_ == nullptr) {
      timer_ = std::make_unique<Timer>([this] { OnTimer(); });
    }
    if (!std::exchange(keeps_open_, true)) OpenLater();
    on_opened_.Set(std::move(function));
  }
  void CloseSession() {
    keeps_open_ = false;
    back_off_.Reset();
    if (timer_ != nullptr) timer_->Stop().IgnoreError();
    le_msg_CloseSession(session_);
    on_opened_.Set(nullptr);
  }

 private:
  // Why the session is not open yet, or why its last opening failed. Empty: it
  // was never opened, or it is open.
  std::string WaitReason() const {
    char why[512] = "";
    le_msg_GetWaitReason(session_, why, sizeof(why));
    return why;
  }
  // In C it is fatal to open a session that is not closed.
  bool IsClosed() const {
    return !was_opened_ || le_msg_GetCloseReason(session_) != LE_MSG_CLOSE_NONE;
  }

  void Shutdown() override {
    le_msg_DropSession(session_);
    timer_ = nullptr;
    while (waiting_ != nullptr) {
      PendingCall* const pending = waiting_;
      Unlink(pending);
      // The closure's destructor may change the list.
      delete pending;
    }
    on_message_.Set(nullptr);
    on_closed_.Set(nullptr);
    on_room_.Set(nullptr);
    on_opened_.Set(nullptr);
  }

  std::unique_ptr<PendingCall> NewPending() {
    if (free_ != nullptr) {
      return std::unique_ptr<PendingCall>(std::exchange(free_, free_->next));
    }
    auto pending = std::make_unique<PendingCall>();
    pending->core = this;
    return pending;
  }
  PendingCall* AddToWaiting(PendingCall* pending) {
    pending->handle = nullptr;
    pending->previous = nullptr;
    pending->next = waiting_;
    if (waiting_ != nullptr) waiting_->previous = pending;
    return waiting_ = pending;
  }
  void Unlink(PendingCall* pending) {
    (pending->previous == nullptr ? waiting_ : pending->previous->next) =
        pending->next;
    if (pending->next != nullptr) pending->next->previous = pending->previous;
    if (pending->handle != nullptr) *pending->handle = nullptr;
    pending->handle = nullptr;
  }

  // Calls the closure where it is stored, then puts the PendingCall into the
  // free list.
  class Completion {
   public:
    explicit Completion(PendingCall* pending)
        : hold_(pending->core), pending_(pending) {
      pending->core->Unlink(pending);
    }
    ~Completion() {
      pending_->closure.Reset();  // only this object knows the closure
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
      if (result != LE_CLOSED) pending->core->OpenLater();
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
    core->OpenLater();
    core->on_closed_(le_msg_GetCloseReason(session));
  }

  // No-op if the session need not be open. Call it before the program's closure
  // is called, because the closure may close the session.
  void OpenLater() {
    if (keeps_open_ && IsClosed()) {
      timer_opens_ = true;
      timer_->Start(back_off_.NextDelay()).IgnoreError();
    }
  }
  void OnTimer() {
    // If the session is closed already, OnClosed() follows and opens it again.
    if (!std::exchange(timer_opens_, false)) return back_off_.Reset();
    was_opened_ = true;
    le_msg_OpenSessionTimed(session_, LE_MSG_NO_TIMEOUT, &OnOpened, this);
  }
  static void OnOpened(le_msg_SessionRef_t, le_result_t result, void* context) {
    if (result == LE_CLOSED) return;  // the program closed it
    auto* const core = static_cast<ClientCore*>(context);
    const Hold hold(core);
    absl::Status status = core->OpenStatus(result);
    if (status.ok()) {
      core->timer_->Start(BackOff::kLongLife).IgnoreError();
    } else {
      core->OpenLater();
    }
    core->on_opened_(std::move(status));
  }

  const le_msg_SessionRef_t session_;
  bool was_opened_ = false;
  bool keeps_open_ = false;
  // While the session is closed, runs until the next opening. While the session
  // is open, runs until the session has lived for BackOff::kLongLife. Null:
  // KeepOpen() was not called.
  std::unique_ptr<Timer> timer_;
  bool timer_opens_ = false;
  BackOff back_off_;
  PendingCall* waiting_ = nullptr;
  PendingCall* free_ = nullptr;
  Handler<void(Message)> on_message_;
  Handler<void(CloseReason)> on_closed_;
  Handler<void()> on_room_;
  Handler<void(absl::Status)> on_opened_;
};

}  // namespace internal
}  // namespace le

#endif  // LE_MESSAGING_MESSAGING_CPP_LE_INTERNAL_CLIENT_CORE_H_
