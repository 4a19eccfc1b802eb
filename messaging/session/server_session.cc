// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#include "messaging/session/server_session.h"

#include <algorithm>
#include <new>
#include <utility>

#include "absl/strings/str_cat.h"
#include "directory/inspection_frame.h"
#include "directory/tap_ring.h"
#include "event/base/log.h"
#include "event/peer_log.h"
#include "messaging/machine/limits.h"
#include "messaging/machine/session_machine.h"
#include "messaging/session/service.h"
#include "transports/closer.h"

namespace le {
namespace messaging {

using event::LogLevel;
using transports::Connection;
using transports::IoResult;

namespace {

std::string ReadsNothing(const Connection* connection, absl::Duration stalled) {
  std::string text =
      absl::StrCat(connection->queued_bytes(), " bytes are queued for it");
  stalled = absl::Trunc(stalled, absl::Milliseconds(1));
  if (stalled > absl::ZeroDuration()) {
    absl::StrAppend(&text, ", and it has read nothing for ",
                    absl::FormatDuration(stalled));
  }
  return text;
}

uint64_t Nanoseconds(absl::Duration duration) {
  return static_cast<uint64_t>(
      std::max<int64_t>(absl::ToInt64Nanoseconds(duration), 0));
}

}  // namespace

// Begins when a response is queued beyond gathered_bytes. Watches the client
// while more than gathered_bytes are queued. Ends the session if the client
// receives nothing for kOwedPatience.
class ServerSession::Patience final : public event::Timer {
 public:
  explicit Patience(ServerSession* session) : session_(session) {}

  void Check() {
    const auto keep = event::Ref<ServerSession>::Share(session_);
    Connection* const connection = session_->connection_.get();
    // Clear this before the check, because another thread may send a response
    // during the check. That response is counted in `queued`, or makes the loop
    // check again.
    session_->responses_exceed_ = false;
    connection->Flush();  // the client may have read while this thread was busy
    const event::Instant since = connection->stalled_since();
    const size_t queued = connection->queued_bytes();
    const size_t limit =
        session_->user_
            ->ToSend(session_->interface()->protocol->max_message_size())
            .gathered_bytes;
    if (since == absl::InfiniteFuture() || queued <= limit ||
        !session_->is_open()) {
      return;
    }
    const absl::Duration stalled = event::Process::Current()->Now() - since;
    if (stalled < kOwedPatience) {
      session_->owner()->loop()->StartTimer(this, since + kOwedPatience);
      return;
    }
    session_->EndForFault(CloseReason::kSlowReader,
                          ReadsNothing(connection, stalled));
  }

 private:
  void OnExpiry() override { Check(); }

  ServerSession* const session_;
};

// Represents a received file descriptor that the program has not fetched. Until
// the file descriptor is closed, it is charged to the user of the session.
class ServerSession::DroppedDescriptor final : public event::Held {
 public:
  explicit DroppedDescriptor(ServerSession* session)
      : session_(event::Ref<ServerSession>::Share(session)) {}

 private:
  void OnReleased() override {
    session_->OnDescriptorTaken();
    delete this;
  }

  const event::Ref<ServerSession> session_;
};

ServerSession::ServerSession(Service* service, event::Ref<ServiceUser> user)
    : Session(Family{service->closed_session()}),
      service_(event::Ref<Service>::Share(service)),
      user_(std::move(user)) {
  Ref();  // until OnReleased()
}

ServerSession::ServerSession(Service* service)
    : Session(Family{nullptr}),
      service_(event::Ref<Service>::Share(service)),
      life_{ServerLife{ServerState::kGone, CloseReason::kByPeer}} {}

ServerSession::~ServerSession() = default;

const Interface* ServerSession::interface() const {
  return service_->interface();
}

Owner* ServerSession::owner() const { return service_->owner(); }

MessagePool* ServerSession::pool() const { return service_->pool(); }

absl::Status ServerSession::Start(
    std::unique_ptr<transports::Connection> connection, uint32_t version) {
  using Trust = transports::Connection::Trust;
  connection->SetTrust(service_->refuses_descriptors() ? Trust::kNoDescriptors
                       : user_->is_bounded()           ? Trust::kStranger
                                                       : Trust::kTrusted,
                       user_->uid(), event::HeldRef::Share(this));
  // Attach before the hello. If attaching fails now, the client retries. If it
  // failed after the hello, the client would report a lost session.
  connection_ = transports::ConnectionRef(std::move(connection));
  absl::Status started;
  try {
    started =
        link_.Attach(connection_.get(),
                     user_->ToSend(interface()->protocol->max_message_size()));
    if (started.ok()) started = SendHello(version);
  } catch (const std::bad_alloc&) {
    started = absl::ResourceExhaustedError("no memory for a session");
  }
  if (!started.ok()) {
    RememberClient();  // for the log
    link_.Close();
    connection_->Close();
    Held::Unref();
    return started;
  }
  if (service_->handler()->WantsCloses() || service_->taps()->any()) {
    RememberClient();
  }
  opened_at_ = static_cast<uint32_t>(
      absl::ToUnixSeconds(owner()->thread()->process()->Now()));
  link_.Schedule();
  return absl::OkStatus();
}

absl::Status ServerSession::SendHello(uint32_t version) {
  Hello hello;
  hello.version = version;
  hello.thread_token = owner()->thread()->token();
  transports::OutgoingFrame frame;
  frame.type = kHelloFrame;
  frame.payload =
      absl::MakeConstSpan(reinterpret_cast<uint8_t*>(&hello), sizeof(hello));
  frame.attach_credentials = true;
  // With kOwed even a full queue accepts the hello. Without the hello, the
  // client would wait for ever.
  frame.room = transports::Room::kOwed;
  return connection_->Send(frame) == IoResult::kOk
             ? absl::OkStatus()
             : connection_->close_status();
}

void ServerSession::UpdateSendLimits() {
  if (link_.attached() == nullptr) return;
  link_.attached()->SetSendLimits(
      user_->ToSend(interface()->protocol->max_message_size()));
  // The session may receive more now.
  if (link_.paused()) link_.Schedule();
}

// ---- Ending ----------------------------------------------------------------

bool ServerSession::Apply(ServerEvent event, CloseReason reason) {
  ServerLife life = life_.load(std::memory_order_acquire);
  for (;;) {
    const absl::optional<ServerLife> next = Next(life, event, reason);
    if (!next.has_value()) return false;
    if (life_.compare_exchange_weak(life, *next, std::memory_order_acq_rel)) {
      return true;
    }
  }
}

void ServerSession::Close(CloseReason reason) {
  const auto keep = event::Ref<ServerSession>::Share(this);
  if (!Apply(ServerEvent::kEnd, reason)) return;
  Settle();
  if (life().state == ServerState::kClosing) link_.Schedule();
}

void ServerSession::End(CloseReason reason) {
  const auto keep = event::Ref<ServerSession>::Share(this);
  if (Apply(ServerEvent::kEnd, reason)) Settle();
  DeliverOwed();
}

void ServerSession::Settle() {
  if (link_.attached() != nullptr) {
    if (service_->handler()->WantsCloses()) RememberClient();
    link_.Close();
    ReturnPartial();
    if (patience_ != nullptr) owner()->loop()->StopTimer(patience_.get());
    LogDebug("a session is closed: ", CloseReasonText(close_reason()));
  }
  // No open handler was called for the session, or all close handlers have run.
  if (life().state == ServerState::kGone) LeaveService();
}

void ServerSession::EndForFault(CloseReason reason, absl::string_view details) {
  LogClosing(client(), reason, details);
  End(reason);
}

void ServerSession::OnConnectionClosed(const absl::Status& status) {
  const CloseReason reason = ReasonOf(status);
  if (reason == CloseReason::kByPeer) {
    End(reason);
  } else {
    EndForFault(reason, status.message());
  }
}

void ServerSession::Shutdown() {
  const auto keep = event::Ref<ServerSession>::Share(this);
  Close(CloseReason::kThreadEnded);
  DeliverOwed();
  // A close handler that ends the thread does not return, so kTold is applied
  // here.
  if (Apply(ServerEvent::kTold)) Settle();
}

void ServerSession::LeaveService() {
  link_.CancelSchedule();
  Held::Unref();  // the service's
  service_->Forget(this);
  Unref();  // the service's
}

void ServerSession::OnReleased() {
  user_->ReturnSession();
  Unref();
}

// ---- Credentials of the client ---------------------------------------------

bool ServerSession::ClientCredentials(event::Credentials* credentials) {
  if (life().state == ServerState::kGone) return false;
  if (!knows_client_.load(std::memory_order_acquire)) {
    // Each call returns the same credentials: those at the time of connect().
    const absl::StatusOr<event::Credentials> client = connection_->peer();
    if (!client.ok()) return false;
    *credentials = *client;
    return true;
  }
  *credentials = client_;
  return true;
}

void ServerSession::RememberClient() {
  if (knows_client_.load(std::memory_order_relaxed)) return;
  if (!ClientCredentials(&client_)) return;
  knows_client_.store(true, std::memory_order_release);
}

event::Credentials ServerSession::client() {
  event::Credentials client;
  ClientCredentials(&client);
  return client;
}

absl::StatusOr<event::UniqueFd> ServerSession::ClientPidFd() {
  if (!is_open()) return absl::UnavailableError("the session is closed");
  return connection_->PeerPidFd();
}

// ---- Sending ---------------------------------------------------------------

Result ServerSession::SendFrame(const transports::OutgoingFrame& frame) {
  if (!is_open()) return Result::kClosed;
  const Result sent = service_->taps()->any()
                          ? SendTapped(frame)
                          : SendOver(connection_.get(), frame);
  if (sent != Result::kNoMemory) return sent;
  EndLater(CloseReason::kSystem, "no memory for a message to it");
  return Result::kClosed;
}

Result ServerSession::SendTapped(transports::OutgoingFrame frame) {
  const uint8_t flags =
      inspection::TapRecord::kToClient |
      (frame.descriptor == nullptr ? 0 : inspection::TapRecord::kHasDescriptor);
  frame.movable_payload = nullptr;  // a moved payload could not be copied
  const Result sent = SendOver(connection_.get(), frame);
  if (sent == Result::kOk)
    CopyToTaps(frame.type, frame.id, flags, frame.payload);
  return sent;
}

void ServerSession::CopyToTaps(uint8_t type, uint64_t id, uint8_t flags,
                               absl::Span<const uint8_t> payload) {
  inspection::TapRecord record;
  record.at_ns = absl::ToUnixNanos(event::Process::Current()->Now());
  record.id = id;
  record.session = number_;
  record.client_pid = client().pid;
  record.payload_bytes = static_cast<uint32_t>(payload.size());
  record.type = type;
  record.flags = flags;
  service_->taps()->Copy(record, payload);
}

void ServerSession::EndLater(CloseReason reason, absl::string_view details) {
  // Read this before the session ends. After its end the owner may close the
  // connection.
  const event::Credentials far_end = client();
  if (!Apply(ServerEvent::kEnd, reason)) return;
  LogClosing(far_end, reason, details);
  link_.Schedule();
}

Result ServerSession::TrySend(Message* message) {
  return SendFrame(message->ToFrame(kMessageFrame, 0));
}

Result ServerSession::Send(event::Ref<Message> message,
                           event::Instant deadline) {
  const transports::OutgoingFrame frame = message->ToFrame(kMessageFrame, 0);
  if (deadline == absl::InfiniteFuture()) return Push(frame);
  for (;;) {
    const Result result = SendFrame(frame);
    if (result != Result::kNoRoom) return result;
    // Another thread may end the session. This does not wake this thread.
    const event::Instant now = event::Process::Current()->Now();
    if (now >= deadline) return Result::kTimedOut;
    connection_->Wait(Connection::kWritable,
                      std::min(deadline, now + kSlowReaderPatience));
  }
}

void ServerSession::Flush() {
  if (is_open()) connection_->Flush();
}

size_t ServerSession::QueuedBytes() {
  return is_open() ? connection_->queued_bytes() : 0;
}

void ServerSession::Respond(event::Ref<Message> request, uint64_t id) {
  Answer(request->ToFrame(kResponseFrame, id), request->charged_bytes());
  if (request->timed_requests() == 0) return;
  service_->latency()->OnResponse(
      request->timed_requests(),
      Nanoseconds(event::Process::Current()->Now() - request->received_at()));
}

void ServerSession::GiveUp(uint64_t request, size_t charged_bytes) {
  transports::OutgoingFrame frame;
  frame.type = kUnansweredFrame;
  frame.id = request;
  Answer(frame, charged_bytes);
}

void ServerSession::OnChargeGrown(size_t bytes) {
  open_requests_ += bytes;
  user_->TakeBytes(bytes);
}

void ServerSession::OnDescriptorTaken() { user_->ReturnDescriptor(); }

void ServerSession::DropDescriptor(event::UniqueFd fd) {
  event::HeldRef held;
  try {
    held = event::HeldRef::Adopt(new DroppedDescriptor(this));
  } catch (const std::bad_alloc&) {
    fd.reset();
    OnDescriptorTaken();
    return;
  }
  transports::CloseSentBy(event::Process::Current(), user_->uid(),
                          std::move(fd), std::move(held));
}

void ServerSession::Answer(transports::OutgoingFrame frame,
                           size_t charged_bytes) {
  const uint64_t request = OpenRequests::Of(charged_bytes);
  const OpenRequests before(open_requests_.fetch_sub(request));
  user_->ReturnBytes(OpenRequests(request).bytes());
  frame.more_to_come = before.count() > 1;
  frame.room = transports::Room::kGathered;
  if (SendFrame(frame) == Result::kNoRoom) {
    frame.room = transports::Room::kOwed;
    SendFrame(frame);
    if (!responses_exceed_.exchange(true)) link_.Schedule();
  }
  if (link_.paused()) link_.Schedule();
}

Result ServerSession::Push(transports::OutgoingFrame frame) {
  Result result = SendFrame(frame);
  if (result != Result::kNoRoom) return result;
  if (service_->drops_when_slow()) {
    const uint32_t dropped =
        dropped_.fetch_add(1, std::memory_order_relaxed) + 1;
    // Logged at powers of two only, because many messages may be dropped.
    if ((dropped & (dropped - 1)) == 0) {
      const event::Credentials slow = client();
      event::LogForPeer(
          LogLevel::kWarning, slow.uid,
          absl::StrCat("service '", interface_name(), "': pid ", slow.pid,
                       " of user ", slow.uid, " reads slowly: ", dropped,
                       " messages to it were dropped so far"));
    }
    return Result::kNoRoom;
  }
  // If the client has read something within kSlowReaderPatience, the message is
  // gathered. Otherwise, or beyond gathered_bytes, the session ends.
  const event::Instant stalled_since = connection_->stalled_since();
  const absl::Duration stalled = std::max(
      event::Process::Current()->Now() - stalled_since, absl::ZeroDuration());
  if (stalled < kSlowReaderPatience) {
    frame.room = transports::Room::kGathered;
    result = SendFrame(frame);
    if (result != Result::kNoRoom) return result;
  }
  EndLater(CloseReason::kSlowReader,
           absl::StrCat("a message is dropped: ",
                        ReadsNothing(connection_.get(), stalled)));
  return Result::kClosed;
}

// ---- Calls by the loop -----------------------------------------------------

// Charges the user for a partial frame, which has a buffer of the full size.
void ServerSession::OnWouldBlock() {
  if (partial_bytes_ > 0 || !connection_->HasPartial()) return;
  partial_bytes_ = static_cast<uint32_t>(pool()->buffers()->capacity());
  user_->TakeBytes(partial_bytes_);
}

void ServerSession::OnFrame(transports::IncomingFrame&& frame) {
  if (partial_bytes_ > 0) ReturnPartial();
  const ServerVerdict verdict = ServerVerdictOf(frame.type, frame.id);
  const char* fault = verdict.fault;
  if (frame.descriptor && !user_->TakeDescriptor()) {
    // The session stays charged to the user until the file descriptor is
    // closed.
    transports::CloseSentBy(event::Process::Current(), user_->uid(),
                            std::move(frame.descriptor),
                            event::HeldRef::Share(this));
    // Since TakesFrames() was called, the user may have reached its limit by a
    // message to another service of the process. If the client has closed, its
    // last messages are delivered without their file descriptors. In this case
    // the link does not pause, because the pause might never end: the program
    // may release file descriptors only after the close handler.
    if (!link_.hung_up()) {
      fault = "its user may have no more file descriptors in messages";
    } else {
      WarnOfDescriptors(
          "a message of a client that has closed is delivered without its "
          "file descriptor");
    }
  }
  if (fault != nullptr || !verdict.deliver) {
    // The file descriptor is charged to the user until it is closed.
    if (frame.descriptor) DropDescriptor(std::move(frame.descriptor));
    if (fault != nullptr) EndForFault(CloseReason::kProtocolError, fault);
    return;
  }
  if (service_->taps()->any()) {
    CopyToTaps(frame.type, frame.id,
               frame.descriptor ? inspection::TapRecord::kHasDescriptor : 0,
               absl::MakeConstSpan(frame.payload.data(), frame.payload.size()));
  }
  event::Ref<Message> message;
  try {
    if (received_ == nullptr) received_ = std::make_unique<Received>();
    message = service_->pool()->NewReceived(this, std::move(frame));
  } catch (const std::bad_alloc&) {
    if (frame.descriptor) DropDescriptor(std::move(frame.descriptor));
    throw;
  }
  ++received_->messages;
  received_->bytes += message->received_bytes();
  if (!message->is_received_request()) {
    service_->handler()->OnMessage(this, std::move(message));
    return;
  }
  ++received_->requests;
  const uint64_t request = OpenRequests::Of(message->charged_bytes());
  const OpenRequests before(
      open_requests_.fetch_add(request, std::memory_order_relaxed));
  user_->TakeBytes(OpenRequests(request).bytes());
  if (const uint32_t timed = service_->latency()->OnRequest()) {
    message->StartTimer(timed, event::Process::Current()->Now());
  }
  if (before.count() == 0) {
    received_->unanswered_since = absl::InfiniteFuture();
  }
  service_->handler()->OnMessage(this, std::move(message));
  // Most handlers respond before they return. Then the time is not needed.
  if (before.count() == 0 && open_requests().count() > 0) {
    received_->unanswered_since = owner()->loop()->Now();
  }
}

void ServerSession::WarnOfDescriptors(absl::string_view consequence) {
  event::LogForPeer(
      LogLevel::kWarning, user_->uid(),
      absl::StrCat("service '", interface_name(),
                   "': ", user_->DescribeDescriptors(), ": ", consequence));
}

void ServerSession::WarnOfBytes() {
  event::LogForPeer(
      LogLevel::kWarning, user_->uid(),
      absl::StrCat("service '", interface_name(), "': user ", user_->uid(),
                   " has ", user_->bytes(),
                   " bytes of requests without a response and of messages that "
                   "have arrived in part: nothing more is received from this "
                   "user until it has less than half of maxBytesPerUser"));
}

bool ServerSession::TakesFrames() {
  if (connection_->congested()) return false;
  if (user_->AwaitsDescriptor()) {
    if (user_->IsFirstWait()) {
      WarnOfDescriptors("nothing more is received from it");
    }
    return false;
  }
  // The rest of a partial message is received, because it needs no more memory.
  // If it were not received, the bytes of the partial message might never be
  // returned.
  if (partial_bytes_ == 0 && user_->AwaitsBytes()) {
    if (user_->IsFirstWaitForBytes()) WarnOfBytes();
    return false;
  }
  // A paused link resumes below half of the limits.
  const uint32_t part = link_.paused() ? 2 : 1;
  const OpenRequests open(open_requests_.load());
  if (!open.HasReached(service_->max_open_requests(),
                       user_->max_request_bytes(), part)) {
    return true;
  }
  if (!std::exchange(told_of_open_requests_, true)) {
    const event::Credentials peer = client();
    event::LogForPeer(
        LogLevel::kWarning, peer.uid,
        absl::StrCat("service '", interface_name(), "': ", open.count(),
                     " requests of pid ", peer.pid, " of user ", peer.uid,
                     " have no response: nothing more is received from it "
                     "until requests are responded to or released"));
  }
  return false;
}

void ServerSession::OnRoom() {
  if (is_open()) service_->handler()->OnRoom(this);
}

bool ServerSession::DeliverOwed() {
  const auto keep = event::Ref<ServerSession>::Share(this);
  if (responses_exceed_ && link_.attached() != nullptr) {
    try {
      if (patience_ == nullptr) patience_ = std::make_unique<Patience>(this);
      if (!patience_->running()) patience_->Check();
    } catch (const std::bad_alloc&) {
      EndForFault(CloseReason::kSystem, "no memory for a timer");
    }
  }
  if (Apply(ServerEvent::kAnnounce)) service_->handler()->OnOpen(this);
  if (life().state != ServerState::kClosing) return true;
  Settle();  // needed if another thread has ended the session
  if (Apply(ServerEvent::kTell)) {
    service_->handler()->OnClose(this);
    if (Apply(ServerEvent::kTold)) Settle();
  }
  return true;
}

// ---- Inspection ------------------------------------------------------------

void SessionCounts::Add(const SessionCounts& other) {
  messages_in += other.messages_in;
  bytes_in += other.bytes_in;
  requests += other.requests;
  messages_out += other.messages_out;
  bytes_out += other.bytes_out;
  times_full += other.times_full;
  dropped += other.dropped;
  busy_ns += other.busy_ns;
}

void SessionCounts::Describe(inspection::proto::Counts* counts) const {
  counts->set_messages_in(messages_in);
  counts->set_bytes_in(bytes_in);
  counts->set_requests(requests);
  counts->set_messages_out(messages_out);
  counts->set_bytes_out(bytes_out);
  counts->set_times_full(times_full);
  counts->set_dropped(dropped);
  counts->set_busy_ns(busy_ns);
}

void ServerSession::BeginServing() {
  // Without memory, this turn is not timed.
  if (received_ == nullptr) received_.reset(new (std::nothrow) Received);
  if (received_ != nullptr && received_->busy.OnTurn()) {
    received_->busy.Begin(event::Process::Current()->Now());
  }
}

void ServerSession::EndServing() {
  if (received_ != nullptr && received_->busy.is_timing()) {
    received_->busy.End(event::Process::Current()->Now());
  }
}

SessionCounts ServerSession::counts() const {
  const transports::SendCounts sent = connection_->send_counts();
  SessionCounts counts;
  if (received_ != nullptr) {
    counts.messages_in = received_->messages;
    counts.bytes_in = received_->bytes;
    counts.requests = received_->requests;
    counts.busy_ns = Nanoseconds(received_->busy.total());
  }
  counts.messages_out = sent.frames - 1;  // without the hello
  counts.bytes_out = sent.bytes - Hello::kSize;
  counts.times_full = sent.refused;
  counts.dropped = dropped_.load(std::memory_order_relaxed);
  return counts;
}

void ServerSession::Describe(inspection::proto::Session* session) {
  const event::Instant now = owner()->loop()->Now();
  const event::Credentials client = this->client();
  session->set_number(number_);
  session->set_uid(client.uid);
  session->set_pid(client.pid);
  session->set_age_ns(Nanoseconds(now - absl::FromUnixSeconds(opened_at_)));
  counts().Describe(session->mutable_counts());
  const uint32_t unanswered = open_requests().count();
  session->set_unanswered(unanswered);
  if (unanswered > 0 && received_->unanswered_since <= now) {
    session->set_unanswered_ns(Nanoseconds(now - received_->unanswered_since));
  }
  session->set_queued_bytes(connection_->queued_bytes());
  session->set_max_queued_bytes(connection_->send_counts().max_queued_bytes);
  session->set_paused(link_.paused());
}

}  // namespace messaging
}  // namespace le
