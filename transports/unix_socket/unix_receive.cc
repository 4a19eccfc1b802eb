// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// UnixConnection: receiving.

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>
#include <utility>

#include "absl/base/optimization.h"
#include "absl/strings/str_cat.h"
#include "event/base/log.h"
#include "event/base/sys.h"
#include "transports/closer.h"
#include "transports/unix_socket/unix_connection.h"
#include "transports/unix_socket/unix_connection_parts.h"

namespace le {
namespace transports {

namespace sys = event::sys;

namespace {

BufferPool* EmptyPool() {
  static BufferPool* const pool = BufferPool::Create(0).release();
  return pool;
}

absl::Status KernelRefused(const char* what, int error) {
  return absl::InternalError(absl::StrCat(what, ": ", std::strerror(error)));
}

// A non-blocking receive returns after this many packets, even if no frame is
// complete.
constexpr int kMaxPacketsWithoutFrame = 32;

}  // namespace

IoResult UnixConnection::Receive(IncomingFrame* frame, BufferPool* pool,
                                 event::Instant deadline) {
  if (pool == nullptr) pool = EmptyPool();
  *frame = IncomingFrame();
  if (HasBuffered()) return TakeBuffered(frame, pool);
  if (closed_ != nullptr) return IoResult::kClosed;
  if (deadline == absl::InfinitePast()) {
    return ReceivePacket(frame, pool, /*block=*/false);
  }
  event::Thread* const thread = event::Thread::Current();
  thread->BeforeBlocking();
  if (deadline != absl::InfiniteFuture()) {
    return WaitAndReceive(frame, pool, deadline);
  }
  const event::Loop* const served = thread->control_loop_if_made();
  bool blind = served == nullptr || !served->HasOutput();
  if (blind) {
    event::MutexLock lock(&mutex_);
    if (HasQueuedLocked()) {
      FlushLocked();
      blind = output_->queue.empty();
    }
  }
  if (blind && SetBlindPause()) {
    const IoResult result = ReceivePacket(frame, pool, /*block=*/true);
    // kWouldBlock has several causes. For example: the pause is over, a signal
    // came, a part of a frame arrived, or the former owner of this socket has
    // made the socket non-blocking again.
    if (result != IoResult::kWouldBlock) return result;
  }
  const bool may_report = silence_ms_ != 0 && !HasManyCloses();
  return WaitAndReceive(frame, pool,
                        may_report
                            ? process_->Now() + absl::Milliseconds(silence_ms_)
                            : absl::InfiniteFuture());
}

// Makes the socket blocking, with a timeout. Returns false if the kernel
// refuses.
bool UnixConnection::SetBlindPause() {
  if (!has_blind_pause_) {
    struct timeval timeout = {};
    timeout.tv_usec = absl::ToInt64Microseconds(kBlindPause);
    has_blind_pause_ = sys::SetSockOpt(fd_.get(), SOL_SOCKET, SO_RCVTIMEO,
                                       &timeout, sizeof(timeout)) == 0;
  }
  if (has_blind_pause_ && socket_is_nonblocking_) {
    sys::Fcntl(fd_.get(), F_SETFL, 0);
    socket_is_nonblocking_ = false;
  }
  return has_blind_pause_;
}

IoResult UnixConnection::WaitAndReceive(IncomingFrame* frame, BufferPool* pool,
                                        event::Instant deadline) {
  for (;;) {
    if (!Wait(Connection::kReadable, deadline)) return IoResult::kWouldBlock;
    const IoResult result = ReceivePacket(frame, pool, /*block=*/false);
    if (result != IoResult::kWouldBlock) return result;
    if ((leaves_unread_ || HasManyCloses()) && !PauseForDescriptor(deadline)) {
      return IoResult::kWouldBlock;
    }
    // Check the deadline here too, because a peer may keep sending parts that
    // never complete a frame.
    if (deadline != absl::InfiniteFuture() && process_->Now() >= deadline) {
      return IoResult::kWouldBlock;
    }
  }
}

// Waits while no file descriptor is free, or while too many file descriptors of
// the far end's user wait to be closed. May return early. Returns false if the
// deadline has passed.
bool UnixConnection::PauseForDescriptor(event::Instant deadline) {
  if (leaves_unread_ ? leftover()->MayReceive() : !HasManyCloses()) return true;
  const event::Instant now = process_->Now();
  if (deadline <= now) return false;
  const event::Instant until = std::min(deadline, now + kNoDescriptorPause);
  sys::Poll(nullptr, 0,
            static_cast<int>(absl::ToInt64Milliseconds(until - now)) + 1);
  return true;
}

// Receives the next packet into `room`. If the packet cannot have ancillary
// data, uses recv(), which is faster than recvmsg().
IoResult UnixConnection::Fetch(PacketReader::Room* room, bool block,
                               IncomingAncillary* ancillary, size_t* size) {
  const int wait = block ? 0 : MSG_DONTWAIT;
  const bool plain = reader_.ExpectsPlain() && room->part_count() == 1 &&
                     !leaves_unread_ && !is_careful();
  // MSG_PEEK also returns the packet's descriptors.
  const int look = leaves_unread_ ? MSG_PEEK : 0;
  bool was_reset = false;
  bool looked_again = false;
  ssize_t received;
  for (;;) {
    // With MSG_TRUNC the result is the size of the packet, even if the packet
    // did not fit.
    if (plain) {
      received = sys::Recv(fd_.get(), room->parts()->iov_base,
                           room->parts()->iov_len, MSG_TRUNC | wait);
    } else {
      struct msghdr message = {};
      message.msg_iov = room->parts();
      message.msg_iovlen = room->part_count();
      ancillary->PutInto(&message);
      received = sys::RecvMsg(fd_.get(), &message,
                              MSG_TRUNC | MSG_CMSG_CLOEXEC | wait | look);
      if (received >= 0) {
        ancillary->TakeFrom(message);
        // The kernel could not install the descriptor. If a file descriptor is
        // free, the kernel had another reason, and the frame is delivered
        // without its descriptor.
        if (look != 0 && ancillary->truncated()) {
          if (!leftover()->MayReceive()) {
            lacks_descriptor_ = true;
            room->Discard();
            return IoResult::kWouldBlock;
          }
          // Peek once more, because another thread may have closed a file
          // descriptor just now.
          if (!looked_again) {
            looked_again = true;
            ancillary->Reset();
            continue;
          }
        }
        if (look != 0) received = RemovePeekedPacket(received);
        if (ABSL_PREDICT_FALSE(lacks_descriptor_) && leftover()->MayReceive()) {
          lacks_descriptor_ = false;
        }
      }
    }
    if (received >= 0) break;
    switch (errno) {
      case EINTR:
        if (!block) continue;
        // A signal ends the call even if its handler has SA_RESTART, since the
        // socket has a timeout. A retry here would start a new timeout.
        if (look != 0) room->Discard();
        return IoResult::kWouldBlock;
      case ECONNRESET:
        // The kernel reports this once. Packets that arrived earlier can still
        // be received.
        if (!was_reset) {
          was_reset = true;
          ancillary->Reset();
          continue;
        }
        room->Discard();
        return Fail(FarEndGone());
      case EAGAIN:
        if (look != 0) room->Discard();  // a peek may have written to it
        reader_.FoundNoMore();
        return IoResult::kWouldBlock;
      default:
        room->Discard();
        return Fail(KernelRefused("recvmsg", errno));
    }
  }
  if (received == 0) {
    // This is the end of the stream or an empty packet. An empty packet may
    // have descriptors.
    CloseReceived(ancillary);
    return Fail(FarEndGone());
  }
  *size = static_cast<size_t>(received);
  return IoResult::kOk;
}

// Whether the next packet has more than one file descriptor. No frame may have
// so many. The caller does not receive such a packet. Otherwise its file
// descriptors would occupy this process's table of open files until they are
// closed, and their user can make the closes block. (A receive with a small
// control buffer would not help: the kernel would close the surplus file
// descriptors on this thread.)
bool UnixConnection::NextHasManyDescriptors(bool block) {
  char byte;
  struct iovec part = {&byte, sizeof(byte)};
  struct msghdr message = {};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  IncomingAncillary ancillary;
  ancillary.PutInto(&message);
  message.msg_controllen =
      CMSG_SPACE(sizeof(struct ucred)) + CMSG_SPACE(2 * sizeof(int));
  if (sys::RecvMsg(fd_.get(), &message,
                   MSG_PEEK | MSG_CMSG_CLOEXEC | (block ? 0 : MSG_DONTWAIT)) <
      0) {
    return false;
  }
  // The packet in the socket keeps the files open, so the close of these copies
  // does not block.
  ancillary.TakeFrom(message);
  return ancillary.descriptors() > 1;
}

// Removes a packet of `size` bytes from the socket after a peek. The peek has
// already installed the packet's descriptors.
ssize_t UnixConnection::RemovePeekedPacket(ssize_t size) {
  if (size == 0) return 0;  // the end of the stream, which stays
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
    // Return, so that the caller's loop can handle other events. The loop
    // reports the rest of the input in its next turn.
    if (packets == kMaxPacketsWithoutFrame && !block) {
      return IoResult::kWouldBlock;
    }
    if (ABSL_PREDICT_FALSE(HasManyCloses()) && leftover()->AwaitFewCloses()) {
      return IoResult::kWouldBlock;
    }
    if (ABSL_PREDICT_FALSE(AnyCloseWaits()) && is_careful() &&
        !leaves_unread_ && NextHasManyDescriptors(block)) {
      return Fail(absl::InvalidArgumentError(
          "a packet with more than one file descriptor"));
    }
    IncomingAncillary ancillary;
    PacketReader::Room room(&reader_, pool);
    size_t size = 0;
    const IoResult result = Fetch(&room, block, &ancillary, &size);
    if (strangers_ == Strangers::kDropped || result != IoResult::kOk) {
      const bool dropped = ancillary.descriptors() > 0;
      CloseReceived(&ancillary);
      if (dropped) ancillary.set_truncated(true);  // they are lost at this end
    }
    if (result != IoResult::kOk) return result;
    absl::Status why;
    const PacketReader::Result accepted =
        reader_.Accept(&room, size, &ancillary, frame, &why);
    if (ABSL_PREDICT_FALSE(is_careful())) {
      CloseReceived(&ancillary);
      if (accepted == PacketReader::Result::kBroken) {
        CloseReceived(std::move(frame->descriptor));
      }
    }
    switch (accepted) {
      case PacketReader::Result::kConnection:
      case PacketReader::Result::kPromisedConnection:
        if (strangers_ != Strangers::kTaken) {
          CloseReceived(std::move(frame->descriptor));
          return Fail(absl::InvalidArgumentError(
              "a frame with a connection, which only a directory may send"));
        }
        frame->connection = std::make_unique<UnixConnection>(
            std::move(frame->descriptor), process_,
            /*socket_is_nonblocking=*/true,
            accepted == PacketReader::Result::kPromisedConnection,
            Strangers::kTakenByUser);
        ABSL_FALLTHROUGH_INTENDED;
      case PacketReader::Result::kFrame:
        if (ABSL_PREDICT_FALSE(HasBuffered())) RemindOfBuffered();
        return IoResult::kOk;
      case PacketReader::Result::kOtherVersion:
        RefuseVersion(why.message());
        return Fail(std::move(why));
      case PacketReader::Result::kBroken:
        return Fail(std::move(why));
      case PacketReader::Result::kNothing:
        // The rest of the frame possibly arrives later. The caller waits for
        // it, so do not block here.
        block = false;
        break;
    }
  }
}

// Sends a version refusal. If this is not possible at once, sends nothing.
void UnixConnection::RefuseVersion(absl::string_view why) {
  const std::string packet = VersionRefusal(why);
  event::MutexLock lock(&mutex_);
  if (HasQueuedLocked()) return;
  sys::Send(fd_.get(), packet.data(), packet.size(),
            MSG_DONTWAIT | MSG_NOSIGNAL);
}

IoResult UnixConnection::TakeBuffered(IncomingFrame* frame, BufferPool* pool) {
  absl::Status why;
  if (reader_.TakeBuffered(pool, frame, &why) ==
      PacketReader::Result::kBroken) {
    return Fail(std::move(why));
  }
  if (!HasBuffered() && loop_ != nullptr) leftover()->StopReminding();
  return IoResult::kOk;
}

void UnixConnection::RemindOfBuffered() {
  if (loop_ == nullptr || !reads_ || !HasBuffered()) return;
  leftover()->Remind();
}

UnixConnection::Leftover* UnixConnection::leftover() {
  if (leftover_ == nullptr) leftover_ = std::make_unique<Leftover>(this);
  return leftover_.get();
}

}  // namespace transports
}  // namespace le
