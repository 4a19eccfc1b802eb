// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#include "transports/unix_socket/unix_connection.h"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <limits>
#include <utility>

#include "absl/strings/str_cat.h"
#include "event/base/log.h"
#include "event/base/sys.h"
#include "event/peer_log.h"
#include "transports/closer.h"
#include "transports/unix_socket/ancillary.h"
#include "transports/unix_socket/unix_connection_parts.h"

#ifndef SO_PEERPIDFD
#define SO_PEERPIDFD 77  // since Linux 6.5; older headers do not name it
#endif

namespace le {
namespace transports {

namespace sys = event::sys;

namespace {

absl::Status KernelRefused(const char* what, int error) {
  return absl::InternalError(absl::StrCat(what, ": ", std::strerror(error)));
}

// What the kernel counts for a packet is more, whatever is in it: its two
// structures alone are.
constexpr size_t kLeastPacketInKernel = 512;

constexpr int kLeastHalfBuffer = 8192;

// What the kernel says of a socket that has no peer, or none that it knows.
constexpr uid_t kNobody = static_cast<uid_t>(-1);

constexpr int kMaxFailuresToDrop = 4;

template <typename T>
T Saturated(size_t value) {
  return static_cast<T>(std::min<size_t>(value, std::numeric_limits<T>::max()));
}

// Of the far end of a socket.
uid_t UserOf(int fd) {
  struct ucred raw = {};
  socklen_t size = sizeof(raw);
  if (sys::GetSockOpt(fd, SOL_SOCKET, SO_PEERCRED, &raw, &size) != 0) {
    return event::kUnknownPeer;
  }
  return raw.uid;
}

// Whether none can have come in it yet.
bool RefusesDescriptors(int fd) {
  int takes = 1;
  socklen_t size = sizeof(takes);
  return sys::GetSockOpt(fd, SOL_SOCKET, SO_PASSRIGHTS, &takes, &size) == 0 &&
         takes == 0;
}

// What its user has sent may be unread in it.
void CloseClient(event::Process* process, event::UniqueFd client) {
  const uid_t user = UserOf(client.get());
  CloseSentBy(process, user, std::move(client));
}

int PollTimeout(event::Instant deadline, event::Instant now) {
  if (deadline == absl::InfiniteFuture()) return -1;
  if (deadline <= now) return 0;
  // Upwards, or the last millisecond would be spent spinning.
  const int64_t ms = absl::ToInt64Milliseconds(
      absl::Ceil(deadline - now, absl::Milliseconds(1)));
  return static_cast<int>(std::min<int64_t>(ms, 1 << 30));
}

}  // namespace

UnixConnection::UnixConnection(event::UniqueFd socket, event::Process* process,
                               bool socket_is_nonblocking, bool promised_plain,
                               Strangers strangers)
    : process_(process),
      fd_(std::move(socket)),
      send_limit_bytes_(Saturated<uint32_t>(SendLimits().bytes)),
      promised_plain_(promised_plain),
      strangers_(strangers),
      kernel_refuses_(strangers == Strangers::kRefused),
      socket_is_nonblocking_(socket_is_nonblocking) {}

UnixConnection::~UnixConnection() { Close(); }

UnixConnection* UnixConnection::AsIdle(Connection* connection,
                                       bool* promised_plain) const {
  auto* const passed = dynamic_cast<UnixConnection*>(connection);
  if (passed == nullptr || passed == this) return nullptr;
  event::MutexLock lock(&passed->mutex_);
  const bool queued =
      passed->output_ != nullptr && !passed->output_->queue.empty();
  if (passed->closed_ != nullptr || passed->observer_ != nullptr ||
      passed->waiters_ > 0 || queued || passed->HasBuffered() ||
      passed->HasPartial()) {
    return nullptr;
  }
  passed->StopPassingCredentials();
  *promised_plain = passed->promised_plain_;
  return passed;
}

void UnixConnection::CloseSent(uid_t payer, event::UniqueFd fd,
                               std::shared_ptr<void> held) {
  if (strangers_ == Strangers::kTakenWithCare) {
    CloseElsewhere(process_, payer, std::move(fd), std::move(held));
  } else {
    CloseSentBy(process_, payer, std::move(fd), std::move(held));
  }
}

uid_t UnixConnection::Payer() const {
  return payer_ != event::kUnknownPeer ? payer_ : UserOf(fd_.get());
}

bool UnixConnection::HasManyCloses() const {
  return is_careful() && MayHaveManyCloses() &&
         transports::HasManyCloses(process_, Payer());
}

void UnixConnection::CloseReceived(event::UniqueFd fd) {
  if (fd && is_careful()) CloseSent(Payer(), std::move(fd), held_);
}

void UnixConnection::CloseReceived(IncomingAncillary* ancillary) {
  while (event::UniqueFd fd = ancillary->TakeDescriptor()) {
    CloseReceived(std::move(fd));
  }
}

void UnixConnection::CloseSocket() {
  if (strangers_ == Strangers::kDropped || (is_careful() && MayHaveUnread())) {
    const uid_t payer = Payer();
    CloseSent(payer, std::move(fd_), std::move(held_));
  } else {
    fd_.reset();
    held_.reset();
  }
}

bool UnixConnection::MayHaveUnread() {
  if (strangers_ == Strangers::kTakenByUser && RefusesDescriptors(fd_.get())) {
    return false;
  }
  int bytes = 0;
  if (sys::Ioctl(fd_.get(), FIONREAD, &bytes) != 0 || bytes > 0) return true;
  // Credentials come with each packet, and do not with the end.
  const int on = 1;
  if (sys::SetSockOpt(fd_.get(), SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)) !=
      0) {
    return true;
  }
  alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(struct ucred))];
  struct msghdr message = {};
  message.msg_control = control;
  message.msg_controllen = sizeof(control);
  const ssize_t size =
      sys::RecvMsg(fd_.get(), &message, MSG_PEEK | MSG_DONTWAIT);
  if (size < 0) return errno != EAGAIN && errno != ECONNRESET;
  return message.msg_controllen > 0 || (message.msg_flags & MSG_CTRUNC) != 0;
}

void UnixConnection::SetTrust(Trust trust, uid_t payer,
                              std::shared_ptr<void> held) {
  payer_ = payer;
  held_ = std::move(held);
  // It came with a frame, and refuses them, unless the kernel cannot.
  if (strangers_ == Strangers::kTakenByUser && trust != Trust::kNoDescriptors) {
    LetDescriptorsIn();
  }
  switch (trust) {
    case Trust::kTrusted:
      strangers_ = Strangers::kTaken;
      return;
    case Trust::kStranger:
      strangers_ = Strangers::kTakenWithCare;
      return;
    case Trust::kNoDescriptors:
      // Some may have come before.
      strangers_ = Strangers::kDropped;
      RefuseStrangers();
      if (kernel_refuses_ && !MayHaveUnread()) {
        strangers_ = Strangers::kRefused;
      }
      {
        event::MutexLock lock(&mutex_);
        PassCredentials(false).IgnoreError();
      }
      return;
  }
}

bool UnixConnection::TakeStrangers() {
  if (!kernel_refuses_) return true;
  if (!LetDescriptorsIn()) return false;
  kernel_refuses_ = false;
  strangers_ = Strangers::kDropped;
  return true;
}

bool UnixConnection::LetDescriptorsIn() {
  const int on = 1;
  return sys::SetSockOpt(fd_.get(), SOL_SOCKET, SO_PASSRIGHTS, &on,
                         sizeof(on)) == 0;
}

void UnixConnection::RefuseStrangers() {
  if (strangers_ == Strangers::kTaken) return;
  const int off = 0;
  kernel_refuses_ = sys::SetSockOpt(fd_.get(), SOL_SOCKET, SO_PASSRIGHTS, &off,
                                    sizeof(off)) == 0;
}

void UnixConnection::DropQueueLocked() {
  OutputQueue& queue = output_->queue;
  for (; passes_strangers_ && !queue.empty(); queue.Pop()) {
    if (queue.front()->descriptor) {
      CloseClient(process_, std::move(queue.front()->descriptor));
    }
  }
  queue.Clear();
}

event::UniqueFd UnixConnection::ReleaseSocket() {
  event::MutexLock lock(&mutex_);
  closed_ = std::make_unique<Closed>();
  closed_->why = PassedOn();
  return std::move(fd_);
}

// ---- Attachment ------------------------------------------------------------

absl::Status UnixConnection::Attach(event::Loop* loop, Observer* observer) {
  if (observer_ != nullptr) event::Fatal("unix transport: attached twice");
  if (closed_ != nullptr) return close_status();
  loop->AddWatchLater(this, fd_.get(), event::Watch::kReadable);
  {
    event::MutexLock lock(&mutex_);
    loop_ = loop;
    observer_ = observer;
    reads_ = true;
    sent_in_turn_ = 0;
  }
  RemindOfBuffered();
  UpdateInterest();
  return absl::OkStatus();
}

void UnixConnection::Detach() {
  if (observer_ == nullptr) return;
  if (leftover_ != nullptr) leftover_->LeaveLoop();
  event::MutexLock lock(&mutex_);
  if (output_ != nullptr) {
    if (!output_->blocked) FlushLocked();
    output_->LeaveLoop();
  }
  if (added()) loop_->RemoveWatch(this);
  loop_ = nullptr;
  observer_ = nullptr;
  reads_ = false;
}

void UnixConnection::SetReadInterest(bool interested) {
  if (observer_ == nullptr) return;
  reads_ = interested;
  if (interested) hang_up_told_ = false;
  RemindOfBuffered();
  UpdateInterest();
}

void UnixConnection::UpdateInterest() {
  event::MutexLock lock(&mutex_);
  UpdateInterestLocked();
}

void UnixConnection::UpdateInterestLocked() {
  if (loop_ == nullptr || fd_.get() < 0) return;
  uint32_t interest = 0;
  if (reads_ && (leftover_ == nullptr || !leftover_->paused())) {
    interest |= event::Watch::kReadable;
  }
  if (output_ != nullptr &&
      (output_->blocked || output_->wants_room || output_->tell_at)) {
    const bool looks_later = output_->looks_later && output_->tell_at &&
                             !output_->blocked && !output_->wants_room;
    if (looks_later || (output_->blocked && output_->no_memory)) {
      output_->RetryLater();
    } else {
      interest |= event::Watch::kWritable;
    }
  }
  // A watch for nothing is still told of a hang-up: once is enough.
  if (interest == 0 && (reads_ || hang_up_told_)) {
    if (added()) loop_->RemoveWatch(this);
  } else if (added()) {
    loop_->SetInterest(this, interest);
  } else {
    loop_->AddWatchLater(this, fd_.get(), interest);
  }
}

void UnixConnection::OnReady(uint32_t events) {
  Observer* const observer = observer_;
  if (observer == nullptr) return;
  if ((events & kHangUp) != 0) hung_up_ = true;
  bool writable = false;
  bool drained = false;
  bool received = false;
  const bool readable =
      reads_ && (events & (event::Watch::kReadable | kHangUp | kError)) != 0;
  if ((events & (event::Watch::kWritable | kHangUp | kError)) != 0) {
    event::MutexLock lock(&mutex_);
    if (output_ != nullptr) {
      if (output_->blocked) FlushLocked();
      drained = std::exchange(output_->drained, false);
      // Somebody else may have emptied the queue, unknown to the loop.
      if (!drained && output_->wants_room && HasRoomLocked()) {
        output_->wants_room = false;
        writable = true;
      }
      if (!drained && !writable && !readable && output_->tell_at.has_value()) {
        received = output_->queue.empty() &&
                   UnreceivedInKernelLocked() <= *output_->tell_at;
        if (received) output_->tell_at.reset();
        // The kernel says that there is room, and would say so again at once.
        output_->looks_later = !received;
      }
      UpdateInterestLocked();
    }
  }
  // Each call may destroy this. What is not told now is told next turn.
  if (drained) {
    observer->OnDrained();
  } else if (writable) {
    observer->OnWritable();
  } else if (readable) {
    // Once a turn, though both a reminder and the kernel tell of it.
    if (leftover_ == nullptr || !leftover_->has_reminded()) {
      observer->OnReadable();
    }
  } else if (received) {
    observer->OnReceived();
  } else if (!reads_ && (events & (kHangUp | kError)) != 0 && !hang_up_told_) {
    hang_up_told_ = true;
    UpdateInterest();
    observer->OnHangUp();
  }
}

size_t UnixConnection::queued_bytes() const {
  event::MutexLock lock(&mutex_);
  return output_ == nullptr ? 0 : output_->queue.bytes();
}

size_t UnixConnection::UnreceivedInKernelLocked() const {
  int sent = 0;
  if (!fd_ || event::sys::Ioctl(fd_.get(), TIOCOUTQ, &sent) != 0) return 0;
  return sent > 0 ? static_cast<size_t>(sent) : 0;
}

size_t UnixConnection::unreceived_bytes() const {
  event::MutexLock lock(&mutex_);
  return (output_ == nullptr ? 0 : output_->queue.bytes()) +
         UnreceivedInKernelLocked();
}

size_t UnixConnection::unreceived_descriptors() const {
  event::MutexLock lock(&mutex_);
  const size_t packets =
      (UnreceivedInKernelLocked() + kLeastPacketInKernel - 1) /
      kLeastPacketInKernel;
  return (output_ == nullptr ? 0 : output_->queue.descriptors()) + packets;
}

void UnixConnection::NotifyWhenReceived() {
  event::MutexLock lock(&mutex_);
  if (closed_ != nullptr) return;
  output()->tell_at = UnreceivedInKernelLocked() / 2;
  AskToBeToldLocked();
  WantWritableLocked();
}

// The kernel says that a socket is writable once a quarter of its buffer is filled
// or less.
void UnixConnection::AskToBeToldLocked() {
  // The kernel doubles this.
  const int half_a_buffer =
      std::max(kLeastHalfBuffer, static_cast<int>(2 * *output_->tell_at));
  // If this fails, the socket seems to be writable too early; see OnReady().
  sys::SetSockOpt(fd_.get(), SOL_SOCKET, SO_SNDBUF, &half_a_buffer,
                  sizeof(half_a_buffer));
  output_->looks_later = false;
}

void UnixConnection::OnRetry() {
  {
    event::MutexLock lock(&mutex_);
    if (output_->looks_later && output_->tell_at.has_value() &&
        UnreceivedInKernelLocked() > *output_->tell_at) {
      // From now on the kernel may say when, or says again that it is writable.
      AskToBeToldLocked();
      UpdateInterestLocked();
      return;
    }
  }
  OnReady(event::Watch::kWritable);
}

event::Instant UnixConnection::stalled_since() const {
  event::MutexLock lock(&mutex_);
  return output_ == nullptr || output_->taken ? absl::InfiniteFuture()
                                              : output_->stalled_since;
}

void UnixConnection::SetSendLimits(const SendLimits& limits) {
  event::MutexLock lock(&mutex_);
  send_limit_bytes_ = Saturated<uint32_t>(limits.bytes);
  send_limit_frames_ = Saturated<uint32_t>(limits.frames);
  send_limit_descriptors_ = Saturated<uint16_t>(limits.descriptors);
  gathered_limit_bytes_ = Saturated<uint32_t>(limits.gathered_bytes);
  reports_congestion_ = limits.reports_congestion;
  if (output_ != nullptr) UpdateCongestionLocked();
}

// ---- Waiting ---------------------------------------------------------------

bool UnixConnection::IsDoneLocked(uint32_t events) const {
  if ((events & Connection::kWritable) != 0 && HasRoomLocked()) return true;
  return (events & kFlushed) != 0 &&
         (!owner_is_blocked_ || output_ == nullptr || output_->queue.empty());
}

bool UnixConnection::Wait(uint32_t events, event::Instant deadline) {
  const bool to_send = (events & (Connection::kWritable | kFlushed)) != 0;
  const bool to_read = (events & Connection::kReadable) != 0;  // the owner
  for (;;) {
    struct pollfd poll = {};
    event::Instant until = deadline;
    bool pauses;
    {
      event::MutexLock lock(&mutex_);
      if (closed_ != nullptr) return true;
      if (to_read && HasBuffered()) return true;
      const bool queued = output_ != nullptr && !output_->queue.empty();
      if (queued) FlushLocked();
      // If nothing was queued, only the socket knows whether there is room.
      if ((queued || (events & kFlushed) != 0) && IsDoneLocked(events)) {
        return true;
      }
      if (to_send && send_is_broken_) return true;
      pauses = output_ != nullptr && output_->no_memory;
      if (pauses) {
        // The socket would say that there is room.
        until = std::min(until, process_->Now() + kNoMemoryPause);
      } else if (to_send || (output_ != nullptr && !output_->queue.empty())) {
        poll.events |= POLLOUT;
      }
      if (to_read) {
        poll.events |= POLLIN;
        owner_is_blocked_ = true;
      }
      poll.fd = fd_.get();
      ++waiters_;
    }
    const bool timeless =
        until == absl::InfiniteFuture() || until == absl::InfinitePast();
    const int ready = sys::Poll(
        &poll, 1,
        PollTimeout(until, timeless ? event::Instant() : process_->Now()));
    const int error = errno;
    {
      event::MutexLock lock(&mutex_);
      if (to_read) owner_is_blocked_ = false;
      --waiters_;
      if (closed_ != nullptr) {
        if (waiters_ == 0) CloseSocket();
        return true;
      }
      if (pauses ||
          (ready > 0 && (poll.revents & (POLLOUT | POLLERR | POLLHUP)) != 0)) {
        FlushLocked();
        if (IsDoneLocked(events)) return true;
      }
      if (ready < 0 && error != EINTR) {
        // poll() itself failed. This is not a timeout, and retrying would spin,
        // so break the connection.
        event::Log(
            event::LogLevel::kError,
            absl::StrCat("cannot wait for a socket: ", std::strerror(error)));
        BreakLocked();
        return true;
      }
    }
    if (ready > 0 && to_read &&
        (poll.revents & (POLLIN | POLLERR | POLLHUP)) != 0) {
      return true;
    }
    // After EINTR, poll again before a timeout is reported: input may have arrived.
    if (ready == 0 && deadline != absl::InfiniteFuture() &&
        (deadline == absl::InfinitePast() || process_->Now() >= deadline)) {
      return false;
    }
  }
}

// ---- Who, and the end ------------------------------------------------------

absl::Status UnixConnection::SetReceiveCredentials(bool on) {
  event::MutexLock lock(&mutex_);
  if (!on) {
    // The next send takes it back: there may be none.
    passes_credentials_ |= reader_.wants_credentials();
    reader_.WantCredentials(false);
    return absl::OkStatus();
  }
  absl::Status set = PassCredentials(true);
  reader_.WantCredentials(set.ok());
  passes_credentials_ = false;
  return set;
}

void UnixConnection::StopPassingCredentials() {
  if (!passes_credentials_) return;
  // Or the kernel would give the socket an abstract name, which is no harm.
  PassCredentials(false).IgnoreError();
  passes_credentials_ = false;
}

absl::Status UnixConnection::PassCredentials(bool on) {
  const int value = on ? 1 : 0;
  if (sys::SetSockOpt(fd_.get(), SOL_SOCKET, SO_PASSCRED, &value,
                      sizeof(value)) != 0) {
    return KernelRefused("SO_PASSCRED", errno);
  }
  return absl::OkStatus();
}

void UnixConnection::SetDescriptorPolicy(DescriptorPolicy policy) {
  leaves_unread_ = policy == DescriptorPolicy::kLeaveUnread;
}

absl::StatusOr<event::Credentials> UnixConnection::peer() const {
  event::MutexLock lock(&mutex_);
  return PeerLocked();
}

absl::StatusOr<event::Credentials> UnixConnection::PeerLocked() const {
  if (closed_ != nullptr) {
    if (!closed_->peer.has_value()) return absl::UnavailableError("closed");
    return *closed_->peer;
  }
  struct ucred raw = {};
  socklen_t size = sizeof(raw);
  if (sys::GetSockOpt(fd_.get(), SOL_SOCKET, SO_PEERCRED, &raw, &size) != 0) {
    return KernelRefused("SO_PEERCRED", errno);
  }
  if (raw.uid == kNobody) {
    return absl::InternalError("not a connected Unix socket");
  }
  return event::Credentials{raw.pid, raw.uid, raw.gid};
}

absl::StatusOr<event::UniqueFd> UnixConnection::PeerPidFd() const {
  event::MutexLock lock(&mutex_);
  if (closed_ != nullptr) return absl::UnavailableError("closed");
  int fd = -1;
  socklen_t size = sizeof(fd);
  if (sys::GetSockOpt(fd_.get(), SOL_SOCKET, SO_PEERPIDFD, &fd, &size) != 0) {
    return absl::UnimplementedError(
        absl::StrCat("SO_PEERPIDFD: ", std::strerror(errno)));
  }
  fd = sys::MoveFromStandard(fd);
  if (fd < 0) {
    return absl::UnimplementedError(
        absl::StrCat("no descriptor left for a pidfd: ", std::strerror(errno)));
  }
  return event::UniqueFd(fd);
}

absl::Status UnixConnection::close_status() const {
  event::MutexLock lock(&mutex_);
  if (closed_ != nullptr) return closed_->why;
  return send_is_broken_ ? FarEndGone() : absl::OkStatus();
}

IoResult UnixConnection::Fail(absl::Status status) {
  CloseWith(std::move(status));
  return IoResult::kClosed;
}

// A packet that nobody will read may hold a client's connection. Where another
// process holds the socket too, the packet would stay, and the client would wait.
void UnixConnection::DropUnread() {
  int failures = 0;
  while (failures < kMaxFailuresToDrop) {
    uint8_t byte;
    struct iovec part = {&byte, 1};
    struct msghdr message = {};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    IncomingAncillary ancillary;
    ancillary.PutInto(&message);
    const ssize_t size =
        sys::RecvMsg(fd_.get(), &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    if (size >= 0) ancillary.TakeFrom(message);
    while (event::UniqueFd client = ancillary.TakeDescriptor()) {
      sys::Shutdown(client.get(), SHUT_RDWR);  // it learns of it now
      CloseClient(process_, std::move(client));
    }
    if (size == 0 || (size < 0 && errno == EAGAIN)) return;
    if (size < 0) ++failures;  // ECONNRESET is told once, before what is there
  }
}

void UnixConnection::Close() { CloseWith(ClosedHere()); }

void UnixConnection::CloseWith(absl::Status status) {
  Detach();
  if (fd_) CloseReceived(reader_.TakeDescriptor());
  reader_.Reset();
  leftover_.reset();
  event::MutexLock lock(&mutex_);
  if (closed_ != nullptr) return;
  if (output_ != nullptr && !output_->queue.empty()) {
    FlushLocked();
    if (!output_->queue.empty()) {
      const absl::StatusOr<event::Credentials> peer = PeerLocked();
      event::LogForPeer(
          event::LogLevel::kWarning,
          peer.ok() ? peer->uid : event::kUnknownPeer,
          absl::StrCat(output_->queue.frames(), " messages (",
                       output_->queue.bytes(),
                       " bytes) were not taken by the far end and are "
                       "dropped at the close"));
    }
  }
  if (output_ != nullptr) DropQueueLocked();
  output_.reset();
  auto closed = std::make_unique<Closed>();
  // Whoever broke the rules is to be named.
  if (status.code() == absl::StatusCode::kInvalidArgument ||
      status.code() == absl::StatusCode::kInternal) {
    const absl::StatusOr<event::Credentials> peer = PeerLocked();
    if (peer.ok()) closed->peer = *peer;
  }
  closed->why = std::move(status);
  closed_ = std::move(closed);
  // The far end learns of it now, though another process may hold the socket too:
  // the child of a fork, above all. After a hang-up nothing is left to shut down.
  if (!hung_up_) sys::Shutdown(fd_.get(), SHUT_RDWR);
  if (leaves_unread_) DropUnread();
  // Those who wait must not find another descriptor by this number: the last
  // closes it.
  if (waiters_ == 0) CloseSocket();
}

}  // namespace transports
}  // namespace le
