// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#include "event/epoll_loop.h"

#include <errno.h>
#include <limits.h>
#include <sched.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <time.h>

#include <algorithm>
#include <string>

#include "absl/strings/str_cat.h"
#include "event/base/log.h"
#include "event/base/sys.h"

namespace le {
namespace event {
namespace {

constexpr uint32_t kAlwaysReported = Watch::kHangUp | Watch::kError;
constexpr uint32_t kReadOrWrite = Watch::kReadable | Watch::kWritable;

// When the kernel has no room for a watch it does not say when it has: try again
// after this.
constexpr absl::Duration kRefusedPause = absl::Milliseconds(50);

// epoll_pwait2 is younger than what we run on; and a sandbox that does not know
// it may answer EPERM.
std::atomic<bool> g_has_pwait2{true};

uint32_t ToEpoll(uint32_t interest) {
  uint32_t events = 0;
  if (interest & Watch::kReadable) events |= EPOLLIN;
  if (interest & Watch::kWritable) events |= EPOLLOUT;
  if (interest & Watch::kPriority) events |= EPOLLPRI;
  if (interest & Watch::kReadHangUp) events |= EPOLLRDHUP;
  return events;
}

uint32_t FromEpoll(uint32_t events) {
  uint32_t result = 0;
  if (events & EPOLLIN) result |= Watch::kReadable;
  if (events & EPOLLOUT) result |= Watch::kWritable;
  if (events & EPOLLPRI) result |= Watch::kPriority;
  if (events & EPOLLHUP) result |= Watch::kHangUp;
  if (events & EPOLLERR) result |= Watch::kError;
  if (events & EPOLLRDHUP) result |= Watch::kReadHangUp;
  return result;
}

short ToPoll(uint32_t interest) {
  int events = 0;
  if (interest & Watch::kReadable) events |= POLLIN;
  if (interest & Watch::kWritable) events |= POLLOUT;
  if (interest & Watch::kPriority) events |= POLLPRI;
  if (interest & Watch::kReadHangUp) events |= POLLRDHUP;
  return static_cast<short>(events);
}

uint32_t FromPoll(int events) {
  uint32_t result = 0;
  if (events & POLLIN) result |= Watch::kReadable;
  if (events & POLLOUT) result |= Watch::kWritable;
  if (events & POLLPRI) result |= Watch::kPriority;
  if (events & POLLHUP) result |= Watch::kHangUp;
  if (events & (POLLERR | POLLNVAL)) result |= Watch::kError;
  if (events & POLLRDHUP) result |= Watch::kReadHangUp;
  return result;
}

// Rounded up, for a kernel that counts in milliseconds.
int ToMilliseconds(absl::Duration duration) {
  const int64_t ms =
      absl::ToInt64Milliseconds(absl::Ceil(duration, absl::Milliseconds(1)));
  return static_cast<int>(std::min<int64_t>(ms, INT_MAX));
}

[[noreturn]] void FailedToSetUp(const char* call) {
  Fatal(absl::StrCat("an event loop cannot be made: ", call, ": ",
                     strerror(errno)));
}

// Counts a thread in and out.
class Posting {
 public:
  explicit Posting(std::atomic<int>* count) : count_(count) {
    count_->fetch_add(1, std::memory_order_relaxed);
  }
  ~Posting() { count_->fetch_sub(1, std::memory_order_release); }

 private:
  std::atomic<int>* const count_;
};

}  // namespace

Instant MonotonicNow() {
  struct timespec now;
  sys::Clock(&now);
  return absl::TimeFromTimespec(now);
}

EpollLoop::EpollLoop(EpollLoop* parent) : LoopBase(parent) {
  watches_.next_ = watches_.prev_ = &watches_;
  unregistered_.next_ = unregistered_.prev_ = &unregistered_;
  if (parent != nullptr) return;
  epoll_.reset(sys::EpollCreate(EPOLL_CLOEXEC));
  if (!epoll_) FailedToSetUp("epoll_create1");
  wake_.reset(sys::EventFd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!wake_) FailedToSetUp("eventfd");
  // Edge-triggered, so that it need not be read: each write is one event.
  Register(wake_.get(), EPOLLIN | EPOLLET, &wake_);
}

EpollLoop::~EpollLoop() {
  // A thread that has just posted is a few instructions from done.
  while (posting_.load(std::memory_order_acquire) != 0) sched_yield();
  for (Watch* ring :
       {static_cast<Watch*>(&watches_), static_cast<Watch*>(&unregistered_)}) {
    while (ring->next_ != ring) RemoveWatch(ring->next_);
  }
}

EpollLoop* EpollLoop::Root() {
  LoopBase* loop = this;
  EpollLoop* root = this;
  while ((loop = root->parent()) != nullptr) {
    root = static_cast<EpollLoop*>(loop);
  }
  return root;
}

void EpollLoop::Register(int fd, uint32_t events, void* tag) {
  struct epoll_event event;
  memset(&event, 0, sizeof(event));
  event.events = events;
  event.data.ptr = tag;
  if (sys::EpollCtl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) != 0) {
    FailedToSetUp("epoll_ctl");
  }
}

std::unique_ptr<Loop> EpollLoop::CreateNested() {
  return std::unique_ptr<Loop>(new EpollLoop(this));
}

// ---- Watches ----

void EpollLoop::Link(Watch* ring, Watch* watch) {
  watch->prev_ = ring->prev_;
  watch->next_ = ring;
  watch->prev_->next_ = watch;
  ring->prev_ = watch;
}

void EpollLoop::Unlink(Watch* watch) {
  watch->next_->prev_ = watch->prev_;
  watch->prev_->next_ = watch->next_;
  watch->next_ = watch->prev_ = nullptr;
}

void EpollLoop::Start(Watch* watch, int fd, uint32_t interest) {
  if (watch->loop_ != nullptr) Fatal("Loop::AddWatch: the watch is in use");
  watch->fd_ = fd;
  watch->interest_ = interest;
}

bool EpollLoop::Register(Watch* watch) {
  struct epoll_event event;
  memset(&event, 0, sizeof(event));
  event.events = ToEpoll(watch->interest_);
  event.data.ptr = watch;
  if (sys::EpollCtl(Root()->epoll_.get(), EPOLL_CTL_ADD, watch->fd_, &event) ==
      0) {
    return true;
  }
  if (errno != EPERM) return false;
  always_ready_.push_back(watch);
  MayHaveEvents();
  return true;
}

bool EpollLoop::AddWatch(Watch* watch, int fd, uint32_t interest) {
  Start(watch, fd, interest);
  if (!Register(watch)) return false;
  watch->loop_ = this;
  Link(&watches_, watch);
  // The descriptor for foreign loops knows nothing of those.
  if (!always_ready_.empty() && always_ready_.back() == watch) OnServed();
  return true;
}

void EpollLoop::AddWatchLater(Watch* watch, int fd, uint32_t interest) {
  Start(watch, fd, interest);
  watch->loop_ = this;
  watch->registered_ = false;
  Link(&unregistered_, watch);
  OnServed();
}

bool EpollLoop::HasUnregistered() const {
  if (unregistered_.next_ != &unregistered_) return true;
  for (const LoopBase* loop : nested()) {
    if (static_cast<const EpollLoop*>(loop)->HasUnregistered()) return true;
  }
  return false;
}

Instant EpollLoop::RegisterUnregistered() {
  if (!HasUnregistered()) {
    refused_until_ = absl::InfinitePast();
    return absl::InfiniteFuture();
  }
  const bool refused = refused_until_ != absl::InfinitePast();
  if (refused && MonotonicNow() < refused_until_) return refused_until_;
  if (RegisterOwn()) {
    refused_until_ = absl::InfinitePast();
    return absl::InfiniteFuture();
  }
  if (!refused) {
    Log(LogLevel::kError,
        absl::StrCat("event loop: a descriptor cannot be watched for now: ",
                     strerror(errno)));
  }
  refused_until_ = MonotonicNow() + kRefusedPause;
  return refused_until_;
}

bool EpollLoop::RegisterOwn() {
  while (unregistered_.next_ != &unregistered_) {
    Watch* const watch = unregistered_.next_;
    if (!Register(watch)) {
      if (errno == ENOMEM || errno == ENOSPC) return false;
      // That is for good: nobody else must wait for it.
      Log(LogLevel::kError,
          absl::StrCat("event loop: descriptor ", watch->fd_,
                       " cannot be watched: ", strerror(errno)));
    }
    Unlink(watch);
    Link(&watches_, watch);
    watch->registered_ = true;
  }
  for (LoopBase* loop : nested()) {
    if (!static_cast<EpollLoop*>(loop)->RegisterOwn()) return false;
  }
  return true;
}

void EpollLoop::SetInterest(Watch* watch, uint32_t interest) {
  if (watch->loop_ != this || watch->interest_ == interest) return;
  watch->interest_ = interest;
  if (!watch->registered_) return;
  if (std::find(always_ready_.begin(), always_ready_.end(), watch) !=
      always_ready_.end()) {
    OnServed();
    return;
  }
  struct epoll_event event;
  memset(&event, 0, sizeof(event));
  event.events = ToEpoll(interest);
  event.data.ptr = watch;
  if (sys::EpollCtl(Root()->epoll_.get(), EPOLL_CTL_MOD, watch->fd_, &event) !=
      0) {
    Log(LogLevel::kError,
        absl::StrCat("event loop: descriptor ", watch->fd_,
                     " was closed while it was watched: ", strerror(errno)));
  }
}

void EpollLoop::RemoveWatch(Watch* watch) {
  if (watch->loop_ != this) return;
  Unlink(watch);
  watch->loop_ = nullptr;
  for (size_t i = next_event_; i < events_.size(); ++i) {
    if (events_[i].watch == watch) events_[i].watch = nullptr;
  }
  if (!watch->registered_) {
    watch->registered_ = true;
    return;
  }
  const auto it = std::find(always_ready_.begin(), always_ready_.end(), watch);
  if (it != always_ready_.end()) {
    *it = nullptr;
    return;
  }
  struct epoll_event unused;
  if (sys::EpollCtl(Root()->epoll_.get(), EPOLL_CTL_DEL, watch->fd_, &unused) !=
      0) {
    Log(LogLevel::kError,
        absl::StrCat("event loop: descriptor ", watch->fd_,
                     " was closed while it was watched: ", strerror(errno)));
  }
}

bool EpollLoop::HasEvents() const {
  for (const Watch* watch : always_ready_) {
    if (watch != nullptr && (watch->interest_ & kReadOrWrite) != 0) return true;
  }
  return false;
}

bool EpollLoop::DispatchEvent() {
  while (next_event_ < events_.size()) {
    const Event event = events_[next_event_++];
    if (event.watch == nullptr) continue;
    const uint32_t events =
        event.events & (event.watch->interest_ | kAlwaysReported);
    if (events == 0) continue;
    event.watch->OnReady(events);
    return true;
  }
  while (next_always_ready_ < always_ready_end_) {
    Watch* const watch = always_ready_[next_always_ready_++];
    if (watch == nullptr) continue;
    const uint32_t events = watch->interest_ & kReadOrWrite;
    if (events == 0) continue;
    watch->OnReady(events);
    return true;
  }
  return false;
}

// ---- Waiting and waking ----

void EpollLoop::Post(Task* task) {
  Posting posting(&posting_);
  LoopBase::Post(task);
}

void EpollLoop::Stop() {
  Posting posting(&posting_);
  LoopBase::Stop();
}

bool EpollLoop::PostQuietly(Task* task) {
  posting_.fetch_add(1, std::memory_order_relaxed);
  Push(task);
  if (MustWake()) return true;
  posting_.fetch_sub(1, std::memory_order_release);
  return false;
}

void EpollLoop::WakeAfterPost() {
  WriteWake();
  posting_.fetch_sub(1, std::memory_order_release);
}

void EpollLoop::Wake() {
  if (MustWake()) WriteWake();
}

// Together with Wait(): each side first says what it does, then looks at what the
// other said, all sequentially consistent. So either the loop sees the task, or
// we see that it may sleep.
bool EpollLoop::MustWake() {
  EpollLoop* const root = Root();
  return root->wakeable_.load() && root->wakeable_.exchange(false);
}

void EpollLoop::WriteWake() {
  EpollLoop* const root = Root();
  const uint64_t one = 1;
  if (sys::Write(root->wake_.get(), &one, sizeof(one)) < 0 && errno != EAGAIN) {
    Log(LogLevel::kError,
        absl::StrCat("event loop: waking it failed: ", strerror(errno)));
    root->wakeable_.store(true);
  }
}

int EpollLoop::EpollWait(struct epoll_event* events, Instant deadline) {
  constexpr int kMost = static_cast<int>(kEventsPerWait);
  if (deadline == absl::InfinitePast()) {
    return sys::EpollWait(epoll_.get(), events, kMost, 0);
  }
  if (deadline == absl::InfiniteFuture()) {
    return sys::EpollWait(epoll_.get(), events, kMost, -1);
  }
  const absl::Duration left =
      std::max(deadline - MonotonicNow(), absl::ZeroDuration());
  if (g_has_pwait2.load(std::memory_order_relaxed)) {
    const struct timespec timeout = absl::ToTimespec(left);
    const int count = sys::EpollPWait2(epoll_.get(), events, kMost, &timeout);
    if (count >= 0 || (errno != ENOSYS && errno != EPERM)) return count;
    g_has_pwait2.store(false, std::memory_order_relaxed);
  }
  return sys::EpollWait(epoll_.get(), events, kMost, ToMilliseconds(left));
}

void EpollLoop::FetchByEpoll(Instant deadline) {
  struct epoll_event fetched[kEventsPerWait];
  const int count = EpollWait(fetched, deadline);
  if (count < 0 && errno != EINTR) {
    // What the loop stands on is gone, say by a daemon that closed all
    // descriptors. Going on would be spinning.
    Fatal(absl::StrCat("event loop: epoll_wait: ", strerror(errno)));
  }
  for (int i = 0; i < count; ++i) {
    void* const tag = fetched[i].data.ptr;
    if (tag == &wake_) continue;
    if (tag == &timer_) {
      // Has done its work by being readable; setting it anew stills it.
      timer_fd_deadline_ = absl::InfinitePast();
      continue;
    }
    Watch* const watch = static_cast<Watch*>(tag);
    auto* loop = static_cast<EpollLoop*>(watch->loop_);
    loop->events_.push_back({watch, FromEpoll(fetched[i].events)});
    for (; loop != this; loop = static_cast<EpollLoop*>(loop->parent())) {
      loop->HasEventsAsNested();
    }
  }
}

// A nested loop alone. What it watches is in the outer loop's epoll, together
// with what must stand still meanwhile.
void EpollLoop::FetchByPoll(Instant deadline) {
  polled_.clear();
  for (Watch* ring :
       {static_cast<Watch*>(&watches_), static_cast<Watch*>(&unregistered_)}) {
    for (Watch* watch = ring->next_; watch != ring; watch = watch->next_) {
      polled_.push_back({watch->fd_, ToPoll(watch->interest_), 0});
    }
  }
  polled_.push_back({Root()->wake_.get(), POLLIN, 0});
  struct timespec timeout = {};
  if (deadline != absl::InfinitePast() && deadline != absl::InfiniteFuture()) {
    timeout = absl::ToTimespec(
        std::max(deadline - MonotonicNow(), absl::ZeroDuration()));
  }
  const int count =
      sys::PPoll(polled_.data(), polled_.size(),
                 deadline == absl::InfiniteFuture() ? nullptr : &timeout);
  if (count < 0 && (errno == ENOMEM || errno == EINVAL)) {
    // No memory, or more than this process may have descriptors: it does not say
    // when that changes. Nothing to poll takes none.
    const Instant now = MonotonicNow();
    if (deadline > now) {
      sys::Poll(nullptr, 0,
                ToMilliseconds(std::min(deadline - now, kRefusedPause)));
    }
  } else if (count < 0 && errno != EINTR) {
    Fatal(absl::StrCat("event loop: ppoll: ", strerror(errno)));
  }
  if (count <= 0) return;
  size_t i = 0;
  for (Watch* ring :
       {static_cast<Watch*>(&watches_), static_cast<Watch*>(&unregistered_)}) {
    for (Watch* watch = ring->next_; watch != ring; watch = watch->next_, ++i) {
      if (polled_[i].revents != 0) {
        events_.push_back({watch, FromPoll(polled_[i].revents)});
      }
    }
  }
  if (polled_[i].revents != 0) {
    // Unlike epoll, poll() would tell of this write again and again.
    uint64_t writes;
    sys::Read(Root()->wake_.get(), &writes, sizeof(writes));
  }
}

void EpollLoop::BeginRound() {
  if (!always_ready_.empty()) {
    always_ready_.erase(
        std::remove(always_ready_.begin(), always_ready_.end(), nullptr),
        always_ready_.end());
  }
  next_always_ready_ = 0;
  always_ready_end_ = new_round() ? always_ready_.size() : 0;
}

void EpollLoop::NoteEventsAsNested() { BeginRound(); }

void EpollLoop::Wait(Instant deadline) {
  const bool may_sleep = deadline != absl::InfinitePast();
  const bool alone = parent() != nullptr;
  if (!alone) deadline = std::min(deadline, RegisterUnregistered());
  if (may_sleep) {
    Root()->wakeable_.store(true);
    if (HasWork()) deadline = absl::InfinitePast();
  }
  ForgetEvents();
  if (alone) {
    FetchByPoll(deadline);
  } else {
    FetchByEpoll(deadline);
  }
  // A poster that sees this late only wakes in vain.
  if (may_sleep) Root()->wakeable_.store(false, std::memory_order_relaxed);
  BeginRound();
}

// What was fetched and not dispatched will be fetched again.
void EpollLoop::ForgetEvents() {
  events_.clear();
  next_event_ = 0;
  for (LoopBase* loop : nested()) static_cast<EpollLoop*>(loop)->ForgetEvents();
}

// ---- Foreign loops ----

int EpollLoop::GetFd() {
  if (!foreign_ && parent() == nullptr) {
    timer_.reset(
        sys::TimerFdCreate(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK));
    if (!timer_) FailedToSetUp("timerfd_create");
    Register(timer_.get(), EPOLLIN, &timer_);
    foreign_ = true;
    if (ForeignIdle()) PrepareForForeignPoll();
  }
  return parent() == nullptr ? epoll_.get() : -1;
}

void EpollLoop::PrepareForForeignPoll() {
  const Instant deadline = std::min(NextDeadline(), RegisterUnregistered());
  wakeable_.store(true);
  if (HasWork()) Wake();
  SetTimerFd(deadline);
}

void EpollLoop::SetTimerFd(Instant deadline) {
  // An instant of zero would mean never.
  deadline = std::max(deadline, absl::UnixEpoch() + absl::Nanoseconds(1));
  if (deadline == timer_fd_deadline_) return;
  timer_fd_deadline_ = deadline;
  struct itimerspec value;
  memset(&value, 0, sizeof(value));
  if (deadline != absl::InfiniteFuture()) {
    value.it_value = absl::ToTimespec(deadline);
  }
  if (sys::TimerFdSetTime(timer_.get(), TFD_TIMER_ABSTIME, &value, nullptr) !=
      0) {
    Log(LogLevel::kError,
        absl::StrCat("event loop: timerfd_settime: ", strerror(errno)));
    timer_fd_deadline_ = absl::InfinitePast();
  }
}

void EpollLoop::OnTimerStarted() {
  EpollLoop* const root = Root();
  if (!root->ForeignIdle()) return;
  Instant deadline = root->NextDeadline();
  if (root->refused_until_ != absl::InfinitePast()) {
    deadline = std::min(deadline, root->refused_until_);
  }
  root->SetTimerFd(deadline);
}

void EpollLoop::OnServed() {
  // Also after a nested loop was run alone: it may have left something over.
  EpollLoop* const root = Root();
  if (root->ForeignIdle()) root->PrepareForForeignPoll();
}

}  // namespace event
}  // namespace le
