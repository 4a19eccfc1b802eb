// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#include "messaging/c_api/callbacks.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "event/base/log.h"
#include "event/user_code.h"
#include "legato/refs.h"
#include "messaging/c_api/refs.h"

namespace le {
namespace messaging {

using event::CallUser;
using event::LogLevel;
using event::MutexLock;

// ---- Completions -----------------------------------------------------------

namespace {

template <typename Handler>
Completion Make(Completion::Done done, Handler handler, void* context) {
  Completion completion;
  completion.done = done;
  completion.function = reinterpret_cast<void (*)()>(handler);
  completion.context = context;
  return completion;
}

// Null if the program gave no handler.
template <typename Handler>
Handler FunctionOf(const Completion& completion) {
  return reinterpret_cast<Handler>(completion.function);
}

void CallResponse(const Completion& completion, ClientSession*,
                  event::Ref<Message> response, Result) {
  if (auto handler = FunctionOf<le_msg_ResponseCallback_t>(completion)) {
    CallUser("a response handler",
             [&] { handler(ToRef(response.release()), completion.context); });
  }
}

void CallResult(const Completion& completion, ClientSession*,
                event::Ref<Message> response, Result result) {
  if (auto handler = FunctionOf<le_msg_ResultHandler_t>(completion)) {
    CallUser("a result handler", [&] {
      handler(ToRef(response.release()), ToCResult(result), completion.context);
    });
  }
}

void CallOpened(const Completion& completion, ClientSession* session,
                event::Ref<Message>, Result result) {
  CheckOpened("le_msg_OpenSession", session, result);
  if (result != Result::kOk) return;  // the session was closed
  if (auto handler = FunctionOf<le_msg_SessionEventHandler_t>(completion)) {
    CallUser("a session's open handler",
             [&] { handler(ToRef(session), completion.context); });
  }
}

void CallOpenResult(const Completion& completion, ClientSession* session,
                    event::Ref<Message>, Result result) {
  if (auto handler = FunctionOf<le_msg_OpenResultHandler_t>(completion)) {
    CallUser("a session's open handler", [&] {
      handler(ToRef(session), ToCResult(result), completion.context);
    });
  }
}

}  // namespace

Completion ForResponse(le_msg_ResponseCallback_t handler, void* context) {
  return Make(&CallResponse, handler, context);
}

Completion ForResult(le_msg_ResultHandler_t handler, void* context) {
  return Make(&CallResult, handler, context);
}

Completion ForOpened(le_msg_SessionEventHandler_t handler, void* context) {
  return Make(&CallOpened, handler, context);
}

Completion ForOpenResult(le_msg_OpenResultHandler_t handler, void* context) {
  return Make(&CallOpenResult, handler, context);
}

void CheckOpened(const char* function, const ClientSession* session,
                 Result result) {
  if (result != Result::kOtherProtocol) return;
  event::Fatal(absl::StrCat(
      function, ": interface '", session->interface_name(),
      "': cannot open a session: ", session->open_status().message(),
      "; use the service's protocol, or call ", function,
      "Timed(), which returns LE_FAULT instead"));
}

// ---- ClientCallbacks -------------------------------------------------------

void ClientCallbacks::SetClose(le_msg_SessionEventHandler_t handler,
                               void* context) {
  MutexLock lock(&mutex_);
  close_ = handler;
  close_context_ = context;
}

void ClientCallbacks::GetClose(le_msg_SessionEventHandler_t* handler,
                               void** context) {
  MutexLock lock(&mutex_);
  *handler = close_;
  *context = close_context_;
}

void ClientCallbacks::OnMessage(ClientSession* session,
                                event::Ref<Message> message) {
  if (receive_ != nullptr) {
    CallUser("a session's receive handler",
             [&] { receive_(ToRef(message.release()), receive_context_); });
    return;
  }
  if (std::exchange(warned_of_no_receive_handler_, true)) return;
  event::Log(LogLevel::kWarning,
             absl::StrCat("interface '", session->interface_name(),
                          "': messages from the server are dropped: the "
                          "session has no receive handler"));
}

void ClientCallbacks::OnClosed(ClientSession* session) {
  le_msg_SessionEventHandler_t handler;
  void* context;
  GetClose(&handler, &context);
  if (handler == nullptr) {
    event::Fatal(absl::StrCat(
        "le_msg_SetSessionCloseHandler: interface '", session->interface_name(),
        "': the session was closed (", CloseReasonText(session->close_reason()),
        "), and it has no close handler: set one with "
        "le_msg_SetSessionCloseHandler(), or close the session before the "
        "server can stop"));
  }
  CallUser("a session's close handler",
           [&] { handler(ToRef(session), context); });
}

void ClientCallbacks::OnRoom(ClientSession* session) {
  if (room_ == nullptr) return;
  CallUser("a session's room handler",
           [&] { room_(ToRef(session), room_context_); });
}

// ---- ServiceCallbacks ------------------------------------------------------

struct ServiceCallbacks::Handler {
  ServiceCallbacks* of;
  le_msg_SessionEventHandlerRef_t ref;
  SessionEvent event;
  le_msg_SessionEventHandler_t function;  // null: removed
  void* context;
};

namespace {

// The reference of a removed handler is invalid. Its number is not given to a
// new handler before the numbers wrap around.
template <typename Handler>
using HandlerRefs =
    legato::ProcessRefs<Handler, le_msg_SessionEventHandlerRef_t>;

}  // namespace

// The receive handler of a service that is running on a thread.
class CallState final : public event::ModuleState {
 public:
  static CallState* OfCurrentThread() {
    return event::Thread::Current()->State<CallState>(
        [] { return std::make_unique<CallState>(); });
  }
  CurrentCall call;
};

namespace {

// Sets the thread's CurrentCall while this object exists.
class ScopedCall {
 public:
  ScopedCall(CallState* state, Message* message, ServerSession* session)
      : state_(state),
        before_(std::exchange(state_->call, CurrentCall{message, session})) {}
  ~ScopedCall() { state_->call = before_; }
  ScopedCall(const ScopedCall&) = delete;
  ScopedCall& operator=(const ScopedCall&) = delete;

 private:
  CallState* const state_;
  const CurrentCall before_;
};

}  // namespace

CurrentCall CurrentCall::Get() {
  event::Thread* const thread = event::Thread::CurrentOrNull();
  CallState* const state =
      thread == nullptr ? nullptr : thread->StateOrNull<CallState>();
  return state == nullptr ? CurrentCall{} : state->call;
}

void ServiceCallbacks::Attach(Service* service) {
  service_ = service;
  call_state_ = CallState::OfCurrentThread();
  if (WantsCloses()) service->RememberClients();
}

le_msg_SessionEventHandlerRef_t ServiceCallbacks::Add(
    SessionEvent event, le_msg_SessionEventHandler_t function, void* context) {
  auto handler =
      std::make_shared<Handler>(Handler{this, {}, event, function, context});
  handler->ref = HandlerRefs<Handler>::OfCurrentProcess()->Add(handler);
  ListOf(event)->push_back(handler);
  if (event == SessionEvent::kClose && service_ != nullptr) {
    service_->RememberClients();
  }
  return handler->ref;
}

ServiceCallbacks::~ServiceCallbacks() { RemoveAll(); }

void ServiceCallbacks::RemoveAll() {
  for (auto* list : {&open_, &close_}) {
    for (const HandlerPtr& handler : *list) {
      HandlerRefs<Handler>::OfCurrentProcess()->Remove(handler->ref);
      handler->function = nullptr;  // a running Call() skips it
    }
    list->clear();
  }
  receive_ = nullptr;
  room_ = nullptr;
}

bool ServiceCallbacks::RemoveOfUnowned(le_msg_SessionEventHandlerRef_t ref) {
  const HandlerPtr handler =
      HandlerRefs<Handler>::OfCurrentProcess()->Find(ref);
  if (handler == nullptr || handler->of->service_ != nullptr) return false;
  Erase(handler);
  return true;
}

void ServiceCallbacks::Remove(const char* function,
                              le_msg_SessionEventHandlerRef_t ref) {
  const HandlerPtr handler = HandlerRefs<Handler>::Get(function, ref);
  OwnedByCaller(function, handler->of->service_);
  Erase(handler);
}

void ServiceCallbacks::Erase(const HandlerPtr& handler) {
  HandlerRefs<Handler>::OfCurrentProcess()->Remove(handler->ref);
  handler->function = nullptr;  // a running Call() skips it
  std::vector<HandlerPtr>* const list = handler->of->ListOf(handler->event);
  list->erase(std::find(list->begin(), list->end(), handler));
}

void ServiceCallbacks::SetReceive(le_msg_ReceiveHandler_t handler,
                                  void* context) {
  receive_ = handler;
  receive_context_ = context;
}

void ServiceCallbacks::Call(const std::vector<HandlerPtr>& handlers,
                            ServerSession* session) {
  // A copy is used, because handlers may add and remove handlers. A handler
  // that another handler adds is first called for the next session. The handler
  // that was added last is called first.
  const std::vector<HandlerPtr> present(handlers.rbegin(), handlers.rend());
  for (const HandlerPtr& handler : present) {
    if (handler->function != nullptr) {
      CallUser("an open or close handler of a service",
               [&] { handler->function(ToRef(session), handler->context); });
    }
  }
}

void ServiceCallbacks::OnOpen(ServerSession* session) { Call(open_, session); }

void ServiceCallbacks::OnClose(ServerSession* session) {
  Call(close_, session);
}

void ServiceCallbacks::OnRoom(ServerSession* session) {
  if (room_ == nullptr) return;
  CallUser("a service's room handler",
           [&] { room_(ToRef(session), room_context_); });
}

void ServiceCallbacks::OnMessage(ServerSession* session,
                                 event::Ref<Message> message) {
  if (receive_ == nullptr) {
    if (std::exchange(warned_of_no_receive_handler_, true)) return;
    event::Log(LogLevel::kWarning,
               absl::StrCat("service '", session->interface_name(),
                            "': messages are dropped: it has no receive "
                            "handler"));
    return;
  }
  const ScopedCall scope(call_state_, message.get(), session);
  CallUser("a service's receive handler",
           [&] { receive_(ToRef(message.release()), receive_context_); });
}

}  // namespace messaging
}  // namespace le
