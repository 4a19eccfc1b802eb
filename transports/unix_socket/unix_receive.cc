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

#include "absl/base/optimization.h"
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

SlotCache<UnixConnection::Packet>* Packets() {
  static auto* const packets = new SlotCache<UnixConnection::Packet>;
  return packets;
}

BufferPool* EmptyPool() {
  static BufferPool* const pool = BufferPool::Create(0).release();
  return pool;
}

absl::Status KernelRefused(const char* what, int error) {
  return absl::InternalError(absl::StrCat(what, ": ", std::strerror(error)));
}

absl::Status TooLarge(size_t payload, size_t capacity) {
  return absl::InvalidArgumentError(absl::StrCat("a payload of ", payload,
                                                 " bytes is more than the ",
                                                 capacity, " that may come"));
}

// A buffer that holds these bytes and is zero beyond.
Buffer CopyOf(const uint8_t* bytes, size_t size, BufferPool* pool) {
  Buffer buffer = pool->Allocate();
  buffer.Assign(bytes, size);
  return buffer;
}

// Parts of a frame, mostly, that are taken in one go.
constexpr int kMostWithoutFrame = 32;

// What nearly every packet is.
bool IsOneWholeFrame(const FrameHeader& header, size_t size) {
  return size >= kFrameHeaderBytes && header.version == kWireVersion &&
         (header.flags & ~FrameHeader::kOfPacket) == 0 &&
         header.length == size - kFrameHeaderBytes;
}

}  // namespace

IoResult UnixConnection::Receive(IncomingFrame* frame, BufferPool* pool,
                                 event::Instant deadline) {
  process_->YieldPoint();
  if (pool == nullptr) pool = EmptyPool();
  *frame = IncomingFrame();
  if (HasBuffered()) return TakeFromBatch(frame, pool);
  if (closed_ != nullptr) return IoResult::kClosed;
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
      owner_is_blocked_.store(false, std::memory_order_relaxed);
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
    // There may be more and more to receive, and never a frame.
    if (deadline != absl::InfiniteFuture() && process_->Now() >= deadline) {
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

// The kernel's next packet, into `parts`. Ancillary data is looked for only where
// some may come: a call that takes none is much cheaper.
IoResult UnixConnection::Fetch(struct iovec* parts, size_t count, bool block,
                               IncomingAncillary* ancillary, size_t* size) {
  const int wait = block ? 0 : MSG_DONTWAIT;
  const bool plain =
      plain_next_ && !asks_for_sender_ && count == 1 && spare_ == nullptr;
  // A packet that is only looked at brings its descriptors all the same.
  const int look = spare_ != nullptr ? MSG_PEEK : 0;
  bool was_reset = false;
  bool looked_again = false;
  bool truncated = false;
  ssize_t received;
  for (;;) {
    if (plain) {
      received = sys::Recv(fd_.get(), parts->iov_base, parts->iov_len,
                           MSG_TRUNC | wait);
      truncated = received > static_cast<ssize_t>(parts->iov_len);
    } else {
      struct msghdr message = {};
      message.msg_iov = parts;
      message.msg_iovlen = count;
      ancillary->PutInto(&message);
      received =
          sys::RecvMsg(fd_.get(), &message, MSG_CMSG_CLOEXEC | wait | look);
      if (received >= 0) {
        ancillary->TakeFrom(message);
        truncated = (message.msg_flags & MSG_TRUNC) != 0;
        // If there is a descriptor after all, the kernel has other reasons.
        if (look != 0 && ancillary->truncated()) {
          if (!spare_->MayReceive()) return IoResult::kWouldBlock;
          // Somebody may just have closed one.
          if (!looked_again) {
            looked_again = true;
            ancillary->Reset();
            continue;
          }
        }
        if (look != 0) received = TakeWhatWasLookedAt(received);
      }
    }
    if (received >= 0) break;
    switch (errno) {
      case EINTR:
        continue;
      case ECONNRESET:
        // Said once; what had come before is still to be had.
        if (was_reset) {
          return Fail(FarEndGone());
        }
        was_reset = true;
        continue;
      case EAGAIN:
        may_have_more_ = false;
        return IoResult::kWouldBlock;
      default:
        return Fail(KernelRefused("recvmsg", errno));
    }
  }
  *size = static_cast<size_t>(received);
  if (*size == 0) {
    return Fail(FarEndGone());
  }
  if (truncated) {
    return Fail(absl::InvalidArgumentError("a packet over the limit"));
  }
  return IoResult::kOk;
}

// `size` bytes. Its descriptors are ours already: what came with the packet
// itself goes with it.
ssize_t UnixConnection::TakeWhatWasLookedAt(ssize_t size) {
  if (size == 0) return 0;  // the end, which stays
  char byte;
  for (;;) {
    if (sys::Recv(fd_.get(), &byte, sizeof(byte), MSG_DONTWAIT) >= 0) {
      return size;
    }
    if (errno != EINTR) return -1;
  }
}

IoResult UnixConnection::ReceivePacket(IncomingFrame* frame, BufferPool* pool,
                                       bool block) {
  for (int packets = 0;; ++packets) {
    // Packets that make no frame are no reason to stay: the loop comes again.
    if (packets == kMostWithoutFrame && !block) return IoResult::kWouldBlock;
    IncomingAncillary ancillary;
    if (partial_ != nullptr) {
      const IoResult result = ReceivePart(&ancillary, block);
      if (result != IoResult::kOk) return result;
      if (partial_->filled == partial_->header.length) {
        return HandPartial(frame);
      }
      block = false;  // there may be no more yet, but the caller must know
      continue;
    }

    // Where any packet fits into the reader's buffer, it is received there; else
    // beside it, which costs a copy of little.
    Buffer payload;
    std::unique_ptr<Packet> packet;
    uint8_t* bytes;
    if (pool->capacity() >= kMaxPacketBytes - kFrameHeaderBytes) {
      payload = pool->Allocate();
      bytes = payload.headroom();
    } else {
      packet = Packets()->Take();
      bytes = packet->bytes;
    }
    struct iovec part = {bytes, kMaxPacketBytes};
    size_t size = 0;
    const IoResult result = Fetch(&part, 1, block, &ancillary, &size);
    // Before anything else: whoever has this buffer next must not find it.
    if (payload && result == IoResult::kOk) {
      const size_t body = std::max(size, kFrameHeaderBytes) - kFrameHeaderBytes;
      payload.MarkCleanFrom(std::max(payload.clean_from(), body));
    } else if (payload && (size > 0 || spare_ != nullptr)) {
      payload.MarkDirty();
    }
    if (result != IoResult::kOk) {
      if (packet != nullptr) Packets()->PutBack(std::move(packet));
      return result;
    }

    FrameHeader header;
    std::memcpy(&header, bytes, kFrameHeaderBytes);
    if (ABSL_PREDICT_TRUE(IsOneWholeFrame(header, size) &&
                          header.length <= pool->capacity() &&
                          ancillary.empty())) {
      plain_next_ = header.has(FrameHeader::kPlainNext);
      may_have_more_ = header.has(FrameHeader::kMoreToCome);
      announced_ = false;
      frame->type = header.type;
      frame->id = header.id;
      if (payload) {
        payload.ZeroFrom(header.length);
        payload.set_size(header.length);
        frame->payload = std::move(payload);
      } else {
        frame->payload = CopyOf(bytes + kFrameHeaderBytes, header.length, pool);
        Packets()->PutBack(std::move(packet));
      }
      return IoResult::kOk;
    }

    bool complete = false;
    absl::Status status =
        Dissect(bytes, size, std::move(payload), std::move(packet), pool, frame,
                &ancillary, &complete);
    if (!status.ok()) return Fail(std::move(status));
    if (complete) return IoResult::kOk;
    if (partial_ != nullptr) block = false;
  }
}

absl::Status UnixConnection::TakeAncillary(const FrameHeader& header,
                                           IncomingAncillary* ancillary,
                                           IncomingFrame* frame) {
  const bool wants = header.has(FrameHeader::kDescriptor) ||
                     header.has(FrameHeader::kConnection);
  if (wants && plain_next_ && !asks_for_sender_) {
    return absl::InvalidArgumentError(
        "a descriptor where it was said that none would come");
  }
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
    auto connection = std::make_unique<UnixConnection>(
        std::move(descriptor), process_, /*socket_is_nonblocking=*/true);
    connection->promised_plain_ = header.has(FrameHeader::kExpectsPlain);
    frame->connection = std::move(connection);
  }
  return absl::OkStatus();
}

// A packet that may be anything, at `bytes`, which stand in one of the two. Not
// complete: there is more to be received before there is a frame.
absl::Status UnixConnection::Dissect(const uint8_t* bytes, size_t size,
                                     Buffer payload,
                                     std::unique_ptr<Packet> packet,
                                     BufferPool* pool, IncomingFrame* frame,
                                     IncomingAncillary* ancillary,
                                     bool* complete) {
  FrameHeader header;
  absl::Status status = ParseFrameHeader(absl::MakeConstSpan(bytes, size),
                                         /*first=*/true, &header);
  if (!status.ok()) return status;
  status = CheckPayload(header, size);
  if (!status.ok()) return status;
  if (header.has(FrameHeader::kContinuation)) {
    return absl::InvalidArgumentError("a continuation of nothing");
  }
  if (header.length > pool->capacity()) {
    return TooLarge(header.length, pool->capacity());
  }
  status = TakeAncillary(header, ancillary, frame);
  if (!status.ok()) return status;
  plain_next_ = header.has(FrameHeader::kPlainNext);
  if (header.has(FrameHeader::kAnnouncement)) {
    if (announced_) {
      return absl::InvalidArgumentError("two announcements in a row");
    }
    announced_ = true;
    if (packet != nullptr) Packets()->PutBack(std::move(packet));
    return absl::OkStatus();
  }
  announced_ = false;
  may_have_more_ =
      header.has(FrameHeader::kMoreToCome) || header.has(FrameHeader::kMore);
  frame->type = header.type;
  frame->id = header.id;

  const uint8_t* const body = bytes + kFrameHeaderBytes;
  const size_t body_size = size - kFrameHeaderBytes;
  if (header.has(FrameHeader::kFragmented)) {
    if (!payload) {
      payload = CopyOf(body, body_size, pool);
      Packets()->PutBack(std::move(packet));
    }
    // All that is still to come counts as written, whether it comes or not.
    payload.MarkCleanFrom(
        std::max<size_t>(payload.clean_from(), header.length));
    partial_ = std::make_unique<Partial>();
    partial_->header = header;
    partial_->filled = body_size;
    partial_->frame = std::move(*frame);
    partial_->payload = std::move(payload);
    return absl::OkStatus();
  }
  *complete = true;
  const bool in_place = static_cast<bool>(payload);
  if (header.has(FrameHeader::kMore)) {
    size_t at = kFrameHeaderBytes + header.length, end = size;
    if (in_place) {
      packet = Packets()->Take();
      std::memcpy(packet->bytes, bytes + at, size - at);
      end -= at;
      at = 0;
    } else {
      payload = CopyOf(body, header.length, pool);
    }
    Keep(std::move(packet), at, end);
  } else if (!in_place) {
    payload = CopyOf(body, header.length, pool);
    Packets()->PutBack(std::move(packet));
  }
  payload.ZeroFrom(header.length);
  payload.set_size(header.length);
  frame->payload = std::move(payload);
  return absl::OkStatus();
}

void UnixConnection::Keep(std::unique_ptr<Packet> packet, size_t at,
                          size_t end) {
  if (batch_ == nullptr) batch_ = std::make_unique<Batch>(this);
  batch_->packet = std::move(packet);
  batch_->at = at;
  batch_->end = end;
  if (loop_ != nullptr && reads_) loop_->Post(batch_.get());
}

IoResult UnixConnection::TakeFromBatch(IncomingFrame* frame, BufferPool* pool) {
  const uint8_t* const bytes = batch_->packet->bytes + batch_->at;
  const size_t rest = batch_->end - batch_->at;
  FrameHeader header;
  absl::Status status = ParseFrameHeader(absl::MakeConstSpan(bytes, rest),
                                         /*first=*/false, &header);
  if (status.ok()) status = CheckPayload(header, rest);
  if (status.ok() && header.length > pool->capacity()) {
    status = TooLarge(header.length, pool->capacity());
  }
  if (!status.ok()) return Fail(std::move(status));
  frame->type = header.type;
  frame->id = header.id;
  frame->payload = CopyOf(bytes + kFrameHeaderBytes, header.length, pool);
  batch_->at += kFrameHeaderBytes + header.length;
  if (!header.has(FrameHeader::kMore)) {
    if (loop_ != nullptr) loop_->Cancel(batch_.get());
    Packets()->PutBack(std::move(batch_->packet));
  }
  return IoResult::kOk;
}

// A further part of the frame that partial_ has the beginning of.
IoResult UnixConnection::ReceivePart(IncomingAncillary* ancillary, bool block) {
  FrameHeader raw;
  struct iovec parts[2] = {{&raw, kFrameHeaderBytes},
                           {partial_->payload.data() + partial_->filled,
                            partial_->header.length - partial_->filled}};
  size_t size = 0;
  const IoResult result = Fetch(parts, 2, block, ancillary, &size);
  if (result != IoResult::kOk) return result;
  FrameHeader header;
  absl::Status status = ParseFrameHeader(
      absl::MakeConstSpan(reinterpret_cast<const uint8_t*>(&raw),
                          std::min(size, kFrameHeaderBytes)),
      /*first=*/true, &header);
  if (status.ok()) status = CheckPayload(header, size);
  if (!status.ok()) return Fail(std::move(status));
  if (!header.has(FrameHeader::kContinuation) ||
      header.id != partial_->header.id ||
      header.type != partial_->header.type) {
    return Fail(absl::InvalidArgumentError(
        "something else where a continuation was due"));
  }
  if (ancillary->descriptors() > 0) {
    return Fail(absl::InvalidArgumentError("a descriptor with a continuation"));
  }
  plain_next_ = header.has(FrameHeader::kPlainNext);
  partial_->filled += header.length;
  return IoResult::kOk;
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
