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

// The bounds of one session's work in a turn. At a bound, the session continues
// in the next turn. The number of packets bounds the system calls. The number
// of frames bounds the work of cheap handlers. The time bounds the work of
// expensive handlers. 1 ms is too short to be noticed, and long compared with a
// turn's overhead.
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
    // Reading the clock takes as long as a cheap handler. So the clock is read
    // after 1, 2, 4, 8 ... frames only.
    if (frames_ == 1) end_ = Now() + kMaxTimePerTurn;
    const bool look = frames_ > 1 && (frames_ & (frames_ - 1)) == 0;
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

}  // namespace

// ---- The turn queue --------------------------------------------------------

void TurnQueue::AddAgain(event::Loop* loop, Link* link) {
  static_cast<TurnPlace*>(link)->LinkBefore(&ring_);
  ++count_;
  loop_ = loop;
  // This is a timer and not a task, because turns that begin with tasks may
  // fetch no events.
  if (!running()) loop_->StartTimer(this, loop_->Now());
}

void TurnQueue::Remove(Link* link) {
  static_cast<TurnPlace*>(link)->Unlink();
  if (--count_ == 0 && running()) loop_->StopTimer(this);
}

void TurnQueue::OnExpiry() {
  event::Loop* const loop = loop_;
  event::Ref<Session> keep;  // keeps this queue alive
  if (!std::exchange(has_grown_, false)) {
    for (uint32_t left = count_; left > 0; --left) {
      if (!share_.MayReceive(loop->turn())) break;
      if (empty()) break;
      Link* const link =
          static_cast<Link*>(static_cast<TurnPlace*>(ring_.next));
      Remove(link);
      keep = event::Ref<Session>::Share(link->session_);
      link->OnTurn(this);
    }
  }
  if (!empty() && !running()) loop->StartTimer(this, loop->Now());
}

// ---- A link ----------------------------------------------------------------

absl::Status Link::Attach(Connection* connection,
                          const transports::SendLimits& limits) {
  connection->SetSendLimits(limits);
  absl::Status attached = connection->Attach(session_->owner()->loop(), this);
  if (attached.ok()) attached_ = connection;
  paused_ = hung_up_ = false;
  return attached;
}

void Link::Close() {
  if (waits_for_turn()) session_->turn_queue()->Remove(this);
  paused_ = false;  // there is nothing to resume
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
  // A hang-up may be reported while the link is in the turn queue.
  if (!DeliverOwed() || attached_ == nullptr || waits_for_turn()) return;
  TurnQueue* const queue = session_->turn_queue();
  if (queue == nullptr) {
    ReceiveFrames();
    return;
  }
  event::Loop* const loop = session_->owner()->loop();
  if (!queue->MayReceive(loop)) {
    queue->Add(loop, this);
    return attached_->SetReadInterest(false);
  }
  event::Process* const process = session_->owner()->thread()->process();
  const event::Instant began = process->Now();
  ReceiveFrames();
  queue->Use(process->Now() - began, /*is_watched=*/true);
}

void Link::OnTurn(TurnQueue* queue) {
  const auto keep = event::Ref<Session>::Share(session_);
  event::Process* const process = session_->owner()->thread()->process();
  const event::Instant began = process->Now();
  Input input = Input::kNone;
  if (DeliverOwed()) {
    input = attached_ != nullptr ? ReceiveFrames() : Input::kNotReceived;
  }
  const bool is_watched = input == Input::kNone;
  // A handler may have run the loop, which may have added this link.
  if (input == Input::kMore && !waits_for_turn()) {
    queue->AddAgain(session_->owner()->loop(), this);
  }
  queue->Use(process->Now() - began, is_watched);
  if (is_watched && !waits_for_turn()) Resume();
}

Link::Input Link::ReceiveFrames() {
  session_->BeginServing();
  const Input input = ReceiveFramesOfTurn();
  session_->EndServing();
  return input;
}

Link::Input Link::ReceiveFramesOfTurn() {
  Connection* const connection = attached_;
  TurnBudget budget(session_);
  for (;;) {
    if (!hung_up_ && !session_->TakesFrames()) {
      Pause();
      return Input::kNotReceived;
    }
    transports::IncomingFrame frame;
    absl::Status why;
    switch (Receive(&frame, absl::InfinitePast(), &why)) {
      case IoResult::kWouldBlock:
        session_->OnWouldBlock();
        return Input::kNone;
      case IoResult::kClosed:
        session_->OnConnectionClosed(why);
        return Input::kNotReceived;
      case IoResult::kOk:
        if (!Take(std::move(frame))) return Input::kNotReceived;
        break;
      case IoResult::kNotIdle:
        break;  // Receive() does not return it
    }
    // A handler may have closed or reopened the session.
    if (attached_ != connection) return Input::kNotReceived;
    // Continue with further packets, because the answers of one turn are sent
    // in one packet.
    const bool buffered = connection->HasBuffered();
    if (!buffered && !connection->MayHaveMore()) return Input::kMore;
    if (budget.IsSpent(/*was_last_of_packet=*/!buffered)) return Input::kMore;
    if (!DeliverOwed()) return Input::kMore;
    if (attached_ != connection) return Input::kNotReceived;
  }
}

void Link::OnWritable() {
  const auto keep = event::Ref<Session>::Share(session_);
  Connection* const connection = attached_;
  DeliverOwed();
  // The connection reports room only once. So pass the report on even if
  // deliveries are still due. A handler that blocks adds deliveries, so a
  // report that waits for them could be late for long.
  if (attached_ == connection) session_->OnRoom();
}

// ---- Pausing ---------------------------------------------------------------

void Link::Pause() {
  attached_->SetReadInterest(false);
  paused_ = true;
  // Another thread may have made TakesFrames() true before it could see that
  // paused_ is set. So check again.
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
  if (!waits_for_turn()) Resume();
}

// Whenever deliveries are due, the link is scheduled.
bool Link::DeliverOwed() { return !scheduled() || session_->DeliverOwed(); }

}  // namespace messaging
}  // namespace le
