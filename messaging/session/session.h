// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef LE_MESSAGING_MESSAGING_SESSION_SESSION_H_
#define LE_MESSAGING_MESSAGING_SESSION_SESSION_H_

#include <atomic>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "directory/interface_description.h"
#include "event/base/log.h"
#include "event/base/ref.h"
#include "event/process.h"
#include "messaging/machine/close_reason.h"
#include "messaging/machine/result.h"
#include "messaging/message/message.h"
#include "messaging/message/message_owner.h"
#include "messaging/message/protocol.h"
#include "messaging/session/owner.h"
#include "messaging/session/referable.h"
#include "transports/transport.h"

namespace le {
namespace messaging {

class TurnQueue;

// The name and the protocol of one side of a binding.
struct Interface {
  std::string name;
  Protocol* protocol = nullptr;
  // The name that the introducer (the interface to the directory) uses. It is
  // unique in the process. If it is empty, `name` is used.
  std::string key = {};

  const std::string& introduced_as() const { return key.empty() ? name : key; }
  // Describes the interface for the introducer.
  directory::InterfaceDescription Describe() const;
};

// The common base of a client's and a server's end of a session. Any thread may
// call a function, unless a comment says otherwise.
class Session : public MessageOwner, public Referable<Session> {
 public:
  virtual bool is_client() const = 0;
  virtual const Interface* interface() const = 0;
  virtual Owner* owner() const = 0;
  virtual CloseReason close_reason() = 0;
  const std::string& interface_name() const override {
    return interface()->name;
  }
  Protocol* protocol() const { return interface()->protocol; }

  void* context() const { return context_.load(std::memory_order_acquire); }
  void set_context(void* context) {
    context_.store(context, std::memory_order_release);
  }

  // A zero-filled message of this session.
  event::Ref<Message> NewMessage();
  // Sends a message that asks for no response. Returns kOk, kClosed or
  // kTimedOut. A server may also return kNoRoom: the service's policy has
  // dropped the message.
  virtual Result Send(event::Ref<Message> message, event::Instant deadline) = 0;
  // Like Send(), but does not wait. If it returns kNoRoom, the message is not
  // changed, and the handler's OnRoom() will be called.
  virtual Result TrySend(Message* message) = 0;
  // Sends as many queued frames as can be sent without waiting.
  virtual void Flush() = 0;
  // The bytes that are queued for the far end, see Connection::queued_bytes().
  // 0: the session is not open.
  virtual size_t QueuedBytes() = 0;

 protected:
  friend class Link;

  Session() = default;
  explicit Session(Family family) : Referable(family) {}

  virtual MessagePool* pool() const = 0;

  // ---- Called by the owner's loop; each may call the program's handlers ----
  // Makes the deliveries (calls of the program's handlers) that are due. The
  // link calls it before it receives more. Returns false if more deliveries are
  // due. In this case the link is scheduled for them.
  virtual bool DeliverOwed() = 0;
  // A frame has arrived.
  virtual void OnFrame(transports::IncomingFrame&& frame) = 0;
  // Receive() has returned kWouldBlock. A part of a frame may have arrived.
  virtual void OnWouldBlock() {}
  // Whether this end receives frames now.
  virtual bool TakesFrames() { return true; }
  // The queue that bounds the time of all sessions of this session's user. Null
  // if there is no bound. Never null while the link is in the queue.
  virtual TurnQueue* turn_queue() { return nullptr; }
  // The link calls these before and after it receives frames and runs the
  // handlers of their messages.
  virtual void BeginServing() {}
  virtual void EndServing() {}
  // The queue has room again, after a message did not fit.
  virtual void OnRoom() = 0;
  // The connection is closed. `status` is the reason.
  virtual void OnConnectionClosed(const absl::Status& status) = 0;

  // Logs a line about this session, at debug level.
  template <typename... Args>
  void LogDebug(const Args&... what) {
    if (!event::LogEnabled(event::LogLevel::kDebug)) return;
    event::Log(event::LogLevel::kDebug,
               absl::StrCat("interface '", interface_name(), "': ", what...));
  }
  // Logs that this session is being closed, and the reason.
  void LogClosing(const event::Credentials& far_end, CloseReason reason,
                  absl::string_view details);
  // Sends over `connection`. Returns kOk, kClosed, kNoRoom or kNoMemory.
  static Result SendOver(transports::Connection* connection,
                         const transports::OutgoingFrame& frame);
  // Translates the close status of a connection into a close reason.
  static CloseReason ReasonOf(const absl::Status& status);

 private:
  std::atomic<void*> context_{nullptr};
};

}  // namespace messaging
}  // namespace le

#endif  // LE_MESSAGING_MESSAGING_SESSION_SESSION_H_
