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

// The kernel charges more than this for each packet, even for an empty one:
// sk_buff and skb_shared_info alone are larger.
constexpr size_t kLeastPacketInKernel = 512;

constexpr int kLeastHalfBuffer = 8192;

// The user that the kernel reports if a socket's peer is not known.
constexpr uid_t kNobody = static_cast<uid_t>(-1);

constexpr int kMaxFailuresToDrop = 4;

template <typename T>
T Saturated(size_t value) {
  return static_cast<T>(std::min<size_t>(value, std::numeric_limits<T>::max()));
}

// The user of the far end of a socket.
uid_t UserOf(int fd) {
  struct ucred raw = {};
  socklen_t size = sizeof(raw);
  if (sys::GetSockOpt(fd, SOL_SOCKET, SO_PEERCRED, &raw, &size) != 0) {
    return event::kUnknownPeer;
  }
  return raw.uid;
}

int PollTimeout(event::Process* process, event::Instant deadline) {
  if (deadline == absl::InfiniteFuture()) return -1;
  if (deadline == absl::InfinitePast()) return 0;
  const event::Instant now = process->Now();
  if (deadline <= now) return 0;
  // Round up: a timeout of 0 in the last millisecond would make the caller
  // spin.
  const int64_t ms = absl::ToInt64Milliseconds(
      absl::Ceil(deadline - now, absl::Milliseconds(1)));
  return static_cast<int>(std::min<int64_t>(ms, 1 << 30));
}

}  // namespace

void UnixConnection::CloseClient(event::Process* process,
                                 event::UniqueFd client, event::HeldRef held) {
  const uid_t user = UserOf(client.get());
  CloseSentBy(process, user, std::move(client), std::move(held));
}

UnixConnection::UnixConnection(event::UniqueFd socket, event::Process* process,
                               bool socket_is_nonblocking, bool promised_plain,
                               Strangers strangers)
    : process_(process),
      fd_(std::move(socket)),
      send_limit_bytes_(Saturated<uint32_t>(SendLimits().bytes)),
      reports_congestion_(false),
      promised_plain_(promised_plain),
      passes_credentials_(false),
      passes_on_(false),
      send_is_broken_(false),
      strangers_(strangers),
      reads_(false),
      hung_up_(false),
      hang_up_told_(false),
      leaves_unread_(false),
      lacks_descriptor_(false),
      kernel_refuses_(strangers == Strangers::kRefused),
      socket_is_nonblocking_(socket_is_nonblocking),
      has_blind_pause_(false) {}

UnixConnection::~UnixConnection() { Close(); }

bool UnixConnection::RefusesDescriptors(int fd) {
  int takes = 1;
  socklen_t size = sizeof(takes);
  return sys::GetSockOpt(fd, SOL_SOCKET, SO_PASSRIGHTS, &takes, &size) == 0 &&
         takes == 0;
}

UnixConnection* UnixConnection::AsIdle(Connection* connection,
                                       bool* promised_plain) const {
  auto* const passed = dynamic_cast<UnixConnection*>(connection);
  if (passed == nullptr || passed == this) return nullptr;
  event::MutexLock lock(&passed->mutex_);
  const bool queued = passed->HasQueuedLocked();
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
                               event::HeldRef held) {
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
  // FIONREAD reports 0 both for an empty packet and at the end of the stream.
  // With SO_PASSCRED on, an empty packet has credentials, but the end of the
  // stream has none.
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

void UnixConnection::SetTrust(Trust trust, uid_t payer, event::HeldRef held) {
  payer_ = payer;
  held_ = std::move(held);
  // A socket that arrived in a frame may have SO_PASSRIGHTS off. If it cannot
  // be turned on, close the connection: otherwise frames would arrive without
  // their file descriptors.
  if (strangers_ == Strangers::kTakenByUser && trust != Trust::kNoDescriptors &&
      !LetDescriptorsIn() && errno != ENOPROTOOPT) {
    return CloseWith(KernelRefused("SO_PASSRIGHTS", errno));
  }
  switch (trust) {
    case Trust::kTrusted:
      strangers_ = Strangers::kTaken;
      return;
    case Trust::kStranger:
      strangers_ = Strangers::kTakenWithCare;
      return;
    case Trust::kNoDescriptors:
      // Descriptors may have arrived before the kernel began to refuse them.
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
  send_counts_.OnQueued(queue.bytes());
  for (; passes_on_ && !queue.empty(); queue.Pop()) CloseQueuedLocked();
  queue.Clear();
}

void UnixConnection::CloseQueuedLocked() {
  OutputQueue& queue = output_->queue;
  event::UniqueFd descriptor = queue.TakeDescriptor();
  if (descriptor && passes_on_) {
    CloseClient(process_, std::move(descriptor),
                std::move(queue.front()->held));
  }
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
    if (!output_->is_blocked()) FlushLocked();
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
  if (output_ != nullptr) {
    output_->flusher.Update(output_->blocked);
    const bool flushes =
        output_->is_blocked() && output_->flusher.UsesLoopOfConnection();
    if (output_->looks_later && output_->tell_at && !output_->is_blocked() &&
        !output_->wants_room) {
      output_->LookLater();
    } else if (output_->blocked != Output::Blocked::kNoMemory &&
               (flushes || output_->wants_room || output_->tell_at)) {
      interest |= event::Watch::kWritable;
    }
  }
  // A watch without interest still reports a hang-up in each turn. So remove
  // the watch while Leftover pauses reading, and after OnHangUp() was called.
  // Keep it while the owner has turned reading off, so that it reports the
  // hang-up once.
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
      if (output_->is_blocked()) FlushLocked();
      drained = std::exchange(output_->drained, false);
      // There may be room even if the socket was not blocked: another thread
      // may have emptied the queue.
      if (!drained && output_->wants_room && HasRoomLocked()) {
        output_->wants_room = false;
        writable = true;
      }
      if (!drained && !writable && !readable && output_->tell_at.has_value()) {
        received = output_->queue.empty() &&
                   UnreceivedInKernelLocked() <= *output_->tell_at;
        if (received) output_->tell_at.reset();
        // If more than tell_at is unreceived although the socket is writable,
        // watching the socket would spin. So a timer checks again later.
        output_->looks_later = !received;
      }
      UpdateInterestLocked();
    }
  }
  // A call may destroy this connection, so make only one call in a turn. The
  // next turn reports the other events.
  if (drained) {
    observer->OnDrained();
  } else if (writable) {
    observer->OnWritable();
  } else if (readable) {
    // Leftover and the kernel may both report input in one turn, but the
    // observer is called once.
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

SendCounts UnixConnection::send_counts() const {
  event::MutexLock lock(&mutex_);
  SendCounts counts = send_counts_;
  if (output_ != nullptr) counts.OnQueued(output_->queue.bytes());
  return counts;
}

size_t UnixConnection::queued_bytes() const {
  event::MutexLock lock(&mutex_);
  return output_ == nullptr ? 0 : output_->queue.bytes();
}

absl::optional<size_t> UnixConnection::AskForUnreceivedLocked() const {
  int sent = 0;
  if (!fd_ || event::sys::Ioctl(fd_.get(), TIOCOUTQ, &sent) != 0) {
    return absl::nullopt;
  }
  return static_cast<size_t>(std::max(sent, 0));
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

// A socket is writable when at most a quarter of its send buffer is filled. So
// this function makes the buffer four times as large as tell_at. If the
// kernel's minimum is larger, the socket becomes writable too early. OnReady()
// then starts a timer.
void UnixConnection::AskToBeToldLocked() {
  // The kernel doubles the value of SO_SNDBUF.
  const int half_a_buffer =
      std::max(kLeastHalfBuffer, static_cast<int>(2 * *output_->tell_at));
  // The kernel may refuse or limit this size. Then the socket may become
  // writable too early, or too late. If too late, OnReceived() is called late.
  sys::SetSockOpt(fd_.get(), SOL_SOCKET, SO_SNDBUF, &half_a_buffer,
                  sizeof(half_a_buffer));
  output_->looks_later = false;
}

void UnixConnection::OnRetry() {
  {
    event::MutexLock lock(&mutex_);
    if (output_->looks_later && output_->tell_at.has_value() &&
        UnreceivedInKernelLocked() > *output_->tell_at) {
      // Watch the socket again, because it may now become writable at the right
      // time. If it is writable too early, OnReady() starts the timer again.
      AskToBeToldLocked();
      UpdateInterestLocked();
      return;
    }
  }
  OnReady(event::Watch::kWritable);
}

event::Instant UnixConnection::stalled_since() const {
  event::MutexLock lock(&mutex_);
  if (output_ == nullptr || output_->queue.empty()) {
    return absl::InfiniteFuture();
  }
  return output_->stall_clock.Since(process_->Now(), AskForUnreceivedLocked());
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

// One poll() of Wait().
struct UnixConnection::Poll {
  bool to_send;
  bool to_read;  // only the owner waits to read
  // This thread's other connections send their queues on this loop.
  event::Loop* served = nullptr;
  bool had_queue = false;
  event::Instant until;
  struct pollfd socket = {};
  bool pauses = false;  // the kernel lacks memory
};

bool UnixConnection::Wait(uint32_t events, event::Instant deadline) {
  Poll poll;
  poll.to_send = (events & Connection::kWritable) != 0;
  poll.to_read = (events & Connection::kReadable) != 0;
  if (deadline != absl::InfinitePast()) {
    event::Thread* const thread = event::Thread::Current();
    thread->BeforeBlocking();
    poll.served = thread->control_loop_if_made();
  }
  for (;;) {
    poll.until = deadline;
    if (BeforePoll(&poll)) return true;
    const int ready =
        poll.served != nullptr
            ? poll.served->PollAndServe(&poll.socket, poll.until)
            : sys::Poll(&poll.socket, 1, PollTimeout(process_, poll.until));
    if (AfterPoll(poll, ready, errno)) return true;
    // After EINTR, poll again before a timeout is reported: input may have
    // arrived.
    if (ready == 0 && deadline != absl::InfiniteFuture() &&
        (deadline == absl::InfinitePast() || process_->Now() >= deadline)) {
      return false;
    }
  }
}

bool UnixConnection::BeforePoll(Poll* poll) {
  // While HasManyCloses(), Receive() reads nothing, and polling for input would
  // spin.
  const bool may_read = poll->to_read && !HasManyCloses();
  if (poll->to_read && !may_read) {
    poll->until = std::min(poll->until, process_->Now() + kNoDescriptorPause);
  }
  event::MutexLock lock(&mutex_);
  if (closed_ != nullptr) return true;
  if (poll->to_read && HasBuffered()) return true;
  if (HasQueuedLocked()) {
    poll->had_queue = true;
    FlushLocked();
  }
  // The served loop may have sent the queue. But if nothing was ever queued in
  // this wait, only poll() can find out whether there is room.
  if (poll->had_queue && poll->to_send && HasRoomLocked()) return true;
  if (poll->to_send && send_is_broken_) return true;
  const bool loop_sends = poll->served != nullptr && loop_ != nullptr &&
                          loop_->innermost() == poll->served;
  poll->socket = {};
  poll->pauses =
      output_ != nullptr && output_->blocked == Output::Blocked::kNoMemory;
  if (poll->pauses) {
    // While the kernel lacks memory, the socket may still be writable, and
    // poll() would return at once. So wait without POLLOUT, and retry after a
    // pause.
    poll->until = std::min(poll->until, process_->Now() + kNoMemoryPause);
  } else if (poll->to_send || (HasQueuedLocked() && !loop_sends)) {
    poll->socket.events |= POLLOUT;
  }
  if (may_read) poll->socket.events |= POLLIN;
  poll->socket.fd = fd_.get();
  ++waiters_;
  return false;
}

bool UnixConnection::AfterPoll(const Poll& poll, int ready, int error) {
  const short events = ready > 0 ? poll.socket.revents : 0;
  event::MutexLock lock(&mutex_);
  --waiters_;
  if (closed_ != nullptr) {
    if (waiters_ == 0) CloseSocket();
    return true;
  }
  if (poll.pauses || (events & (POLLOUT | POLLERR | POLLHUP)) != 0) {
    FlushLocked();
    if (poll.to_send && HasRoomLocked()) return true;
  }
  if (ready < 0 && error != EINTR) {
    // poll() itself failed. This is not a timeout, and retrying would spin, so
    // break the connection.
    LogForPeerLocked(event::LogLevel::kError,
                     absl::StrCat("cannot wait for socket ", fd_.get(),
                                  ": poll: ", std::strerror(error),
                                  "; its connection is closed"));
    BreakLocked();
    return true;
  }
  return poll.to_read && (events & (POLLIN | POLLERR | POLLHUP)) != 0;
}

// ---- Credentials, and the close --------------------------------------------

absl::Status UnixConnection::SetReceiveCredentials(bool on) {
  event::MutexLock lock(&mutex_);
  if (!on) {
    // The next Send() turns SO_PASSCRED off. This saves a system call if no
    // Send() follows.
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
  // If SO_PASSCRED stays on, sending gives the socket an abstract name. The
  // name is harmless, so ignore a failure.
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

void UnixConnection::LogForPeerLocked(event::LogLevel level,
                                      absl::string_view message) const {
  if (event::Thread::process_ends()) return;  // the log has a lock
  const absl::StatusOr<event::Credentials> peer = PeerLocked();
  event::LogForPeer(level, peer.ok() ? peer->uid : event::kUnknownPeer,
                    message);
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
        absl::StrCat("no file descriptor for a pidfd: ", std::strerror(errno)));
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

// Receives and drops the unread packets. An unread packet may hold a client's
// connection. If another process also holds this socket, the packet would stay
// in the socket, and the client would never learn of the close. Stops at an
// empty packet, because an empty packet looks like the end of the stream. The
// far end is a directory, and directories send no empty packets.
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
      sys::Shutdown(client.get(), SHUT_RDWR);  // notifies the client at once
      CloseClient(process_, std::move(client));
    }
    if (size == 0 || (size < 0 && errno == EAGAIN)) return;
    if (size < 0) ++failures;  // ECONNRESET is reported only once
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
  if (HasQueuedLocked()) {
    FlushLocked();
    if (!output_->queue.empty()) {
      LogForPeerLocked(
          event::LogLevel::kWarning,
          absl::StrCat(output_->queue.frames(), " messages (",
                       output_->queue.bytes(),
                       " bytes) were not received by the far end and are "
                       "dropped at the close"));
    }
  }
  if (output_ != nullptr) DropQueueLocked();
  output_.reset();
  auto closed = std::make_unique<Closed>();
  // If the peer has broken a rule or a system call has failed, peer() must
  // return the peer even after the close.
  if (status.code() == absl::StatusCode::kInvalidArgument ||
      status.code() == absl::StatusCode::kUnimplemented ||
      status.code() == absl::StatusCode::kInternal) {
    const absl::StatusOr<event::Credentials> peer = PeerLocked();
    if (peer.ok()) closed->peer = *peer;
  }
  closed->why = std::move(status);
  closed_ = std::move(closed);
  // shutdown() notifies the far end now, even if another process (such as the
  // child of a fork) also holds the socket. After a hang-up both directions are
  // shut down already.
  if (!hung_up_) sys::Shutdown(fd_.get(), SHUT_RDWR);
  if (leaves_unread_) DropUnread();
  // While a thread is in poll() with fd_, the number of fd_ must not be reused.
  // So the last such thread closes fd_.
  if (waiters_ == 0) CloseSocket();
}

}  // namespace transports
}  // namespace le
