// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// One connected socket.
//
// Sending (any thread, under mutex_): straight from the caller's payload if
// nothing is queued; else into the queue, where small frames share packets, and
// large ones keep their buffer if they may.
// Within a turn of the loop the first frame goes straight, the rest is queued
// until the turn's end.
//
// Receiving (the owner): one system call per packet, which reader_ takes apart.
//
// Descriptors and credentials cost both sides more than all the rest of a small
// message. So each packet says whether the next one may bring any (wire.md), and
// where none may, plain send() and recv() do.

#ifndef LE_MESSAGING_TRANSPORTS_UNIX_SOCKET_UNIX_CONNECTION_H_
#define LE_MESSAGING_TRANSPORTS_UNIX_SOCKET_UNIX_CONNECTION_H_

#include <atomic>
#include <memory>

#include "absl/base/thread_annotations.h"
#include "event/base/mutex.h"
#include "event/base/unique_fd.h"
#include "event/loop.h"
#include "event/peer_log.h"
#include "event/process.h"
#include "transports/framing/framing.h"
#include "transports/framing/packet_reader.h"
#include "transports/transport.h"
#include "transports/unix_socket/ancillary.h"
#include "transports/unix_socket/output_queue.h"

#ifndef SO_PASSRIGHTS
#define SO_PASSRIGHTS 83  // since Linux 6.16; older headers do not name it
#endif

namespace le {
namespace transports {

class UnixConnection final : public Connection, private event::Watch {
 public:
  // A socket that connects without waiting is born non-blocking, and is made
  // blocking when a blocking receive first wants it so.
  // `promised_plain`: of a socket that was another's before, which said last
  // that its next packet has no attachments.
  // `strangers`: what becomes of descriptors that the far end sends. kTaken: those
  // that nobody takes are closed here. kTakenWithCare: these are closed elsewhere.
  // kTakenByUser: as one of both, by the far end's user. kRefused: the kernel has
  // been told so. kDropped: all are closed, here or elsewhere by the user.
  enum class Strangers : uint8_t {
    kTaken,
    kTakenWithCare,
    kTakenByUser,
    kRefused,
    kDropped
  };
  UnixConnection(event::UniqueFd socket, event::Process* process,
                 bool socket_is_nonblocking, bool promised_plain = false,
                 Strangers strangers = Strangers::kTaken);
  ~UnixConnection() override;

  absl::Status Attach(event::Loop* loop, Observer* observer) override;
  void Detach() override;
  void SetReadInterest(bool interested) override;
  IoResult Receive(IncomingFrame* frame, BufferPool* pool,
                   event::Instant deadline) override;
  bool HasBuffered() const override { return reader_.HasBuffered(); }
  bool HasPartial() const override { return reader_.HasPartial(); }
  bool MayHaveMore() const override { return reader_.may_have_more(); }
  bool Wait(uint32_t events, event::Instant deadline) override;
  absl::Status SetReceiveCredentials(bool on) override;
  void SetDescriptorPolicy(DescriptorPolicy policy) override;
  void SetTrust(Trust trust, uid_t payer, std::shared_ptr<void> held) override;
  void SetSendLimits(const SendLimits& limits) override;
  void NotifyWhenReceived() override;
  void Close() override;
  IoResult Send(const OutgoingFrame& frame) override;
  void Flush() override;
  size_t queued_bytes() const override;
  size_t unreceived_bytes() const override;
  size_t unreceived_descriptors() const override;
  bool congested() const override {
    return congested_.load(std::memory_order_acquire);
  }
  event::Instant stalled_since() const override;
  absl::Status close_status() const override;
  absl::StatusOr<event::Credentials> peer() const override;
  absl::StatusOr<event::UniqueFd> PeerPidFd() const override;

 private:
  class Output;  // exists once something has been queued or gathered
  class Unsent;
  class Leftover;  // exists once something has been left unread

  enum class Sent { kAll, kWouldBlock, kTooLarge, kBroken };

  // ---- Output ----
  Output* output() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  Sent SendFront() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  Sent SendFrame(FrameHeader header, const OutgoingFrame& frame, int descriptor,
                 size_t* sent) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  Sent SendParts(FrameHeader header, absl::Span<const uint8_t> payload,
                 int descriptor, bool attach_credentials, size_t* sent)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  Sent SendBytes(struct iovec* parts, size_t count, int descriptor,
                 bool attach_credentials) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  Sent SendPlain(const void* bytes, size_t size)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  Sent FailedToSend(int error) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status PassCredentials(bool on) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // If SetReceiveCredentials(false) has left that.
  void StopPassingCredentials() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void FlushLocked() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // kAll, kWouldBlock or kBroken. Leaves the loop alone.
  Sent SendQueuedLocked() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  bool IsBlockedForNowLocked() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void SetBlockedLocked() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  bool HasRoomLocked() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  bool IsFullLocked(Room room, size_t size, bool with_descriptor) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // After the queue has grown or shrunk.
  void UpdateCongestionLocked() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void LearnPacketLimit() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Of what the kernel has for the far end: with what it needs itself.
  void AskToBeToldLocked() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void OnRetry();  // a pause is over
  size_t UnreceivedInKernelLocked() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Nothing more can be sent.
  void BreakLocked() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Asks the loop to say when the kernel takes more.
  void WantWritableLocked() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Any thread but the owner's.
  void FlushForBlockedOwner(event::Instant deadline)
      ABSL_LOCKS_EXCLUDED(mutex_);

  // What a wait is for, besides kReadable and kWritable: nothing is queued, or
  // the owner has come back and sees to it.
  static constexpr uint32_t kFlushed = 4;
  bool IsDoneLocked(uint32_t events) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  // ---- The owner's thread ----
  void UpdateInterest() ABSL_LOCKS_EXCLUDED(mutex_);
  void UpdateInterestLocked() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  IoResult WaitAndReceive(IncomingFrame* frame, BufferPool* pool,
                          event::Instant deadline);
  IoResult ReceivePacket(IncomingFrame* frame, BufferPool* pool, bool block);
  bool PauseForDescriptor(event::Instant deadline);
  IoResult Fetch(PacketReader::Room* room, bool block,
                 IncomingAncillary* ancillary, size_t* size);
  ssize_t TakeWhatWasLookedAt(ssize_t size);
  IoResult TakeBuffered(IncomingFrame* frame, BufferPool* pool);
  void RemindOfBuffered();
  Leftover* leftover();
  IoResult Fail(absl::Status status);
  void RefuseVersion(absl::string_view why);
  void CloseWith(absl::Status status) ABSL_LOCKS_EXCLUDED(mutex_);
  void DropUnread() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::StatusOr<event::Credentials> PeerLocked() const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // `connection`, if this one may pass it on; null otherwise.
  UnixConnection* AsIdle(Connection* connection, bool* promised_plain) const;
  // What strangers have sent may be in it still.
  void CloseSocket();
  // Whether the kernel has anything for this end whose close may last. After the far
  // end can send no more; descriptors may come with a packet of no bytes.
  bool MayHaveUnread();
  bool is_careful() const {
    return strangers_ != Strangers::kTaken && strangers_ != Strangers::kRefused;
  }
  // Who has sent what must be closed.
  uid_t Payer() const;
  // Whether too much of what that user has sent is not closed yet.
  bool HasManyCloses() const;
  // Each closes elsewhere what may take long.
  void CloseSent(uid_t payer, event::UniqueFd fd, std::shared_ptr<void> held);
  void CloseReceived(event::UniqueFd fd);
  void CloseReceived(IncomingAncillary* ancillary);
  // For a connection that is about to be passed on: its new owner takes
  // descriptors. If it is not passed on after all, some may have come meanwhile.
  bool TakeStrangers();
  bool LetDescriptorsIn();
  void RefuseStrangers();
  // What is queued goes nowhere.
  void DropQueueLocked() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // For a connection that is passed on.
  event::UniqueFd ReleaseSocket() ABSL_LOCKS_EXCLUDED(mutex_);

  // event::Watch
  void OnReady(uint32_t events) override;

  event::Process* const process_;
  mutable event::Mutex mutex_;

  // The owner's thread writes these under mutex_; it reads them without, and
  // other threads under mutex_. The analysis knows no such rule.
  Observer* observer_ = nullptr;  // null: not attached
  event::Loop* loop_ = nullptr;
  struct Closed {
    absl::Status why;
    // The peer, if it is the reason.
    absl::optional<event::Credentials> peer;
  };
  std::unique_ptr<Closed> closed_;  // null: open

  // The owner's thread only.
  PacketReader reader_;
  std::unique_ptr<Leftover> leftover_;

  std::unique_ptr<Output> output_ ABSL_GUARDED_BY(mutex_);
  // As observer_; here to save space. After closed_ is set, the last waiter may
  // reset it.
  event::UniqueFd fd_;
  // The last turn in which something left; 0: none.
  uint32_t sent_in_turn_ ABSL_GUARDED_BY(mutex_) = 0;
  uint32_t send_limit_bytes_ ABSL_GUARDED_BY(mutex_);
  uint32_t send_limit_frames_ ABSL_GUARDED_BY(mutex_) = UINT32_MAX;
  uint32_t gathered_limit_bytes_ ABSL_GUARDED_BY(mutex_) = UINT32_MAX;
  bool reports_congestion_ ABSL_GUARDED_BY(mutex_) = false;
  uint16_t send_limit_descriptors_ ABSL_GUARDED_BY(mutex_) = UINT16_MAX;
  // Threads inside poll() with our descriptor.
  uint16_t waiters_ ABSL_GUARDED_BY(mutex_) = 0;
  uint32_t max_packet_ ABSL_GUARDED_BY(mutex_) = kMaxPacketBytes;
  // The last packet said that the next one has no attachments.
  bool promised_plain_ ABSL_GUARDED_BY(mutex_);
  // SO_PASSCRED is on still, although it is not wanted any more.
  bool passes_credentials_ ABSL_GUARDED_BY(mutex_) = false;
  // The far end takes nothing more.
  bool send_is_broken_ ABSL_GUARDED_BY(mutex_) = false;

  // Changed under mutex_.
  std::atomic<bool> congested_{false};

  // The owner's thread only.
  bool reads_ = false;
  bool hung_up_ = false;        // the kernel has shut down both directions
  bool hang_up_told_ = false;   // and reads_ has not been set since
  bool leaves_unread_ = false;  // DescriptorPolicy::kLeaveUnread
  Strangers strangers_;
  bool kernel_refuses_;
  bool passes_strangers_ = false;  // connections of such as send descriptors
  bool socket_is_nonblocking_;
  uid_t payer_ = event::kUnknownPeer;  // known: SetTrust() has said
  std::shared_ptr<void> held_;         // until all that came here is closed

  // The owner waits, and looks at the output no more. Set under mutex_; the owner
  // clears it without. A stale true costs one kWouldBlock.
  std::atomic<bool> owner_is_blocked_{false};
};

}  // namespace transports
}  // namespace le

#endif  // LE_MESSAGING_TRANSPORTS_UNIX_SOCKET_UNIX_CONNECTION_H_
