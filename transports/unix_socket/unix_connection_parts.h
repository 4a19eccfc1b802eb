// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// What a UnixConnection has only once it needs it.

#ifndef LE_MESSAGING_TRANSPORTS_UNIX_SOCKET_UNIX_CONNECTION_PARTS_H_
#define LE_MESSAGING_TRANSPORTS_UNIX_SOCKET_UNIX_CONNECTION_PARTS_H_

#include <memory>

#include "absl/status/status.h"
#include "absl/types/optional.h"
#include "event/base/sys.h"
#include "transports/unix_socket/unix_connection.h"

namespace le {
namespace transports {

// When the kernel has no memory it does not say when it has: try again after
// this.
constexpr absl::Duration kNoMemoryPause = absl::Milliseconds(10);

// A full socket has hardly room again within this time, and a call that fails
// costs as much as one that sends.
constexpr absl::Duration kFullSocketPause = absl::Microseconds(20);

// When no descriptor is free, or too many are to be closed, likewise.
constexpr absl::Duration kNoDescriptorPause = absl::Milliseconds(50);

// Shared statuses for the common endings: creating one costs two allocations.
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

// The connections of a process that have held something back. When the process
// ends, they hand over what the kernel takes.
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

  // With the lock of the connection, which comes before this one's.
  void Add(Output* output);
  void Remove(Output* output);

 private:
  void BeforeProcessEnds() override;

  event::Mutex mutex_;
  Output* first_ ABSL_GUARDED_BY(mutex_) = nullptr;
};

// Everything under the connection's mutex_, but for what the loop calls.
class UnixConnection::Output final : private event::Task, private event::Timer {
 public:
  explicit Output(UnixConnection* connection)
      : connection_(connection), unsent_(Unsent::Of(connection->process_)) {
    unsent_->Add(this);
  }
  ~Output() override { unsent_->Remove(this); }

  OutputQueue queue;
  bool blocked = false;       // the kernel takes nothing more now
  bool no_memory = false;     // and does not say when it will again
  event::Instant blocked_at;  // the last attempt that failed; if blocked
  bool wants_room = false;    // a Send() was refused
  size_t refused_bytes = 0;   // of what was refused last
  bool drained = false;       // the observer is to be told
  // The observer is to be told once the kernel has no more than this.
  absl::optional<size_t> tell_at;
  bool looks_later = false;  // whether that is so: the kernel does not say when
  // Something has left since a Send() was refused; if not, since when.
  bool taken = true;
  event::Instant stalled_since;
  size_t stalled_at = 0;  // what was unreceived then

  // The owner's thread: what is in the queue leaves then.
  void FlushAtTurnEnd() {
    if (turn_end_ == nullptr) {
      turn_end_ = std::make_unique<TurnEnd>(connection_);
    }
    connection_->loop_->AtTurnEnd(turn_end_.get());
  }
  void PostUpdate() {
    if (posted_) return;
    posted_ = true;
    connection_->loop_->Post(this);
  }
  // The owner's thread.
  void RetryLater() {
    if (!running()) {
      connection_->loop_->StartTimer(
          this, connection_->loop_->Now() + kNoMemoryPause);
    }
  }
  // The owner's thread: takes everything back from the loop.
  void LeaveLoop() {
    if (posted_) connection_->loop_->Cancel(this);
    posted_ = false;
    if (running()) connection_->loop_->StopTimer(this);
    turn_end_.reset();
    tell_at.reset();
  }

 private:
  struct TurnEnd final : event::TurnEndHook {
    explicit TurnEnd(UnixConnection* c) : connection(c) {}
    void OnTurnEnd() override {
      if (!event::Thread::process_ends()) {
        connection->mutex_.Lock();
      } else if (!connection->mutex_.TryLock()) {
        return;  // a signal handler has interrupted a call, and calls exit()
      }
      if (!connection->output_->blocked) connection->FlushLocked();
      connection->mutex_.Unlock();
    }
    UnixConnection* const connection;
  };

  void Run() override {
    bool tells;
    {
      event::MutexLock lock(&connection_->mutex_);
      posted_ = false;
      tells = drained;
      if (!tells) connection_->UpdateInterestLocked();
    }
    if (tells) connection_->OnReady(event::Watch::kWritable);
  }
  void OnExpiry() override { connection_->OnRetry(); }

  friend class Unsent;
  UnixConnection* const connection_;
  const std::shared_ptr<Unsent> unsent_;  // may outlive the process's state
  Output* next_ = nullptr;                // there
  Output* previous_ = nullptr;
  std::unique_ptr<TurnEnd> turn_end_;
  bool posted_ = false;
};

// Three cases of unread input. Frames left in a packet: the observer is called again
// in each turn. What a stranger has sent who has too much that is not closed yet: it
// is looked at again after a pause. A packet whose descriptor cannot be received: it
// is peeked at, and taken once a descriptor is free. The number of free descriptors is not asked for:
// other threads take hundreds at once.
class UnixConnection::Leftover final : private event::Task,
                                       private event::Timer {
 public:
  explicit Leftover(UnixConnection* connection) : connection_(connection) {}

  // While attached: tells of what is buffered, from the next turn on.
  void Remind() {
    connection_->loop_->Cancel(this);
    connection_->loop_->Post(this);
  }
  void StopReminding() { connection_->loop_->Cancel(this); }
  // In this turn the observer has had its share.
  bool has_reminded() const { return turn_ == connection_->loop_->turn(); }

  bool paused() const { return running(); }
  // Whether there is a descriptor left, and the far end may take one. If not, the
  // loop pauses.
  bool MayReceive() {
    const int probe = connection_->HasManyCloses()
                          ? -1
                          : event::sys::Dup(connection_->fd_.get());
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

  // While attached.
  void LeaveLoop() {
    StopReminding();
    if (running()) connection_->loop_->StopTimer(this);
  }

 private:
  void Run() override {
    if (!connection_->HasBuffered() || !connection_->reads_) return;
    turn_ = connection_->loop_->turn();
    connection_->loop_->Post(this);
    connection_->observer_->OnReadable();
  }
  void OnExpiry() override { connection_->UpdateInterest(); }

  UnixConnection* const connection_;
  uint32_t turn_ = 0;  // none
};

}  // namespace transports
}  // namespace le

#endif  // LE_MESSAGING_TRANSPORTS_UNIX_SOCKET_UNIX_CONNECTION_PARTS_H_
