// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#include "transports/unix_socket/unix_connection.h"

#include <fcntl.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "event/base/log.h"
#include "event/base/sys.h"

#ifndef SO_PEERPIDFD
#define SO_PEERPIDFD 77  // since Linux 6.5; older headers do not name it
#endif

namespace le {
namespace transports {

namespace sys = event::sys;

namespace {

// When the kernel has no memory it does not say when it has: try again after
// this.
constexpr absl::Duration kNoMemoryPause = absl::Milliseconds(10);

// When no descriptor is free, likewise.
constexpr absl::Duration kNoDescriptorPause = absl::Milliseconds(50);

// Received descriptors this close to the limit mean that the next one may not
// fit.
constexpr int kFewDescriptors = 32;

// Below this a packet holds little more than its header: something is wrong.
constexpr size_t kMinPacketBytes = 256;

// Packets that hold more than their first frame are kept in these.
BufferPool* PacketPool() {
  static BufferPool* const pool = BufferPool::Create(kMaxPacketBytes).release();
  return pool;
}

BufferPool* EmptyPool() {
  static BufferPool* const pool = BufferPool::Create(0).release();
  return pool;
}

absl::Status KernelRefused(const char* what, int error) {
  return absl::InternalError(absl::StrCat(what, ": ", std::strerror(error)));
}

uint32_t Saturated(size_t value) {
  return static_cast<uint32_t>(std::min<size_t>(value, UINT32_MAX));
}

int PollTimeout(event::Instant deadline, event::Instant now) {
  if (deadline == absl::InfiniteFuture()) return -1;
  if (deadline <= now) return 0;
  // Upwards, or the last millisecond would be spent spinning.
  const int64_t ms =
      absl::ToInt64Milliseconds(absl::Ceil(deadline - now, absl::Milliseconds(1)));
  return static_cast<int>(std::min<int64_t>(ms, 1 << 30));
}

}  // namespace

class UnixConnection::Output final : private event::TurnEndHook,
                                     private event::Task,
                                     private event::Timer {
 public:
  explicit Output(UnixConnection* connection) : connection_(connection) {}

  OutputQueue queue;
  bool blocked = false;     // the kernel takes nothing more now
  bool no_memory = false;   // and does not say when it will again
  bool wants_room = false;  // a Send() was refused
  bool sent_in_turn = false;

  void AtTurnEnd() {
    sent_in_turn = true;
    connection_->loop_->AtTurnEnd(this);
  }
  void PostUpdate() {
    if (posted_) return;
    posted_ = true;
    connection_->loop_->Post(this);
  }
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
    // The hook unlinks with the object, or runs once more, which is harmless.
  }

 private:
  void OnTurnEnd() override {
    std::lock_guard<std::mutex> lock(connection_->mutex_);
    sent_in_turn = false;
    if (!blocked) connection_->FlushLocked();
  }
  void Run() override {
    {
      std::lock_guard<std::mutex> lock(connection_->mutex_);
      posted_ = false;
    }
    connection_->UpdateInterest();
  }
  void OnExpiry() override { connection_->OnReady(event::Watch::kWritable); }

  UnixConnection* const connection_;
  bool posted_ = false;
};

struct UnixConnection::Batch final : event::Task {
  explicit Batch(UnixConnection* c) : connection(c) {}
  // What the reader has left is told again in the next turn.
  void Run() override {
    if (!connection->reads_ || connection->observer_ == nullptr) return;
    connection->loop_->Post(this);
    connection->observer_->OnReadable();
  }

  UnixConnection* const connection;
  Buffer packet;
  size_t at = 0;
  size_t end = 0;
};

struct UnixConnection::Partial {
  FrameHeader header;
  Buffer payload;
  size_t filled = 0;
  IncomingFrame frame;  // all of it but the payload
};

class UnixConnection::Spare final : private event::Timer {
 public:
  explicit Spare(UnixConnection* connection) : connection_(connection) {}

  bool paused() const { return running(); }
  void LeaveLoop() {
    if (running()) connection_->loop_->StopTimer(this);
  }

  // Makes as sure as can be that one more descriptor would be received.
  bool MayReceive() {
    if (!careful_) return true;
    const int probe = sys::Dup(connection_->fd_.get());
    if (probe >= 0) {
      sys::Close(probe);
      return true;
    }
    if (connection_->loop_ != nullptr) {
      connection_->loop_->StartTimer(
          this, connection_->loop_->Now() + kNoDescriptorPause);
      connection_->UpdateInterest();
    }
    return false;
  }

  void Received(int descriptor, bool lost) {
    struct rlimit limit;
    if (lost || sys::GetRLimit(RLIMIT_NOFILE, &limit) != 0) {
      careful_ = true;
      return;
    }
    careful_ = static_cast<rlim_t>(descriptor) + kFewDescriptors >=
               limit.rlim_cur;
  }

 private:
  void OnExpiry() override { connection_->UpdateInterest(); }

  UnixConnection* const connection_;
  bool careful_ = true;  // until a descriptor has shown that there is no need
};

UnixConnection::UnixConnection(event::UniqueFd socket, event::Process* process,
                               bool socket_is_nonblocking)
    : process_(process),
      fd_(std::move(socket)),
      send_limit_bytes_(Saturated(SendLimits().bytes)),
      socket_is_nonblocking_(socket_is_nonblocking) {}

UnixConnection::~UnixConnection() { Close(); }

event::UniqueFd UnixConnection::ReleaseSocket() {
  if (observer_ != nullptr || batch_ != nullptr || partial_ != nullptr) {
    event::Fatal("unix transport: only an idle connection can be passed");
  }
  std::lock_guard<std::mutex> lock(mutex_);
  close_status_ = std::make_unique<absl::Status>(
      absl::CancelledError("passed to another process"));
  return std::move(fd_);
}

// ---- Attachment ------------------------------------------------------------

absl::Status UnixConnection::Attach(event::Loop* loop, Observer* observer) {
  if (observer_ != nullptr) event::Fatal("unix transport: attached twice");
  if (fd_.get() < 0) return close_status();
  if (!loop->AddWatch(this, fd_.get(), event::Watch::kReadable)) {
    return absl::ResourceExhaustedError(
        absl::StrCat("cannot watch a socket: ", std::strerror(errno)));
  }
  {
    std::lock_guard<std::mutex> lock(mutex_);
    loop_ = loop;
    observer_ = observer;
    reads_ = true;
    interest_ = event::Watch::kReadable;
  }
  if (batch_ != nullptr) loop->Post(batch_.get());
  UpdateInterest();
  return absl::OkStatus();
}

void UnixConnection::Detach() {
  if (observer_ == nullptr) return;
  if (batch_ != nullptr) loop_->Cancel(batch_.get());
  std::lock_guard<std::mutex> lock(mutex_);
  if (output_ != nullptr) output_->LeaveLoop();
  if (spare_ != nullptr) spare_->LeaveLoop();
  if (added()) loop_->RemoveWatch(this);
  loop_ = nullptr;
  observer_ = nullptr;
  reads_ = false;
}

void UnixConnection::SetReadInterest(bool interested) {
  if (observer_ == nullptr) return;
  reads_ = interested;
  if (batch_ != nullptr && interested) {
    loop_->Cancel(batch_.get());
    loop_->Post(batch_.get());
  }
  UpdateInterest();
}

void UnixConnection::UpdateInterest() {
  std::lock_guard<std::mutex> lock(mutex_);
  UpdateInterestLocked();
}

void UnixConnection::UpdateInterestLocked() {
  if (loop_ == nullptr || fd_.get() < 0) return;
  uint32_t interest = 0;
  if (reads_ && (spare_ == nullptr || !spare_->paused())) {
    interest |= event::Watch::kReadable;
  }
  if (output_ != nullptr && output_->blocked) {
    if (output_->no_memory) {
      output_->RetryLater();
    } else {
      interest |= event::Watch::kWritable;
    }
  }
  if (added() && interest == interest_) return;
  interest_ = interest;
  // A watch for nothing would still be told of a hang-up, for ever.
  if (interest == 0) {
    if (added()) loop_->RemoveWatch(this);
  } else if (added()) {
    loop_->SetInterest(this, interest);
  } else if (!loop_->AddWatch(this, fd_.get(), interest)) {
    event::Log(event::LogLevel::kError,
               absl::StrCat("cannot watch a socket: ", std::strerror(errno)));
  }
}

void UnixConnection::OnReady(uint32_t events) {
  Observer* observer;
  bool readable, writable;
  {
    std::lock_guard<std::mutex> lock(mutex_);
    observer = observer_;
    if (observer == nullptr) return;
    writable = false;
    if (output_ != nullptr && output_->blocked &&
        (events & (event::Watch::kWritable | kHangUp | kError)) != 0) {
      FlushLocked();
      if (output_->wants_room && HasRoomLocked()) {
        output_->wants_room = false;
        writable = true;
      }
      UpdateInterestLocked();
    }
    readable = reads_ && (events & (event::Watch::kReadable | kHangUp | kError)) != 0;
  }
  // Either call may destroy this; what is readable stays so until next turn.
  if (writable) {
    observer->OnWritable();
  } else if (readable) {
    observer->OnReadable();
  }
}

// ---- Sending ---------------------------------------------------------------

UnixConnection::Output* UnixConnection::output() {
  if (output_ == nullptr) output_ = std::make_unique<Output>(this);
  return output_.get();
}

bool UnixConnection::HasRoomLocked() const {
  if (send_is_broken_ || output_ == nullptr || output_->queue.empty()) {
    return true;
  }
  // Half, so that a sender that waits has something to do when it is woken.
  return output_->queue.bytes() <= send_limit_bytes_ / 2 &&
         output_->queue.frames() < send_limit_frames_;
}

IoResult UnixConnection::Send(const OutgoingFrame& frame) {
  process_->YieldPoint();
  if (frame.payload.size() > kMaxPayloadBytes) {
    event::Fatal("unix transport: a payload over the limit");
  }
  FrameHeader header;
  header.type = frame.type;
  header.id = frame.id;
  header.length = static_cast<uint32_t>(frame.payload.size());
  if (frame.descriptor != nullptr) header.flags |= FrameHeader::kDescriptor;
  if (frame.connection != nullptr) header.flags |= FrameHeader::kConnection;

  std::lock_guard<std::mutex> lock(mutex_);
  if (close_status_ != nullptr || send_is_broken_) return IoResult::kClosed;
  const bool in_turn = loop_ != nullptr && loop_->InTurn();

  if (output_ != nullptr && !output_->queue.empty() && !in_turn) FlushLocked();
  const bool waits = output_ != nullptr && !output_->queue.empty();
  const bool gathers = in_turn && output_ != nullptr && output_->sent_in_turn;
  const size_t size = kFrameHeaderBytes + frame.payload.size();

  if (waits && (output_->queue.bytes() + size > send_limit_bytes_ ||
                output_->queue.frames() >= send_limit_frames_)) {
    if (in_turn && !output_->blocked) FlushLocked();  // it was only gathered
    if (send_is_broken_) return IoResult::kClosed;
    if (!output_->queue.empty() &&
        (output_->queue.bytes() + size > send_limit_bytes_ ||
         output_->queue.frames() >= send_limit_frames_)) {
      output_->wants_room = true;
      return IoResult::kWouldBlock;
    }
  }

  size_t sent = 0;
  if (!waits && !gathers) {
    const int descriptor =
        frame.descriptor != nullptr ? frame.descriptor->get()
        : frame.connection != nullptr
            ? static_cast<UnixConnection*>(frame.connection->get())->fd_.get()
            : -1;
    switch (SendFrame(header, frame.payload, descriptor, frame.vouched, &sent)) {
      case Sent::kAll:
        if (frame.descriptor != nullptr) frame.descriptor->reset();
        if (frame.connection != nullptr) frame.connection->reset();
        if (in_turn) output()->AtTurnEnd();
        return IoResult::kOk;
      case Sent::kBroken:
        send_is_broken_ = true;
        return IoResult::kClosed;
      case Sent::kWouldBlock:
      case Sent::kTooLarge:
        // The owner sleeps where nothing can tell it to send this later: then
        // the caller must wait itself.
        if (owner_is_blocked_ && sent == 0) return IoResult::kWouldBlock;
        output()->blocked = true;
        break;
    }
  }

  event::UniqueFd descriptor;
  if (sent == 0 && frame.descriptor != nullptr) {
    descriptor = std::move(*frame.descriptor);
  } else if (sent == 0 && frame.connection != nullptr) {
    descriptor = static_cast<UnixConnection*>(frame.connection->get())
                     ->ReleaseSocket();
  }
  if (frame.descriptor != nullptr) frame.descriptor->reset();
  if (frame.connection != nullptr) frame.connection->reset();
  output()->queue.Push(header, frame.payload, sent, std::move(descriptor),
                       frame.vouched, max_packet_);
  if (output_->blocked) {
    WantWritableLocked();
  } else if (output_->queue.bytes() >= kMaxPacketBytes) {
    FlushLocked();
  }
  return IoResult::kOk;
}

void UnixConnection::WantWritableLocked() {
  if (loop_ == nullptr) return;
  if (loop_->InTurn()) {
    UpdateInterestLocked();
  } else {
    output_->PostUpdate();
  }
}

void UnixConnection::Flush() {
  std::lock_guard<std::mutex> lock(mutex_);
  if (close_status_ == nullptr) FlushLocked();
}

void UnixConnection::FlushLocked() {
  if (output_ == nullptr) return;
  OutputQueue& queue = output_->queue;
  while (!queue.empty()) {
    OutputPacket* const packet = queue.front();
    struct iovec part = {packet->bytes.data(), packet->bytes.size()};
    switch (SendBytes(&part, 1, packet->descriptor.get(), packet->vouched)) {
      case Sent::kAll:
        queue.Pop();
        break;
      case Sent::kTooLarge:
        LearnPacketLimit();
        if (send_is_broken_) return;
        queue.Recut(max_packet_);
        break;
      case Sent::kBroken:
        send_is_broken_ = true;
        output_->blocked = false;
        queue.Clear();
        return;
      case Sent::kWouldBlock:
        output_->blocked = true;
        WantWritableLocked();
        return;
    }
  }
  output_->blocked = output_->no_memory = false;
}

UnixConnection::Sent UnixConnection::SendFrame(
    FrameHeader header, absl::Span<const uint8_t> payload, int descriptor,
    bool vouched, size_t* sent) {
  *sent = 0;
  for (;;) {
    const size_t rest = payload.size() - *sent;
    const bool whole =
        *sent == 0 && kFrameHeaderBytes + payload.size() <= max_packet_;
    const size_t part =
        whole ? payload.size() : std::min(rest, max_packet_ - kFrameHeaderBytes);
    FrameHeader part_header = header;
    if (*sent > 0) {
      part_header.flags = FrameHeader::kContinuation;
      part_header.length = static_cast<uint32_t>(part);
    } else if (!whole) {
      part_header.flags |= FrameHeader::kFragmented;
    }
    struct iovec parts[2] = {
        {&part_header, kFrameHeaderBytes},
        {const_cast<uint8_t*>(payload.data()) + *sent, part}};
    const Sent result =
        SendBytes(parts, part == 0 ? 1 : 2, *sent == 0 ? descriptor : -1,
                  *sent == 0 && vouched);
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

UnixConnection::Sent UnixConnection::SendBytes(struct iovec* parts,
                                               size_t count, int descriptor,
                                               bool vouched) {
  struct msghdr message = {};
  message.msg_iov = parts;
  message.msg_iovlen = count;
  OutgoingAncillary ancillary;
  if (descriptor >= 0) ancillary.AddDescriptor(descriptor);
  if (vouched) ancillary.AddCredentials(process_->credentials());
  ancillary.PutInto(&message);
  for (;;) {
    if (sys::SendMsg(fd_.get(), &message, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0) {
      return Sent::kAll;
    }
    switch (errno) {
      case EINTR:
        continue;
      case EAGAIN:
        return Sent::kWouldBlock;
      case ENOBUFS:
      case ENOMEM:
      case ETOOMANYREFS:
        output()->no_memory = true;
        return Sent::kWouldBlock;
      case EMSGSIZE:
        return Sent::kTooLarge;
      case EBADF:
      case EPERM:
      case EINVAL:
        if (descriptor >= 0) {
          // It is the descriptor that cannot be sent, not the message.
          event::Log(event::LogLevel::kError,
                     absl::StrCat("descriptor ", descriptor,
                                  " cannot be sent: ", std::strerror(errno)));
          descriptor = -1;
          ancillary = OutgoingAncillary();
          if (vouched) ancillary.AddCredentials(process_->credentials());
          ancillary.PutInto(&message);
          continue;
        }
        return Sent::kBroken;
      default:
        return Sent::kBroken;
    }
  }
}

void UnixConnection::LearnPacketLimit() {
  int buffer = 0;
  socklen_t size = sizeof(buffer);
  size_t limit = max_packet_ / 2;
  if (sys::GetSockOpt(fd_.get(), SOL_SOCKET, SO_SNDBUF, &buffer, &size) == 0 &&
      buffer > 0) {
    // The kernel's own bookkeeping takes part of the buffer.
    limit = std::min<size_t>(limit, static_cast<size_t>(buffer) / 2);
  }
  if (limit < kMinPacketBytes) {
    if (max_packet_ <= kMinPacketBytes) {
      send_is_broken_ = true;
      return;
    }
    limit = kMinPacketBytes;
  }
  max_packet_ = static_cast<uint32_t>(limit);
}

size_t UnixConnection::queued_bytes() const {
  std::lock_guard<std::mutex> lock(mutex_);
  return output_ == nullptr ? 0 : output_->queue.bytes();
}

void UnixConnection::SetSendLimits(const SendLimits& limits) {
  std::lock_guard<std::mutex> lock(mutex_);
  send_limit_bytes_ = Saturated(limits.bytes);
  send_limit_frames_ = Saturated(limits.frames);
}

// ---- Receiving -------------------------------------------------------------

IoResult UnixConnection::Receive(IncomingFrame* frame, BufferPool* pool,
                                 event::Instant deadline) {
  process_->YieldPoint();
  if (pool == nullptr) pool = EmptyPool();
  if (batch_ != nullptr) return TakeFromBatch(frame, pool);
  if (fd_.get() < 0) return IoResult::kClosed;
  if (deadline == absl::InfinitePast()) {
    return ReceivePacket(frame, pool, /*block=*/false);
  }
  for (;;) {
    bool block = deadline == absl::InfiniteFuture();
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
      std::lock_guard<std::mutex> lock(mutex_);
      owner_is_blocked_ = false;
      if (result != IoResult::kWouldBlock) return result;
      continue;
    }
    if (!Wait(Connection::kReadable, deadline)) return IoResult::kWouldBlock;
    const IoResult result = ReceivePacket(frame, pool, /*block=*/false);
    if (result != IoResult::kWouldBlock) return result;
  }
}

IoResult UnixConnection::ReceivePacket(IncomingFrame* frame, BufferPool* pool,
                                       bool block) {
  for (;;) {
    if (spare_ != nullptr && !spare_->MayReceive()) {
      return IoResult::kWouldBlock;
    }
    FrameHeader header;
    Buffer payload, packet;
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
      packet = PacketPool()->Allocate();
      parts[0] = {&header, kFrameHeaderBytes};
      parts[1] = {payload.data(), payload.capacity()};
      parts[2] = {packet.data(), packet.capacity()};
      message.msg_iovlen = 3;
    }
    IncomingAncillary ancillary;
    ancillary.PutInto(&message);
    const ssize_t size = sys::RecvMsg(
        fd_.get(), &message, MSG_CMSG_CLOEXEC | (block ? 0 : MSG_DONTWAIT));
    if (size < 0) {
      switch (errno) {
        case EINTR:
        case ECONNRESET:  // said once; what had come before is still to be had
          continue;
        case EAGAIN:
          return IoResult::kWouldBlock;
        default:
          return Fail(KernelRefused("recvmsg", errno));
      }
    }
    ancillary.TakeFrom(message);
    if (size == 0) {
      return Fail(absl::UnavailableError("the far end closed or died"));
    }
    if ((message.msg_flags & MSG_TRUNC) != 0) {
      return Fail(absl::InvalidArgumentError("a packet over the limit"));
    }
    const size_t bytes = static_cast<size_t>(size);
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
      if (bytes > kFrameHeaderBytes) {
        payload.MarkCleanFrom(
            std::max(payload.clean_from(),
                     std::min(bytes - kFrameHeaderBytes, payload.capacity())));
      }
      status = Dissect(header, bytes, std::move(payload), std::move(packet),
                       frame, &ancillary);
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
  if (!wants) return absl::OkStatus();
  event::UniqueFd descriptor = ancillary->TakeDescriptor();
  if (spare_ != nullptr) spare_->Received(descriptor.get(), !descriptor);
  frame->descriptor_lost = !descriptor;
  if (!header.has(FrameHeader::kConnection)) {
    frame->descriptor = std::move(descriptor);
  } else if (descriptor) {
    frame->connection = std::make_unique<UnixConnection>(
        std::move(descriptor), process_, /*socket_is_nonblocking=*/false);
  }
  return absl::OkStatus();
}

// A packet whose first payload stands in a buffer of its own already.
absl::Status UnixConnection::Dissect(const FrameHeader& raw, size_t size,
                                     Buffer payload, Buffer packet,
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
    partial_->payload = std::move(payload);
    return absl::OkStatus();
  }
  if (header.has(FrameHeader::kMore)) {
    // The rest lies behind the first payload, and beyond that in `packet`.
    const size_t in_payload = std::min(body, payload.capacity());
    const size_t rest_in_payload = in_payload - header.length;
    const size_t in_packet = body - in_payload;
    std::memmove(packet.data() + rest_in_payload, packet.data(), in_packet);
    std::memcpy(packet.data(), payload.data() + header.length, rest_in_payload);
    packet.MarkDirty();
    Keep(std::move(packet), 0, rest_in_payload + in_packet);
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
    Buffer payload = pool->Allocate();
    const size_t body = size - kFrameHeaderBytes;
    if (body > payload.capacity()) {
      return absl::InvalidArgumentError(
          absl::StrCat("a payload of at least ", body,
                       " bytes is more than the ", payload.capacity(),
                       " that may come"));
    }
    std::memcpy(payload.data(), bytes.data() + kFrameHeaderBytes, body);
    payload.MarkCleanFrom(std::max(payload.clean_from(), body));
    return Dissect(header, size, std::move(payload), std::move(packet), frame,
                   ancillary);
  }
  status = CheckPayload(header, size);
  if (!status.ok()) return status;
  status = TakeAncillary(header, ancillary, frame);
  if (!status.ok()) return status;
  Keep(std::move(packet), 0, size);
  return CutFromBatch(/*first=*/true, frame, pool);
}

void UnixConnection::Keep(Buffer packet, size_t at, size_t end) {
  batch_ = std::make_unique<Batch>(this);
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
  payload.MarkCleanFrom(
      std::max<size_t>(payload.clean_from(), header.length));
  payload.ZeroFrom(header.length);
  payload.set_size(header.length);
  frame->type = header.type;
  frame->id = header.id;
  frame->payload = std::move(payload);
  batch_->at += kFrameHeaderBytes + header.length;
  if (!header.has(FrameHeader::kMore)) batch_.reset();
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
  payload.MarkCleanFrom(std::max(payload.clean_from(), length));
  payload.ZeroFrom(length);
  payload.set_size(length);
  frame->payload = std::move(payload);
  partial_.reset();
  return IoResult::kOk;
}

// ---- Waiting ---------------------------------------------------------------

bool UnixConnection::Wait(uint32_t what, event::Instant deadline) {
  for (;;) {
    struct pollfd poll = {};
    {
      std::lock_guard<std::mutex> lock(mutex_);
      if (close_status_ != nullptr) return true;
      if ((what & Connection::kReadable) != 0 && batch_ != nullptr) return true;
      if (output_ != nullptr && !output_->queue.empty()) {
        FlushLocked();
        poll.events |= POLLOUT;
        if ((what & Connection::kWritable) != 0 && HasRoomLocked()) return true;
      }
      if ((what & Connection::kWritable) != 0) {
        if (send_is_broken_) return true;
        poll.events |= POLLOUT;
      }
      if ((what & Connection::kReadable) != 0) poll.events |= POLLIN;
      poll.fd = fd_.get();
      ++waiters_;
    }
    const event::Instant now = deadline == absl::InfiniteFuture() ||
                                       deadline == absl::InfinitePast()
                                   ? event::Instant()
                                   : process_->Now();
    const int ready = sys::Poll(&poll, 1, PollTimeout(deadline, now));
    {
      std::lock_guard<std::mutex> lock(mutex_);
      --waiters_;
      if (close_status_ != nullptr) {
        if (waiters_ == 0 && close_after_waiters_) fd_.reset();
        return true;
      }
      if (ready > 0 && (poll.revents & (POLLOUT | POLLERR | POLLHUP)) != 0) {
        FlushLocked();
        if ((what & Connection::kWritable) != 0 && HasRoomLocked()) return true;
      }
    }
    if (ready > 0 && (what & Connection::kReadable) != 0 &&
        (poll.revents & (POLLIN | POLLERR | POLLHUP)) != 0) {
      return true;
    }
    if (ready == 0 && deadline != absl::InfiniteFuture() &&
        (deadline == absl::InfinitePast() || process_->Now() >= deadline)) {
      return false;
    }
  }
}

// ---- Who, and the end ------------------------------------------------------

absl::Status UnixConnection::AskForSender(bool on) {
  const int value = on ? 1 : 0;
  if (sys::SetSockOpt(fd_.get(), SOL_SOCKET, SO_PASSCRED, &value,
                      sizeof(value)) != 0) {
    return KernelRefused("SO_PASSCRED", errno);
  }
  asks_for_sender_ = on;
  return absl::OkStatus();
}

void UnixConnection::SetDescriptorPolicy(DescriptorPolicy policy) {
  if (policy == DescriptorPolicy::kLeaveUnread) {
    if (spare_ == nullptr) spare_ = std::make_unique<Spare>(this);
  } else {
    spare_.reset();
  }
}

absl::StatusOr<event::Credentials> UnixConnection::peer() const {
  std::lock_guard<std::mutex> lock(mutex_);
  struct ucred credentials = {};
  socklen_t size = sizeof(credentials);
  if (sys::GetSockOpt(fd_.get(), SOL_SOCKET, SO_PEERCRED, &credentials,
                      &size) != 0) {
    return KernelRefused("SO_PEERCRED", errno);
  }
  return event::Credentials{credentials.pid, credentials.uid, credentials.gid};
}

absl::StatusOr<event::UniqueFd> UnixConnection::PeerPidFd() const {
  std::lock_guard<std::mutex> lock(mutex_);
  int fd = -1;
  socklen_t size = sizeof(fd);
  if (sys::GetSockOpt(fd_.get(), SOL_SOCKET, SO_PEERPIDFD, &fd, &size) != 0) {
    return absl::UnimplementedError(
        absl::StrCat("SO_PEERPIDFD: ", std::strerror(errno)));
  }
  return event::UniqueFd(fd);
}

absl::Status UnixConnection::close_status() const {
  std::lock_guard<std::mutex> lock(mutex_);
  if (close_status_ != nullptr) return *close_status_;
  return send_is_broken_
             ? absl::UnavailableError("the far end closed or died")
             : absl::OkStatus();
}

IoResult UnixConnection::Fail(absl::Status status) {
  CloseWith(std::move(status));
  return IoResult::kClosed;
}

void UnixConnection::Close() {
  CloseWith(absl::CancelledError("closed at this end"));
}

void UnixConnection::CloseWith(absl::Status status) {
  Detach();
  batch_.reset();
  partial_.reset();
  spare_.reset();
  std::lock_guard<std::mutex> lock(mutex_);
  if (close_status_ != nullptr) return;
  if (output_ != nullptr && !output_->queue.empty()) {
    FlushLocked();
    if (!output_->queue.empty()) {
      event::Log(event::LogLevel::kWarning,
                 absl::StrCat(output_->queue.frames(), " messages (",
                              output_->queue.bytes(),
                              " bytes) were not taken by the far end and are "
                              "dropped at the close"));
    }
  }
  output_.reset();
  close_status_ = std::make_unique<absl::Status>(std::move(status));
  if (waiters_ > 0) {
    // They must not find another descriptor by this number.
    sys::Shutdown(fd_.get(), SHUT_RDWR);
    close_after_waiters_ = true;
  } else {
    fd_.reset();
  }
}

}  // namespace transports
}  // namespace le
