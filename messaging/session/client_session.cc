// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#include "messaging/session/client_session.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "event/base/log.h"
#include "messaging/session/open_attempt.h"
#include "messaging/session/owner_state.h"
#include "messaging/session/runtime.h"

namespace le {
namespace messaging {

using event::LogLevel;
using State = ClientSessionMachine::State;

// Expires requests. Exists once a request with a deadline has been made.
class ClientSession::Deadlines : private event::Timer {
 public:
  explicit Deadlines(ClientSession* session) : session_(session) {}

  void Arm(event::Instant deadline) {
    if (running() && this->deadline() <= deadline) return;
    session_->owner()->loop()->StartTimer(this, deadline);
  }

 private:
  void OnExpiry() override {
    const event::Instant now = session_->owner()->loop()->Now();
    event::Instant next;
    for (;;) {
      absl::optional<Completion> expired;
      {
        std::lock_guard<std::mutex> lock(session_->mutex());
        expired = session_->machine_.ExpireRequest(now);
        next = session_->machine_.NextDeadline();
      }
      if (!expired.has_value()) break;
      session_->OweNull(*expired, Result::kTimedOut);
    }
    if (next != absl::InfiniteFuture()) Arm(next);
  }

  ClientSession* const session_;
};

// A caller of RequestSync(), on its stack.
struct ClientSession::BlockedCaller {
  bool done = false;
  Delivery delivery{Delivery::Kind::kCompletion};
};

ClientSession::ClientSession(Interface interface,
                             directory::Introducer* introducer)
    : Session(event::Thread::Current(), interface.protocol),
      interface_(std::move(interface)),
      introducer_(introducer) {
  owner()->loop();  // other threads may post to it from now on
  OwnerState::Of(owner())->Add(this);
}

ClientSession::~ClientSession() = default;

CloseReason ClientSession::close_reason() {
  std::lock_guard<std::mutex> lock(mutex());
  return machine_.close_reason();
}

bool ClientSession::is_closed() {
  std::lock_guard<std::mutex> lock(mutex());
  return machine_.state() == State::kClosed;
}

// ---- Opening ---------------------------------------------------------------

void ClientSession::Open(SessionHandler on_open, OpenResultHandler on_result,
                         void* context, event::Instant deadline) {
  ForgetFormerLife();
  {
    std::lock_guard<std::mutex> lock(mutex());
    machine_.Open();
  }
  auto done = [](ClientSession* session, const absl::Status& result) {
    // The attempt lives until this returns: it is still on the stack.
    const std::unique_ptr<OpenAttempt> attempt = std::move(session->attempt_);
    if (!result.ok()) {
      std::lock_guard<std::mutex> lock(session->mutex());
      session->machine_.Close(CloseReason::kByCaller);
    }
    Delivery opened{Delivery::Kind::kOpened};
    opened.result = result.ok() ? Result::kOk : Result::kTimedOut;
    opened.completion.context = attempt->context;
    if (attempt->on_result != nullptr) {
      opened.completion.kind = Completion::Kind::kResult;
      opened.completion.function =
          reinterpret_cast<void (*)()>(attempt->on_result);
    } else if (attempt->on_open != nullptr) {
      opened.completion.kind = Completion::Kind::kResponse;
      opened.completion.function =
          reinterpret_cast<void (*)()>(attempt->on_open);
    } else {
      return;
    }
    session->Owe(std::move(opened));
  };
  attempt_ = std::make_unique<OpenAttempt>(this, owner()->loop(),
                                           /*waits=*/true, deadline, done);
  attempt_->on_open = on_open;
  attempt_->on_result = on_result;
  attempt_->context = context;
}

OpenResult ClientSession::OpenSync(bool waits, event::Instant deadline) {
  ForgetFormerLife();
  {
    std::lock_guard<std::mutex> lock(mutex());
    machine_.Open();
  }
  // Nobody but us runs the control loop while we wait, so the result can be
  // left with the session.
  sync_open_result_.reset();
  auto done = [](ClientSession* session, const absl::Status& result) {
    session->sync_open_result_ = result;
  };
  owner()->loop()->RunTurnEndHooks();
  event::Loop* const control = owner()->control_loop();
  attempt_ =
      std::make_unique<OpenAttempt>(this, control, waits, deadline, done);
  while (!sync_open_result_.has_value()) {
    control->RunTurn(absl::InfiniteFuture());
  }
  attempt_.reset();
  const absl::Status result = *std::move(sync_open_result_);
  if (result.ok()) return OpenResult::kOk;
  {
    std::lock_guard<std::mutex> lock(mutex());
    machine_.Close(CloseReason::kByCaller);
  }
  switch (result.code()) {
    case absl::StatusCode::kDeadlineExceeded:
      return OpenResult::kTimedOut;
    case absl::StatusCode::kNotFound:
      return OpenResult::kNotOffered;
    case absl::StatusCode::kPermissionDenied:
      return OpenResult::kNoBinding;
    default:
      event::Log(LogLevel::kWarning,
                 absl::StrCat("interface '", interface_.name,
                              "': cannot open a session: ", result.message()));
      return OpenResult::kNoDirectory;
  }
}

// ---- Closing ---------------------------------------------------------------

void ClientSession::OnFarEndClosed(CloseReason reason) {
  DropConnection();
  {
    std::lock_guard<std::mutex> lock(mutex());
    if (machine_.state() == State::kClosed) return;
    for (const Completion& completion : machine_.Close(reason)) {
      if (completion.kind == Completion::Kind::kBlockedCaller) continue;
      Delivery null{Delivery::Kind::kCompletion, Result::kClosed, completion};
      inbox().Push(std::move(null));
    }
    inbox().Push(Delivery{Delivery::Kind::kFarEndClosed});
  }
  ScheduleDelivery();
}

void ClientSession::CloseFor(CloseReason reason) {
  attempt_.reset();
  DropConnection();
  std::vector<Delivery> undelivered;  // its messages are released without lock
  bool owes = false;
  {
    std::lock_guard<std::mutex> lock(mutex());
    // What had come for requests, but was not delivered, becomes NULL: nothing
    // but that comes after a close.
    std::vector<Delivery> owed;
    undelivered = inbox().TakeAll();
    for (const Delivery& delivery : undelivered) {
      if (delivery.kind != Delivery::Kind::kCompletion) continue;
      const bool had_response = static_cast<bool>(delivery.message);
      owed.push_back({Delivery::Kind::kCompletion,
                      had_response ? Result::kClosed : delivery.result,
                      delivery.completion});
    }
    for (const Completion& completion : machine_.Close(reason)) {
      owed.push_back(
          {Delivery::Kind::kCompletion, Result::kClosed, completion});
    }
    std::stable_sort(owed.begin(), owed.end(),
                     [](const Delivery& a, const Delivery& b) {
                       return a.completion.order < b.completion.order;
                     });
    for (Delivery& delivery : owed) inbox().Push(std::move(delivery));
    owes = !owed.empty();
  }
  if (owes) ScheduleDelivery();
}

// A call that blocked may have found the far end closed, and the loop has not
// come to tell of it. Whoever opens again knows, and must get nothing of what
// was before but the completions that it is owed.
void ClientSession::ForgetFormerLife() { CloseFor(CloseReason::kByCaller); }

void ClientSession::Close() { CloseFor(CloseReason::kByCaller); }

void ClientSession::Delete() {
  CloseFor(CloseReason::kByCaller);
  deadlines_.reset();
  receive_handler_ = nullptr;
  close_handler_ = nullptr;
  deleted_ = true;
  LeaveIfDone();
  Unref();
}

void ClientSession::LeaveIfDone() {
  if (deleted_ && !IsDeliveryPosted()) OwnerState::Of(owner())->Remove(this);
}

void ClientSession::Abolish() {
  const SessionRef keep(this);
  if (!deleted_) CloseFor(CloseReason::kThreadEnded);
  deadlines_.reset();
  DeliverAll();
  CancelDelivery();
  // It may have been deleted before, or by a handler.
  if (!deleted_) Unref();
}

// ---- Requests --------------------------------------------------------------

Session::Full ClientSession::WhenFull(bool) {
  uint64_t server_thread;
  {
    std::lock_guard<std::mutex> lock(mutex());
    server_thread = machine_.server_thread();
  }
  if (server_thread != event::Thread::Current()->token()) return Full::kWait;
  event::Log(LogLevel::kError,
             absl::StrCat("interface '", interface_.name,
                          "': the queue is full, and the server is on the "
                          "thread that would have to wait for it"));
  return Full::kDoom;
}

uint64_t ClientSession::Request(MessageRef message, Completion completion,
                                event::Instant deadline) {
  uint64_t id;
  State state;
  bool others;
  {
    std::lock_guard<std::mutex> lock(mutex());
    state = machine_.state();
    id = machine_.AddRequest(completion, deadline);
    others = machine_.requests() > 1;
  }
  if (id == 0) {
    event::Log(
        LogLevel::kWarning,
        absl::StrCat("interface '", interface_.name, "': a request was made ",
                     state == State::kOpen ? "while too many others wait"
                                           : "on a session that is not open"));
    OweNull(completion,
            state == State::kOpen ? Result::kTooMany : Result::kClosed);
    return 0;
  }
  if (deadline != absl::InfiniteFuture()) ArmDeadline(deadline);
  const Result sent =
      Transmit(kRequestFrame, id, message.get(), deadline, others);
  // If the connection is closed, the completion comes in its turn with those of
  // the other requests.
  if (sent == Result::kTimedOut) {
    Completion unsent;
    TransactionTable::Found found;
    {
      std::lock_guard<std::mutex> lock(mutex());
      found = machine_.ForgetRequest(id, &unsent);
    }
    if (found == TransactionTable::Found::kWaiting) {
      OweNull(unsent, Result::kTimedOut);
    }
    return 0;
  }
  return id;
}

void ClientSession::OweNull(const Completion& completion, Result result) {
  Owe(Delivery{Delivery::Kind::kCompletion, result, completion});
}

void ClientSession::ArmDeadline(event::Instant deadline) {
  if (IsOwner()) {
    if (deadlines_ == nullptr) deadlines_ = std::make_unique<Deadlines>(this);
    deadlines_->Arm(deadline);
    return;
  }
  // Timers belong to the owner's thread.
  Delivery arm{Delivery::Kind::kArmDeadline};
  Owe(std::move(arm));
}

bool ClientSession::CancelRequest(uint64_t id) {
  Completion completion;
  {
    std::lock_guard<std::mutex> lock(mutex());
    if (!machine_.AbandonRequest(id, &completion)) return false;
  }
  OweNull(completion, Result::kCancelled);
  return true;
}

Result ClientSession::RequestSync(MessageRef message, event::Instant deadline,
                                  MessageRef* response) {
  BlockedCaller caller;
  Completion completion;
  completion.kind = Completion::Kind::kBlockedCaller;
  completion.context = &caller;
  uint64_t id;
  bool others;
  {
    std::lock_guard<std::mutex> lock(mutex());
    if (machine_.state() == State::kOpen &&
        machine_.server_thread() == event::Thread::Current()->token()) {
      return Result::kDeadlock;
    }
    id = machine_.AddRequest(completion, absl::InfiniteFuture());
    others = machine_.requests() > 1;
  }
  if (id == 0) {
    event::Log(LogLevel::kWarning,
               absl::StrCat("interface '", interface_.name,
                            "': a request was made on a session that is not "
                            "open, or while too many others wait"));
    return is_closed() ? Result::kClosed : Result::kTooMany;
  }
  const Result sent =
      Transmit(kRequestFrame, id, message.get(), deadline, others);
  message.reset();
  if (sent == Result::kTimedOut) {
    std::lock_guard<std::mutex> lock(mutex());
    machine_.ForgetRequest(id, &completion);
    return sent;
  }
  if (sent == Result::kOk) owner()->loop()->RunTurnEndHooks();
  while (!caller.done) {
    // A connection that takes nothing more may still have something for us.
    const transports::IoResult received =
        ReceiveAndHold(sent == Result::kOk ? deadline : absl::InfinitePast());
    if (received == transports::IoResult::kOk) continue;
    if (received == transports::IoResult::kWouldBlock && sent == Result::kOk) {
      std::lock_guard<std::mutex> lock(mutex());
      machine_.AbandonRequest(id, &completion);
      return Result::kTimedOut;
    }
    OnFarEndClosed(CloseReason::kByPeer);  // no-op if that is known already
    return Result::kClosed;
  }
  *response = std::move(caller.delivery.message);
  return caller.delivery.result;
}

void ClientSession::CompleteBlockedCaller(Delivery delivery) {
  auto* caller = static_cast<BlockedCaller*>(delivery.completion.context);
  caller->delivery = std::move(delivery);
  caller->done = true;
}

// ---- What the loop brings --------------------------------------------------

FrameVerdict ClientSession::Judge(uint8_t type, uint64_t id) {
  return machine_.OnFrame(type, id);
}

void ClientSession::Deliver(Delivery delivery) {
  switch (delivery.kind) {
    case Delivery::Kind::kMessage:
      if (receive_handler_ != nullptr) {
        receive_handler_(ToRef(delivery.message.release()), receive_context_);
      } else if (!warned_of_no_receive_handler_) {
        warned_of_no_receive_handler_ = true;
        event::Log(LogLevel::kWarning,
                   absl::StrCat("interface '", interface_.name,
                                "': messages from the server are dropped: the "
                                "session has no receive handler"));
      }
      return;

    case Delivery::Kind::kCompletion: {
      const Completion& completion = delivery.completion;
      if (completion.function == nullptr) return;  // the response is released
      if (completion.kind == Completion::Kind::kResponse) {
        reinterpret_cast<MessageHandler>(completion.function)(
            ToRef(delivery.message.release()), completion.context);
      } else {
        reinterpret_cast<ResultHandler>(completion.function)(
            ToRef(delivery.message.release()), ToCResult(delivery.result),
            completion.context);
      }
      return;
    }

    case Delivery::Kind::kOpened: {
      const Completion& completion = delivery.completion;
      if (completion.kind == Completion::Kind::kResult) {
        reinterpret_cast<OpenResultHandler>(completion.function)(
            ToRef(this), delivery.result == Result::kOk ? LE_OK : LE_TIMEOUT,
            completion.context);
      } else {
        reinterpret_cast<SessionHandler>(completion.function)(
            ToRef(this), completion.context);
      }
      return;
    }

    case Delivery::Kind::kFarEndClosed:
      if (close_handler_ != nullptr) {
        close_handler_(ToRef(this), close_context_);
        return;
      }
      event::Fatal(absl::StrCat(
          "le_msg: interface '", interface_.name, "': the session was closed (",
          CloseReasonText(close_reason()), "), and it has no close handler"));

    case Delivery::Kind::kArmDeadline: {
      event::Instant next;
      {
        std::lock_guard<std::mutex> lock(mutex());
        next = machine_.NextDeadline();
      }
      if (next != absl::InfiniteFuture()) ArmDeadline(next);
      return;
    }

    case Delivery::Kind::kServiceOpen:
    case Delivery::Kind::kServiceClose:
      return;  // never owed to a client
  }
}

void ClientSession::SetLimits(const SessionLimits& limits) {
  limits_ = limits;
  if (connection() != nullptr) connection()->SetSendLimits(send_limits());
  std::lock_guard<std::mutex> lock(mutex());
  machine_.LimitRequests(limits.open_requests);
}

void ClientSession::SetReceiveHandler(MessageHandler handler, void* context) {
  receive_handler_ = handler;
  receive_context_ = context;
}

void ClientSession::SetCloseHandler(SessionHandler handler, void* context) {
  close_handler_ = handler;
  close_context_ = context;
}

bool ClientSession::ServerCredentials(event::Credentials* credentials) {
  std::lock_guard<std::mutex> lock(mutex());
  if (machine_.state() != State::kOpen) return false;
  *credentials = server_;
  return true;
}

}  // namespace messaging
}  // namespace le
