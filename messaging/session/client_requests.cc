// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// ClientSession: requests and their deadlines, and the functions that need the
// class Deadlines.

#include <algorithm>
#include <string>
#include <utility>

#include "absl/base/optimization.h"
#include "absl/strings/str_cat.h"
#include "event/base/log.h"
#include "event/peer_log.h"
#include "messaging/session/blocked_caller.h"
#include "messaging/session/client_session.h"

namespace le {
namespace messaging {

using event::MutexLock;
using transports::IoResult;

// The timer that expires requests. The first asynchronous request with a
// deadline creates it.
class ClientSession::Deadlines final : private event::Timer {
 public:
  explicit Deadlines(ClientSession* session) : session_(session) {}

  void Arm(event::Instant deadline) {
    if (running() && this->deadline() <= deadline) return;
    session_->owner_->loop()->StartTimer(this, deadline);
  }

 private:
  void OnExpiry() override {
    // While the inbox is full, a response may be among the frames behind it.
    // The loop delivers the inbox before the timer's next expiry.
    if (!session_->ReceiveArrivedFrames(&late_frames_) &&
        late_frames_ < kMaxLateFrames) {
      return session_->owner_->loop()->StartTimer(
          this, session_->owner_->loop()->Now());
    }
    late_frames_ = 0;
    const event::Instant now = session_->owner_->loop()->Now();
    for (;;) {
      absl::optional<Completion> expired;
      {
        MutexLock lock(&session_->mutex_);
        expired = session_->machine_.ExpireRequest(now);
      }
      if (!expired.has_value()) break;
      session_->Complete(*expired, Result::kTimedOut);
    }
    session_->ArmDeadline();
  }

  // A server that goes on sending may not delay an expiry for ever. The
  // kernel's socket holds about 280 packets, so few frames are behind these.
  static constexpr int kMaxLateFrames = 1000;

  ClientSession* const session_;
  int late_frames_ = 0;  // received since the deadline
};

ClientSession::ClientSession(Interface interface,
                             directory::Introducer* introducer,
                             std::unique_ptr<ClientHandler> handler)
    : interface_(std::move(interface)),
      introducer_(introducer),
      owner_(Owner::OfCurrentThread()),
      pool_(owner_->PoolOf(interface_.protocol)),
      handler_(std::move(handler)) {
  Ref();  // the owner's, until LeaveOwnerIfDone() or Abandon()
  owner_->AddSession(this);
  if (owner_->ending()) {
    MutexLock lock(&mutex_);
    machine_.Retire();
  }
}

ClientSession::~ClientSession() = default;

ClientSession::AddedRequest ClientSession::AddRequestLocked(
    Completion* completion, event::Instant deadline) {
  AddedRequest added;
  if (!completion->on_stack) inbox_.Reserve();
  added.result = machine_.AddRequest(completion, deadline, &added.id);
  added.route = RouteLocked();
  added.pipelined = machine_.requests() > 1;
  if (ABSL_PREDICT_FALSE(added.result == Result::kTooMany)) {
    added.logs = !std::exchange(logged_too_many_, true);
  } else if (ABSL_PREDICT_FALSE(logged_too_many_)) {
    logged_too_many_ = machine_.requests() > limits_.open_requests / 2;
  }
  return added;
}

Result ClientSession::SendRequest(const AddedRequest& added, Message* message,
                                  event::Instant deadline) {
  transports::OutgoingFrame frame = message->ToFrame(kRequestFrame, added.id);
  // If other requests are open, more frames may follow soon. So the server
  // should try to receive again in the same turn.
  frame.more_to_come = added.pipelined;
  return SendOn(added.route, &frame, deadline);
}

uint64_t ClientSession::Request(event::Ref<Message> message,
                                Completion completion, event::Instant deadline,
                                Refusal refusal) {
  AddedRequest added;
  {
    MutexLock lock(&mutex_);
    added = AddRequestLocked(&completion, deadline);
  }
  if (added.result != Result::kOk) {
    WarnOfRefusedRequest(added, refusal);
    Complete(completion, added.result);
    return 0;
  }
  if (deadline != absl::InfiniteFuture()) ArmDeadlineFor(deadline);
  // If the session closes during the send, the loop completes this request with
  // the others.
  if (SendRequest(added, message.get(), deadline) != Result::kTimedOut) {
    return added.id;
  }
  bool waits;
  {
    MutexLock lock(&mutex_);
    waits = machine_.ForgetRequest(added.id, &completion);
  }
  if (waits) Complete(completion, Result::kTimedOut);
  return 0;
}

Result ClientSession::RequestSync(event::Ref<Message> message,
                                  event::Instant deadline,
                                  event::Ref<Message>* response,
                                  Refusal refusal) {
  BlockedCaller caller;
  Completion completion = caller.completion();
  AddedRequest added;
  {
    MutexLock lock(&mutex_);
    if (machine_.server_thread() == owner_->thread()->token()) {
      added.result = Result::kDeadlock;
    } else {
      added = AddRequestLocked(&completion, absl::InfiniteFuture());
    }
  }
  if (added.result != Result::kOk) {
    WarnOfRefusedRequest(added, refusal);
    return added.result;
  }
  const Result sent = SendRequest(added, message.get(), deadline);
  message.reset();
  if (sent == Result::kTimedOut) {
    MutexLock lock(&mutex_);
    machine_.ForgetRequest(added.id, &completion);
    return sent;
  }
  // A connection that accepts no more frames may still have frames to receive.
  const bool was_sent = sent == Result::kOk;
  event::Process* const process = event::Process::Current();
  bool is_told = false;
  while (!caller.done) {
    event::Instant until = was_sent ? deadline : absl::InfinitePast();
    if (deadline != absl::InfiniteFuture()) {
      until = std::min(until, process->Now() + kResponsePatience);
    }
    const IoResult received = ReceiveIntoInbox(until);
    // Another thread may have ended the session. This does not wake the thread
    // that waits here. If nothing arrives, this line is reached after
    // kResponsePatience.
    if (received == IoResult::kOk &&
        open_epoch_.load(std::memory_order_acquire) != kNoEpoch) {
      continue;
    }
    SettleEnd();
    if (caller.done || received == IoResult::kOk) continue;
    if (received == IoResult::kClosed || !was_sent) {
      End(CloseReason::kByPeer);  // completes all requests
    } else if (deadline == absl::InfiniteFuture()) {
      if (!std::exchange(is_told, true)) WarnOfNoResponse();
    } else if (until == deadline) {
      MutexLock lock(&mutex_);
      machine_.AbandonRequest(added.id, &completion);
      return Result::kTimedOut;
    }
  }
  *response = std::move(caller.response);
  return caller.result;
}

bool ClientSession::CancelRequest(uint64_t id) {
  Completion completion;
  {
    MutexLock lock(&mutex_);
    if (!machine_.AbandonRequest(id, &completion)) return false;
  }
  Complete(completion, Result::kCancelled);
  return true;
}

void ClientSession::WarnOfNoResponse() {
  event::Credentials server;
  {
    MutexLock lock(&mutex_);
    server = server_;
  }
  event::LogForPeer(
      event::LogLevel::kWarning, server.uid,
      absl::StrCat("interface '", interface_.name, "': a request has waited ",
                   absl::FormatDuration(kResponsePatience),
                   " for a response from pid ", server.pid, " of user ",
                   server.uid));
}

void ClientSession::WarnOfRefusedRequest(const AddedRequest& refused,
                                         Refusal refusal) {
  if (!refused.logs) return;
  if (refused.result == Result::kClosed && refusal == Refusal::kReported) {
    return;
  }
  std::string what;
  switch (refused.result) {
    case Result::kTooMany:
      what = absl::StrCat(limits().open_requests,
                          " requests are open (maxOpenRequests): further "
                          "requests fail");
      break;
    case Result::kDeadlock:
      what = "a request fails: the server runs on this thread";
      break;
    default:
      what = absl::StrCat("a request fails: it was made on a session that is ",
                          WhyNotOpen());
  }
  // A program may cause any number of lines. So LogForPeer() bounds their
  // number.
  event::LogForPeer(event::LogLevel::kWarning, event::kUnknownPeer,
                    absl::StrCat("interface '", interface_.name, "': ", what));
}

void ClientSession::ArmDeadlineFor(event::Instant deadline) {
  if (!owner_->IsCurrent()) {
    link_.Schedule();  // DeliverOwed() arms the timer
    return;
  }
  if (deadlines_ == nullptr) deadlines_ = std::make_unique<Deadlines>(this);
  deadlines_->Arm(deadline);
}

// Receives the frames that have arrived, and adds their number to *frames.
// False: the inbox is full, so frames may be left. The timer calls this before
// it completes requests with kTimedOut: this thread may have been busy or
// stopped for long, so a response may have arrived in time.
bool ClientSession::ReceiveArrivedFrames(int* frames) {
  for (; MayHoldMore(/*with_descriptor=*/true); ++*frames) {
    if (ReceiveIntoInbox(absl::InfinitePast()) != IoResult::kOk) return true;
  }
  return false;
}

void ClientSession::DropDeadlines() { deadlines_.reset(); }

void ClientSession::ArmDeadline() {
  event::Instant next;
  {
    MutexLock lock(&mutex_);
    next = machine_.NextDeadline();
  }
  if (next != absl::InfiniteFuture()) ArmDeadlineFor(next);
}

}  // namespace messaging
}  // namespace le
