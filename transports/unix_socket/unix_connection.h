// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// One connected socket.
//
// Sending (any thread, under mutex_): if nothing is queued, the frame is sent
// directly from the caller's payload. Otherwise it is queued. In the queue
// small frames share packets, and a large frame keeps its buffer if the buffer
// may be moved. Within a turn of the loop the first frame is sent directly.
// Later frames of the turn are queued until the turn ends.
//
// Receiving (the owner): a packet usually takes one system call. reader_ parses
// the packet.
//
// A packet is plain if it has no descriptors and no credentials. Plain packets
// are sent by send() and received by recv(). A small message then takes a tenth
// less time than with sendmsg() and recvmsg(). So each packet says whether the
// next packet is plain (wire.md).

#ifndef LE_MESSAGING_TRANSPORTS_UNIX_SOCKET_UNIX_CONNECTION_H_
#define LE_MESSAGING_TRANSPORTS_UNIX_SOCKET_UNIX_CONNECTION_H_

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <memory>

#include "absl/base/thread_annotations.h"
#include "event/base/log.h"
#include "event/base/mutex.h"
#include "event/base/ref.h"
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
  // `socket_is_nonblocking`: the socket is non-blocking. The first blocking
  // receive makes it blocking. `promised_plain`: a former owner of the socket
  // promised in its last packet that the next packet is plain. `strangers`: the
  // handling of descriptors that the far end sends.
  //  - kTaken: they are received. This thread closes descriptors that no frame
  //    takes.
  //  - kTakenWithCare: they are received. Another thread closes descriptors
  //    that no frame takes.
  //  - kTakenByUser: like kTakenWithCare if the far end's user is a stranger,
  //    otherwise like kTaken.
  //  - kRefused: the kernel refuses them (SO_PASSRIGHTS is off).
  //  - kDropped: all are closed. If their user is a stranger, another thread
  //    closes them.
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

  // Whether the socket refuses file descriptors. If it has refused them since
  // it was created, no unread packet holds one.
  static bool RefusesDescriptors(int fd);

  absl::Status Attach(event::Loop* loop, Observer* observer) override;
  void Detach() override;
  void SetReadInterest(bool interested) override;
  IoResult Receive(IncomingFrame* frame, BufferPool* pool,
                   event::Instant deadline) override;
  void ReportSilence(absl::Duration after) override {
    silence_ms_ = static_cast<uint16_t>(
        std::min<int64_t>(absl::ToInt64Milliseconds(after), UINT16_MAX));
  }
  bool HasBuffered() const override { return reader_.HasBuffered(); }
  bool HasPartial() const override { return reader_.HasPartial(); }
  bool MayHaveMore() const override { return reader_.may_have_more(); }
  bool Wait(uint32_t events, event::Instant deadline) override;
  absl::Status SetReceiveCredentials(bool on) override;
  void SetDescriptorPolicy(DescriptorPolicy policy) override;
  bool LacksDescriptor() const override { return lacks_descriptor_; }
  void SetTrust(Trust trust, uid_t payer, event::HeldRef held) override;
  void KeepUntilClosed(event::HeldRef held) override {
    held_ = std::move(held);
  }
  void SetSendLimits(const SendLimits& limits) override;
  void NotifyWhenReceived() override;
  void Close() override;
  IoResult Send(const OutgoingFrame& frame) override;
  void Flush() override;
  SendCounts send_counts() const override;
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
  class Output;  // created when first needed, such as to queue a frame
  class Unsent;
  class Leftover;  // created when input is first left unread
  struct Poll;

  // The result of sending. kNoMemory is like kWouldBlock, but the kernel lacks
  // memory and does not report when it has memory again.
  enum class Sent { kAll, kWouldBlock, kNoMemory, kTooLarge, kBroken };

  // The steps of Wait(). Each returns true if Wait() must return true.
  bool BeforePoll(Poll* poll);
  bool AfterPoll(const Poll& poll, int ready, int error);

  // ---- Output ----
  Output* output() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  bool HasQueuedLocked() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // The steps of Send(). `passed` is the connection that the frame passes on,
  // or null. Describe() returns false if that connection is not idle.
  bool Describe(const OutgoingFrame& frame, FrameHeader* header,
                UnixConnection** passed) const;
  bool MakeRoomLocked(const OutgoingFrame& frame, bool in_turn)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  Sent SendNowLocked(const FrameHeader& header, const OutgoingFrame& frame,
                     UnixConnection* passed, size_t* sent)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // The first `sent` bytes of the frame's payload were sent already.
  void QueueLocked(const FrameHeader& header, const OutgoingFrame& frame,
                   UnixConnection* passed, size_t sent)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
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
  // Never returns kTooLarge. Does not use the loop. While the process ends, it
  // takes no lock: a signal handler that calls exit() may have interrupted the
  // holder of a lock.
  Sent SendQueuedLocked() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  bool IsBlockedForNowLocked() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // `why` is kWouldBlock or kNoMemory.
  void SetBlockedLocked(Sent why) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  SendLimits LimitsLocked() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  bool HasRoomLocked() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  bool IsFullLocked(Room room, size_t size, bool with_descriptor) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Call it after the queue has grown or shrunk.
  void UpdateCongestionLocked() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void LearnPacketLimit() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void AskToBeToldLocked() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void OnRetry();  // called when the timer of Output expires
  // The number of bytes that the kernel holds for the far end, with the
  // kernel's overhead. Nullopt if the kernel does not tell.
  absl::optional<size_t> AskForUnreceivedLocked() const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  size_t UnreceivedInKernelLocked() const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return AskForUnreceivedLocked().value_or(0);
  }
  // After this the connection never sends again.
  void BreakLocked() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Makes a loop send the queue when the socket is writable: see Flusher.
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
  ssize_t RemovePeekedPacket(ssize_t size);
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
  // Logs a line that the far end may have caused. The number of such lines is
  // limited.
  void LogForPeerLocked(event::LogLevel level, absl::string_view message) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Returns `connection` if this connection may pass it on, otherwise null.
  UnixConnection* AsIdle(Connection* connection, bool* promised_plain) const;
  // Closes fd_. If fd_ may have unread descriptors from strangers, another
  // thread closes it.
  void CloseSocket();
  // Whether an unread packet of the socket may have file descriptors, whose
  // close may block. Even a packet without bytes may have them. As long as the
  // far end can send, it may send another such packet at any time.
  bool MayHaveUnread();
  bool is_careful() const {
    return strangers_ != Strangers::kTaken && strangers_ != Strangers::kRefused;
  }
  // The user that sends the file descriptors of this connection.
  uid_t Payer() const;
  // Whether too many file descriptors of Payer() wait to be closed.
  bool HasManyCloses() const;
  // These functions close file descriptors, on another thread if the close may
  // block.
  void CloseSent(uid_t payer, event::UniqueFd fd, event::HeldRef held);
  void CloseReceived(event::UniqueFd fd);
  void CloseReceived(IncomingAncillary* ancillary);
  // Closes a client's socket that was passed on or is not needed. The socket
  // may have unread file descriptors of the client's user.
  static void CloseClient(event::Process* process, event::UniqueFd client,
                          event::HeldRef held = {});
  // Makes the kernel accept descriptors for a connection that is about to be
  // passed on, so that its new owner receives them. Returns false if the kernel
  // refuses.
  bool TakeStrangers();
  bool LetDescriptorsIn();
  void RefuseStrangers();
  // Drops the queued frames.
  void DropQueueLocked() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Closes the descriptor of the queue's first packet.
  void CloseQueuedLocked() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Closes this connection, and returns its socket so that the caller can pass
  // it on.
  event::UniqueFd ReleaseSocket() ABSL_LOCKS_EXCLUDED(mutex_);

  // event::Watch
  void OnReady(uint32_t events) override;

  event::Process* const process_;
  mutable event::Mutex mutex_;

  // observer_, loop_ and closed_: only the owner's thread writes them, and only
  // under mutex_. The owner's thread reads them without the lock; other threads
  // read them under mutex_. The thread-safety analysis cannot express this.
  Observer* observer_ = nullptr;  // null if not attached
  event::Loop* loop_ = nullptr;
  struct Closed {
    absl::Status why;
    // Set if the peer has broken a rule or a system call has failed.
    absl::optional<event::Credentials> peer;
  };
  std::unique_ptr<Closed> closed_;  // null while open

  // Used by the owner's thread only.
  PacketReader reader_;
  std::unique_ptr<Leftover> leftover_;

  std::unique_ptr<Output> output_ ABSL_GUARDED_BY(mutex_);
  // Locked like observer_, but after closed_ is set, the last thread in poll()
  // may reset it. Declared here to save space.
  event::UniqueFd fd_;
  SendCounts send_counts_ ABSL_GUARDED_BY(mutex_);
  // The last turn in which a frame was sent directly, or 0.
  uint32_t sent_in_turn_ ABSL_GUARDED_BY(mutex_) = 0;
  uint32_t send_limit_bytes_ ABSL_GUARDED_BY(mutex_);
  uint32_t send_limit_frames_ ABSL_GUARDED_BY(mutex_) = UINT32_MAX;
  uint32_t gathered_limit_bytes_ ABSL_GUARDED_BY(mutex_) = UINT32_MAX;
  uint32_t max_packet_ ABSL_GUARDED_BY(mutex_) = kMaxPacketBytes;
  uint16_t send_limit_descriptors_ ABSL_GUARDED_BY(mutex_) = UINT16_MAX;
  // The number of threads that are inside poll() with fd_.
  uint16_t waiters_ ABSL_GUARDED_BY(mutex_) = 0;
  uint16_t silence_ms_ = 0;  // ReportSilence(); 0: not called
  bool reports_congestion_ : 1 ABSL_GUARDED_BY(mutex_);
  // Whether the last packet that was sent or queued promised that the next
  // packet is plain.
  bool promised_plain_ : 1 ABSL_GUARDED_BY(mutex_);
  // Whether SO_PASSCRED is still on although credentials are not wanted any
  // more.
  bool passes_credentials_ : 1 ABSL_GUARDED_BY(mutex_);
  // Whether this connection has passed on other connections. The far end and
  // the new owner of such a connection can make the close of this process's
  // copy block.
  bool passes_on_ : 1 ABSL_GUARDED_BY(mutex_);
  // Set by BreakLocked().
  bool send_is_broken_ : 1 ABSL_GUARDED_BY(mutex_);

  // Changed only under mutex_.
  std::atomic<bool> congested_{false};

  // Used by the owner's thread only.
  Strangers strangers_;
  bool reads_ : 1;
  bool hung_up_ : 1;        // the kernel has shut down both directions
  bool hang_up_told_ : 1;   // OnHangUp() was called
  bool leaves_unread_ : 1;  // DescriptorPolicy::kLeaveUnread
  bool lacks_descriptor_ : 1;
  bool kernel_refuses_ : 1;
  bool socket_is_nonblocking_ : 1;
  bool has_blind_pause_ : 1;           // the socket has a timeout
  uid_t payer_ = event::kUnknownPeer;  // set by SetTrust()
  // See SetTrust() and KeepUntilClosed().
  event::HeldRef held_;
};

}  // namespace transports
}  // namespace le

#endif  // LE_MESSAGING_TRANSPORTS_UNIX_SOCKET_UNIX_CONNECTION_H_
