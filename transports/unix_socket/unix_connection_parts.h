// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// The parts of a UnixConnection that are allocated only when needed.

#ifndef LE_MESSAGING_TRANSPORTS_UNIX_SOCKET_UNIX_CONNECTION_PARTS_H_
#define LE_MESSAGING_TRANSPORTS_UNIX_SOCKET_UNIX_CONNECTION_PARTS_H_

#include <memory>

#include "absl/status/status.h"
#include "absl/types/optional.h"
#include "event/base/sys.h"
#include "transports/closer.h"
#include "transports/stall_clock.h"
#include "transports/unix_socket/unix_connection.h"

namespace le {
namespace transports {

// The retry interval while the kernel has no memory. The kernel does not report
// when it has memory again.
constexpr absl::Duration kNoMemoryPause = absl::Milliseconds(10);

// After the socket was full, Send() does not try it again for this time.
// (Exception: outside a turn, Send() tries before it refuses a frame.) A socket
// rarely has room again so soon, and a failing call takes as long as a
// successful one.
constexpr absl::Duration kFullSocketPause = absl::Microseconds(20);

// Receive() without a time limit first blocks in recv() or recvmsg() for this
// time, then uses poll(). Another thread can wake the call only in poll(). The
// call then sends the frames that the other thread has queued. Most calls are
// shorter than this time, so they need no poll().
constexpr absl::Duration kBlindPause = absl::Milliseconds(10);

// The retry interval while no file descriptor is free, and in a blocking call
// while too many wait to be closed.
constexpr absl::Duration kNoDescriptorPause = absl::Milliseconds(50);

// Shared statuses for the usual reasons of a close. Creating a status takes two
// allocations.
inline const absl::Status& ClosedHere() {
  static const auto* const status =
      new absl::Status(absl::CancelledError("closed at this end"));
  return *status;
}
inline const absl::Status& FarEndGone() {
  static const auto* const status =
      new absl::Status(absl::UnavailableError("the far end closed or died"));
  return *status;
}
inline const absl::Status& PassedOn() {
  static const auto* const status =
      new absl::Status(absl::CancelledError("passed to another process"));
  return *status;
}

// The list of a process's Outputs. When the process ends, this hook sends their
// queued frames as far as the kernel accepts them.
class UnixConnection::Unsent final : public event::ProcessEndHook {
 public:
  static std::shared_ptr<Unsent> Of(event::Process* process) {
    struct State final : event::ModuleState {
      const std::shared_ptr<Unsent> unsent = std::make_shared<Unsent>();
    };
    return process
        ->State<State>([process] {
          auto state = std::make_unique<State>();
          process->AddEndHook(state->unsent.get());
          return state;
        })
        ->unsent;
  }

  // The caller holds the connection's lock. Lock order: the connection's lock,
  // then this list's lock.
  void Add(Output* output);
  void Remove(Output* output);

 private:
  void BeforeProcessEnds() override;

  event::Mutex mutex_;
  Output* first_ ABSL_GUARDED_BY(mutex_) = nullptr;
};

// The part of a connection for queued frames. The caller of a function must
// hold the connection's mutex_, except in the functions that the loop calls.
class UnixConnection::Output final : private event::Task, private event::Timer {
 public:
  explicit Output(UnixConnection* connection)
      : flusher(connection),
        connection_(connection),
        unsent_(Unsent::Of(connection->process_)) {
    unsent_->Add(this);
  }
  ~Output() override { unsent_->Remove(this); }

  OutputQueue queue;
  // Why the kernel does not accept packets now. For kNoMemory a timer retries.
  enum class Blocked : uint8_t { kNo, kFull, kNoMemory };
  Blocked blocked = Blocked::kNo;
  bool is_blocked() const { return blocked != Blocked::kNo; }
  event::Instant blocked_at;  // when sending last failed; valid if blocked
  size_t blocked_bytes = 0;   // the queue's size then
  bool wants_room = false;    // Send() has refused a frame
  size_t refused_bytes = 0;   // the size of the frame that was refused last
  bool drained = false;       // OnDrained() must be called
  // If set: call OnReceived() when the kernel holds at most this many bytes.
  absl::optional<size_t> tell_at;
  bool looks_later = false;  // a timer checks tell_at
  StallClock stall_clock;

  // Sends the queue when the kernel accepts packets again. Calls no observer. A
  // blocking call of the owner serves only the innermost loop, so a Flusher
  // uses that loop. Without a nested loop the connection's own watch takes the
  // place of the Flusher's watch.
  class Flusher final : private event::Task,
                        private event::Watch,
                        private event::Timer {
   public:
    explicit Flusher(UnixConnection* connection) : connection_(connection) {}

    // Any thread. Calls Update() on the loop.
    void PostUpdate() {
      if (posted_) return;
      posted_ = true;
      loop()->Post(this);
    }
    // Whether the connection's own watch must send the queue.
    bool UsesLoopOfConnection() { return loop() == connection_->loop_; }
    // The owner's thread. Watches the socket, or starts the timer, or neither.
    void Update(Blocked blocked) {
      if (blocked == Blocked::kNoMemory && !running()) {
        loop()->StartTimer(this, loop()->Now() + kNoMemoryPause);
      }
      const bool watches = blocked == Blocked::kFull && !UsesLoopOfConnection();
      if (watches == added()) return;
      if (watches) {
        loop()->AddWatchLater(this, connection_->fd_.get(), kWritable);
      } else {
        loop()->RemoveWatch(this);
      }
    }
    // The owner's thread.
    void Leave() {
      if (loop_ == nullptr) return;
      if (posted_) loop_->Cancel(this);
      posted_ = false;
      loop_->RemoveWatch(this);
      loop_->StopTimer(this);
      loop_ = nullptr;
    }

   private:
    event::Loop* loop() {
      if (loop_ == nullptr) loop_ = connection_->loop_->innermost();
      return loop_;
    }
    void Run() override {
      event::MutexLock lock(&connection_->mutex_);
      posted_ = false;
      connection_->UpdateInterestLocked();
    }
    void OnReady(uint32_t) override { Flush(); }
    void OnExpiry() override { Flush(); }
    void Flush() {
      event::MutexLock lock(&connection_->mutex_);
      connection_->FlushLocked();
      connection_->UpdateInterestLocked();
    }

    UnixConnection* const connection_;
    event::Loop* loop_ = nullptr;  // while attached
    bool posted_ = false;
  };
  Flusher flusher;

  // The owner's thread. Sends the queue when the turn ends.
  void FlushAtTurnEnd() {
    if (turn_end_ == nullptr) {
      turn_end_ = std::make_unique<TurnEnd>(connection_);
    }
    connection_->loop_->AtTurnEnd(turn_end_.get());
  }
  // Makes the loop call OnReady(), which calls the observer.
  void PostNotice() {
    if (posted_) return;
    posted_ = true;
    connection_->loop_->Post(this);
  }
  // The owner's thread. Checks tell_at later.
  void LookLater() {
    if (!running()) {
      connection_->loop_->StartTimer(
          this, connection_->loop_->Now() + kNoMemoryPause);
    }
  }
  // The owner's thread. Cancels the tasks, the timers, the watch and the
  // turn-end hook.
  void LeaveLoop() {
    flusher.Leave();
    if (posted_) connection_->loop_->Cancel(this);
    posted_ = false;
    if (running()) connection_->loop_->StopTimer(this);
    turn_end_.reset();
    tell_at.reset();
    drained = false;
  }

 private:
  struct TurnEnd final : event::TurnEndHook {
    explicit TurnEnd(UnixConnection* c) : connection(c) {}
    void OnTurnEnd() override {
      const bool process_ends = event::Thread::process_ends();
      if (!process_ends) {
        connection->mutex_.Lock();
      } else if (!connection->mutex_.TryLock()) {
        return;  // a signal handler interrupted a call and called exit()
      }
      if (!connection->output_->is_blocked()) {
        // If the process ends, do not use the loop: exit() may have interrupted
        // code of the loop.
        process_ends ? static_cast<void>(connection->SendQueuedLocked())
                     : connection->FlushLocked();
      }
      connection->mutex_.Unlock();
    }
    UnixConnection* const connection;
  };

  void Run() override {
    {
      event::MutexLock lock(&connection_->mutex_);
      posted_ = false;
    }
    connection_->OnReady(event::Watch::kWritable);
  }
  void OnExpiry() override { connection_->OnRetry(); }

  friend class Unsent;
  UnixConnection* const connection_;
  const std::shared_ptr<Unsent> unsent_;  // may outlive the process's state
  Output* next_ = nullptr;                // in unsent_'s list
  Output* previous_ = nullptr;
  std::unique_ptr<TurnEnd> turn_end_;
  bool posted_ = false;
};

// Handles unread input, in three cases:
//  - Frames are left in a received packet. Then the observer is called again in
//    each turn.
//  - Too many file descriptors of the far end's user wait to be closed. Then
//    the closer says when the socket may be read again.
//  - A packet's file descriptor cannot be received, because none is free. Then
//    the packet is only peeked at, after pauses, until a file descriptor is
//    free. Checking beforehand would not help, because other threads may open
//    hundreds of files at once.
class UnixConnection::Leftover final : private event::Task,
                                       private event::Timer {
 public:
  explicit Leftover(UnixConnection* connection) : connection_(connection) {}

  // Call it only while attached. From the next turn on, calls OnReadable() in
  // each turn while frames are buffered.
  void Remind() {
    connection_->loop_->Cancel(this);
    connection_->loop_->Post(this);
  }
  void StopReminding() { connection_->loop_->Cancel(this); }
  // Whether Run() has called OnReadable() in this turn.
  bool has_reminded() const { return turn_ == connection_->loop_->turn(); }

  // Whether the loop leaves the socket unread until the timer expires, or until
  // few closes are under way.
  bool paused() const { return running() || few_closes_.waits(); }
  // Returns whether a file descriptor is free. Otherwise the loop stops reading
  // the socket for a time.
  bool MayReceive() {
    const int probe = event::sys::Dup(connection_->fd_.get());
    if (probe >= 0) {
      event::sys::Close(probe);
      return true;
    }
    if (connection_->loop_ != nullptr && !running()) {
      connection_->loop_->StartTimer(
          this, connection_->loop_->Now() + kNoDescriptorPause);
      connection_->UpdateInterest();
    }
    return false;
  }
  // Call it if HasManyCloses(). Returns false if the user has few closes again.
  // Otherwise the loop stops reading the socket until the user has few.
  bool AwaitFewCloses() {
    if (connection_->loop_ == nullptr || few_closes_.waits()) return true;
    if (!few_closes_.Begin(connection_->process_, connection_->Payer(),
                           connection_->loop_)) {
      return false;
    }
    connection_->UpdateInterest();
    return true;
  }

  // Call it only while attached.
  void LeaveLoop() {
    StopReminding();
    if (running()) connection_->loop_->StopTimer(this);
    few_closes_.Cancel();
  }

 private:
  class FewCloses final : public FewClosesWait {
   public:
    explicit FewCloses(UnixConnection* connection) : connection_(connection) {}

   private:
    void OnFewCloses() override { connection_->UpdateInterest(); }

    UnixConnection* const connection_;
  };

  void Run() override {
    if (!connection_->HasBuffered() || !connection_->reads_) return;
    turn_ = connection_->loop_->turn();
    connection_->loop_->Post(this);
    connection_->observer_->OnReadable();
  }
  void OnExpiry() override { connection_->UpdateInterest(); }

  UnixConnection* const connection_;
  FewCloses few_closes_{connection_};
  uint32_t turn_ = 0;  // the turn of the last Run(), or 0
};

}  // namespace transports
}  // namespace le

#endif  // LE_MESSAGING_TRANSPORTS_UNIX_SOCKET_UNIX_CONNECTION_PARTS_H_
