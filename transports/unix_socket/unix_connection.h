// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// One connected socket.
//
// Sending (any thread, under mutex_): if nothing is queued, the frame is sent
// directly from the caller's payload. Otherwise it is queued. In the queue
// small frames share packets, and a large frame keeps its buffer if that may be
// moved. Within a turn of the loop the first frame is sent directly; the others
// are queued until the turn ends.
//
// Receiving (the owner): one system call for each packet, which reader_ parses.
//
// A call that can carry descriptors or credentials takes a tenth of a small
// message's time. So each packet says whether the next one may have any
// (wire.md). If it may not, plain send() and recv() are used.

#ifndef LE_MESSAGING_TRANSPORTS_UNIX_SOCKET_UNIX_CONNECTION_H_
#define LE_MESSAGING_TRANSPORTS_UNIX_SOCKET_UNIX_CONNECTION_H_

#include <atomic>
#include <memory>

#include "absl/base/thread_annotations.h"
#include "event/base/log.h"
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
  // `socket_is_nonblocking`: the first blocking receive makes the socket
  // blocking.
  // `promised_plain`: the socket was passed on by another owner, whose last
  // packet said that the next one has no attachments.
  // `strangers`: how descriptors from the far end are treated.
  //  - kTaken: they are received. This thread closes those that no frame takes.
  //  - kTakenWithCare: they are received. Another thread closes those that no
  //    frame takes.
  //  - kTakenByUser: kTakenWithCare if the far end's user is a stranger, else
  //    kTaken.
  //  - kRefused: the kernel refuses them (SO_PASSRIGHTS is off).
  //  - kDropped: all are closed. Another thread does it if their user is a
  //    stranger.
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
  void ReportSilence(absl::Duration after) override {
    silence_ms_ = static_cast<uint32_t>(absl::ToInt64Milliseconds(after));
  }
  bool HasBuffered() const override { return reader_.HasBuffered(); }
  bool HasPartial() const override { return reader_.HasPartial(); }
  bool MayHaveMore() const override { return reader_.may_have_more(); }
  bool Wait(uint32_t events, event::Instant deadline) override;
  absl::Status SetReceiveCredentials(bool on) override;
  void SetDescriptorPolicy(DescriptorPolicy policy) override;
  bool LacksDescriptor() const override { return lacks_descriptor_; }
  void SetTrust(Trust trust, uid_t payer, std::shared_ptr<void> held) override;
  void KeepUntilClosed(std::shared_ptr<void> held) override {
    held_ = std::move(held);
  }
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
  class Output;  // made when first needed, such as to queue a frame
  class Unsent;
  class Leftover;  // made when input is left unread for the first time

  // kNoMemory: as kWouldBlock, but the kernel lacks memory, and does not report
  // when it has some.
  enum class Sent { kAll, kWouldBlock, kNoMemory, kTooLarge, kBroken };

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
  // Turns off SO_PASSCRED if SetReceiveCredentials(false) left it on.
  void StopPassingCredentials() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void FlushLocked() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Does not return kTooLarge. Does not use the loop. When the process ends, it
  // takes no other lock, because the caller may have interrupted its owner.
  Sent SendQueuedLocked() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  bool IsBlockedForNowLocked() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // `why`: kWouldBlock or kNoMemory.
  void SetBlockedLocked(Sent why) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  SendLimits LimitsLocked() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  bool HasRoomLocked() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  bool IsFullLocked(Room room, size_t size, bool with_descriptor) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Call after the queue has grown or shrunk.
  void UpdateCongestionLocked() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void LearnPacketLimit() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void AskToBeToldLocked() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void OnRetry();  // the timer of Output has expired
  // Bytes that the kernel holds for the far end, with its overhead.
  size_t UnreceivedInKernelLocked() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Ends sending for ever.
  void BreakLocked() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Makes the loop report when the socket is writable.
  void WantWritableLocked() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  // ---- The owner's thread ----
  void UpdateInterest() ABSL_LOCKS_EXCLUDED(mutex_);
  void UpdateInterestLocked() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  IoResult WaitAndReceive(IncomingFrame* frame, BufferPool* pool,
                          event::Instant deadline);
  IoResult ReceivePacket(IncomingFrame* frame, BufferPool* pool, bool block);
  bool PauseForDescriptor(event::Instant deadline);
  bool SetBlindPause();
  IoResult Fetch(PacketReader::Room* room, bool block,
                 IncomingAncillary* ancillary, size_t* size);
  ssize_t TakeWhatWasLookedAt(ssize_t size);
  bool NextHasManyDescriptors(bool block);
  IoResult TakeBuffered(IncomingFrame* frame, BufferPool* pool);
  void RemindOfBuffered();
  Leftover* leftover();
  IoResult Fail(absl::Status status);
  void RefuseVersion(absl::string_view why);
  void CloseWith(absl::Status status) ABSL_LOCKS_EXCLUDED(mutex_);
  void DropUnread() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::StatusOr<event::Credentials> PeerLocked() const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Logs a line that the far end may cause, so the number of lines is bounded.
  void LogForPeerLocked(event::LogLevel level, absl::string_view message) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // `connection`, if this one may pass it on; null otherwise.
  UnixConnection* AsIdle(Connection* connection, bool* promised_plain) const;
  // Closes fd_ on another thread if descriptors from strangers may be unread in
  // it.
  void CloseSocket();
  // Whether the socket may have unread file descriptors, whose close may block.
  // While the far end can still send, this holds only for the packets that have
  // arrived. Even a packet without bytes may have file descriptors.
  bool MayHaveUnread();
  bool is_careful() const {
    return strangers_ != Strangers::kTaken && strangers_ != Strangers::kRefused;
  }
  // The user who sent the file descriptors of this connection.
  uid_t Payer() const;
  // Whether too many file descriptors of that user wait to be closed.
  bool HasManyCloses() const;
  // Each closes file descriptors, on another thread if the close may block.
  void CloseSent(uid_t payer, event::UniqueFd fd, std::shared_ptr<void> held);
  void CloseReceived(event::UniqueFd fd);
  void CloseReceived(IncomingAncillary* ancillary);
  // Closes the socket of a client that was passed on, or that is not wanted. It
  // may have unread file descriptors of its user.
  static void CloseClient(event::Process* process, event::UniqueFd client,
                          std::shared_ptr<void> held = nullptr);
  // Makes the kernel accept descriptors, for a connection that is about to be
  // passed on: its new owner receives them. False: the kernel does not allow
  // it.
  bool TakeStrangers();
  bool LetDescriptorsIn();
  void RefuseStrangers();
  // Drops the queued frames.
  void DropQueueLocked() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Closes the descriptor of the queue's first packet.
  void CloseQueuedLocked() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Closes this connection and returns its socket, to pass it on.
  event::UniqueFd ReleaseSocket() ABSL_LOCKS_EXCLUDED(mutex_);

  // event::Watch
  void OnReady(uint32_t events) override;

  event::Process* const process_;
  mutable event::Mutex mutex_;

  // Only the owner's thread writes these, under mutex_. It reads them without
  // the lock; other threads read them under mutex_. The thread-safety analysis
  // cannot express this.
  Observer* observer_ = nullptr;  // null: not attached
  event::Loop* loop_ = nullptr;
  struct Closed {
    absl::Status why;
    // Set if the peer or the kernel is the reason.
    absl::optional<event::Credentials> peer;
  };
  std::unique_ptr<Closed> closed_;  // null: open

  // The owner's thread only.
  PacketReader reader_;
  std::unique_ptr<Leftover> leftover_;

  std::unique_ptr<Output> output_ ABSL_GUARDED_BY(mutex_);
  // Locked like observer_. It is declared here to save space. After closed_ is
  // set, the last waiter may reset it.
  event::UniqueFd fd_;
  // The last turn in which a frame was sent directly; 0: none.
  uint32_t sent_in_turn_ ABSL_GUARDED_BY(mutex_) = 0;
  uint32_t send_limit_bytes_ ABSL_GUARDED_BY(mutex_);
  uint32_t send_limit_frames_ ABSL_GUARDED_BY(mutex_) = UINT32_MAX;
  uint32_t gathered_limit_bytes_ ABSL_GUARDED_BY(mutex_) = UINT32_MAX;
  bool reports_congestion_ ABSL_GUARDED_BY(mutex_) = false;
  uint16_t send_limit_descriptors_ ABSL_GUARDED_BY(mutex_) = UINT16_MAX;
  // Threads that are inside poll() with fd_.
  uint16_t waiters_ ABSL_GUARDED_BY(mutex_) = 0;
  uint32_t max_packet_ ABSL_GUARDED_BY(mutex_) = kMaxPacketBytes;
  // The last packet sent or queued said that the next one has no attachments.
  bool promised_plain_ ABSL_GUARDED_BY(mutex_);
  // SO_PASSCRED is still on, although credentials are not wanted any more.
  bool passes_credentials_ ABSL_GUARDED_BY(mutex_) = false;
  // Connections of others are passed on this one. Their far ends, with the new
  // owners, can make the close of this process's copies block.
  bool passes_on_ ABSL_GUARDED_BY(mutex_) = false;
  // Sending has failed for ever.
  bool send_is_broken_ ABSL_GUARDED_BY(mutex_) = false;

  // Changed under mutex_.
  std::atomic<bool> congested_{false};

  // The owner's thread only.
  bool reads_ = false;
  bool hung_up_ = false;        // the kernel has shut down both directions
  bool hang_up_told_ = false;   // OnHangUp() was called; reads_ resets it
  bool leaves_unread_ = false;  // DescriptorPolicy::kLeaveUnread
  bool lacks_descriptor_ = false;
  Strangers strangers_;
  bool kernel_refuses_;
  bool socket_is_nonblocking_;
  bool has_blind_pause_ = false;       // the socket has a timeout
  uint32_t silence_ms_ = 0;            // ReportSilence(); 0: not called
  uid_t payer_ = event::kUnknownPeer;  // set by SetTrust()
  // See SetTrust() and KeepUntilClosed().
  std::shared_ptr<void> held_;
};

}  // namespace transports
}  // namespace le

#endif  // LE_MESSAGING_TRANSPORTS_UNIX_SOCKET_UNIX_CONNECTION_H_
