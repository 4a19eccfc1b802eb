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
  epoll_.reset(sys::EpollCreate(EPOLL_CLOEXEC));
  if (!epoll_) FailedToSetUp("epoll_create1");
  wake_.reset(sys::EventFd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!wake_) FailedToSetUp("eventfd");
  // Edge-triggered, so it need never be read: each write is one event.
  Register(wake_.get(), EPOLLIN | EPOLLET, &wake_);
  if (parent != nullptr &&
      !parent->AddWatch(&outer_watch_, epoll_.get(), Watch::kReadable)) {
    FailedToSetUp("epoll_ctl");
  }
}

EpollLoop::~EpollLoop() {
  // A thread that has just posted is a few instructions from done.
  while (posting_.load(std::memory_order_acquire) != 0) sched_yield();
  if (outer_watch_.loop_ != nullptr)
    outer_watch_.loop_->RemoveWatch(&outer_watch_);
  while (watches_.next_ != &watches_) RemoveWatch(watches_.next_);
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

bool EpollLoop::AddWatch(Watch* watch, int fd, uint32_t interest) {
  if (watch->loop_ != nullptr) Fatal("Loop::AddWatch: the watch is in use");
  struct epoll_event event;
  memset(&event, 0, sizeof(event));
  event.events = ToEpoll(interest);
  event.data.ptr = watch;
  bool regular = false;
  if (sys::EpollCtl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) != 0) {
    if (errno != EPERM) return false;
    regular = true;
  }
  watch->loop_ = this;
  watch->fd_ = fd;
  watch->interest_ = interest;
  watch->prev_ = watches_.prev_;
  watch->next_ = &watches_;
  watch->prev_->next_ = watch;
  watches_.prev_ = watch;
  if (regular) {
    always_ready_.push_back(watch);
    OnServed();
  }
  return true;
}

void EpollLoop::SetInterest(Watch* watch, uint32_t interest) {
  if (watch->loop_ != this || watch->interest_ == interest) return;
  watch->interest_ = interest;
  if (std::find(always_ready_.begin(), always_ready_.end(), watch) !=
      always_ready_.end()) {
    OnServed();
    return;
  }
  struct epoll_event event;
  memset(&event, 0, sizeof(event));
  event.events = ToEpoll(interest);
  event.data.ptr = watch;
  if (sys::EpollCtl(epoll_.get(), EPOLL_CTL_MOD, watch->fd_, &event) != 0) {
    Log(LogLevel::kError,
        absl::StrCat("event loop: descriptor ", watch->fd_,
                     " was closed while it was watched: ", strerror(errno)));
  }
}

void EpollLoop::RemoveWatch(Watch* watch) {
  if (watch->loop_ != this) return;
  watch->next_->prev_ = watch->prev_;
  watch->prev_->next_ = watch->next_;
  watch->next_ = watch->prev_ = nullptr;
  watch->loop_ = nullptr;
  for (int i = next_event_; i < event_count_; ++i) {
    if (events_[i].data.ptr == watch) events_[i].data.ptr = nullptr;
  }
  const auto it = std::find(always_ready_.begin(), always_ready_.end(), watch);
  if (it != always_ready_.end()) {
    *it = nullptr;
    return;
  }
  struct epoll_event unused;
  if (sys::EpollCtl(epoll_.get(), EPOLL_CTL_DEL, watch->fd_, &unused) != 0) {
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

bool EpollLoop::NotedForNested(const Watch* watch) {
  for (LoopBase* loop : nested()) {
    EpollLoop* const nested_loop = static_cast<EpollLoop*>(loop);
    if (watch != &nested_loop->outer_watch_) continue;
    nested_loop->NoteEventsAsNested();
    return true;
  }
  return false;
}

bool EpollLoop::DispatchEvent() {
  while (next_event_ < event_count_) {
    const struct epoll_event& event = events_[next_event_++];
    void* const tag = event.data.ptr;
    if (tag == nullptr || tag == &wake_) continue;
    if (tag == &timer_) {
      // Has done its work by being readable; setting it anew stills it.
      timer_fd_deadline_ = absl::InfinitePast();
      continue;
    }
    Watch* const watch = static_cast<Watch*>(tag);
    if (NotedForNested(watch)) continue;
    const uint32_t events =
        FromEpoll(event.events) & (watch->interest_ | kAlwaysReported);
    if (events == 0) continue;
    watch->OnReady(events);
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

void EpollLoop::Wake() {
  // Together with SetWakeable() and HasWork(): each side first says what it
  // does, then looks at what the other said, all sequentially consistent. So
  // either the loop sees the task, or we see that it may sleep.
  if (!wakeable_.load() || !wakeable_.exchange(false)) return;
  const uint64_t one = 1;
  if (sys::Write(wake_.get(), &one, sizeof(one)) < 0 && errno != EAGAIN) {
    Log(LogLevel::kError,
        absl::StrCat("event loop: waking it failed: ", strerror(errno)));
    wakeable_.store(true);
  }
}

void EpollLoop::SetWakeable(bool wakeable) {
  wakeable_.store(wakeable);
  for (LoopBase* loop : nested()) {
    static_cast<EpollLoop*>(loop)->SetWakeable(wakeable);
  }
}

int EpollLoop::EpollWait(Instant deadline) {
  if (deadline == absl::InfinitePast()) {
    return sys::EpollWait(epoll_.get(), events_, kEventsPerWait, 0);
  }
  if (deadline == absl::InfiniteFuture()) {
    return sys::EpollWait(epoll_.get(), events_, kEventsPerWait, -1);
  }
  const absl::Duration left =
      std::max(deadline - MonotonicNow(), absl::ZeroDuration());
  if (g_has_pwait2.load(std::memory_order_relaxed)) {
    const struct timespec timeout = absl::ToTimespec(left);
    const int count =
        sys::EpollPWait2(epoll_.get(), events_, kEventsPerWait, &timeout);
    if (count >= 0 || (errno != ENOSYS && errno != EPERM)) return count;
    g_has_pwait2.store(false, std::memory_order_relaxed);
  }
  return sys::EpollWait(epoll_.get(), events_, kEventsPerWait,
                        ToMilliseconds(left));
}

void EpollLoop::Wait(Instant deadline) {
  const bool may_sleep = deadline != absl::InfinitePast();
  if (may_sleep) {
    SetWakeable(true);
    if (HasWork()) deadline = absl::InfinitePast();
  }
  const int count = EpollWait(deadline);
  if (count < 0 && errno != EINTR) {
    // What the loop stands on is gone, say by a daemon that closed all
    // descriptors. Going on would be spinning.
    Fatal(absl::StrCat("event loop: epoll_wait: ", strerror(errno)));
  }
  if (may_sleep) SetWakeable(false);
  next_event_ = 0;
  event_count_ = std::max(count, 0);

  always_ready_.erase(
      std::remove(always_ready_.begin(), always_ready_.end(), nullptr),
      always_ready_.end());
  next_always_ready_ = 0;
  always_ready_end_ = new_round() ? always_ready_.size() : 0;
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
  return epoll_.get();
}

void EpollLoop::PrepareForForeignPoll() {
  SetWakeable(true);
  if (HasWork()) Wake();
  SetTimerFd(NextDeadline());
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
  if (root->ForeignIdle()) root->SetTimerFd(root->NextDeadline());
}

void EpollLoop::OnServed() {
  // Also after a nested loop was run alone: it may have left something over.
  EpollLoop* const root = Root();
  if (root->ForeignIdle()) root->PrepareForForeignPoll();
}

}  // namespace event
}  // namespace le
