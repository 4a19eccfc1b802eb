// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef LE_MESSAGING_MESSAGING_SESSION_SERVER_SESSION_H_
#define LE_MESSAGING_MESSAGING_SESSION_SERVER_SESSION_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <utility>

#include "event/base/ref.h"
#include "event/base/unique_fd.h"
#include "messaging/machine/busy_time.h"
#include "messaging/machine/life_cycle.h"
#include "messaging/machine/open_requests.h"
#include "messaging/session/client_accounts.h"
#include "messaging/session/link.h"
#include "messaging/session/session.h"

namespace le {

namespace inspection {
namespace proto {
class Counts;
class Session;
}  // namespace proto
}  // namespace inspection

namespace messaging {

class Service;

// The counts of a session so far. Payloads count without an overhead.
struct SessionCounts {
  uint64_t messages_in = 0;
  uint64_t bytes_in = 0;
  uint64_t requests = 0;
  uint64_t messages_out = 0;
  uint64_t bytes_out = 0;
  uint64_t times_full = 0;
  uint64_t dropped = 0;
  uint64_t busy_ns = 0;

  void Add(const SessionCounts& other);
  void Describe(inspection::proto::Counts* counts) const;
};

// The server's end of a session. Ten thousand idle sessions should fit into a
// few megabytes. So a session has no lock, and only the members that an idle
// one needs. Its state is one atomic word, and its connection exists as long as
// the session.
//
// The owner's thread closes the session and runs all handlers. If another
// thread ends the session, that thread only changes the state and schedules the
// link. The owner's loop does the rest.
//
// The session is charged to its user until its last holder has released it. The
// base class Held counts the holders. The service is a holder until
// LeaveService(). The connection and other threads are holders until they have
// closed the file descriptors of the session.
class ServerSession final : public Session, private event::Held {
 public:
  // The service has a reference until the close handlers have returned. The
  // session is counted for `user` (ClientAccounts::TakeSession()).
  ServerSession(Service* service, event::Ref<ServiceUser> user);
  // Makes a session that has ended. A program may still use the reference of a
  // session whose client has disconnected. Such a stale reference then refers
  // to this session.
  explicit ServerSession(Service* service);

  using Session::Ref;
  using Session::Unref;
  bool is_client() const override { return false; }
  const Interface* interface() const override;
  Owner* owner() const override;
  CloseReason close_reason() override { return life().reason; }
  Service* service() const { return service_.get(); }
  ServiceUser* user() const { return user_.get(); }
  // The owner's thread. Returns the next session of the service, or null.
  ServerSession* next() const { return next_; }
  // The owner's thread.
  SessionCounts counts() const;
  void Describe(inspection::proto::Session* session);

  // ---- The owner's thread ----
  // Attaches `connection` and sends the hello (the first frame of a session).
  // On failure the caller must release the session.
  absl::Status Start(std::unique_ptr<transports::Connection> connection,
                     uint32_t version);
  // Closes the session. If the open handlers were called, the loop calls the
  // close handlers later. Does nothing if the session has ended.
  void Close(CloseReason reason);
  // Called when the owner's thread ends. Closes the session. If the open
  // handlers were called, calls the close handlers at once.
  void Shutdown();
  // Applies a change of the service's limits, or of the user's number of
  // sessions.
  void UpdateSendLimits();
  // Stores the client's credentials. Close handlers may ask for them after the
  // connection is closed, and taps need them for each frame.
  void RememberClient();

  // ---- Any thread ----
  // Copies the client's credentials, which the kernel has reported. Returns
  // false if they are not available: the session is closed, and its close
  // handlers have returned or RememberClient() was not called before the close.
  bool ClientCredentials(event::Credentials* credentials);
  absl::StatusOr<event::UniqueFd> ClientPidFd();
  // Waits for room until `deadline`. If `deadline` is InfiniteFuture(), does
  // not wait: if there is no room, the service's policy applies (Push()).
  Result Send(event::Ref<Message> message, event::Instant deadline) override;
  Result TrySend(Message* message) override;
  void Flush() override;
  size_t QueuedBytes() override;
  // Sends the message of a request back as its response. `id` is the id of the
  // request.
  void Respond(event::Ref<Message> request, uint64_t id);
  void GiveUp(uint64_t request, size_t charged_bytes) override;
  void OnChargeGrown(size_t bytes) override;
  void OnDescriptorTaken() override;
  void DropDescriptor(event::UniqueFd fd) override;

 private:
  friend class Service;
  class Patience;
  class DroppedDescriptor;

  ~ServerSession() override;

  MessagePool* pool() const override;
  TurnQueue* turn_queue() override { return user_->turn_queue(); }
  void BeginServing() override;
  void EndServing() override;
  bool DeliverOwed() override;
  void OnFrame(transports::IncomingFrame&& frame) override;
  void OnWouldBlock() override;
  bool TakesFrames() override;
  void WarnOfDescriptors(absl::string_view consequence);
  void WarnOfBytes();
  // Ends the user's charge for a frame that had arrived in part.
  void ReturnPartial() { user_->ReturnBytes(std::exchange(partial_bytes_, 0)); }
  void OnRoom() override;
  void OnConnectionClosed(const absl::Status& status) override;

  ServerLife life() const { return life_.load(std::memory_order_acquire); }
  bool is_open() const { return life().state == ServerState::kOpen; }
  // Returns false if the event has no effect in the present state.
  bool Apply(ServerEvent event, CloseReason reason = CloseReason::kNone);
  // Ends the session from within the loop.
  void End(CloseReason reason);
  void EndForFault(CloseReason reason, absl::string_view details);
  // Any thread. Ends the session; the loop then closes the connection and calls
  // the handlers.
  void EndLater(CloseReason reason, absl::string_view details);
  // Must be called when the session has ended, and when its state becomes
  // kGone. Closes the connection. In kGone, removes the session from the
  // service. This may destroy the session.
  void Settle();
  absl::Status SendHello(uint32_t version);
  void LeaveService();
  void OnReleased() override;  // the user's charge ends
  event::Credentials client();
  // Returns kOk, kClosed or kNoRoom.
  Result SendFrame(const transports::OutgoingFrame& frame);
  // Sends a frame, and copies it to the taps of the service.
  Result SendTapped(transports::OutgoingFrame frame);
  void CopyToTaps(uint8_t type, uint64_t id, uint8_t flags,
                  absl::Span<const uint8_t> payload);
  // Returns kOk, kClosed, or kNoRoom if the service's policy dropped the
  // message.
  Result Push(transports::OutgoingFrame frame);
  // Sends a response, or the notice that a request gets none. Counts one
  // request of that charge as answered. The frame is queued even if the queue
  // then exceeds gathered_bytes. In this case the session ends if the client
  // reads nothing for kOwedPatience.
  void Answer(transports::OutgoingFrame frame, size_t charged_bytes);
  OpenRequests open_requests() const {
    return OpenRequests(open_requests_.load(std::memory_order_relaxed));
  }

  std::atomic<uint32_t> dropped_{0};  // messages that the policy dropped
  const event::Ref<Service> service_;
  const event::Ref<ServiceUser> user_;
  ServerSession* next_ = nullptr;  // in the service's list
  ServerSession* previous_ = nullptr;
  Link link_{this};
  transports::ConnectionRef connection_;    // set once, by Start()
  std::atomic<uint64_t> open_requests_{0};  // a word of OpenRequests
  std::unique_ptr<Patience> patience_;      // the owner's thread
  event::Credentials client_;  // written once, before knows_client_ is set
  std::atomic<bool> knows_client_{false};
  std::atomic<ServerLife> life_{ServerLife{}};
  static_assert(std::atomic<ServerLife>::is_always_lock_free,
                "it replaces a lock");
  // True if a response was queued beyond gathered_bytes since patience_ last
  // checked. Then patience_ runs, or DeliverOwed() will start it.
  std::atomic<bool> responses_exceed_{false};
  // Whether the limit of open requests was logged. The owner's thread.
  bool told_of_open_requests_ = false;
  // The bytes that the user is charged for a frame that has arrived in part.
  // The owner's thread.
  uint32_t partial_bytes_ = 0;

  // Values that an inspection shows. The owner's thread.
  uint32_t number_ = 0;     // differs for each session of the service
  uint32_t opened_at_ = 0;  // in whole seconds of the clock
  // Created at the first input, so that an idle session stays small.
  struct Received {
    uint64_t messages = 0;
    uint64_t bytes = 0;
    uint64_t requests = 0;
    BusyTime busy;
    // The start of the present period in which at least one request has no
    // response. InfiniteFuture() until the handler of the first request of this
    // period has returned. Not used while each request has a response.
    event::Instant unanswered_since;
  };
  std::unique_ptr<Received> received_;
};

}  // namespace messaging
}  // namespace le

#endif  // LE_MESSAGING_MESSAGING_SESSION_SERVER_SESSION_H_
