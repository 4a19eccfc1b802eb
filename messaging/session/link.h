// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef LE_MESSAGING_MESSAGING_SESSION_LINK_H_
#define LE_MESSAGING_MESSAGING_SESSION_LINK_H_

#include <atomic>
#include <cstdint>
#include <memory>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "event/loop.h"
#include "messaging/session/owner.h"
#include "transports/transport.h"

namespace le {
namespace messaging {

class Link;
class Session;

// A bound for each user and service: how much of a turn of the loop the user's
// sessions may use together. Without this bound, a user with many sessions
// would make each turn long.
class TurnShare {
 public:
  TurnShare() = default;

  static constexpr absl::Duration kTime = absl::Milliseconds(1);
  // The most sessions that may be served in one turn and then be watched for
  // input again. This is half of the events that a loop fetches in a turn. So
  // these sessions cannot fill the next turn.
  static constexpr int kSessions = 32;

  // Whether one more session may receive in this turn.
  bool MayReceive(uint32_t turn) {
    if (turn_ != turn) *this = TurnShare(turn);
    return used_ < kTime && watched_ < kSessions;
  }
  // Charges the time of a session that has received. `is_watched` says whether
  // the loop watches the session's input from now on.
  void Use(absl::Duration time, bool is_watched) {
    used_ += time;
    if (is_watched) ++watched_;
  }

 private:
  explicit TurnShare(uint32_t turn) : turn_(turn) {}

  uint32_t turn_ = 0;
  absl::Duration used_;  // of this turn
  int watched_ = 0;      // of this turn
};

// A queue for each user and service. A session joins it if it has input when
// the share of a turn is spent, or when other sessions are in the queue
// already. The loop does not watch the input of sessions in the queue. In each
// turn the first sessions of the queue receive, as far as the share allows. A
// session that still has input then goes to the end of the queue.
//
// If a session was added since the last turn, no session of the queue receives
// in this turn. Otherwise a user could always have more ready sessions than the
// number of events that a loop fetches in a turn. The events of other users
// would then come after the events of all these sessions.
class TurnQueue final : private event::Timer {
 public:
  // Only the owner's thread may call these functions. `loop` is its loop.
  //
  // Called when the input of a session is reported. If it returns true, the
  // session may receive now, and Use() must follow. If it returns false, Add()
  // must follow.
  bool MayReceive(event::Loop* loop) {
    return empty() && share_.MayReceive(loop->turn());
  }
  void Use(absl::Duration time, bool is_watched) {
    share_.Use(time, is_watched);
  }
  // The loop will call Link::OnTurn(). Remove() cancels this.
  void Add(event::Loop* loop, Link* link) {
    has_grown_ = true;
    AddAgain(loop, link);
  }
  // Link::OnTurn() calls it if the link has more input.
  void AddAgain(event::Loop* loop, Link* link);
  void Remove(Link* link);
  bool empty() const { return ring_.alone(); }

 private:
  void OnExpiry() override;

  TurnShare share_;
  event::Loop* loop_ = nullptr;
  RingPlace ring_;
  uint32_t count_ = 0;      // of links that wait
  bool has_grown_ = false;  // since the last OnExpiry()
};

// The place of a link in a TurnQueue.
class TurnPlace : public RingPlace {};

// Ties a session to a connection and to the loop of the session's owner.
//
//   any thread ──Schedule──► owner's loop ──► Session::DeliverOwed()
//   far end ──► connection ──► owner's loop ──► DeliverOwed(), then OnFrame()
//                                               for each frame
//
// In each turn the link receives frames within a budget, while
// Session::TakesFrames() is true. If the share of the session's user is spent,
// the link waits in the TurnQueue. The TurnQueue later calls OnTurn().
class Link final : private transports::Connection::Observer,
                   private Scheduled,
                   private TurnPlace {
 public:
  explicit Link(Session* session) : session_(session) {}

  // The owner's thread. Attaches `connection` to the owner's loop. The session
  // owns the connection, and must keep it until Close().
  absl::Status Attach(transports::Connection* connection,
                      const transports::SendLimits& limits);
  // The owner's thread. Closes the attached connection, if there is one.
  void Close();
  // The owner's thread. Null if no connection is attached.
  transports::Connection* attached() const { return attached_; }

  // The owner's thread. Receives from the attached connection, with the
  // session's buffers. If it returns kClosed, *why is the reason. The reason
  // may be a lack of memory. This ends the session, but not the process.
  transports::IoResult Receive(transports::IncomingFrame* frame,
                               event::Instant deadline, absl::Status* why);

  // Any thread. The owner's loop will call DeliverOwed(). Until then, the link
  // holds a reference to the session. Does nothing if the link is scheduled
  // already, or if the owner's thread is ending.
  void Schedule();
  // The owner's thread. Cancels Schedule().
  void CancelSchedule();
  // The owner's thread. Another thread may schedule the link at any moment.
  bool scheduled() const { return is_scheduled(); }

  // Any thread. A paused link receives nothing until Session::TakesFrames() is
  // true or the far end closes. Code that makes TakesFrames() true must call
  // Schedule(). Schedule() is not needed if the connection calls OnDrained().
  bool paused() const { return paused_.load(); }
  // The owner's thread. Whether the far end has closed while the link did not
  // watch its input. The last frames are then received even if
  // Session::TakesFrames() is false.
  bool hung_up() const { return hung_up_; }

 private:
  friend class TurnQueue;
  void RunScheduled() override;
  void OnReadable() override;
  void OnWritable() override;
  void OnDrained() override;
  void OnHangUp() override;
  bool DeliverOwed();
  // The turn queue calls it. The link is no longer in the queue.
  void OnTurn(TurnQueue* queue);
  bool waits_for_turn() const { return !TurnPlace::alone(); }
  enum class Input { kNone, kMore, kNotReceived };
  // Receives frames within the budget of a turn. Returns kMore if there may be
  // more input. Returns kNotReceived if the link is now paused, or has another
  // connection or none.
  Input ReceiveFrames();
  Input ReceiveFramesOfTurn();
  // Returns false if a lack of memory has ended the session.
  bool Take(transports::IncomingFrame&& frame);
  void Pause();
  void Resume();

  Session* const session_;
  transports::Connection* attached_ = nullptr;
  std::atomic<bool> paused_{false};  // changed by the owner's thread
  // See hung_up(). If it is true, the last frames are received at once: there
  // will be no others, and the close is received only after them.
  bool hung_up_ = false;
};

}  // namespace messaging
}  // namespace le

#endif  // LE_MESSAGING_MESSAGING_SESSION_LINK_H_
