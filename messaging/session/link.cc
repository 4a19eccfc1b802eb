// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#include "messaging/session/link.h"

#include <new>
#include <utility>

#include "messaging/session/session.h"

namespace le {
namespace messaging {

using transports::Connection;
using transports::IoResult;

namespace {

// The bounds of one session's work in a turn. The packets bound system calls,
// the frames bound cheap handlers, and the time bounds expensive handlers. 1 ms
// is too short to be noticed, and long compared with a turn's overhead.
constexpr int kMaxPacketsPerTurn = 16;
constexpr int kMaxFramesPerTurn = 256;
constexpr absl::Duration kMaxTimePerTurn = absl::Milliseconds(1);

class TurnBudget {
 public:
  explicit TurnBudget(const Session* session) : session_(session) {}

  // Must be called after each frame.
  bool IsSpent(bool was_last_of_packet) {
    ++frames_;
    if (was_last_of_packet && ++packets_ >= kMaxPacketsPerTurn) return true;
    if (frames_ >= kMaxFramesPerTurn) return true;
    // Reading the clock takes as long as a cheap handler. So it is read only a
    // few times, at growing intervals.
    if (frames_ == 2) end_ = Now() + kMaxTimePerTurn;
    const bool look = frames_ == 8 || frames_ == 32 || frames_ == 128;
    return look && Now() >= end_;
  }

 private:
  event::Instant Now() const {
    return session_->owner()->thread()->process()->Now();
  }

  const Session* const session_;
  int packets_ = 0;
  int frames_ = 0;
  event::Instant end_;
};

// Charges its own lifetime to a share. A null share is allowed.
class TurnUse {
 public:
  TurnUse(TurnShare* share, Owner* owner, uint32_t* round)
      : share_(share), process_(owner->thread()->process()) {
    if (share_ == nullptr) return;
    may_receive_ = share_->MayReceive(owner->loop()->turn(), round);
    if (may_receive_) began_ = process_->Now();
  }
  ~TurnUse() {
    if (share_ == nullptr || !may_receive_) return;
    share_->Use(process_->Now() - began_);
  }
  bool may_receive() const { return may_receive_; }

 private:
  TurnShare* const share_;
  event::Process* const process_;
  bool may_receive_ = true;
  event::Instant began_;
};

}  // namespace

absl::Status Link::Attach(Connection* connection,
                          const transports::SendLimits& limits) {
  connection->SetSendLimits(limits);
  absl::Status attached = connection->Attach(session_->owner()->loop(), this);
  if (attached.ok()) attached_ = connection;
  paused_ = hung_up_ = false;
  return attached;
}

void Link::Close() {
  if (Connection* connection = std::exchange(attached_, nullptr)) {
    connection->Close();
  }
}

IoResult Link::Receive(transports::IncomingFrame* frame,
                       event::Instant deadline, absl::Status* why) {
  try {
    const IoResult result =
        attached_->Receive(frame, session_->pool()->buffers(), deadline);
    if (result == IoResult::kClosed) *why = attached_->close_status();
    return result;
  } catch (const std::bad_alloc&) {
    *why = absl::ResourceExhaustedError("no memory for a message");
    return IoResult::kClosed;
  }
}

bool Link::Take(transports::IncomingFrame&& frame) {
  try {
    session_->OnFrame(std::move(frame));
    return true;
  } catch (const std::bad_alloc&) {  // not from a handler, see CallUser()
    session_->OnConnectionClosed(
        absl::ResourceExhaustedError("no memory for a message"));
    return false;
  }
}

// ---- Schedule --------------------------------------------------------------

void Link::Schedule() {
  session_->Ref();  // until RunScheduled() or CancelSchedule()
  if (!session_->owner()->Schedule(this)) session_->Unref();
}

void Link::CancelSchedule() {
  if (session_->owner()->CancelSchedule(this)) session_->Unref();
}

void Link::RunScheduled() {
  const auto keep = event::Ref<Session>::Adopt(session_);  // Schedule()'s
  session_->DeliverOwed();
  if (paused()) OnDrained();
}

// ---- Receiving -------------------------------------------------------------

void Link::OnReadable() {
  const auto keep = event::Ref<Session>::Share(session_);
  if (!DeliverOwed()) return;
  Connection* const connection = attached_;
  if (connection == nullptr) return;
  const TurnUse use(session_->turn_share(), session_->owner(), &round_);
  if (!use.may_receive()) return;
  TurnBudget budget(session_);
  for (;;) {
    if (!hung_up_ && !session_->TakesFrames()) return Pause();
    transports::IncomingFrame frame;
    absl::Status why;
    switch (Receive(&frame, absl::InfinitePast(), &why)) {
      case IoResult::kWouldBlock:
        session_->OnWouldBlock();
        return;
      case IoResult::kClosed:
        session_->OnConnectionClosed(why);
        return;
      case IoResult::kOk:
        if (!Take(std::move(frame))) return;
        break;
      case IoResult::kNotIdle:
        break;  // Receive() does not return it
    }
    // A handler may have closed or reopened the session.
    if (attached_ != connection) return;
    // Continues with further packets, because the answers of one turn are sent
    // in one packet.
    const bool buffered = connection->HasBuffered();
    if (!buffered && !connection->MayHaveMore()) return;
    if (budget.IsSpent(/*was_last_of_packet=*/!buffered)) return;
    if (!DeliverOwed()) return;
    if (attached_ != connection) return;
  }
}

void Link::OnWritable() {
  const auto keep = event::Ref<Session>::Share(session_);
  Connection* const connection = attached_;
  DeliverOwed();
  // The connection reports room only once. So the report is passed on even if
  // deliveries are still due. It could wait for long, because a handler that
  // blocks adds deliveries.
  if (attached_ == connection) session_->OnRoom();
}

// ---- Pausing ---------------------------------------------------------------

void Link::Pause() {
  attached_->SetReadInterest(false);
  paused_ = true;
  // Another thread may have made TakesFrames() true before it could see
  // paused_.
  OnDrained();
}

void Link::Resume() {
  paused_ = false;
  if (attached_ != nullptr) attached_->SetReadInterest(true);
}

void Link::OnDrained() {
  if (paused() && session_->TakesFrames()) Resume();
}

void Link::OnHangUp() {
  hung_up_ = true;
  Resume();
}

// If deliveries are due, the link is scheduled.
bool Link::DeliverOwed() { return !scheduled() || session_->DeliverOwed(); }

}  // namespace messaging
}  // namespace le
