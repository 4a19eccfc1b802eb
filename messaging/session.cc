// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#include "messaging/session.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "event/base/log.h"
#include "messaging/limits.h"
#include "messaging/wire.h"

namespace le {
namespace messaging {

using event::LogLevel;
using transports::Connection;
using transports::IoResult;

namespace {

// The reason that a user is told, for what a connection says.
CloseReason ReasonOf(const absl::Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kUnavailable:
      return CloseReason::kByPeer;
    case absl::StatusCode::kInvalidArgument:
      return CloseReason::kProtocolError;
    default:
      return CloseReason::kSystem;
  }
}

}  // namespace

Session::Session(Runtime* runtime, event::Thread* owner)
    : runtime_(runtime), owner_(owner) {}

Session::~Session() = default;

void Session::Unref() {
  if (references_.fetch_sub(1, std::memory_order_acq_rel) == 1) delete this;
}

absl::Status Session::Adopt(std::unique_ptr<Connection> connection,
                            const transports::SendLimits& limits) {
  connection->SetSendLimits(limits);
  absl::Status attached = connection->Attach(owner_->loop(), this);
  if (!attached.ok()) return attached;
  std::lock_guard<std::mutex> lock(mutex_);
  connection_ = std::move(connection);
  return absl::OkStatus();
}

void Session::DropConnection() {
  std::shared_ptr<Connection> connection;
  {
    std::lock_guard<std::mutex> lock(mutex_);
    connection = std::move(connection_);
    connection_.reset();
  }
  if (connection != nullptr) connection->Close();
}

std::shared_ptr<Connection> Session::SharedConnection() {
  std::lock_guard<std::mutex> lock(mutex_);
  return doom_ == CloseReason::kNone ? connection_ : nullptr;
}

// ---- Sending ---------------------------------------------------------------

Result Session::Send(MessageRef message, event::Instant deadline) {
  return Transmit(kMessageFrame, 0, message.get(), deadline);
}

void Session::Flush() {
  if (std::shared_ptr<Connection> connection = SharedConnection()) {
    connection->Flush();
  }
}

Result Session::Transmit(uint8_t type, uint64_t id, Message* message,
                         event::Instant deadline) {
  const std::shared_ptr<Connection> connection = SharedConnection();
  if (connection == nullptr) return Result::kClosed;

  transports::OutgoingFrame frame;
  frame.type = type;
  frame.id = id;
  if (message != nullptr) {
    if (message->size_was_set()) frame.type |= kLengthWasSet;
    frame.payload = message->PayloadToSend();
    if (message->IsSoleReference()) {
      // What the user wrote beyond the length it set goes nowhere.
      message->buffer()->ZeroFrom(frame.payload.size());
      frame.movable_payload = message->buffer();
    }
    if (message->has_outgoing_descriptor()) {
      frame.descriptor = message->outgoing_descriptor();
    }
  }

  for (;;) {
    switch (connection->Send(frame)) {
      case IoResult::kOk:
        return Result::kOk;
      case IoResult::kClosed:
        return Result::kClosed;
      case IoResult::kWouldBlock:
        break;
    }
    switch (WhenFull(type == kResponseFrame || type == kUnansweredFrame)) {
      case Full::kWait: {
        const Result room = WaitForRoom(connection, deadline);
        if (room != Result::kOk) return room;
        break;
      }
      case Full::kDrop:
        return Result::kClosed;
      case Full::kDoom:
        Doom(CloseReason::kSlowReader);
        return Result::kClosed;
    }
  }
}

Result Session::WaitForRoom(const std::shared_ptr<Connection>& connection,
                            event::Instant deadline) {
  if (!IsOwner()) {
    return connection->Wait(Connection::kWritable, deadline)
               ? Result::kOk
               : Result::kTimedOut;
  }
  // Whoever we wait for may in turn wait for what this turn has gathered, or
  // for us to read.
  owner_->loop()->RunTurnEndHooks();
  const bool may_read = MayHoldMore();
  const uint32_t what =
      Connection::kWritable | (may_read ? Connection::kReadable : 0);
  if (!connection->Wait(what, deadline)) return Result::kTimedOut;
  if (may_read && ReceiveAndHold(absl::InfinitePast()) == IoResult::kClosed) {
    return Result::kClosed;
  }
  return Result::kOk;
}

// ---- Receiving -------------------------------------------------------------

void Session::OnReadable() {
  const SessionRef keep(this);
  DeliverInbox();
  Connection* const connection = connection_.get();
  if (connection == nullptr) return;
  do {
    {
      // Handlers may have left more in line than was there when we began.
      std::lock_guard<std::mutex> lock(mutex_);
      if (!inbox_.empty()) return;
    }
    transports::IncomingFrame frame;
    switch (connection->Receive(&frame, protocol()->buffers(),
                                absl::InfinitePast())) {
      case IoResult::kWouldBlock:
        return;
      case IoResult::kClosed:
        CloseAsTold(connection->close_status());
        DeliverInbox();
        return;
      case IoResult::kOk:
        HandleFrame(std::move(frame), Held::kNow);
        break;
    }
    DeliverInbox();
    // A handler may have closed or reopened the session.
  } while (connection_.get() == connection && connection->HasBuffered());
}

IoResult Session::ReceiveAndHold(event::Instant deadline) {
  if (connection_ == nullptr) return IoResult::kClosed;
  transports::IncomingFrame frame;
  const IoResult result =
      connection_->Receive(&frame, protocol()->buffers(), deadline);
  if (result == IoResult::kClosed) {
    CloseAsTold(connection_->close_status());
  } else if (result == IoResult::kOk) {
    HandleFrame(std::move(frame), Held::kLater);
    if (connection_ == nullptr) return IoResult::kClosed;
  }
  return result;
}

void Session::HandleFrame(transports::IncomingFrame frame, Held held) {
  FrameVerdict verdict;
  {
    std::lock_guard<std::mutex> lock(mutex_);
    verdict = Judge(frame.type, frame.id);
  }
  Delivery delivery{Delivery::Kind::kMessage};
  switch (verdict.what) {
    case FrameVerdict::What::kFault:
      CloseForFault(CloseReason::kProtocolError, verdict.fault);
      return;
    case FrameVerdict::What::kIgnore:
      return;
    case FrameVerdict::What::kDeliver:
      delivery.message = MakeMessage(frame.type, std::move(frame));
      break;
    case FrameVerdict::What::kComplete:
      delivery.kind = Delivery::Kind::kCompletion;
      delivery.completion = verdict.completion;
      delivery.message = MakeMessage(frame.type, std::move(frame));
      break;
    case FrameVerdict::What::kCompleteUnanswered:
      delivery.kind = Delivery::Kind::kCompletion;
      delivery.completion = verdict.completion;
      delivery.result = Result::kUnanswered;
      break;
  }
  if (delivery.completion.kind == Completion::Kind::kBlockedCaller) {
    CompleteBlockedCaller(std::move(delivery));
  } else if (held == Held::kNow) {
    Deliver(std::move(delivery));
  } else {
    const bool too_much = !MayHoldMore();
    if (delivery.message) delivery.message->Pack();
    Owe(std::move(delivery));
    if (too_much) {
      CloseForFault(CloseReason::kReceiveLimit,
                    "it went on sending while this thread was blocked");
    }
  }
}

MessageRef Session::MakeMessage(uint8_t type, transports::IncomingFrame frame) {
  MessageRef message(protocol()->NewMessage(this, std::move(frame.payload)));
  message->received_size_was_set_ = (type & kLengthWasSet) != 0;
  message->size_ = message->payload_.size();
  message->descriptor_ = std::move(frame.descriptor);
  if (frame.descriptor_lost) {
    event::Log(LogLevel::kWarning,
               absl::StrCat("interface '", interface()->name,
                            "': the descriptor of a message could not be "
                            "received (none left in this process?)"));
  }
  if (PlainType(type) == kRequestFrame) {
    message->is_received_request_ = true;
    message->request_id_.store(frame.id, std::memory_order_release);
  }
  return message;
}

bool Session::MayHoldMore() {
  std::lock_guard<std::mutex> lock(mutex_);
  return inbox_.bytes() < DefaultQueuedBytes(protocol()->max_message_size());
}

void Session::CloseForFault(CloseReason reason, absl::string_view what) {
  LogClosing(reason, what);
  OnFarEndClosed(reason);
}

void Session::CloseAsTold(const absl::Status& status) {
  const CloseReason reason = ReasonOf(status);
  if (reason == CloseReason::kByPeer) {
    OnFarEndClosed(reason);
  } else {
    CloseForFault(reason, status.message());
  }
}

void Session::LogClosing(CloseReason reason, absl::string_view what) {
  const event::Credentials peer = far_end();
  event::Log(
      LogLevel::kError,
      absl::StrCat("interface '", interface()->name,
                   "': closing the session with pid ", peer.pid, " of user ",
                   peer.uid, ": ", CloseReasonText(reason), " (", what, ")"));
}

// ---- Delivering ------------------------------------------------------------

void Session::Doom(CloseReason reason) {
  {
    std::lock_guard<std::mutex> lock(mutex_);
    if (doom_ != CloseReason::kNone || connection_ == nullptr) return;
    doom_ = reason;
  }
  ScheduleDelivery();
}

void Session::Owe(Delivery delivery) {
  {
    std::lock_guard<std::mutex> lock(mutex_);
    if (delivery.kind == Delivery::Kind::kCompletion) {
      inbox_.PushBeforeClose(std::move(delivery));
    } else {
      inbox_.Push(std::move(delivery));
    }
  }
  ScheduleDelivery();
}

void Session::ScheduleDelivery() {
  std::lock_guard<std::mutex> lock(mutex_);
  if (delivery_posted_) return;
  delivery_posted_ = true;
  Ref();  // until Run() or CancelDelivery()
  owner_->loop_if_made()->Post(this);
}

void Session::CancelDelivery() {
  {
    std::lock_guard<std::mutex> lock(mutex_);
    if (!std::exchange(delivery_posted_, false)) return;
    owner_->loop()->Cancel(this);
  }
  Unref();  // the post's
}

bool Session::IsDeliveryPosted() {
  std::lock_guard<std::mutex> lock(mutex_);
  return delivery_posted_;
}

void Session::Run() {
  CloseReason doom;
  {
    std::lock_guard<std::mutex> lock(mutex_);
    delivery_posted_ = false;
    doom = std::exchange(doom_, CloseReason::kNone);
  }
  const SessionRef keep(this);
  Unref();  // the post's
  if (doom != CloseReason::kNone) OnDoomed(doom);
  DeliverInbox();
  OnDelivered();
}

void Session::DeliverInbox() {
  size_t count;
  {
    std::lock_guard<std::mutex> lock(mutex_);
    count = inbox_.size();
  }
  for (; count > 0; --count) {
    std::unique_lock<std::mutex> lock(mutex_);
    if (inbox_.empty()) return;  // a handler closed the session
    Delivery delivery = inbox_.Pop();
    lock.unlock();
    if (delivery.message) delivery.message->Unpack();
    Deliver(std::move(delivery));
  }
}

void Session::DeliverAll() {
  for (;;) {
    {
      std::lock_guard<std::mutex> lock(mutex_);
      if (inbox_.empty()) return;
    }
    DeliverInbox();
  }
}

}  // namespace messaging
}  // namespace le
