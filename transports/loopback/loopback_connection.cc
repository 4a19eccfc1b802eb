// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#include "transports/loopback/loopback_connection.h"

#include <algorithm>
#include <cerrno>
#include <utility>

#include "absl/strings/str_cat.h"
#include "event/base/log.h"
#include "event/base/sys.h"

namespace le {
namespace transports {
namespace {

// An end may be passed on while at most this many bytes wait for its peer. With
// a socket, these bytes would be in the kernel.
constexpr size_t kPassableBytes = 4096;

// A thread with a control loop first parks for this time, because a parker is
// faster than a loop and most waits are shorter. Then the thread runs the
// control loop, which sends the queued frames of other connections. If frames
// are queued already, the thread runs the control loop at once.
constexpr absl::Duration kBlindPause = absl::Milliseconds(10);

// The caller holds the channel's lock.
void Wake(LoopbackEnd* end, event::DeferredWakes* wakes) {
  for (LoopbackWaiter* waiter : end->waiters) {
    if (waiter->loop == nullptr) {
      wakes->Unpark(waiter->parker);
    } else if (!std::exchange(waiter->posted, true)) {
      wakes->Post(waiter->loop, waiter->task);
    }
  }
}

// The caller holds the channel's lock.
void Notify(LoopbackEnd* end, event::DeferredWakes* wakes) {
  Wake(end, wakes);
  if (end->loop == nullptr || end->notified) return;
  end->notified = true;
  wakes->Post(end->loop, end->notify);
}

// Call it under the channel's lock after `queue` or the limits have changed.
// `queue` holds the frames that `sender` sent.
void UpdateCongestion(LoopbackEnd* sender, const FrameQueue& queue,
                      event::DeferredWakes* wakes) {
  const bool was = sender->congested.load(std::memory_order_relaxed);
  const bool is = sender->limits.IsCongested(queue.size(), was);
  if (is == was) return;
  sender->congested.store(is, std::memory_order_release);
  sender->drained = !is && sender->loop != nullptr;
  if (sender->drained) Notify(sender, wakes);
}

absl::Status FarEndGone() {
  return absl::UnavailableError("the far end closed or died");
}

BufferPool* EmptyPool() {
  static BufferPool* const pool = BufferPool::Create(0).release();
  return pool;
}

// The address of an end's `congested`, which other threads read without the
// lock.
const std::atomic<bool>* CongestedOf(LoopbackChannel* channel,
                                     int side) ABSL_NO_THREAD_SAFETY_ANALYSIS {
  return &channel->ends[side].congested;
}

}  // namespace

LoopbackConnection::LoopbackConnection(
    std::shared_ptr<LoopbackChannel> channel, int side,
    std::shared_ptr<LoopbackTransport::Members> members,
    event::Process* process)
    : channel_(std::move(channel)),
      side_(side),
      process_(process),
      congested_(CongestedOf(channel_.get(), side)) {
  Join(std::move(members));
}

LoopbackConnection::~LoopbackConnection() {
  Close();
  Leave();
}

// ---- Attachment ------------------------------------------------------------

absl::Status LoopbackConnection::Attach(event::Loop* loop, Observer* observer) {
  event::DeferredWakes wakes;
  event::MutexLock lock(&channel_->mutex);
  LoopbackEnd& end = mine();
  if (end.loop != nullptr) event::Fatal("loopback: attached twice");
  if (end.closed) return end.close_status;
  end.loop = loop;
  end.observer = observer;
  end.notify = this;
  end.reads = true;
  // An event may have happened before the attachment.
  if (ReadableLocked() || IsReceivedLocked() || end.wants_room) {
    Notify(&end, &wakes);
  }
  return absl::OkStatus();
}

void LoopbackConnection::Detach() {
  event::MutexLock lock(&channel_->mutex);
  DetachLocked();
}

void LoopbackConnection::DetachLocked() {
  LoopbackEnd& end = mine();
  if (end.loop == nullptr) return;
  if (end.notified) end.loop->Cancel(this);
  end.notified = false;
  end.loop = nullptr;
  end.observer = nullptr;
  end.notify = nullptr;
  end.reads = false;
  end.tell_at.reset();
  end.drained = false;
}

void LoopbackConnection::SetReadInterest(bool interested) {
  event::DeferredWakes wakes;
  event::MutexLock lock(&channel_->mutex);
  if (mine().loop == nullptr) return;
  mine().reads = interested;
  if (interested) mine().hang_up_told = false;
  if (interested ? ReadableLocked() : far().closed) Notify(&mine(), &wakes);
}

void LoopbackConnection::Run() {
  Observer* observer;
  bool readable, writable, drained, received, hung_up;
  {
    event::DeferredWakes wakes;
    event::MutexLock lock(&channel_->mutex);
    LoopbackEnd& end = mine();
    end.notified = false;
    if (end.loop == nullptr) return;
    observer = end.observer;
    readable = end.reads && ReadableLocked();
    drained = std::exchange(end.drained, false);
    writable = !drained && end.wants_room && HasRoomLocked();
    if (writable) end.wants_room = false;
    received = !drained && !writable && !readable && IsReceivedLocked();
    if (received) end.tell_at.reset();
    hung_up = !end.reads && far().closed && !end.hang_up_told;
    // Post again. The next Run() finds out which events are still present.
    if (readable || hung_up || (drained && end.wants_room) ||
        IsReceivedLocked()) {
      Notify(&end, &wakes);
    }
    if (hung_up && !drained && !writable && !received) end.hang_up_told = true;
  }
  // A call may destroy this connection, so make only one call in a turn. The
  // next turn reports the other events.
  if (drained) {
    observer->OnDrained();
  } else if (writable) {
    observer->OnWritable();
  } else if (readable) {
    observer->OnReadable();
  } else if (received) {
    observer->OnReceived();
  } else if (hung_up) {
    observer->OnHangUp();
  }
}

// ---- Receiving -------------------------------------------------------------

IoResult LoopbackConnection::Receive(IncomingFrame* frame, BufferPool* pool,
                                     event::Instant deadline) {
  process_->YieldPoint();
  for (;;) {
    QueuedFrame queued;
    bool received = false;
    {
      event::DeferredWakes wakes;
      event::MutexLock lock(&channel_->mutex);
      if (mine().closed) return IoResult::kClosed;
      if (!mine().inbox.empty()) {
        queued = mine().inbox.Pop();
        far().stall_clock.OnTaken();
        UpdateCongestion(&far(), mine().inbox, &wakes);
        if (far().wants_room || far().tell_at || !far().waiters.empty()) {
          Notify(&far(), &wakes);
        }
        received = true;
      } else if (far().closed) {
        CloseLocked(FarEndGone(), &wakes);
        return IoResult::kClosed;
      }
    }
    if (received) {
      return Hand(std::move(queued), frame,
                  pool != nullptr ? pool : EmptyPool());
    }
    const bool may_report = deadline == absl::InfiniteFuture() &&
                            silence_ != absl::InfiniteDuration();
    if (!Wait(kReadable, may_report ? process_->Now() + silence_ : deadline)) {
      return IoResult::kWouldBlock;
    }
  }
}

IoResult LoopbackConnection::Hand(QueuedFrame&& queued, IncomingFrame* frame,
                                  BufferPool* pool) {
  const size_t size = queued.payload.size();
  if (size > pool->capacity()) {
    CloseWith(absl::InvalidArgumentError(
        absl::StrCat("a payload of ", size, " bytes is more than the ",
                     pool->capacity(), " that are allowed")));
    return IoResult::kClosed;
  }
  if (queued.payload.capacity() != pool->capacity()) {
    Buffer own = pool->Allocate();
    own.Assign(queued.payload.data(), size);
    queued.payload = std::move(own);
  }
  queued.payload.ZeroFrom(size);
  frame->type = queued.type;
  frame->id = queued.id;
  frame->payload = std::move(queued.payload);
  if (refuses_descriptors_ && queued.descriptor) {
    queued.descriptor.reset();
    queued.descriptor_lost = true;
  }
  frame->descriptor = std::move(queued.descriptor);
  frame->descriptor_lost = queued.descriptor_lost;
  frame->lost_by_sender = queued.lost_by_sender;
  frame->sender = receives_credentials_ ? queued.sender : absl::nullopt;
  if (queued.connection != nullptr) {
    auto* passed = static_cast<LoopbackConnection*>(queued.connection.get());
    passed->process_ = process_;
    passed->Join(members_);
  }
  frame->connection = std::move(queued.connection);
  return IoResult::kOk;
}

bool LoopbackConnection::HasBuffered() const {
  event::MutexLock lock(&channel_->mutex);
  return !mine().inbox.empty();
}

absl::Status LoopbackConnection::SetReceiveCredentials(bool on) {
  receives_credentials_ = on;
  return absl::OkStatus();
}

// ---- Waiting ---------------------------------------------------------------

// While this object exists, the thread is in `waiters` of this side's
// LoopbackEnd.
class LoopbackConnection::Waiting final : private LoopbackWaiter,
                                          private event::Task {
 public:
  Waiting(LoopbackChannel* channel, int side, event::Thread* thread)
      : channel_(channel), side_(side) {
    parker = thread->parker();
    task = this;
    event::MutexLock lock(&channel_->mutex);
    channel_->ends[side_].waiters.push_back(this);
  }
  ~Waiting() override {
    event::MutexLock lock(&channel_->mutex);
    std::vector<LoopbackWaiter*>& waiters = channel_->ends[side_].waiters;
    waiters.erase(std::find(waiters.begin(), waiters.end(),
                            static_cast<LoopbackWaiter*>(this)));
    if (posted) loop->Cancel(this);
  }

  // From now on the thread runs `nested` and does not park any more.
  void RunLoop(event::Loop* nested) {
    event::MutexLock lock(&channel_->mutex);
    loop = nested;
  }

 private:
  void Run() override {
    event::MutexLock lock(&channel_->mutex);
    posted = false;
  }

  LoopbackChannel* const channel_;
  const int side_;
};

bool LoopbackConnection::Wait(uint32_t events, event::Instant deadline) {
  process_->YieldPoint();
  event::Thread* const thread = event::Thread::Current();
  bool in_time = deadline != absl::InfinitePast();
  event::Instant parks_until = deadline;
  event::Loop* nested = nullptr;
  if (in_time) {
    thread->BeforeBlocking();
    nested = thread->control_loop_if_made();
    if (nested != nullptr) {
      parks_until = std::min(deadline, process_->Now() + kBlindPause);
    }
  }
  Waiting waiting(channel_.get(), side_, thread);
  bool parks = nested == nullptr || !nested->HasOutput();
  if (!parks) waiting.RunLoop(nested);
  for (;;) {
    {
      event::MutexLock lock(&channel_->mutex);
      if (mine().closed) return true;
      if ((events & kReadable) != 0 && ReadableLocked()) return true;
      if ((events & kWritable) != 0 && HasRoomLocked()) return true;
    }
    if (!in_time) return false;
    if (!parks) {
      nested->RunTurn(deadline);
      in_time =
          deadline == absl::InfiniteFuture() || process_->Now() < deadline;
    } else if (!thread->parker()->Park(parks_until)) {
      in_time = parks_until != deadline;
      parks = !in_time;
      if (in_time) waiting.RunLoop(nested);
    }
  }
}

// ---- Sending ---------------------------------------------------------------

void LoopbackConnection::SetSendLimits(const SendLimits& limits) {
  event::DeferredWakes wakes;
  event::MutexLock lock(&channel_->mutex);
  mine().limits = limits;
  UpdateCongestion(&mine(), far().inbox, &wakes);
}

// Whether a refused Send() should be tried again.
bool LoopbackConnection::HasRoomLocked() const {
  return far().closed ||
         mine().limits.HasRoomAgain(far().inbox.size(), mine().refused_bytes);
}

bool LoopbackConnection::IsIdle(const LoopbackChannel* channel) const {
  // An end in an inbox of its own channel would keep the channel, and the
  // channel would keep the end.
  if (channel == channel_.get()) return false;
  event::MutexLock lock(&channel_->mutex);
  // An end is idle although a few frames wait in the far end's inbox. See
  // kPassableBytes.
  return !mine().closed && mine().loop == nullptr && mine().waiters.empty() &&
         far().inbox.bytes() <= kPassableBytes;
}

IoResult LoopbackConnection::Send(const OutgoingFrame& frame) {
  process_->YieldPoint();
  if (frame.payload.size() > kMaxPayloadBytes) {
    event::Fatal("loopback: a payload over the limit");
  }
  LoopbackConnection* passed = nullptr;
  if (frame.connection != nullptr) {
    passed = dynamic_cast<LoopbackConnection*>(frame.connection->get());
    if (passed == nullptr || !passed->IsIdle(channel_.get())) {
      return IoResult::kNotIdle;
    }
  }
  QueuedFrame queued;
  event::DeferredWakes wakes;
  event::MutexLock lock(&channel_->mutex);
  if (mine().closed || far().closed) return IoResult::kClosed;
  const size_t bytes = frame.payload.size() + kFrameOverheadBytes;
  if (!mine().limits.Admits(far().inbox.size(), frame.room, bytes,
                            frame.descriptor != nullptr || passed != nullptr)) {
    if (frame.room == Room::kQueue) {
      mine().wants_room = true;
      mine().refused_bytes = bytes;
    }
    ++mine().send_counts.refused;
    return IoResult::kWouldBlock;
  }
  queued.type = frame.type;
  queued.id = frame.id;
  if (frame.movable_payload != nullptr && *frame.movable_payload &&
      !frame.movable_payload->IsTooLargeFor(frame.payload.size())) {
    queued.payload = std::move(*frame.movable_payload);
    queued.payload.set_size(frame.payload.size());
  } else {
    queued.payload = CopyLocked(frame.payload);
  }
  if (frame.descriptor != nullptr) {
    // As over a socket, the far end gets a duplicate.
    const int fd = event::sys::Dup(frame.descriptor->get());
    queued.descriptor.reset(fd);
    queued.descriptor_lost = fd < 0;
    queued.lost_by_sender = fd < 0 && errno == EBADF;
    frame.descriptor->reset();
  }
  if (passed != nullptr) {
    passed->Leave();
    passed->held_.reset();
    queued.connection = std::move(*frame.connection);
  }
  if (frame.attach_credentials) queued.sender = process_->credentials();
  mine().send_counts.OnSent(queued.payload.size());
  far().inbox.Push(std::move(queued));
  mine().send_counts.OnQueued(far().inbox.bytes());
  UpdateCongestion(&mine(), far().inbox, &wakes);
  if (far().reads || !far().waiters.empty()) Notify(&far(), &wakes);
  return IoResult::kOk;
}

Buffer LoopbackConnection::CopyLocked(absl::Span<const uint8_t> payload) {
  // Keep the pool while payloads have similar sizes. If the receiver's pool has
  // another capacity, the receiver copies the payload to a buffer of that pool.
  LoopbackEnd& end = mine();
  if (end.copies == nullptr || end.copies->capacity() < payload.size() ||
      end.copies->capacity() > 2 * payload.size() + 4096) {
    end.copies = BufferPool::Create(payload.size());
  }
  Buffer copy = end.copies->Allocate();
  std::copy(payload.begin(), payload.end(), copy.data());
  copy.set_size(payload.size());
  copy.MarkDirty();
  return copy;
}

void LoopbackConnection::NotifyWhenReceived() {
  event::DeferredWakes wakes;
  event::MutexLock lock(&channel_->mutex);
  mine().tell_at = far().inbox.descriptors() / 2;
  if (IsReceivedLocked()) Notify(&mine(), &wakes);
}

size_t LoopbackConnection::unreceived_descriptors() const {
  event::MutexLock lock(&channel_->mutex);
  return far().inbox.descriptors();
}

SendCounts LoopbackConnection::send_counts() const {
  event::MutexLock lock(&channel_->mutex);
  return mine().send_counts;
}

size_t LoopbackConnection::queued_bytes() const {
  event::MutexLock lock(&channel_->mutex);
  return far().inbox.bytes();
}

event::Instant LoopbackConnection::stalled_since() const {
  event::MutexLock lock(&channel_->mutex);
  if (far().inbox.empty()) return absl::InfiniteFuture();
  return channel_->ends[side_].stall_clock.Since(process_->Now(),
                                                 /*unreceived=*/0);
}

// ---- The far end, and the close --------------------------------------------

absl::Status LoopbackConnection::close_status() const {
  event::MutexLock lock(&channel_->mutex);
  if (!mine().closed && far().closed) return FarEndGone();
  return mine().close_status;
}

absl::StatusOr<event::Credentials> LoopbackConnection::peer() const {
  event::MutexLock lock(&channel_->mutex);
  if (mine().closed &&
      mine().close_status.code() != absl::StatusCode::kInvalidArgument) {
    return absl::UnavailableError("closed");
  }
  return far().owner;
}

absl::StatusOr<event::UniqueFd> LoopbackConnection::PeerPidFd() const {
  event::MutexLock lock(&channel_->mutex);
  if (mine().closed) return absl::UnavailableError("closed");
  return absl::UnimplementedError("loopback has no pidfd");
}

void LoopbackConnection::CloseLocked(absl::Status status,
                                     event::DeferredWakes* wakes) {
  mine().close_status = std::move(status);
  mine().closed = true;
  DetachLocked();
  Notify(&far(), wakes);
  Wake(&mine(), wakes);
}

void LoopbackConnection::CloseWith(absl::Status status) {
  // Frames that were not received may hold descriptors and connections. The
  // queue is declared before the lock, so that these are closed after the
  // unlock.
  FrameQueue unreceived;
  event::DeferredWakes wakes;
  event::MutexLock lock(&channel_->mutex);
  if (!mine().closed) CloseLocked(std::move(status), &wakes);
  std::swap(unreceived, mine().inbox);
  UpdateCongestion(&far(), mine().inbox, &wakes);
}

void LoopbackConnection::Close() {
  CloseWith(absl::CancelledError("closed at this end"));
  held_.reset();
}

void LoopbackConnection::Die() {
  CloseWith(absl::CancelledError("this end's process died"));
}

void LoopbackConnection::Join(
    std::shared_ptr<LoopbackTransport::Members> members) {
  members_ = std::move(members);
  event::MutexLock lock(&members_->mutex);
  number_ = members_->next++;
  members_->connections[number_] = this;
}

void LoopbackConnection::Leave() {
  if (members_ == nullptr) return;
  {
    event::MutexLock lock(&members_->mutex);
    members_->connections.erase(number_);
  }
  members_.reset();
}

}  // namespace transports
}  // namespace le
