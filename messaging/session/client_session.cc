// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#include "messaging/session/client_session.h"

#include <algorithm>
#include <new>
#include <utility>

#include "absl/base/optimization.h"
#include "absl/strings/str_cat.h"
#include "event/base/log.h"
#include "event/peer_log.h"
#include "messaging/session/blocked_caller.h"
#include "messaging/session/client_accounts.h"
#include "transports/closer.h"
#include "transports/wire_version.h"

namespace le {
namespace messaging {

using event::LogLevel;
using event::MutexLock;
using transports::Connection;
using transports::ConnectionRef;
using transports::IoResult;

namespace {

// The largest number of rounds of deliveries at the end of a thread. The number
// is bounded, because a handler may make a new request in each round.
// Completions that are due after the last round call no handler.
constexpr int kMaxRoundsAtEnd = 8;

// A server may send ignorable frames without end. When the deadline of a
// blocking call has passed, the call receives at most this many of them. Any
// frame behind these is too late. For other frames, the limits of the inbox and
// of open requests are the bound.
constexpr int kMaxIgnorableFramesTooLate = 256;

Result ToResult(const absl::Status& opening) {
  switch (opening.code()) {
    case absl::StatusCode::kOk:
      return Result::kOk;
    case absl::StatusCode::kDeadlineExceeded:
      return Result::kTimedOut;
    case absl::StatusCode::kNotFound:
      return Result::kNotOffered;
    case absl::StatusCode::kPermissionDenied:
      return Result::kNoBinding;
    case absl::StatusCode::kFailedPrecondition:
      return Result::kOtherProtocol;
    case absl::StatusCode::kResourceExhausted:
      return Result::kServiceFull;
    default:
      return Result::kNoDirectory;
  }
}

}  // namespace

CloseReason ClientSession::close_reason() {
  MutexLock lock(&mutex_);
  return machine_.close_reason();
}

directory::WaitCause ClientSession::wait_cause() {
  if (owner_->IsCurrent() && attempt_ != nullptr) return attempt_->cause();
  MutexLock lock(&mutex_);
  directory::WaitCause cause = wait_cause_;
  if (cause.known() && cause.text.empty()) {
    cause.text = "the directory is being asked";
  }
  return cause;
}

void ClientSession::OnCause(const directory::WaitCause& cause) {
  MutexLock lock(&mutex_);
  wait_cause_ = cause;
}

bool ClientSession::is_closed() {
  MutexLock lock(&mutex_);
  return machine_.is_closed();
}

bool ClientSession::is_deleted() {
  MutexLock lock(&mutex_);
  return machine_.state() == ClientState::kDeleted;
}

bool ClientSession::ServerCredentials(event::Credentials* credentials) {
  MutexLock lock(&mutex_);
  if (machine_.state() != ClientState::kOpen) return false;
  *credentials = server_;
  return true;
}

void ClientSession::SetLimits(const SessionLimits& limits) {
  {
    MutexLock lock(&mutex_);
    limits_ = limits;
    machine_.LimitRequests(limits.open_requests);
  }
  if (Connection* connection = link_.attached()) {
    connection->SetSendLimits(send_limits());
  }
}

SessionLimits ClientSession::limits() {
  MutexLock lock(&mutex_);
  return limits_;
}

transports::SendLimits ClientSession::send_limits() {
  return limits().ToSend(interface_.protocol->max_message_size());
}

// ---- Opening ---------------------------------------------------------------

void ClientSession::Open(Completion done, event::Instant deadline) {
  StartOpening(done, owner_->loop(), /*waits=*/true, deadline);
}

Result ClientSession::OpenSync(bool waits, event::Instant deadline) {
  BlockedCaller caller;
  owner_->loop()->RunTurnEndHooks();
  event::Loop* const control = owner_->thread()->control_loop();
  control->RunUntil(
      [&] { StartOpening(caller.completion(), control, waits, deadline); },
      &caller.done);
  switch (caller.result) {
    case Result::kNotOffered:
    case Result::kNoBinding:
    case Result::kNoDirectory:
    case Result::kServiceFull:
      WarnOfFailedOpening(wait_cause().text);
      break;
    default:  // OnEnded() logs kOtherProtocol, OpenAttempt logs a long wait
      break;
  }
  return caller.result;
}

void ClientSession::WarnOfFailedOpening(absl::string_view why) {
  // A program may retry without end. So LogForPeer() bounds the number of
  // lines.
  event::LogForPeer(LogLevel::kWarning, event::kUnknownPeer,
                    absl::StrCat("interface '", interface_.name,
                                 "': cannot open a session: ", why));
}

void ClientSession::StartOpening(const Completion& done, event::Loop* loop,
                                 bool waits, event::Instant deadline) {
  bool opens;
  {
    MutexLock lock(&mutex_);
    if (!done.on_stack) inbox_.Reserve();
    opening_ = done;
    machine_.Number(&opening_);
    opens = machine_.Open();
    // The report of an earlier close by the far end may still be due. A new
    // opening drops that report.
    if (opens) {
      LeaveOpeningLocked();
      // The directory has not answered yet.
      wait_cause_.reason = directory::WaitReason::kNoAnswer;
    }
  }
  if (!opens) {
    event::Log(
        LogLevel::kWarning,
        absl::StrCat("interface '", interface_.name,
                     "': not opened: the thread that created the session is "
                     "ending"));
    Complete(std::exchange(opening_, {}), Result::kClosed);
    return;
  }
  FinishLeaving();
  LogDebug(waits ? "opening" : "opening, if that is possible now");
  OpenAttempt::Observer* const observer = this;
  attempt_ = std::make_unique<OpenAttempt>(
      introducer_, loop, interface_.Describe(), waits, deadline, observer);
}

absl::Status ClientSession::OnTaken(std::unique_ptr<Connection> connection,
                                    const Hello& hello,
                                    const event::Credentials& server) {
  connection->SetTrust(event::Process::Current()->IsStranger(server.uid)
                           ? Connection::Trust::kStranger
                           : Connection::Trust::kTrusted,
                       server.uid, {});
  connection->ReportSilence(kResponsePatience);
  absl::Status attached = link_.Attach(connection.get(), send_limits());
  if (!attached.ok()) return attached;
  ConnectionRef present(std::move(connection));
  {
    MutexLock lock(&mutex_);
    std::swap(connection_, present);
    machine_.OnIntroduced(hello);
    wait_cause_ = directory::WaitCause();
    server_ = server;
    open_epoch_.store(machine_.epoch(), std::memory_order_release);
  }
  return absl::OkStatus();
}

void ClientSession::OnEnded(const absl::Status& status) {
  // `attempt` must exist until this returns, because one of its functions is on
  // the stack.
  const std::unique_ptr<OpenAttempt> attempt = std::move(attempt_);
  open_status_ = status;
  if (!status.ok()) {
    if (status.code() == absl::StatusCode::kFailedPrecondition) {
      WarnOfFailedOpening(status.message());
    }
    LogDebug("not opened: ", status.message());
    MutexLock lock(&mutex_);
    machine_.OnGivenUp();
  }
  Complete(std::exchange(opening_, {}), ToResult(status));
}

// ---- Ending ----------------------------------------------------------------

void ClientSession::End(CloseReason reason, absl::string_view fault) {
  EndLater(open_epoch_.load(std::memory_order_relaxed), reason, fault);
  SettleEnd();
}

void ClientSession::EndLater(Epoch epoch, CloseReason reason,
                             absl::string_view fault) {
  event::Credentials server;
  {
    MutexLock lock(&mutex_);
    if (!machine_.End(epoch, reason)) return;
    open_epoch_.store(kNoEpoch, std::memory_order_release);
    server = server_;
  }
  if (!fault.empty()) LogClosing(server, reason, fault);
  link_.Schedule();
}

void ClientSession::EndForStatus(const absl::Status& status) {
  const CloseReason reason = ReasonOf(status);
  End(reason, reason == CloseReason::kByPeer ? "" : status.message());
}

void ClientSession::SettleEnd() {
  absl::optional<Completion> blocked_caller;
  {
    MutexLock lock(&mutex_);
    if (machine_.state() != ClientState::kClosing ||
        link_.attached() == nullptr) {
      return;
    }
    while (const auto request = machine_.TakeRequest()) {
      if (request->on_stack) {
        blocked_caller = request;
      } else {
        inbox_.Push({{}, *request, Result::kClosed});
      }
    }
    inbox_.End();
  }
  link_.Close();
  LogDebug("closed: ", CloseReasonText(close_reason()));
  if (blocked_caller.has_value()) Complete(*blocked_caller, Result::kClosed);
}

void ClientSession::LeaveOpeningLocked() {
  open_epoch_.store(kNoEpoch, std::memory_order_release);
  while (const auto request = machine_.TakeRequest()) {
    inbox_.Push({{}, *request, Result::kClosed});
  }
  if (attempt_ != nullptr) {
    inbox_.Push({{}, std::exchange(opening_, {}), Result::kClosed});
  }
  inbox_.Close();
  wait_cause_ = directory::WaitCause();
}

void ClientSession::FinishLeaving() {
  attempt_.reset();
  link_.Close();
  event::Ref<Message> dropped;
  bool owes;
  do {
    dropped.reset();  // releases the message without the lock
    MutexLock lock(&mutex_);
    dropped = inbox_.TakeDropped();
    owes = !inbox_.empty();
  } while (dropped);
  if (owes) link_.Schedule();
}

void ClientSession::Close() {
  {
    MutexLock lock(&mutex_);
    if (!machine_.Close(CloseReason::kByCaller)) return;
    LeaveOpeningLocked();
  }
  LogDebug("closed by the program");
  FinishLeaving();
}

void ClientSession::Delete() {
  const auto keep = event::Ref<ClientSession>::Adopt(this);  // the program's
  {
    MutexLock lock(&mutex_);
    machine_.Close(CloseReason::kByCaller);
    machine_.Delete();
    LeaveOpeningLocked();
  }
  FinishLeaving();
  DropDeadlines();
  LeaveOwnerIfDone();
}

void ClientSession::Drop() {
  dropped_ = true;
  Delete();
}

void ClientSession::Shutdown() {
  const auto keep = event::Ref<ClientSession>::Share(this);
  {
    MutexLock lock(&mutex_);
    machine_.Retire();
    LeaveOpeningLocked();
  }
  FinishLeaving();
  DropDeadlines();
  // If the handler of a completion makes a request, the request is refused. The
  // completion of this request is then due in the next round.
  for (int round = 0; round < kMaxRoundsAtEnd; ++round) {
    if (DeliverOwed()) break;
  }
  link_.CancelSchedule();
}

void ClientSession::LeaveOwnerIfDone() {
  {
    MutexLock lock(&mutex_);
    if (machine_.state() != ClientState::kDeleted) return;
    if (!inbox_.empty() && !owner_->ending()) return;
  }
  if (owner_->Remove(this)) Unref();
}

bool ClientSession::Abandon() {
  const auto keep = event::Ref<ClientSession>::Adopt(this);  // the owner's
  link_.CancelSchedule();
  MutexLock lock(&mutex_);
  is_abandoned_ = true;
  return machine_.state() != ClientState::kDeleted;
}

// ---- Sending ---------------------------------------------------------------

ClientSession::Route ClientSession::RouteLocked() {
  Route route;
  if (machine_.state() != ClientState::kOpen) return route;
  route.epoch = machine_.epoch();
  route.connection = connection_.get();
  // The owner needs no reference: only the owner replaces the connection.
  if (!owner_->IsCurrent()) route.shared = connection_;
  return route;
}

ClientSession::Route ClientSession::PresentRoute() {
  if (!owner_->IsCurrent()) {
    MutexLock lock(&mutex_);
    return RouteLocked();
  }
  Route route;
  route.epoch = open_epoch_.load(std::memory_order_acquire);
  if (route.epoch != kNoEpoch) route.connection = link_.attached();
  return route;
}

Result ClientSession::Send(event::Ref<Message> message,
                           event::Instant deadline) {
  const Route route = PresentRoute();
  if (route.connection == nullptr) {
    // Without a deadline the caller may get no result, so the drop is logged.
    if (deadline == absl::InfiniteFuture()) WarnOfDroppedMessage();
    return Result::kClosed;
  }
  transports::OutgoingFrame frame = message->ToFrame(kMessageFrame, 0);
  return SendOn(route, &frame, deadline);
}

Result ClientSession::TrySend(Message* message) {
  const Route route = PresentRoute();
  if (route.connection == nullptr) return Result::kClosed;
  return SendNow(route, message->ToFrame(kMessageFrame, 0));
}

Result ClientSession::SendNow(const Route& route,
                              const transports::OutgoingFrame& frame) {
  const Result sent = SendOver(route.connection, frame);
  if (sent != Result::kNoMemory) return sent;
  EndLater(route.epoch, CloseReason::kSystem, "no memory for a message");
  return Result::kClosed;
}

void ClientSession::OnRoom() {
  if (open_epoch_.load(std::memory_order_relaxed) != kNoEpoch) {
    handler_->OnRoom(this);
  }
}

void ClientSession::Flush() {
  const Route route = PresentRoute();
  if (route.connection != nullptr) route.connection->Flush();
}

size_t ClientSession::QueuedBytes() {
  const Route route = PresentRoute();
  return route.connection == nullptr ? 0 : route.connection->queued_bytes();
}

Result ClientSession::SendOn(const Route& route,
                             transports::OutgoingFrame* frame,
                             event::Instant deadline) {
  Result sent = SendNow(route, *frame);
  if (ABSL_PREDICT_TRUE(sent != Result::kNoRoom)) return sent;
  // A message with a deadline may wait even in a handler. A request may not,
  // because its deadline is for its response.
  const bool waits_as_told = PlainType(frame->type) == kMessageFrame &&
                             deadline != absl::InfiniteFuture();
  if (!waits_as_told && MustNotWait()) return Gather(route, frame);
  const bool may_gather = !waits_as_told && MayGather(*frame);
  event::Process* const process = event::Process::Current();
  route.connection->stalled_since();  // begins the measurement
  event::Instant warn_at = process->Now() + kRoomPatience;
  for (;;) {
    event::Instant until = deadline;
    if (may_gather) {
      const event::Instant now = process->Now();
      // stalled_since() is InfiniteFuture() if the queue is empty by now.
      const event::Instant stalled =
          std::min(route.connection->stalled_since(), now);
      event::Instant look_at = stalled + kRoomPatience;
      if (look_at <= now) {
        sent = SendGathered(route, frame);
        if (sent != Result::kNoRoom) return sent;
        if (now - stalled >= kOwedPatience) {
          return EndForNoRoom(route, "it has received nothing for 10 s");
        }
        look_at = now + kRoomPatience;
      }
      until = std::min(deadline, look_at);
    }
    if (!WaitForRoom(route.connection, until, &warn_at) ||
        open_epoch_.load(std::memory_order_acquire) != route.epoch) {
      return Result::kClosed;
    }
    // There may be room for this frame, although there is less than
    // WaitForRoom() waits for.
    sent = SendNow(route, *frame);
    if (sent != Result::kNoRoom) return sent;
    // A server may send without end and read nothing. The frames that arrive
    // must not extend the wait.
    if (process->Now() >= deadline) return Result::kTimedOut;
  }
}

// While a thread waits, its services stand still. If their clients wait in the
// same way, nobody continues. So a thread with a service does not wait for a
// server that receives nothing. It does wait in two cases:
//  - With a file descriptor, because only the limits of Room::kQueue bound the
//    number of these.
//  - With the last request that may be open, because the next one would fail.
// Beyond the limit of Room::kGathered it waits up to kOwedPatience, and then
// ends the session: otherwise two such threads could wait for ever.
bool ClientSession::MayGather(const transports::OutgoingFrame& frame) {
  if (frame.descriptor != nullptr || !Owner::CurrentHasService()) return false;
  if (PlainType(frame.type) == kMessageFrame) return true;
  MutexLock lock(&mutex_);
  return machine_.requests() < limits_.open_requests;
}

Result ClientSession::SendGathered(const Route& route,
                                   transports::OutgoingFrame* frame) {
  frame->room = transports::Room::kGathered;
  const Result sent = SendNow(route, *frame);
  frame->room = transports::Room::kQueue;
  return sent;
}

Result ClientSession::Gather(const Route& route,
                             transports::OutgoingFrame* frame) {
  const Result sent = SendGathered(route, frame);
  if (sent != Result::kNoRoom) return sent;
  return EndForNoRoom(route,
                      "the sender must not wait, because it runs in a handler "
                      "or on the server's thread");
}

Result ClientSession::EndForNoRoom(const Route& route, absl::string_view why) {
  EndLater(route.epoch, CloseReason::kSlowReader,
           absl::StrCat(route.connection->queued_bytes(),
                        " bytes are queued for it, and ", why));
  return Result::kClosed;
}

void ClientSession::WarnOfDroppedMessage() {
  // A server that closes sessions could cause any number of lines. So
  // LogForPeer() bounds their number.
  event::LogForPeer(
      LogLevel::kWarning, event::kUnknownPeer,
      absl::StrCat("interface '", interface_.name,
                   "': a message is dropped: the session is ", WhyNotOpen()));
}

const char* ClientSession::WhyNotOpen() {
  MutexLock lock(&mutex_);
  return machine_.state() == ClientState::kOpening
             ? "still being opened (wait for its callback, or use "
               "le_msg_OpenSessionSync())"
             : "not open";
}

bool ClientSession::MustNotWait() {
  event::Thread* const thread = event::Thread::Current();
  const event::Loop* const loop = thread->loop_if_made();
  if (loop != nullptr && loop->InTurn()) return true;
  MutexLock lock(&mutex_);
  return machine_.server_thread() == thread->token();
}

void ClientSession::WaitOrWarn(Connection* connection, uint32_t events,
                               event::Instant deadline,
                               event::Instant* warn_at) {
  event::Process* const process = event::Process::Current();
  for (;;) {
    const bool ready = connection->Wait(
        events, std::min({deadline, *warn_at, process->Now() + kRoomPatience}));
    if (process->Now() >= *warn_at) {
      *warn_at = absl::InfiniteFuture();
      WarnOfNoRoom(connection);
    }
    // Another thread may have ended the session. This does not wake the thread
    // that waits here.
    if (ready || open_epoch_.load(std::memory_order_acquire) == kNoEpoch ||
        process->Now() >= deadline) {
      return;
    }
  }
}

void ClientSession::WarnOfNoRoom(Connection* connection) {
  event::Credentials server;
  {
    MutexLock lock(&mutex_);
    server = server_;
  }
  const absl::Duration stalled =
      event::Process::Current()->Now() - connection->stalled_since();
  event::LogForPeer(
      LogLevel::kWarning, server.uid,
      absl::StrCat(
          "interface '", interface_.name, "': a send waits for room: pid ",
          server.pid, " of user ", server.uid,
          stalled < kRoomPatience
              ? " reads slowly"
              : " has received nothing for 1 s (it is busy or "
                "stopped)",
          ", and ", connection->queued_bytes(), " bytes are queued for it"));
}

bool ClientSession::WaitForRoom(Connection* connection, event::Instant deadline,
                                event::Instant* warn_at) {
  const bool reads = owner_->IsCurrent();
  // The far end may be waiting for this thread to read.
  WaitOrWarn(connection,
             Connection::kWritable | (reads ? Connection::kReadable : 0),
             deadline, warn_at);
  return !reads || ReceiveIntoInbox(absl::InfinitePast()) != IoResult::kClosed;
}

// ---- Receiving -------------------------------------------------------------

void ClientSession::OnFrame(transports::IncomingFrame&& frame) {
  if (PlainType(frame.type) == kMessageFrame) {
    handler_->OnMessage(this, pool_->NewReceived(this, std::move(frame)));
    return;
  }
  absl::optional<Delivery> delivery =
      ToDelivery(std::move(frame), /*into_inbox=*/false);
  if (delivery.has_value()) Deliver(*std::move(delivery));
}

void ClientSession::OnConnectionClosed(const absl::Status& status) {
  EndForStatus(status);
  DeliverOwed();
}

IoResult ClientSession::ReceiveIntoInbox(event::Instant deadline) {
  for (int too_late = 0; too_late < kMaxIgnorableFramesTooLate;) {
    if (link_.attached() == nullptr) return IoResult::kClosed;
    transports::IncomingFrame frame;
    absl::Status why;
    const IoResult result = link_.Receive(&frame, deadline, &why);
    if (result == IoResult::kClosed) EndForStatus(why);
    if (result != IoResult::kOk) return result;

    const bool may_be_ignored = transports::MayBeIgnored(frame.type);
    try {
      TakeFrame(std::move(frame));
    } catch (const std::bad_alloc&) {
      End(CloseReason::kSystem, "no memory for a message");
    }
    if (link_.attached() == nullptr) return IoResult::kClosed;
    if (!may_be_ignored) return IoResult::kOk;
    if (event::Process::Current()->Now() >= deadline) ++too_late;
  }
  return IoResult::kWouldBlock;
}

void ClientSession::TakeFrame(transports::IncomingFrame&& frame) {
  absl::optional<Delivery> delivery =
      ToDelivery(std::move(frame), /*into_inbox=*/true);
  if (!delivery.has_value()) return;
  if (delivery->completion.on_stack) return Deliver(*std::move(delivery));
  const bool too_much =
      delivery->is_push() &&
      !MayHoldMore(delivery->message->has_received_descriptor());
  if (delivery->message) delivery->message->Pack();
  Owe(*std::move(delivery));
  if (too_much) {
    End(CloseReason::kReceiveLimit,
        "too many messages arrived while this thread was blocked: run "
        "its loop, or raise maxQueuedBytes or maxQueuedFds by "
        "le_msg_SetSessionLimits()");
  }
}

absl::optional<Delivery> ClientSession::ToDelivery(
    transports::IncomingFrame&& frame, bool into_inbox) {
  const uint8_t type = frame.type;
  const uint64_t id = frame.id;
  const bool brings_message =
      PlainType(type) == kMessageFrame || PlainType(type) == kResponseFrame;
  Delivery delivery;
  // Create the message before machine_.OnFrame() completes the request. If
  // there is no memory for the message, the request stays open, and completes
  // when the session ends.
  if (brings_message) {
    delivery.message = pool_->NewReceived(this, std::move(frame));
  } else {
    DropDescriptor(std::move(frame.descriptor));
  }
  FrameVerdict verdict;
  if (PlainType(type) != kMessageFrame) {
    MutexLock lock(&mutex_);
    verdict = machine_.OnFrame(type, id);
    const Completion& completion = verdict.completion;
    if (!into_inbox && completion.order != 0 && !completion.on_stack) {
      inbox_.Release();
    }
  }
  delivery.completion = verdict.completion;
  switch (verdict.action) {
    case FrameVerdict::Action::kDeliver:
    case FrameVerdict::Action::kComplete:
      return delivery;
    case FrameVerdict::Action::kCompleteUnanswered:
      delivery.result = Result::kUnanswered;
      return delivery;
    case FrameVerdict::Action::kIgnore:
      return absl::nullopt;
    case FrameVerdict::Action::kFault:
      break;
  }
  End(CloseReason::kProtocolError, verdict.fault);
  return absl::nullopt;
}

void ClientSession::DropDescriptor(event::UniqueFd fd) {
  if (!fd) return;
  uid_t server;
  {
    MutexLock lock(&mutex_);
    server = server_.uid;
  }
  transports::CloseSentBy(event::Process::Current(), server, std::move(fd));
}

bool ClientSession::MayHoldMore(bool with_descriptor) {
  const transports::SendLimits limits = send_limits();
  MutexLock lock(&mutex_);
  return inbox_.bytes() < limits.bytes &&
         (!with_descriptor || inbox_.descriptors() < limits.descriptors);
}

// ---- Delivering ------------------------------------------------------------

void ClientSession::Complete(const Completion& completion, Result result,
                             event::Ref<Message> response) {
  Delivery delivery{std::move(response), completion, result};
  if (completion.on_stack) {
    Deliver(std::move(delivery));
  } else {
    Owe(std::move(delivery));
  }
}

void ClientSession::Owe(Delivery delivery) {
  {
    MutexLock lock(&mutex_);
    if (is_abandoned_) {  // no loop delivers anything
      if (delivery.is_completion()) inbox_.Release();
      return;
    }
    inbox_.Push(std::move(delivery));
  }
  link_.Schedule();
}

bool ClientSession::DeliverOwed() {
  SettleEnd();
  size_t count;
  {
    MutexLock lock(&mutex_);
    count = inbox_.size();
  }
  for (; count > 0; --count) {
    Delivery delivery;
    {
      MutexLock lock(&mutex_);
      if (inbox_.empty()) break;
      delivery = inbox_.Pop();
    }
    // Schedule the link first, because the handler may run the loop or may not
    // return.
    if (count > 1) link_.Schedule();
    Deliver(std::move(delivery));
  }
  bool tell;
  {
    MutexLock lock(&mutex_);
    tell = inbox_.empty() && machine_.Tell();
  }
  if (tell) handler_->OnClosed(this);
  ArmDeadline();
  LeaveOwnerIfDone();
  MutexLock lock(&mutex_);
  return inbox_.empty() && machine_.state() != ClientState::kClosing;
}

void ClientSession::Deliver(Delivery delivery) {
  if (dropped_) return;
  // If the session was closed while a response was in the inbox, the response
  // is dropped.
  if (delivery.result != Result::kOk) delivery.message.reset();
  if (!delivery.is_completion()) {
    handler_->OnMessage(this, std::move(delivery.message));
  } else if (delivery.completion.done != nullptr) {
    delivery.completion.done(delivery.completion, this,
                             std::move(delivery.message), delivery.result);
  }
}

}  // namespace messaging
}  // namespace le
