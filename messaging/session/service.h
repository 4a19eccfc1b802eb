// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef LE_MESSAGING_MESSAGING_SERVICE_H_
#define LE_MESSAGING_MESSAGING_SERVICE_H_

#include <atomic>
#include <memory>
#include <vector>

#include "directory/introducer.h"
#include "messaging/session/server_session.h"
#include "messaging/session/session.h"

namespace le {
namespace messaging {

class OwnerState;
class Runtime;
class ServiceHandler;

// What its clients may cost a service.
struct ServiceLimits {
  uint32_t sessions = kDefaultMaxSessions;
  SessionLimits session;
  bool drop_when_slow = false;  // else the session is closed
};

// A name under which clients find this process. The owner's thread only, but
// for the references and the plain getters.
//
//   hidden ◄──Hide/Advertise──► advertised;  Delete from either
//
// It lives until Delete(), and then until its last session is gone.
class Service final : private directory::Offer::Observer {
 public:
  // `runtime` has granted the name.
  Service(Runtime* runtime, Interface interface,
          directory::Introducer* introducer);

  void Ref() { references_.fetch_add(1, std::memory_order_relaxed); }
  void Unref();

  const Interface* interface() const { return &interface_; }
  event::Thread* owner() const { return owner_; }
  bool IsOwner() const { return event::Thread::CurrentOrNull() == owner_; }
  void* context() const { return context_; }
  void set_context(void* context) { context_ = context; }

  void Advertise();
  void Hide() { offer_.reset(); }
  // Lets go of the caller's reference. The thread keeps it until its last
  // session has been told.
  void Delete();
  // The owner ends: the same, and what is owed is delivered now.
  void Abolish();

  enum class When : uint8_t { kOpen, kClose };
  // The handler's name for RemoveHandler(), valid until then.
  ServiceHandler* AddHandler(When when, SessionHandler handler, void* context);
  static void RemoveHandler(ServiceHandler* handler);
  static Service* OwnerOf(ServiceHandler* handler);
  void SetReceiveHandler(MessageHandler handler, void* context);

  void SetLimits(const ServiceLimits& limits);
  const ServiceLimits& limits() const { return limits_; }
  transports::SendLimits send_limits() const;

  // ---- For its sessions ----
  void CallHandlers(When when, Session* session);
  bool HasHandlers(When when) const;
  void Receive(ServerSession* session, MessageRef message);
  void Forget(ServerSession* session);

 private:
  ~Service() override;
  void OnClient(std::unique_ptr<transports::Connection> connection) override;
  void CloseSessions(CloseReason reason);

  Runtime* const runtime_;
  const Interface interface_;
  directory::Introducer* const introducer_;
  event::Thread* const owner_;
  OwnerState* const owner_state_;
  std::atomic<int> references_{1};
  std::unique_ptr<directory::Offer> offer_;
  std::vector<std::unique_ptr<ServiceHandler>> handlers_;
  int iterating_ = 0;  // handlers are being called: removed ones stay for now
  MessageHandler receive_handler_ = nullptr;
  void* receive_context_ = nullptr;
  void* context_ = nullptr;
  ServiceLimits limits_;
  ServerSession* first_session_ = nullptr;
  uint32_t sessions_ = 0;
  bool deleted_ = false;
  bool warned_of_no_receive_handler_ = false;
};

// One added handler of a service.
class ServiceHandler {
 private:
  friend class Service;
  Service* service = nullptr;  // null: removed
  Service::When when = Service::When::kOpen;
  SessionHandler handler = nullptr;
  void* context = nullptr;
};

}  // namespace messaging
}  // namespace le

#endif  // LE_MESSAGING_MESSAGING_SERVICE_H_
