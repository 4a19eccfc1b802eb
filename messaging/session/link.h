// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef LE_MESSAGING_MESSAGING_SESSION_LINK_H_
#define LE_MESSAGING_MESSAGING_SESSION_LINK_H_

#include <atomic>
#include <cstdint>
#include <memory>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "messaging/session/owner.h"
#include "transports/transport.h"

namespace le {
namespace messaging {

class Session;

// The time that all sessions of one user at one service have in a turn of their
// loop. Without this bound, a user with many sessions makes each turn long.
// When the time is used up, the other sessions are skipped. The loop may report
// the same session first in each turn, so sessions are served in rounds: after
// a session was skipped, no session is served twice until all were served.
class TurnShare {
 public:
  static constexpr absl::Duration kTime = absl::Milliseconds(1);

  // Whether a session may receive now. `*round` is the round in which the
  // session was last served. After false, the loop reports the session's input
  // again.
  bool MayReceive(uint32_t turn, uint32_t* round) {
    if (turn_ != turn) {
      // All sessions that still have input were served in this round.
      if (skips_ && !has_served_) {
        ++round_;
        skips_ = false;
      }
      turn_ = turn;
      used_ = absl::ZeroDuration();
      has_served_ = false;
    }
    const bool was_served = *round == round_;
    if (used_ >= kTime && !was_served) skips_ = true;
    if (used_ >= kTime || (skips_ && was_served)) return false;
    *round = round_;
    has_served_ = true;
    return true;
  }
  // Charges the time of a session that has received.
  void Use(absl::Duration time) { used_ += time; }

 private:
  uint32_t turn_ = 0;
  absl::Duration used_;      // of this turn
  bool has_served_ = false;  // a session was served in this turn
  uint32_t round_ = 1;
  bool skips_ = false;  // a session was skipped in this round
};

// Ties a session to a connection and to its owner's loop.
//
//   any thread ──Schedule──► owner's loop ──► Session::DeliverOwed()
//   far end ──► connection ──► owner's loop ──► DeliverOwed(), then OnFrame()
//                                               for each frame, within a budget,
//                                               while Session::TakesFrames()
class Link final : private transports::Connection::Observer, private Scheduled {
 public:
  explicit Link(Session* session) : session_(session) {}

  // The owner's thread. Attaches `connection` to the owner's loop. The session
  // owns the connection, and must keep it until Close().
  absl::Status Attach(transports::Connection* connection,
                      const transports::SendLimits& limits);
  // The owner's thread. Closes that connection. No-op if there is none.
  void Close();
  // The owner's thread. Null: no connection is attached.
  transports::Connection* attached() const { return attached_; }

  // The owner's thread. Receives from the attached connection, with the
  // session's buffers. kClosed: *why is the reason. The reason may be a lack of
  // memory, which ends the session but not the process.
  transports::IoResult Receive(transports::IncomingFrame* frame,
                               event::Instant deadline, absl::Status* why);

  // Any thread. The owner's loop will call DeliverOwed(), unless the owner's
  // thread is ending. Until then a reference keeps the session.
  void Schedule();
  // The owner's thread. Cancels Schedule().
  void CancelSchedule();
  // The owner's thread. Another thread may schedule the link at any moment.
  bool scheduled() const { return is_scheduled(); }

  // Any thread. True: the link receives nothing until Session::TakesFrames() is
  // true, or until the far end closes. Code that makes TakesFrames() true must
  // call Schedule(), except when the connection reports OnDrained().
  bool paused() const { return paused_.load(); }
  // The owner's thread. The far end has closed while this was paused. Its last
  // frames are received even if Session::TakesFrames() is false.
  bool hung_up() const { return hung_up_; }

 private:
  void RunScheduled() override;
  void OnReadable() override;
  void OnWritable() override;
  void OnDrained() override;
  void OnHangUp() override;
  bool DeliverOwed();
  // False: a lack of memory has ended the session.
  bool Take(transports::IncomingFrame&& frame);
  void Pause();
  void Resume();

  Session* const session_;
  transports::Connection* attached_ = nullptr;
  uint32_t round_ = 0;  // the last round of TurnShare in which this was served
  std::atomic<bool> paused_{false};  // changed by the owner's thread
  // The far end has closed. From then on frames are received even while
  // TakesFrames() is false: the far end can send no more, and its close is
  // received only after its frames.
  bool hung_up_ = false;
};

}  // namespace messaging
}  // namespace le

#endif  // LE_MESSAGING_MESSAGING_SESSION_LINK_H_
