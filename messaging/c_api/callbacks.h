// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// Adapts the handlers of messaging/session to the C API's function pointers.
// Ends the process in the two cases that le_messaging.h states.

#ifndef LE_MESSAGING_MESSAGING_C_API_CALLBACKS_H_
#define LE_MESSAGING_MESSAGING_C_API_CALLBACKS_H_

#include <atomic>
#include <memory>
#include <vector>

#include "event/base/mutex.h"
#include "event/process.h"
#include "le_messaging.h"
#include "le_messaging_ext.h"
#include "messaging/machine/completion.h"
#include "messaging/session/client_session.h"
#include "messaging/session/service.h"

namespace le {
namespace messaging {

// ---- Completions -----------------------------------------------------------

Completion ForResponse(le_msg_ResponseCallback_t handler, void* context);
Completion ForResult(le_msg_ResultHandler_t handler, void* context);
Completion ForOpened(le_msg_SessionEventHandler_t handler, void* context);
Completion ForOpenResult(le_msg_OpenResultHandler_t handler, void* context);

// Ends the process if `result` is kOtherProtocol. Used for openings that cannot
// return this result to the program.
void CheckOpened(const char* function, const ClientSession* session,
                 Result result);

// ---- A client session's handlers -------------------------------------------

class ClientCallbacks final : public ClientHandler {
 public:
  static ClientCallbacks* Of(ClientSession* session) {
    return static_cast<ClientCallbacks*>(session->handler());
  }

  // The owner's thread.
  void SetReceive(le_msg_ReceiveHandler_t handler, void* context) {
    receive_ = handler;
    receive_context_ = context;
  }
  void SetClose(le_msg_SessionEventHandler_t handler, void* context);
  void SetRoom(le_msg_SessionEventHandler_t handler, void* context) {
    room_ = handler;
    room_context_ = context;
  }
  // Any thread.
  void GetClose(le_msg_SessionEventHandler_t* handler, void** context);

 private:
  void OnMessage(ClientSession* session, event::Ref<Message> message) override;
  void OnClosed(ClientSession* session) override;
  void OnRoom(ClientSession* session) override;

  le_msg_ReceiveHandler_t receive_ = nullptr;
  void* receive_context_ = nullptr;
  le_msg_SessionEventHandler_t room_ = nullptr;
  void* room_context_ = nullptr;
  bool warned_of_no_receive_handler_ = false;
  event::Mutex mutex_;
  le_msg_SessionEventHandler_t close_ ABSL_GUARDED_BY(mutex_) = nullptr;
  void* close_context_ ABSL_GUARDED_BY(mutex_) = nullptr;
};

// ---- A service's handlers --------------------------------------------------

class CallState;

class ServiceCallbacks final : public ServiceHandler {
 public:
  static ServiceCallbacks* Of(Service* service) {
    return static_cast<ServiceCallbacks*>(service->handler());
  }

  // Called once, on the thread that owns the service. Handlers may have been
  // added before.
  void Attach(Service* service);

  enum class SessionEvent { kOpen, kClose };
  le_msg_SessionEventHandlerRef_t Add(SessionEvent event,
                                      le_msg_SessionEventHandler_t handler,
                                      void* context);
  // False: there is no such handler, or a thread owns its service.
  static bool RemoveOfUnowned(le_msg_SessionEventHandlerRef_t handler);
  // Fatal if there is no such handler, or the calling thread does not own its
  // service.
  static void Remove(const char* function,
                     le_msg_SessionEventHandlerRef_t handler);
  void RemoveAll();
  void SetReceive(le_msg_ReceiveHandler_t handler, void* context);
  void SetRoom(le_msg_SessionEventHandler_t handler, void* context) {
    room_ = handler;
    room_context_ = context;
  }
  ~ServiceCallbacks() override;

 private:
  struct Handler;
  using HandlerPtr = std::shared_ptr<Handler>;

  void OnOpen(ServerSession* session) override;
  void OnMessage(ServerSession* session, event::Ref<Message> message) override;
  void OnClose(ServerSession* session) override;
  void OnRoom(ServerSession* session) override;
  bool WantsCloses() const override { return !close_.empty(); }
  static void Erase(const HandlerPtr& handler);
  std::vector<HandlerPtr>* ListOf(SessionEvent event) {
    return event == SessionEvent::kOpen ? &open_ : &close_;
  }
  static void Call(const std::vector<HandlerPtr>& handlers,
                   ServerSession* session);

  std::vector<HandlerPtr> open_;
  std::vector<HandlerPtr> close_;
  le_msg_ReceiveHandler_t receive_ = nullptr;
  void* receive_context_ = nullptr;
  le_msg_SessionEventHandler_t room_ = nullptr;
  void* room_context_ = nullptr;
  Service* service_ = nullptr;       // null before Attach()
  CallState* call_state_ = nullptr;  // of the owner's thread
  bool warned_of_no_receive_handler_ = false;
};

// If a service's receive handler is running on the calling thread: the
// handler's message, and the session of the message. Otherwise null. The
// session is valid even after the handler has released the message.
struct CurrentCall {
  Message* message = nullptr;
  ServerSession* session = nullptr;

  static CurrentCall Get();
};

}  // namespace messaging
}  // namespace le

#endif  // LE_MESSAGING_MESSAGING_C_API_CALLBACKS_H_
