// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// UnixConnection: sending.

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "event/base/log.h"
#include "event/base/sys.h"
#include "transports/unix_socket/unix_connection.h"
#include "transports/unix_socket/unix_connection_parts.h"

namespace le {
namespace transports {

namespace sys = event::sys;

namespace {

// The smallest packet limit. If the socket does not accept even such a packet,
// the connection is broken.
constexpr size_t kMinPacketBytes = 256;

// A continuation is received directly in the payload's buffer, so it may be
// larger than another packet. This saves system calls and context switches. For
// a continuation of this size the kernel still needs at most 32 KiB of
// contiguous memory. The default send buffer of 208 KiB accepts three
// continuations.
constexpr size_t kMaxContinuationBytes = kFrameHeaderBytes + 98304;

// Returns true if the error concerns the packet or the peer. Returns false if
// it concerns the attached descriptor: its number is not open, or the kernel
// does not send a file of its kind (io_uring) or security label.
bool IsOfThePacket(int error) {
  switch (error) {
    case EAGAIN:
    case ENOBUFS:
    case ENOMEM:
    case ETOOMANYREFS:
    case EMSGSIZE:
    case EPIPE:
    case ECONNRESET:
    case ECONNREFUSED:
    case ENOTCONN:
      return true;
    default:
      return false;
  }
}

}  // namespace

UnixConnection::Output* UnixConnection::output() {
  if (output_ == nullptr) output_ = std::make_unique<Output>(this);
  return output_.get();
}

SendLimits UnixConnection::LimitsLocked() const {
  SendLimits limits;
  limits.bytes = send_limit_bytes_;
  limits.frames = send_limit_frames_;
  limits.descriptors = send_limit_descriptors_;
  limits.gathered_bytes = gathered_limit_bytes_;
  limits.reports_congestion = reports_congestion_;
  return limits;
}

bool UnixConnection::HasQueuedLocked() const {
  return output_ != nullptr && !output_->queue.empty();
}

bool UnixConnection::HasRoomLocked() const {
  return send_is_broken_ || output_ == nullptr ||
         LimitsLocked().HasRoomAgain(output_->queue.size(),
                                     output_->refused_bytes);
}

bool UnixConnection::IsFullLocked(Room room, size_t size,
                                  bool with_descriptor) const {
  return !LimitsLocked().Admits(output_->queue.size(), room, size,
                                with_descriptor);
}

bool UnixConnection::Describe(const OutgoingFrame& frame, FrameHeader* header,
                              UnixConnection** passed) const {
  header->type = frame.type;
  header->id = frame.id;
  header->length = static_cast<uint32_t>(frame.payload.size());
  if (frame.descriptor != nullptr) header->flags |= FrameHeader::kDescriptor;
  if (frame.more_to_come) header->flags |= FrameHeader::kMoreToCome;
  if (frame.connection == nullptr) return true;
  header->flags |= FrameHeader::kConnection;
  bool promised_plain = false;
  *passed = AsIdle(frame.connection->get(), &promised_plain);
  if (promised_plain) header->flags |= FrameHeader::kExpectsPlain;
  return *passed != nullptr;
}

IoResult UnixConnection::Send(const OutgoingFrame& frame) {
  if (frame.payload.size() > kMaxPayloadBytes) {
    event::Fatal("unix transport: a payload over the limit");
  }
  FrameHeader header;
  UnixConnection* passed = nullptr;
  if (!Describe(frame, &header, &passed)) return IoResult::kNotIdle;

  event::MutexLock lock(&mutex_);
  if (closed_ != nullptr || send_is_broken_) return IoResult::kClosed;
  StopPassingCredentials();
  const bool in_turn = loop_ != nullptr && loop_->InTurn();
  if (!MakeRoomLocked(frame, in_turn)) return IoResult::kWouldBlock;
  if (send_is_broken_) return IoResult::kClosed;  // a flush has found this out
  if (passed != nullptr) {
    if (!frame.owner_lets_descriptors_in && !passed->TakeStrangers()) {
      return IoResult::kNotIdle;
    }
    passes_on_ = true;
  }

  size_t sent = 0;
  // If a frame was already sent in this turn, gather this one.
  const bool gathers = in_turn && sent_in_turn_ == loop_->turn();
  if (!HasQueuedLocked() && !gathers) {
    const Sent result = SendNowLocked(header, frame, passed, &sent);
    if (result == Sent::kBroken) return IoResult::kClosed;
    if (result == Sent::kAll) {
      if (in_turn) sent_in_turn_ = loop_->turn();
      return IoResult::kOk;
    }
    if (sent > 0) passed = nullptr;  // the attachment was sent with this part
    SetBlockedLocked(result);
  }
  QueueLocked(header, frame, passed, sent);
  // A handler may take so long that a full socket has room again. So try again
  // when another packet's worth of frames was queued since the last attempt.
  const size_t tried = output_->is_blocked() ? output_->blocked_bytes : 0;
  if (output_->queue.bytes() >= tried + kMaxPacketBytes) {
    FlushLocked();
  } else if (output_->is_blocked()) {
    WantWritableLocked();
  } else if (in_turn) {
    output_->FlushAtTurnEnd();
  }
  return IoResult::kOk;
}

bool UnixConnection::MakeRoomLocked(const OutgoingFrame& frame, bool in_turn) {
  if (!HasQueuedLocked()) return true;
  const size_t size = kFrameHeaderBytes + frame.payload.size();
  const bool with_descriptor =
      frame.descriptor != nullptr || frame.connection != nullptr;
  bool full = IsFullLocked(frame.room, size, with_descriptor);
  // In a turn frames are gathered, so the queue is flushed only if it is full.
  if ((full && !in_turn) || ((full || !in_turn) && !IsBlockedForNowLocked())) {
    FlushLocked();
    full = IsFullLocked(frame.room, size, with_descriptor);
  }
  if (!full) return true;
  if (frame.room == Room::kQueue) {
    output_->wants_room = true;
    output_->refused_bytes = size;
  }
  ++send_counts_.refused;
  return false;
}

UnixConnection::Sent UnixConnection::SendNowLocked(const FrameHeader& header,
                                                   const OutgoingFrame& frame,
                                                   UnixConnection* passed,
                                                   size_t* sent) {
  const int descriptor = frame.descriptor != nullptr ? frame.descriptor->get()
                         : passed != nullptr         ? passed->fd_.get()
                                                     : -1;
  const Sent result = SendFrame(header, frame, descriptor, sent);
  if (result == Sent::kBroken) {
    if (passed != nullptr) passed->RefuseStrangers();
    BreakLocked();
    return result;
  }
  if (result == Sent::kAll || *sent > 0) {
    if (frame.descriptor != nullptr) frame.descriptor->reset();
    if (passed != nullptr) {
      // The far end owns the socket now, so close this copy without shutdown().
      CloseClient(process_, passed->ReleaseSocket(), std::move(passed->held_));
      frame.connection->reset();
    }
  }
  if (result == Sent::kAll) send_counts_.OnSent(frame.payload.size());
  return result;
}

void UnixConnection::QueueLocked(const FrameHeader& header,
                                 const OutgoingFrame& frame,
                                 UnixConnection* passed, size_t sent) {
  event::UniqueFd descriptor;
  event::HeldRef held;
  if (frame.descriptor != nullptr) {
    descriptor = std::move(*frame.descriptor);
  } else if (passed != nullptr) {
    descriptor = passed->ReleaseSocket();
    held = std::move(passed->held_);
  }
  if (frame.connection != nullptr) frame.connection->reset();
  output()->queue.Push(header, frame.payload, frame.movable_payload, sent,
                       std::move(descriptor),
                       frame.attach_credentials && sent == 0, max_packet_,
                       promised_plain_, std::move(held));
  promised_plain_ = output()->queue.EndsWithPromise();
  send_counts_.OnSent(frame.payload.size());
  UpdateCongestionLocked();
}

bool UnixConnection::IsBlockedForNowLocked() const {
  return output_->is_blocked() &&
         process_->Now() < output_->blocked_at + kFullSocketPause;
}

void UnixConnection::SetBlockedLocked(Sent why) {
  output()->blocked = why == Sent::kNoMemory ? Output::Blocked::kNoMemory
                                             : Output::Blocked::kFull;
  output_->blocked_at = process_->Now();
  output_->blocked_bytes = output_->queue.bytes();
}

void UnixConnection::UpdateCongestionLocked() {
  const bool was = congested_.load(std::memory_order_relaxed);
  if (!reports_congestion_ && !was) return;
  const bool is = LimitsLocked().IsCongested(output_->queue.size(), was);
  if (is == was) return;
  congested_.store(is, std::memory_order_release);
  if (is || loop_ == nullptr) return;
  output_->drained = true;
  output_->PostNotice();
}

void UnixConnection::WantWritableLocked() {
  if (loop_ == nullptr) return;
  const event::Thread* const thread = event::Thread::CurrentOrNull();
  event::Loop* const own = thread != nullptr ? thread->loop_if_made() : nullptr;
  if (loop_->InTurn() ||
      (own != nullptr && own->innermost() == loop_->innermost())) {
    UpdateInterestLocked();
  } else {
    output_->flusher.PostUpdate();
  }
}

void UnixConnection::Flush() {
  event::MutexLock lock(&mutex_);
  if (closed_ == nullptr) FlushLocked();
}

void UnixConnection::FlushLocked() {
  if (output_ == nullptr) return;
  switch (const Sent result = SendQueuedLocked()) {
    case Sent::kWouldBlock:
    case Sent::kNoMemory:
      SetBlockedLocked(result);
      WantWritableLocked();
      UpdateCongestionLocked();
      return;
    case Sent::kBroken:
      BreakLocked();
      return;
    case Sent::kAll:
    case Sent::kTooLarge:  // not returned
      break;
  }
  UpdateCongestionLocked();
  output_->blocked = Output::Blocked::kNo;
}

UnixConnection::Sent UnixConnection::SendQueuedLocked() {
  OutputQueue& queue = output_->queue;
  const bool process_ends = event::Thread::process_ends();
  // The queue only grows between two attempts to send it.
  send_counts_.OnQueued(queue.bytes());
  while (!queue.empty()) {
    switch (const Sent sent = SendFront()) {
      case Sent::kAll:
        if (process_ends) {
          queue.Skip();
        } else {
          CloseQueuedLocked();
          queue.Pop();
        }
        output_->stall_clock.OnTaken();
        break;
      case Sent::kTooLarge:
        // A packet over max_packet_ was queued before this limit was learned,
        // and must only be cut again.
        if (queue.front()->bytes().size() <= max_packet_) LearnPacketLimit();
        if (send_is_broken_) return Sent::kBroken;
        queue.Recut(max_packet_);
        promised_plain_ = queue.EndsWithPromise();
        break;
      case Sent::kBroken:
      case Sent::kWouldBlock:
      case Sent::kNoMemory:
        return sent;
    }
  }
  return Sent::kAll;
}

// ---- The end of the process ------------------------------------------------

void UnixConnection::Unsent::Add(Output* output) {
  event::MutexLock lock(&mutex_);
  output->next_ = first_;
  if (first_ != nullptr) first_->previous_ = output;
  first_ = output;
}

void UnixConnection::Unsent::Remove(Output* output) {
  event::MutexLock lock(&mutex_);
  if (output->next_ != nullptr) output->next_->previous_ = output->previous_;
  (output->previous_ != nullptr ? output->previous_->next_ : first_) =
      output->next_;
}

void UnixConnection::Unsent::BeforeProcessEnds() {
  if (!mutex_.TryLock()) return;
  size_t bytes = 0, messages = 0;
  int connections = 0;
  for (Output* output = first_; output != nullptr; output = output->next_) {
    UnixConnection* const connection = output->connection_;
    if (!connection->mutex_.TryLock())
      continue;  // a thread uses it, or was interrupted by exit()
    if (connection->closed_ == nullptr && !connection->send_is_broken_ &&
        connection->SendQueuedLocked() != Sent::kBroken &&
        !output->queue.empty()) {
      bytes += output->queue.bytes();
      messages += output->queue.frames();
      ++connections;
    }
    connection->mutex_.Unlock();
  }
  mutex_.Unlock();
  if (bytes == 0) return;
  event::Log(event::LogLevel::kWarning,
             absl::StrCat("the process ends, and drops ", messages,
                          " messages (", bytes, " bytes) of ", connections,
                          " sessions that the far end has not read"));
}

UnixConnection::Sent UnixConnection::SendFront() {
  OutputPacket* const packet = output_->queue.front();
  if (packet->is_large) {
    size_t sent = packet->sent;
    const Sent result =
        SendParts(packet->header(), packet->payload(), packet->descriptor.get(),
                  packet->attach_credentials, &sent);
    if (result == Sent::kBroken) return result;  // the queue may be cleared
    if (sent > packet->sent) {
      output_->stall_clock.OnTaken();
      if (!event::Thread::process_ends()) CloseQueuedLocked();
    }
    output_->queue.SetFrontSent(sent);
    return result;
  }
  const absl::Span<uint8_t> bytes = packet->bytes();
  if (!packet->descriptor && !packet->attach_credentials) {
    return SendPlain(bytes.data(), bytes.size());
  }
  struct iovec part = {bytes.data(), bytes.size()};
  return SendBytes(&part, 1, packet->descriptor.get(),
                   packet->attach_credentials);
}

UnixConnection::Sent UnixConnection::SendFrame(FrameHeader header,
                                               const OutgoingFrame& frame,
                                               int descriptor, size_t* sent) {
  static_assert(kBufferHeadroomBytes == kFrameHeaderBytes,
                "a header must fit in front of a payload");
  *sent = 0;
  const bool plain = descriptor < 0 && !frame.attach_credentials;
  const size_t size = kFrameHeaderBytes + frame.payload.size();
  if (plain && frame.headroom != nullptr && size <= max_packet_) {
    const bool promises_plain = !frame.attachment_follows;
    if (promises_plain) header.flags |= FrameHeader::kPlainNext;
    std::memcpy(frame.headroom, &header, kFrameHeaderBytes);
    const Sent result = SendPlain(frame.headroom, size);
    if (result == Sent::kAll) promised_plain_ = promises_plain;
    if (result != Sent::kTooLarge) return result;
    header.flags &= static_cast<uint16_t>(~FrameHeader::kPlainNext);
  }
  if (!plain && promised_plain_) {
    FrameHeader announcement;
    announcement.flags = FrameHeader::kAnnouncement;
    const Sent result = SendPlain(&announcement, kFrameHeaderBytes);
    if (result != Sent::kAll) return result;
    promised_plain_ = false;
  }
  const Sent result = SendParts(header, frame.payload, descriptor,
                                frame.attach_credentials, sent);
  if (result == Sent::kAll) promised_plain_ = plain || size > max_packet_;
  return result;
}

UnixConnection::Sent UnixConnection::SendParts(
    FrameHeader header, absl::Span<const uint8_t> payload, int descriptor,
    bool attach_credentials, size_t* sent) {
  for (;;) {
    const size_t rest = payload.size() - *sent;
    const bool whole =
        *sent == 0 && kFrameHeaderBytes + payload.size() <= max_packet_;
    const size_t limit = *sent > 0 && max_packet_ == kMaxPacketBytes
                             ? kMaxContinuationBytes
                             : max_packet_;
    const size_t part =
        whole ? payload.size() : std::min(rest, limit - kFrameHeaderBytes);
    FrameHeader part_header = header;
    if (*sent > 0) {
      part_header.flags = FrameHeader::kContinuation;
      part_header.length = static_cast<uint32_t>(part);
    } else if (!whole) {
      part_header.flags |= FrameHeader::kFragmented;
    }
    const bool plain = *sent > 0 || (descriptor < 0 && !attach_credentials);
    if (plain) part_header.flags |= FrameHeader::kPlainNext;
    struct iovec parts[2] = {
        {&part_header, kFrameHeaderBytes},
        {const_cast<uint8_t*>(payload.data()) + *sent, part}};
    const Sent result =
        SendBytes(parts, part == 0 ? 1 : 2, *sent == 0 ? descriptor : -1,
                  *sent == 0 && attach_credentials);
    if (result == Sent::kTooLarge) {
      LearnPacketLimit();
      if (send_is_broken_) return Sent::kBroken;
      continue;
    }
    if (result != Sent::kAll) return result;
    *sent += part;
    if (*sent == payload.size()) return Sent::kAll;
  }
}

UnixConnection::Sent UnixConnection::SendPlain(const void* bytes, size_t size) {
  for (;;) {
    if (sys::Send(fd_.get(), bytes, size, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0) {
      return Sent::kAll;
    }
    if (errno != EINTR) return FailedToSend(errno);
  }
}

UnixConnection::Sent UnixConnection::FailedToSend(int error) {
  switch (error) {
    case EAGAIN:
      return Sent::kWouldBlock;
    case ENOBUFS:
    case ENOMEM:
    case ETOOMANYREFS:
      return Sent::kNoMemory;
    case EMSGSIZE:
      return Sent::kTooLarge;
    case EPIPE:
    case ECONNRESET:
    case ECONNREFUSED:
    case ENOTCONN:
      return Sent::kBroken;  // the far end has closed or died
    default:
      LogForPeerLocked(
          event::LogLevel::kError,
          absl::StrCat("cannot send to socket ", fd_.get(), ": ",
                       std::strerror(error), "; its connection is closed"));
      return Sent::kBroken;
  }
}

UnixConnection::Sent UnixConnection::SendBytes(struct iovec* parts,
                                               size_t count, int descriptor,
                                               bool attach_credentials) {
  struct msghdr message = {};
  message.msg_iov = parts;
  message.msg_iovlen = count;
  OutgoingAncillary ancillary;
  if (descriptor >= 0) ancillary.AddDescriptor(descriptor);
  if (attach_credentials) ancillary.AddCredentials(process_->credentials());
  ancillary.PutInto(&message);
  for (;;) {
    if (sys::SendMsg(fd_.get(), &message, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0) {
      return Sent::kAll;
    }
    const int error = errno;
    if (error == EINTR) continue;
    if (descriptor < 0 || IsOfThePacket(error)) return FailedToSend(error);
    // Send the frame without the descriptor. The frame's flags still announce
    // one, so the far end knows that the sender lost it.
    LogForPeerLocked(event::LogLevel::kError,
                     absl::StrCat("file descriptor ", descriptor,
                                  " cannot be sent: ", std::strerror(error),
                                  "; its message is sent without it"));
    descriptor = -1;
    ancillary = OutgoingAncillary();
    if (attach_credentials) ancillary.AddCredentials(process_->credentials());
    ancillary.PutInto(&message);
  }
}

// Shuts down both directions, so that both ends learn of the break. The peer
// may still be alive, for example if it has only shut down its read side. It
// can still receive the packets that were already sent.
void UnixConnection::BreakLocked() {
  if (send_is_broken_) return;
  send_is_broken_ = true;
  if (output_ != nullptr && !event::Thread::process_ends()) {
    output_->blocked = Output::Blocked::kNo;
    DropQueueLocked();
    UpdateCongestionLocked();
  }
  sys::Shutdown(fd_.get(), SHUT_RDWR);
}

void UnixConnection::LearnPacketLimit() {
  int buffer = 0;
  socklen_t size = sizeof(buffer);
  size_t limit = max_packet_ / 2;
  if (sys::GetSockOpt(fd_.get(), SOL_SOCKET, SO_SNDBUF, &buffer, &size) == 0 &&
      buffer > 0) {
    // Use at most half of the buffer for a packet, because the kernel's
    // overhead takes a part of it.
    limit = std::min<size_t>(limit, static_cast<size_t>(buffer) / 2);
  }
  if (limit < kMinPacketBytes) {
    if (max_packet_ <= kMinPacketBytes) {
      BreakLocked();
      return;
    }
    limit = kMinPacketBytes;
  }
  max_packet_ = static_cast<uint32_t>(limit);
}

}  // namespace transports
}  // namespace le
