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
// Receiving (the owner): one system call per packet. If the packet has more than
// one frame, the rest is kept and handed out without another.
//
// Descriptors and credentials cost both sides more than all the rest of a small
// message. So each packet says whether the next one may bring any (wire.md), and
// where none may, plain send() and recv() do.

#ifndef LE_MESSAGING_TRANSPORTS_UNIX_SOCKET_UNIX_CONNECTION_H_
#define LE_MESSAGING_TRANSPORTS_UNIX_SOCKET_UNIX_CONNECTION_H_

#include <atomic>
#include <memory>
#include <mutex>

#include "event/base/unique_fd.h"
#include "event/loop.h"
#include "event/process.h"
#include "transports/framing/framing.h"
#include "transports/transport.h"
#include "transports/unix_socket/ancillary.h"
#include "transports/unix_socket/output_queue.h"

namespace le {
namespace transports {

class UnixConnection final : public Connection, private event::Watch {
 public:
  // A socket that connects without waiting is born non-blocking, and is made
  // blocking when a blocking receive first wants it so.
  UnixConnection(event::UniqueFd socket, event::Process* process,
                 bool socket_is_nonblocking);
  ~UnixConnection() override;

  absl::Status Attach(event::Loop* loop, Observer* observer) override;
  void Detach() override;
  void SetReadInterest(bool interested) override;
  IoResult Receive(IncomingFrame* frame, BufferPool* pool,
                   event::Instant deadline) override;
  bool HasBuffered() const override;
  bool MayHaveMore() const override { return may_have_more_; }
  bool Wait(uint32_t what, event::Instant deadline) override;
  absl::Status AskForSender(bool on) override;
  void SetDescriptorPolicy(DescriptorPolicy policy) override;
  void SetSendLimits(const SendLimits& limits) override;
  void Close() override;
  IoResult Send(const OutgoingFrame& frame) override;
  void Flush() override;
  size_t queued_bytes() const override;
  absl::Status close_status() const override;
  absl::StatusOr<event::Credentials> peer() const override;
  absl::StatusOr<event::UniqueFd> PeerPidFd() const override;

  // Memory for a packet on its way in.
  struct Packet {
    uint8_t bytes[kMaxPacketBytes];
  };

 private:
  class Output;    // exists once something has been queued or gathered
  class Spare;     // exists under DescriptorPolicy::kLeaveUnread
  struct Batch;    // the rest of a packet
  struct Partial;  // a fragmented frame on its way in

  enum class Sent { kAll, kWouldBlock, kTooLarge, kBroken };

  // ---- Output, under mutex_ ----
  Output* output();
  Sent SendFront();
  Sent SendFrame(FrameHeader header, const OutgoingFrame& frame, int descriptor,
                 size_t* sent);
  Sent SendParts(FrameHeader header, absl::Span<const uint8_t> payload,
                 int descriptor, bool vouched, size_t* sent);
  Sent SendBytes(struct iovec* parts, size_t count, int descriptor,
                 bool vouched);
  Sent SendPlain(const void* bytes, size_t size);
  Sent FailedToSend(int error);
  absl::Status PassCredentials(bool on);
  // If AskForSender(false) has left that.
  void StopPassingCredentials();
  void FlushLocked();
  bool IsBlockedForNowLocked() const;
  void SetBlockedLocked();
  bool HasRoomLocked() const;
  bool IsFullLocked(size_t size, bool with_descriptor) const;
  void LearnPacketLimit();
  // Nothing more can be sent.
  void BreakLocked();
  // Asks the loop to say when the kernel takes more.
  void WantWritableLocked();

  // ---- The owner's thread ----
  void UpdateInterest();
  void UpdateInterestLocked();
  IoResult WaitAndReceive(IncomingFrame* frame, BufferPool* pool,
                          event::Instant deadline);
  IoResult ReceivePacket(IncomingFrame* frame, BufferPool* pool, bool block);
  absl::Status TakeAncillary(const FrameHeader& header,
                             IncomingAncillary* ancillary,
                             IncomingFrame* frame);
  bool PauseForDescriptor(event::Instant deadline);
  IoResult Fetch(struct iovec* parts, size_t count, bool block,
                 IncomingAncillary* ancillary, size_t* size);
  ssize_t TakeWhatWasLookedAt(ssize_t size);
  absl::Status Dissect(const uint8_t* bytes, size_t size, Buffer payload,
                       std::unique_ptr<Packet> packet, BufferPool* pool,
                       IncomingFrame* frame, IncomingAncillary* ancillary,
                       bool* complete);
  void Keep(std::unique_ptr<Packet> packet, size_t at, size_t end);
  IoResult TakeFromBatch(IncomingFrame* frame, BufferPool* pool);
  IoResult ReceivePart(IncomingAncillary* ancillary, bool block);
  IoResult HandPartial(IncomingFrame* frame);
  IoResult Fail(absl::Status status);
  void CloseWith(absl::Status status);
  absl::StatusOr<event::Credentials> PeerLocked() const;
  // For a connection that is handed on.
  event::UniqueFd ReleaseSocket();

  // event::Watch
  void OnReady(uint32_t events) override;

  event::Process* const process_;
  mutable std::mutex mutex_;
  Observer* observer_ = nullptr;
  event::Loop* loop_ = nullptr;
  std::unique_ptr<Output> output_;
  std::unique_ptr<Batch> batch_;
  std::unique_ptr<Partial> partial_;
  std::unique_ptr<Spare> spare_;
  struct Closed {
    absl::Status why;
    // Who was there, if that is why.
    absl::optional<event::Credentials> peer;
  };
  std::unique_ptr<Closed> closed_;  // null: open
  event::UniqueFd fd_;
  uint32_t sent_in_turn_ = 0;  // the last one in which something left; 0: none
  uint32_t send_limit_bytes_;
  uint32_t send_limit_frames_ = UINT32_MAX;
  uint16_t send_limit_descriptors_ = UINT16_MAX;
  uint32_t max_packet_ = kMaxPacketBytes;
  uint16_t waiters_ = 0;  // threads inside poll() with our descriptor
  bool reads_ = false;
  bool plain_next_ = false;      // what the far end has said of its next packet
  bool may_have_more_ = false;   // likewise
  bool announced_ = false;       // the last packet was an announcement
  bool promised_plain_ = false;  // what this end has said; under mutex_
  bool asks_for_sender_ = false;
  bool passes_credentials_ = false;  // still, but nobody asks any more
  bool socket_is_nonblocking_;
  // The owner waits, and looks at the output no more. Set under mutex_.
  std::atomic<bool> owner_is_blocked_{false};
  bool send_is_broken_ = false;  // the far end takes nothing more
};

}  // namespace transports
}  // namespace le

#endif  // LE_MESSAGING_TRANSPORTS_UNIX_SOCKET_UNIX_CONNECTION_H_
