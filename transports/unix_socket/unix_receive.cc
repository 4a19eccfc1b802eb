// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// UnixConnection: receiving.

#include <fcntl.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "event/base/log.h"
#include "event/base/sys.h"
#include "transports/unix_socket/slot_cache.h"
#include "transports/unix_socket/unix_connection.h"
#include "transports/unix_socket/unix_connection_parts.h"

namespace le {
namespace transports {

namespace sys = event::sys;

namespace {

// Packets that hold more than their first frame are kept in these.
BufferPool* PacketPool() {
  static BufferPool* const pool = BufferPool::Create(kMaxPacketBytes).release();
  return pool;
}

// Where what lies beyond a first payload is received, on its way to such a
// packet. Mostly nothing does.
struct Beyond {
  uint8_t bytes[kMaxPacketBytes];
};

SlotCache<Beyond>* BeyondCache() {
  static auto* const cache = new SlotCache<Beyond>;
  return cache;
}

BufferPool* EmptyPool() {
  static BufferPool* const pool = BufferPool::Create(0).release();
  return pool;
}

absl::Status KernelRefused(const char* what, int error) {
  return absl::InternalError(absl::StrCat(what, ": ", std::strerror(error)));
}

// What is passed as a connection must be one, or we would work on a stranger's
// pipe.
bool IsConnectedSocket(int fd) {
  int domain = 0, type = 0, listens = 0;
  socklen_t size = sizeof(int);
  return sys::GetSockOpt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &size) == 0 &&
         domain == AF_UNIX &&
         sys::GetSockOpt(fd, SOL_SOCKET, SO_TYPE, &type, &size) == 0 &&
         type == SOCK_SEQPACKET &&
         sys::GetSockOpt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &size) == 0 &&
         listens == 0;
}

}  // namespace

IoResult UnixConnection::Receive(IncomingFrame* frame, BufferPool* pool,
                                 event::Instant deadline) {
  process_->YieldPoint();
  if (pool == nullptr) pool = EmptyPool();
  *frame = IncomingFrame();
  if (HasBuffered()) return TakeFromBatch(frame, pool);
  if (close_status_ != nullptr) return IoResult::kClosed;
  if (deadline == absl::InfinitePast()) {
    return ReceivePacket(frame, pool, /*block=*/false);
  }
  if (deadline == absl::InfiniteFuture()) {
    bool block = true;
    {
      std::lock_guard<std::mutex> lock(mutex_);
      if (output_ != nullptr && !output_->queue.empty()) {
        FlushLocked();
        if (!output_->queue.empty()) block = false;
      }
      owner_is_blocked_ = block;
    }
    if (block) {
      if (socket_is_nonblocking_) {
        sys::Fcntl(fd_.get(), F_SETFL, 0);
        socket_is_nonblocking_ = false;
      }
      const IoResult result = ReceivePacket(frame, pool, /*block=*/true);
      {
        std::lock_guard<std::mutex> lock(mutex_);
        owner_is_blocked_ = false;
      }
      // Otherwise a part of a frame came, or the far end, which had this socket
      // before, has made it non-blocking again.
      if (result != IoResult::kWouldBlock) return result;
    }
  }
  return WaitAndReceive(frame, pool, deadline);
}

IoResult UnixConnection::WaitAndReceive(IncomingFrame* frame, BufferPool* pool,
                                        event::Instant deadline) {
  for (;;) {
    if (!Wait(Connection::kReadable, deadline)) return IoResult::kWouldBlock;
    const IoResult result = ReceivePacket(frame, pool, /*block=*/false);
    if (result != IoResult::kWouldBlock) return result;
    if (spare_ != nullptr && !PauseForDescriptor(deadline)) {
      return IoResult::kWouldBlock;
    }
  }
}

// There is something to receive, but it may bring a descriptor more than we can
// have. False at the deadline.
bool UnixConnection::PauseForDescriptor(event::Instant deadline) {
  if (spare_->MayReceive()) return true;
  const event::Instant now = process_->Now();
  if (deadline <= now) return false;
  const event::Instant until = std::min(deadline, now + kNoDescriptorPause);
  sys::Poll(nullptr, 0,
            static_cast<int>(absl::ToInt64Milliseconds(until - now)) + 1);
  return true;
}

IoResult UnixConnection::ReceivePacket(IncomingFrame* frame, BufferPool* pool,
                                       bool block) {
  bool was_reset = false;
  for (;;) {
    if (spare_ != nullptr && !spare_->MayReceive()) {
      return IoResult::kWouldBlock;
    }
    FrameHeader header;
    Buffer payload, packet;
    std::unique_ptr<Beyond> beyond;
    struct iovec parts[3];
    struct msghdr message = {};
    message.msg_iov = parts;
    if (partial_ != nullptr) {
      parts[0] = {&header, kFrameHeaderBytes};
      parts[1] = {partial_->payload.data() + partial_->filled,
                  partial_->header.length - partial_->filled};
      message.msg_iovlen = 2;
    } else if (expects_batch_) {
      packet = PacketPool()->Allocate();
      parts[0] = {packet.data(), packet.capacity()};
      message.msg_iovlen = 1;
    } else {
      payload = pool->Allocate();
      parts[0] = {&header, kFrameHeaderBytes};
      parts[1] = {payload.data(), payload.capacity()};
      beyond = BeyondCache()->Take();
      parts[2] = {beyond->bytes, kMaxPacketBytes};
      message.msg_iovlen = 3;
    }
    IncomingAncillary ancillary;
    ancillary.PutInto(&message);
    const ssize_t size = sys::RecvMsg(
        fd_.get(), &message, MSG_CMSG_CLOEXEC | (block ? 0 : MSG_DONTWAIT));
    if (size < 0) {
      switch (errno) {
        case EINTR:
          continue;
        case ECONNRESET:
          // Said once; what had come before is still to be had.
          if (was_reset) {
            return Fail(absl::UnavailableError("the far end closed or died"));
          }
          was_reset = true;
          continue;
        case EAGAIN:
          return IoResult::kWouldBlock;
        default:
          return Fail(KernelRefused("recvmsg", errno));
      }
    }
    ancillary.TakeFrom(message);
    const size_t bytes = static_cast<size_t>(size);
    // Before anything else: whoever has this buffer next must not find it.
    if (payload && bytes > kFrameHeaderBytes) {
      payload.MarkCleanFrom(
          std::max(payload.clean_from(),
                   std::min(bytes - kFrameHeaderBytes, payload.capacity())));
    }
    if (bytes == 0) {
      return Fail(absl::UnavailableError("the far end closed or died"));
    }
    if ((message.msg_flags & MSG_TRUNC) != 0 || bytes > kMaxPacketBytes) {
      return Fail(absl::InvalidArgumentError("a packet over the limit"));
    }
    absl::Status status;
    if (partial_ != nullptr) {
      status = Continue(header, bytes, ancillary);
      if (status.ok() && partial_ != nullptr &&
          partial_->filled == partial_->header.length) {
        return HandPartial(frame);
      }
      if (!status.ok()) return Fail(std::move(status));
      block = false;  // there may be no more yet, but the caller must know
      continue;
    }
    if (expects_batch_) {
      status = Open(bytes, std::move(packet), pool, frame, &ancillary);
    } else {
      status = Dissect(header, bytes, std::move(payload), beyond->bytes, frame,
                       &ancillary);
      BeyondCache()->PutBack(std::move(beyond));
    }
    if (!status.ok()) return Fail(std::move(status));
    if (partial_ == nullptr) return IoResult::kOk;
    block = false;
  }
}

absl::Status UnixConnection::TakeAncillary(const FrameHeader& header,
                                           IncomingAncillary* ancillary,
                                           IncomingFrame* frame) {
  const bool wants = header.has(FrameHeader::kDescriptor) ||
                     header.has(FrameHeader::kConnection);
  if (ancillary->descriptors() > (wants ? 1u : 0u)) {
    return absl::InvalidArgumentError(
        absl::StrCat(ancillary->descriptors(), " descriptors where ",
                     wants ? "one was" : "none was", " announced"));
  }
  if (asks_for_sender_) frame->sender = ancillary->sender();
  if (!wants) {
    // Nothing but a descriptor can have been too much.
    return ancillary->truncated()
               ? absl::InvalidArgumentError("a descriptor that none announced")
               : absl::OkStatus();
  }
  event::UniqueFd descriptor = ancillary->TakeDescriptor();
  frame->descriptor_lost = !descriptor;
  if (!header.has(FrameHeader::kConnection)) {
    frame->descriptor = std::move(descriptor);
  } else if (descriptor) {
    if (!IsConnectedSocket(descriptor.get())) {
      return absl::InvalidArgumentError("a connection that is none");
    }
    frame->connection = std::make_unique<UnixConnection>(
        std::move(descriptor), process_, /*socket_is_nonblocking=*/true);
  }
  return absl::OkStatus();
}

// A packet whose first payload stands in a buffer of its own already, and what
// that has no room for at `beyond`.
absl::Status UnixConnection::Dissect(const FrameHeader& raw, size_t size,
                                     Buffer payload, const uint8_t* beyond,
                                     IncomingFrame* frame,
                                     IncomingAncillary* ancillary) {
  FrameHeader header;
  absl::Status status = ParseFrameHeader(
      absl::MakeConstSpan(reinterpret_cast<const uint8_t*>(&raw),
                          std::min(size, kFrameHeaderBytes)),
      /*first=*/true, &header);
  if (!status.ok()) return status;
  status = CheckPayload(header, size);
  if (!status.ok()) return status;
  if (header.has(FrameHeader::kContinuation)) {
    return absl::InvalidArgumentError("a continuation of nothing");
  }
  if (header.length > payload.capacity()) {
    return absl::InvalidArgumentError(
        absl::StrCat("a payload of ", header.length, " bytes is more than the ",
                     payload.capacity(), " that may come"));
  }
  status = TakeAncillary(header, ancillary, frame);
  if (!status.ok()) return status;
  frame->type = header.type;
  frame->id = header.id;
  payload.set_size(header.length);

  const size_t body = size - kFrameHeaderBytes;
  if (header.has(FrameHeader::kFragmented)) {
    partial_ = std::make_unique<Partial>();
    partial_->header = header;
    partial_->filled = body;
    partial_->frame = std::move(*frame);
    // All that is still to come counts as written, whether it comes or not.
    payload.MarkCleanFrom(
        std::max<size_t>(payload.clean_from(), header.length));
    partial_->payload = std::move(payload);
    return absl::OkStatus();
  }
  if (header.has(FrameHeader::kMore)) {
    // The rest lies behind the first payload, and beyond that.
    const size_t in_payload = std::min(body, payload.capacity());
    const size_t rest_in_payload = in_payload - header.length;
    const size_t rest_beyond = body - in_payload;
    Buffer packet = PacketPool()->Allocate();
    std::memcpy(packet.data(), payload.data() + header.length, rest_in_payload);
    std::memcpy(packet.data() + rest_in_payload, beyond, rest_beyond);
    Keep(std::move(packet), 0, rest_in_payload + rest_beyond);
    expects_batch_ = true;
  }
  payload.ZeroFrom(header.length);
  frame->payload = std::move(payload);
  return absl::OkStatus();
}

// A packet that was received in one piece.
absl::Status UnixConnection::Open(size_t size, Buffer packet, BufferPool* pool,
                                  IncomingFrame* frame,
                                  IncomingAncillary* ancillary) {
  const absl::Span<const uint8_t> bytes =
      absl::MakeConstSpan(packet.data(), size);
  FrameHeader header;
  absl::Status status = ParseFrameHeader(bytes, /*first=*/true, &header);
  if (!status.ok()) return status;
  if (!header.has(FrameHeader::kMore)) {
    // No batch after all: as if it had been received the other way.
    expects_batch_ = false;
    batch_.reset();
    Buffer payload = pool->Allocate();
    const size_t body = size - kFrameHeaderBytes;
    if (body > payload.capacity()) {
      return absl::InvalidArgumentError(absl::StrCat(
          "a payload of at least ", body, " bytes is more than the ",
          payload.capacity(), " that may come"));
    }
    std::memcpy(payload.data(), bytes.data() + kFrameHeaderBytes, body);
    payload.MarkCleanFrom(std::max(payload.clean_from(), body));
    return Dissect(header, size, std::move(payload), nullptr, frame, ancillary);
  }
  status = CheckPayload(header, size);
  if (!status.ok()) return status;
  status = TakeAncillary(header, ancillary, frame);
  if (!status.ok()) return status;
  Keep(std::move(packet), 0, size);
  return CutFromBatch(/*first=*/true, frame, pool);
}

void UnixConnection::Keep(Buffer packet, size_t at, size_t end) {
  if (batch_ == nullptr) batch_ = std::make_unique<Batch>(this);
  batch_->packet = std::move(packet);
  batch_->at = at;
  batch_->end = end;
  if (loop_ != nullptr && reads_) loop_->Post(batch_.get());
}

IoResult UnixConnection::TakeFromBatch(IncomingFrame* frame, BufferPool* pool) {
  absl::Status status = CutFromBatch(/*first=*/false, frame, pool);
  return status.ok() ? IoResult::kOk : Fail(std::move(status));
}

absl::Status UnixConnection::CutFromBatch(bool first, IncomingFrame* frame,
                                          BufferPool* pool) {
  const absl::Span<const uint8_t> bytes = absl::MakeConstSpan(
      batch_->packet.data() + batch_->at, batch_->end - batch_->at);
  FrameHeader header;
  absl::Status status = ParseFrameHeader(bytes, first, &header);
  if (!status.ok()) return status;
  status = CheckPayload(header, bytes.size());
  if (!status.ok()) return status;
  if (header.length > pool->capacity()) {
    return absl::InvalidArgumentError(
        absl::StrCat("a payload of ", header.length, " bytes is more than the ",
                     pool->capacity(), " that may come"));
  }
  Buffer payload = pool->Allocate();
  std::memcpy(payload.data(), bytes.data() + kFrameHeaderBytes, header.length);
  payload.MarkCleanFrom(std::max<size_t>(payload.clean_from(), header.length));
  payload.ZeroFrom(header.length);
  payload.set_size(header.length);
  frame->type = header.type;
  frame->id = header.id;
  frame->payload = std::move(payload);
  batch_->at += kFrameHeaderBytes + header.length;
  if (!header.has(FrameHeader::kMore)) {
    if (loop_ != nullptr) loop_->Cancel(batch_.get());
    batch_->packet.reset();
  }
  return absl::OkStatus();
}

// A further part of the frame that partial_ has the beginning of.
absl::Status UnixConnection::Continue(const FrameHeader& raw, size_t size,
                                      const IncomingAncillary& ancillary) {
  FrameHeader header;
  absl::Status status = ParseFrameHeader(
      absl::MakeConstSpan(reinterpret_cast<const uint8_t*>(&raw),
                          std::min(size, kFrameHeaderBytes)),
      /*first=*/true, &header);
  if (!status.ok()) return status;
  status = CheckPayload(header, size);
  if (!status.ok()) return status;
  if (!header.has(FrameHeader::kContinuation) ||
      header.id != partial_->header.id ||
      header.type != partial_->header.type) {
    return absl::InvalidArgumentError(
        "something else where a continuation was due");
  }
  if (ancillary.descriptors() > 0) {
    return absl::InvalidArgumentError("a descriptor with a continuation");
  }
  partial_->filled += header.length;
  return absl::OkStatus();
}

IoResult UnixConnection::HandPartial(IncomingFrame* frame) {
  *frame = std::move(partial_->frame);
  Buffer payload = std::move(partial_->payload);
  const size_t length = partial_->header.length;
  payload.ZeroFrom(length);
  payload.set_size(length);
  frame->payload = std::move(payload);
  partial_.reset();
  return IoResult::kOk;
}

}  // namespace transports
}  // namespace le
