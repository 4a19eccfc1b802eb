// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#include "messaging/session.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "event/base/log.h"
#include "messaging/limits.h"
#include "messaging/owner_state.h"
#include "messaging/protocol.h"
#include "messaging/wire.h"

namespace le {
namespace messaging {

using event::LogLevel;
using transports::Connection;
using transports::ConnectionRef;
using transports::IoResult;

namespace {

// Packets of one session in a turn: the others have their turn too.
constexpr int kMaxPacketsPerTurn = 16;

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

Session::Session(event::Thread* owner, Protocol* protocol)
    : owner_(owner), pool_(OwnerState::Of(owner)->PoolOf(protocol)) {
  pool_->Ref();
}

Session::~Session() { pool_->Unref(); }

Message* Session::NewMessage(transports::Buffer payload) {
  MessagePool* const pool = IsOwner() ? pool_ : protocol()->pool();
  return pool->New(this, std::move(payload));
}

void Session::Unref() {
  if (references_.fetch_sub(1, std::memory_order_acq_rel) == 1) delete this;
}

absl::Status Session::Adopt(std::unique_ptr<Connection> connection,
                            const transports::SendLimits& limits) {
  connection->SetSendLimits(limits);
  absl::Status attached = connection->Attach(owner_->loop(), this);
  if (!attached.ok()) return attached;
  std::lock_guard<std::mutex> lock(mutex_);
  connection_ = ConnectionRef(std::move(connection));
  return absl::OkStatus();
}

void Session::DropConnection() {
  ConnectionRef connection;
  {
    std::lock_guard<std::mutex> lock(mutex_);
    connection = std::move(connection_);
  }
  if (connection) connection->Close();
}

ConnectionRef Session::SharedConnection() {
  std::lock_guard<std::mutex> lock(mutex_);
  return doom_ == CloseReason::kNone ? connection_ : ConnectionRef();
}

ConnectionRef Session::ConnectionOrNull() {
  std::lock_guard<std::mutex> lock(mutex_);
  return connection_;
}

// ---- Sending ---------------------------------------------------------------

Result Session::Send(MessageRef message, event::Instant deadline) {
  return Transmit(kMessageFrame, 0, message.get(), deadline,
                  /*others=*/false);
}

void Session::Flush() {
  if (const ConnectionRef connection = SharedConnection()) {
    connection->Flush();
  }
}

Result Session::Transmit(uint8_t type, uint64_t id, Message* message,
                         event::Instant deadline, bool others) {
  // The owner need not keep its connection from going: only it drops it.
  ConnectionRef shared;
  Connection* connection = nullptr;
  if (IsOwner()) {
    if (doom_.load(std::memory_order_relaxed) == CloseReason::kNone) {
      connection = connection_.get();
    }
  } else {
    shared = SharedConnection();
    connection = shared.get();
  }
  if (connection == nullptr) return Result::kClosed;

  transports::OutgoingFrame frame;
  frame.type = type;
  frame.id = id;
  frame.more_to_come = others;
  if (message != nullptr) {
    if (message->size_was_set()) frame.type |= kLengthWasSet;
    frame.payload = message->PayloadToSend();
    frame.headroom = message->buffer()->headroom();
    if (message->IsSoleReference()) frame.movable_payload = message->buffer();
    if (message->has_outgoing_descriptor()) {
      frame.descriptor = message->outgoing_descriptor();
    }
  }

  for (;;) {
    switch (connection->Send(frame)) {
      case IoResult::kOk:
        return Result::kOk;
      case IoResult::kNotIdle:
      case IoResult::kClosed:
        return Result::kClosed;
      case IoResult::kWouldBlock:
        break;
    }
    switch (WhenFull(type == kResponseFrame || type == kUnansweredFrame)) {
      case Full::kWait: {
        if (!shared) shared = SharedConnection();
        if (!shared) return Result::kClosed;  // doomed meanwhile
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

Result Session::WaitForRoom(Connection* connection, event::Instant deadline) {
  if (!IsOwner()) {
    return connection->Wait(Connection::kWritable, deadline)
               ? Result::kOk
               : Result::kTimedOut;
  }
  // Whoever we wait for may in turn wait for what this turn has gathered, or
  // for us to read.
  owner_->loop()->RunTurnEndHooks();
  const bool may_read = MayHoldMore(/*with_descriptor=*/true);
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
  int packets = 0;
  do {
    // Handlers may have left more in line than was there when we began.
    if (!inbox_.empty()) return;
    transports::IncomingFrame frame;
    switch (
        connection->Receive(&frame, pool_->buffers(), absl::InfinitePast())) {
      case IoResult::kWouldBlock:
        return;
      case IoResult::kNotIdle:
      case IoResult::kClosed:
        CloseAsTold(connection->close_status());
        DeliverInbox();
        return;
      case IoResult::kOk:
        HandleFrame(std::move(frame), Held::kNow);
        break;
    }
    DeliverInbox();
    // A handler may have closed or reopened the session. What the far end sends
    // in several packets is answered in one, if it is taken in one turn.
  } while (connection_.get() == connection &&
           (connection->HasBuffered() ||
            (connection->MayHaveMore() && ++packets < kMaxPacketsPerTurn)));
}

IoResult Session::ReceiveAndHold(event::Instant deadline) {
  if (!connection_) return IoResult::kClosed;
  transports::IncomingFrame frame;
  const IoResult result =
      connection_->Receive(&frame, pool_->buffers(), deadline);
  if (result == IoResult::kClosed) {
    CloseAsTold(connection_->close_status());
  } else if (result == IoResult::kOk) {
    HandleFrame(std::move(frame), Held::kLater);
    if (!connection_) return IoResult::kClosed;
  }
  return result;
}

void Session::HandleFrame(transports::IncomingFrame&& frame, Held held) {
  FrameVerdict verdict{FrameVerdict::What::kDeliver, {}, nullptr};
  if (PlainType(frame.type) != kMessageFrame) {
    std::lock_guard<std::mutex> lock(mutex_);
    verdict = Judge(frame.type, frame.id);
  }
  Delivery delivery{Delivery::Kind::kMessage};
  switch (verdict.what) {
    case FrameVerdict::What::kFault:
      CloseForFault(CloseReason::kProtocolError, verdict.fault);
      return;
    case FrameVerdict::What::kTooMuch:
      CloseForFault(CloseReason::kReceiveLimit, verdict.fault);
      return;
    case FrameVerdict::What::kIgnore:
      return;
    case FrameVerdict::What::kDeliver:
      delivery.message = MakeMessage(std::move(frame));
      break;
    case FrameVerdict::What::kComplete:
      delivery.kind = Delivery::Kind::kCompletion;
      delivery.completion = verdict.completion;
      delivery.message = MakeMessage(std::move(frame));
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
    const bool too_much =
        !MayHoldMore(delivery.message && delivery.message->has_descriptor());
    if (delivery.message) delivery.message->Pack();
    Owe(std::move(delivery));
    if (too_much) {
      CloseForFault(CloseReason::kReceiveLimit,
                    "it went on sending while this thread was blocked");
    }
  }
}

MessageRef Session::MakeMessage(transports::IncomingFrame&& frame) {
  const uint8_t type = frame.type;
  MessageRef message(pool_->New(this, std::move(frame.payload)));
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

bool Session::MayHoldMore(bool with_descriptor) {
  const transports::SendLimits limits = send_limits();
  std::lock_guard<std::mutex> lock(mutex_);
  return inbox_.bytes() < limits.bytes &&
         (!with_descriptor || inbox_.descriptors() < limits.descriptors);
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
    if (!connection_) return;
    CloseReason none = CloseReason::kNone;
    if (!doom_.compare_exchange_strong(none, reason)) return;
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
    doom = doom_.exchange(CloseReason::kNone);
  }
  const SessionRef keep(this);
  Unref();  // the post's
  if (doom != CloseReason::kNone) OnDoomed(doom);
  DeliverInbox();
  OnDelivered();
}

void Session::DeliverInbox() {
  if (inbox_.empty()) return;
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
    if (inbox_.empty()) return;
    DeliverInbox();
  }
}

}  // namespace messaging
}  // namespace le
