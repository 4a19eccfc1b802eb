// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef LE_MESSAGING_MESSAGING_SERVER_SESSION_H_
#define LE_MESSAGING_MESSAGING_SERVER_SESSION_H_

#include <atomic>
#include <cstdint>
#include <memory>

#include "event/base/unique_fd.h"
#include "messaging/session/session.h"

namespace le {
namespace messaging {

class Service;

// The server's end. Ten thousand of them should fit in a few megabytes, so
// there is nothing here that an idle session does not need.
class ServerSession final : public Session {
 public:
  explicit ServerSession(Service* service);

  // Says hello and goes on with `connection`. On failure the session is to be
  // dropped (Unref()).
  absl::Status Start(std::unique_ptr<transports::Connection> connection,
                     const transports::SendLimits& limits);

  bool is_client() const override { return false; }
  const Interface* interface() const override;
  CloseReason close_reason() override;
  Service* service() const { return service_; }

  // ---- The owner's thread ----
  // Closes and deletes; the service's close handlers are called by the loop.
  void Close(CloseReason reason);
  void Abolish() override;
  // New limits of the service.
  void SetSendLimits(const transports::SendLimits& limits);

  // Asks the connection who the client is, before it goes: close handlers may
  // want to know.
  void RememberClient();

  // ---- Any thread ----
  // The kernel's word. False once closed, but for the close handlers.
  bool ClientCredentials(event::Credentials* credentials);
  absl::StatusOr<event::UniqueFd> ClientPidFd();
  // Takes the reference of a request that owed a response.
  void Respond(MessageRef request, uint64_t id);
  void GiveUp(uint64_t request) override;

 private:
  friend class Service;
  ~ServerSession() override;

  Full WhenFull(bool is_response) override;
  FrameVerdict Judge(uint8_t type, uint64_t id) override;
  transports::SendLimits send_limits() const override;
  void OnDoomed(CloseReason reason) override;
  event::Credentials far_end() override;
  void OnFarEndClosed(CloseReason reason) override;
  void Deliver(Delivery delivery) override;
  void CompleteBlockedCaller(Delivery) override {}
  // False if there is nothing more to be done for it.
  bool CloseMachine(CloseReason reason);

  Service* const service_;
  ServerSession* next_ = nullptr;  // the service's list
  ServerSession* previous_ = nullptr;
  ServerSessionMachine machine_;      // guarded by mutex()
  event::Credentials client_;         // guarded by mutex(), once it is known
  std::atomic<uint32_t> dropped_{0};  // messages, by the service's policy
  bool knows_client_ = false;         // likewise
  bool announced_ = false;            // open handlers have been called
  bool gone_ = false;  // guarded by mutex(): its close handlers have returned
};

}  // namespace messaging
}  // namespace le

#endif  // LE_MESSAGING_MESSAGING_SERVER_SESSION_H_
