// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef LE_MESSAGING_MESSAGING_SESSION_SERVICE_H_
#define LE_MESSAGING_MESSAGING_SESSION_SERVICE_H_

#include <atomic>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "directory/introducer.h"
#include "event/base/mutex.h"
#include "event/loop.h"
#include "messaging/machine/latency.h"
#include "messaging/machine/life_cycle.h"
#include "messaging/machine/limits.h"
#include "messaging/session/client_accounts.h"
#include "messaging/session/inspector.h"
#include "messaging/session/referable.h"
#include "messaging/session/server_session.h"
#include "messaging/session/session.h"
#include "messaging/session/taps.h"

namespace le {

namespace inspection {
namespace proto {
class Snapshot;
}  // namespace proto
}  // namespace inspection

namespace messaging {

class Runtime;

// Limits for the clients of a service.
struct ServiceLimits {
  uint32_t sessions = kDefaultMaxSessions;
  SessionLimits session;
  UserLimits user;
  bool drop_when_slow = false;  // otherwise the session is closed
};

// The calls of a service to the program. The owner's loop makes them. A handler
// may close or delete the session and the service.
class ServiceHandler {
 public:
  virtual ~ServiceHandler() = default;
  // Called before the first message of the session.
  virtual void OnOpen(ServerSession* session) = 0;
  virtual void OnMessage(ServerSession* session,
                         event::Ref<Message> message) = 0;
  // Called once for each session for which OnOpen() was called, after a close
  // by either side.
  virtual void OnClose(ServerSession* session) = 0;
  // The queue of the session has room again, after a message did not fit.
  virtual void OnRoom(ServerSession* session) = 0;
  // Whether OnClose() may ask for the client's credentials.
  virtual bool WantsCloses() const = 0;
};

// A name under which clients find this process. The object exists until
// Delete() was called and its last session was freed. Only the owner's thread
// may call a function, unless a comment says otherwise.
class Service final : public event::RefCounted<Service>,
                      public Referable<Service>,
                      public Owned,
                      private event::Timer,
                      private directory::Offer::Observer {
 public:
  // The calling thread owns the service, and has a reference until Delete().
  // The caller has reserved the name by Runtime::TakeServiceName().
  Service(Runtime* runtime, Interface interface,
          directory::Introducer* introducer,
          std::unique_ptr<ServiceHandler> handler);

  const Interface* interface() const { return &interface_; }
  Owner* owner() const { return owner_.get(); }
  ServiceHandler* handler() const { return handler_.get(); }
  void* context() const { return context_.load(std::memory_order_acquire); }
  void set_context(void* context) {
    context_.store(context, std::memory_order_release);
  }

  void Advertise();
  void Hide();
  // Hides the service, closes all sessions, and takes over the caller's
  // reference.
  void Delete() override;
  bool is_deleted() const { return state_ == ServiceState::kDeleted; }
  // Stores the credentials of all clients, so that OnClose() may ask for them
  // (ServiceHandler::WantsCloses()).
  void RememberClients();
  void SetLimits(const ServiceLimits& limits);
  // Sessions that begin from now on receive no file descriptors of clients.
  void RefuseDescriptors() { refuses_descriptors_ = true; }

  // ---- Any thread ----
  ServiceLimits limits();
  bool drops_when_slow() const {
    return drops_when_slow_.load(std::memory_order_relaxed);
  }

  // ---- For its sessions ----
  bool refuses_descriptors() const { return refuses_descriptors_; }
  MessagePool* pool() const { return pool_.get(); }
  uint32_t max_open_requests() const { return max_open_requests_; }
  Latency* latency() { return &latency_; }
  // The session to which references of deleted sessions refer. It exists until
  // Delete().
  const ServerSession* closed_session() const { return closed_session_.get(); }
  void Forget(ServerSession* session);

  Taps* taps() { return &taps_; }

  // ---- For its inspectors ----
  // The largest number of inspectors at the same time. Further inspectors are
  // refused.
  static constexpr size_t kMaxInspectors = 8;
  ServerSession* first_session() const { return first_session_; }
  void Describe(inspection::proto::Snapshot* snapshot);
  void LogTap(absl::string_view what, const event::Credentials& administrator);
  void EndInspection(Inspector* inspector);

 private:
  friend class event::RefCounted<Service>;
  ~Service() override;
  bool Apply(ServiceEvent event);
  void OnClient(std::unique_ptr<transports::Connection> connection,
                const transports::Dialect& client) override;
  void OnInspector(std::unique_ptr<transports::Connection> connection) override;
  void OnExpiry() override;
  // Starts the timer for late_.
  void Retry();
  // Returns false if a limit is reached. Then `why` is the reason, and
  // `connection` is unchanged.
  bool Admit(std::unique_ptr<transports::Connection>* connection,
             const transports::Dialect& client, std::string* why);
  void Shutdown() override;
  bool Abandon() override;
  void LogDebug(absl::string_view what);
  // Sends `why` to the client as a text.
  void TurnAway(transports::Connection* connection, const std::string& why);
  // Returns the user of a new session, and charges the user for the session.
  // Returns null if the session is refused. Then `why` is the reason.
  event::Ref<ServiceUser> TakeUser(uid_t uid, std::string* why);
  void ReturnUser(ServiceUser* user);
  // Called when the user may have more file descriptors or bytes. Resumes the
  // sessions of the user that waited for them.
  void OnReturned(const ServiceUser* user);
  void UpdateLimitsOf(const ServiceUser* user);

  Runtime* const runtime_;
  const Interface interface_;
  directory::Introducer* const introducer_;
  const event::Ref<Owner> owner_;
  const event::Ref<MessagePool> pool_;
  const std::unique_ptr<ServiceHandler> handler_;
  std::unique_ptr<directory::Offer> offer_;  // while state_ is kAdvertised
  ServiceState state_ = ServiceState::kHidden;
  // A client that met a limit. OnExpiry() tries to admit it again.
  struct Late {
    std::unique_ptr<transports::Connection> connection;
    transports::Dialect dialect;
    int tries = 0;
  };
  std::vector<Late> late_;
  event::Ref<ServerSession> closed_session_;
  ServerSession* first_session_ = nullptr;
  uint32_t sessions_ = 0;
  // Values that an inspection shows.
  uint64_t opened_ = 0;       // sessions so far
  uint64_t turned_away_ = 0;  // clients
  SessionCounts ended_;       // of sessions that have ended
  Latency latency_;
  Taps taps_;
  std::vector<std::unique_ptr<Inspector>> inspectors_;
  bool refuses_descriptors_ = false;
  // The users that have sessions or messages.
  std::map<uid_t, event::Ref<ServiceUser>> users_;
  std::atomic<void*> context_{nullptr};

  event::Mutex mutex_;
  ServiceLimits limits_ ABSL_GUARDED_BY(mutex_);
  // Copies of limits that are read for every message.
  uint32_t max_open_requests_ = kMaxOpenRequests;  // the owner's thread
  std::atomic<bool> drops_when_slow_{false};
};

}  // namespace messaging
}  // namespace le

#endif  // LE_MESSAGING_MESSAGING_SESSION_SERVICE_H_
