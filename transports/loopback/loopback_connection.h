// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// One end of a connection within a process. Private to this folder.

#ifndef LE_MESSAGING_TRANSPORTS_LOOPBACK_LOOPBACK_CONNECTION_H_
#define LE_MESSAGING_TRANSPORTS_LOOPBACK_LOOPBACK_CONNECTION_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/types/optional.h"
#include "event/base/mutex.h"
#include "event/deferred_wakes.h"
#include "event/loop.h"
#include "event/process.h"
#include "transports/loopback/frame_queue.h"
#include "transports/loopback/loopback.h"
#include "transports/stall_clock.h"
#include "transports/transport.h"

namespace le {
namespace transports {

// The connections and acceptors of one process. They are sorted by number, so
// that CloseAll() closes them in the same order in each run.
struct LoopbackTransport::Members {
  event::Mutex mutex;
  uint64_t next ABSL_GUARDED_BY(mutex) = 0;
  std::map<uint64_t, LoopbackConnection*> connections ABSL_GUARDED_BY(mutex);
  std::map<uint64_t, LoopbackAcceptor*> acceptors ABSL_GUARDED_BY(mutex);
};

// A thread in Wait(). The channel's lock guards these fields. The thread parks
// without the lock.
struct LoopbackWaiter {
  event::Parker* parker = nullptr;
  // If this is not null, the thread runs this loop and does not park.
  event::Loop* loop = nullptr;
  event::Task* task = nullptr;
  bool posted = false;
};

// The state of one end.
struct LoopbackEnd {
  FrameQueue inbox;        // frames that this end has not received yet
  BufferPool::Ptr copies;  // for payloads that had to be copied
  SendLimits limits;       // for frames that this end sends
  SendCounts send_counts;
  bool closed = false;
  absl::Status close_status;
  bool wants_room = false;   // Send() has refused a frame
  size_t refused_bytes = 0;  // of the refused frame
  StallClock stall_clock;
  // See Connection::congested(). Changed under the lock.
  std::atomic<bool> congested{false};
  bool drained = false;  // OnDrained() must be called
  // If set: call OnReceived() when at most this many descriptors are
  // unreceived.
  absl::optional<size_t> tell_at;
  // Whether OnHangUp() was called. SetReadInterest(true) makes it false again.
  bool hang_up_told = false;
  event::Credentials owner;
  // Set only while attached:
  event::Loop* loop = nullptr;
  Connection::Observer* observer = nullptr;
  event::Task* notify = nullptr;
  bool notified = false;  // `notify` is posted
  bool reads = false;
  // Threads in Wait(): the owner, and others that wait for room.
  std::vector<LoopbackWaiter*> waiters;
};

// Both ends of a connection, and the lock that guards them. A notification is
// posted under the lock, so that neither the loop nor the task is destroyed
// meanwhile. The loop's thread is woken after the lock is released.
struct LoopbackChannel {
  LoopbackChannel(const event::Credentials& connecting,
                  const event::Credentials& accepting) {
    ends[0].owner = connecting;
    ends[1].owner = accepting;
  }

  event::Mutex mutex;
  LoopbackEnd ends[2] ABSL_GUARDED_BY(mutex);
};

class LoopbackConnection final : public Connection, private event::Task {
 public:
  LoopbackConnection(std::shared_ptr<LoopbackChannel> channel, int side,
                     std::shared_ptr<LoopbackTransport::Members> members,
                     event::Process* process);
  ~LoopbackConnection() override;

  absl::Status Attach(event::Loop* loop, Observer* observer) override;
  void Detach() override;
  void SetReadInterest(bool interested) override;
  IoResult Receive(IncomingFrame* frame, BufferPool* pool,
                   event::Instant deadline) override;
  void ReportSilence(absl::Duration after) override { silence_ = after; }
  bool HasBuffered() const override;
  bool HasPartial() const override { return false; }
  // Always false, because HasBuffered() already covers every frame that has
  // arrived.
  bool MayHaveMore() const override { return false; }
  bool Wait(uint32_t events, event::Instant deadline) override;
  absl::Status SetReceiveCredentials(bool on) override;
  void SetDescriptorPolicy(DescriptorPolicy) override {}
  // Both ends belong to this process, so no stranger sends file descriptors.
  void SetTrust(Trust trust, uid_t, event::HeldRef held) override {
    refuses_descriptors_ = trust == Trust::kNoDescriptors;
    held_ = std::move(held);
  }
  void KeepUntilClosed(event::HeldRef held) override {
    held_ = std::move(held);
  }
  void SetSendLimits(const SendLimits& limits) override;
  void NotifyWhenReceived() override;
  void Close() override;
  IoResult Send(const OutgoingFrame& frame) override;
  void Flush() override {}
  SendCounts send_counts() const override;
  size_t queued_bytes() const override;
  size_t unreceived_bytes() const override { return queued_bytes(); }
  size_t unreceived_descriptors() const override;
  bool congested() const override {
    return congested_->load(std::memory_order_acquire);
  }
  event::Instant stalled_since() const override;
  absl::Status close_status() const override;
  absl::StatusOr<event::Credentials> peer() const override;
  absl::StatusOr<event::UniqueFd> PeerPidFd() const override;

  // Called by LoopbackTransport::CloseAll(), on any thread.
  void Die();

 private:
  class Waiting;

  LoopbackEnd& mine() ABSL_EXCLUSIVE_LOCKS_REQUIRED(channel_->mutex) {
    return channel_->ends[side_];
  }
  LoopbackEnd& far() ABSL_EXCLUSIVE_LOCKS_REQUIRED(channel_->mutex) {
    return channel_->ends[1 - side_];
  }
  const LoopbackEnd& mine() const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(channel_->mutex) {
    return channel_->ends[side_];
  }
  const LoopbackEnd& far() const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(channel_->mutex) {
    return channel_->ends[1 - side_];
  }

  bool ReadableLocked() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(channel_->mutex) {
    return !mine().inbox.empty() || far().closed;
  }
  bool HasRoomLocked() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(channel_->mutex);
  bool IsReceivedLocked() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(channel_->mutex) {
    return mine().tell_at.has_value() &&
           far().inbox.descriptors() <= *mine().tell_at;
  }
  void DetachLocked() ABSL_EXCLUSIVE_LOCKS_REQUIRED(channel_->mutex);
  void CloseLocked(absl::Status status, event::DeferredWakes* wakes)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(channel_->mutex);
  Buffer CopyLocked(absl::Span<const uint8_t> payload)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(channel_->mutex);

  // Whether this connection can be sent in a frame over `channel`.
  bool IsIdle(const LoopbackChannel* channel) const;
  void CloseWith(absl::Status status);
  IoResult Hand(QueuedFrame&& queued, IncomingFrame* frame, BufferPool* pool);
  void Join(std::shared_ptr<LoopbackTransport::Members> members);
  void Leave();

  // Handles the posted notification.
  void Run() override;

  const std::shared_ptr<LoopbackChannel> channel_;
  const int side_;
  // Only the owner's thread changes these. The first three change when the
  // connection is passed on.
  event::Process* process_;
  std::shared_ptr<LoopbackTransport::Members> members_;
  uint64_t number_ = 0;                       // in members_
  const std::atomic<bool>* const congested_;  // mine().congested
  bool receives_credentials_ = false;
  bool refuses_descriptors_ = false;
  absl::Duration silence_ = absl::InfiniteDuration();
  event::HeldRef held_;
};

}  // namespace transports
}  // namespace le

#endif  // LE_MESSAGING_TRANSPORTS_LOOPBACK_LOOPBACK_CONNECTION_H_
