// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// The way of an event from its file descriptor to its watch:
//
//   epoll_  ←─ wake_fd_           written by Post() and Stop() while wakeable_
//           ←─ timer_fd_          set while a foreign loop waits
//           ←─ watches_           registered by AddWatch(), or later
//           ←─ a nested loop's epoll_, watched by its Nesting
//     │
//     └─ Wait() → events_ → DispatchEvent() → Watch::OnReady()
//
//   unregistered_   watches of AddWatchLater(). If there is only one, the first
//                   kMaxPolls waits poll it together with epoll_. The next
//                   Wait() registers it.
//   always_ready_   watches that epoll refuses with EPERM; DispatchEvent()
//                   handles them
//
// A loop is served in one of two ways. It waits itself, in Wait() or
// PollAndServe(). Or a foreign or outer loop waits until epoll_ becomes
// readable, and then runs a step or turn of this loop. Announce() prepares the
// second way: it registers new watches, sets wakeable_, checks for work once
// more, and arranges a wake at the next deadline.

#include "event/epoll_loop.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <time.h>

#include <algorithm>
#include <string>

#include "absl/base/optimization.h"
#include "absl/strings/str_cat.h"
#include "event/base/log.h"
#include "event/base/sys.h"

namespace le {
namespace event {
namespace {

constexpr uint32_t kAlwaysReported = Watch::kHangUp | Watch::kError;
constexpr uint32_t kReadOrWrite = Watch::kReadable | Watch::kWritable;

// The retry interval after the kernel refused a watch for lack of memory or
// watches. The loop must retry, because the kernel does not report when it has
// room again.
constexpr absl::Duration kRefusedPause = absl::Milliseconds(50);
// At most this many waits poll a new watch. The next wait registers it. A
// client that opens a session waits twice: for the introduction, and for the
// server's hello.
constexpr int kMaxPolls = 2;

// Added before a conversion to nanoseconds, so that the result is rounded up.
// An Instant is a multiple of a quarter of a nanosecond.
const absl::Duration kToRoundUp = absl::Nanoseconds(3) / 4;

// Whether to use epoll_pwait2, which needs Linux 5.11. Some sandboxes do not
// know this call, and make it fail with EPERM.
std::atomic<bool> g_has_pwait2{true};

static_assert(Watch::kReadable == EPOLLIN && Watch::kPriority == EPOLLPRI &&
                  Watch::kWritable == EPOLLOUT && Watch::kError == EPOLLERR &&
                  Watch::kHangUp == EPOLLHUP &&
                  Watch::kReadHangUp == EPOLLRDHUP,
              "the kernel's values are taken as they are");
static_assert(POLLIN == EPOLLIN && POLLPRI == EPOLLPRI && POLLOUT == EPOLLOUT &&
                  POLLERR == EPOLLERR && POLLHUP == EPOLLHUP &&
                  POLLRDHUP == EPOLLRDHUP,
              "poll() and epoll have the same values");

// Rounds up, for calls whose timeout is in milliseconds.
int ToMilliseconds(absl::Duration duration) {
  const int64_t ms =
      absl::ToInt64Milliseconds(absl::Ceil(duration, absl::Milliseconds(1)));
  return static_cast<int>(std::min<int64_t>(ms, INT_MAX));
}

[[noreturn]] void FailedToSetUp(const char* call) {
  Fatal(absl::StrCat("an event loop cannot be made: ", call, ": ",
                     strerror(errno)));
}

// During its lifetime, counts the calling thread in `count`.
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

EpollLoop::EpollLoop(EpollLoop* outer) : LoopBase(outer) {
  watches_.next_ = watches_.prev_ = &watches_;
  unregistered_.next_ = unregistered_.prev_ = &unregistered_;
  epoll_.reset(sys::EpollCreate(EPOLL_CLOEXEC));
  if (!epoll_) FailedToSetUp("epoll_create1");
  wake_fd_.reset(sys::EventFd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!wake_fd_) FailedToSetUp("eventfd");
  // Edge-triggered: each write is one event, and the eventfd need not be read.
  if (!Control(EPOLL_CTL_ADD, wake_fd_.get(), EPOLLIN | EPOLLET, nullptr)) {
    FailedToSetUp("epoll_ctl");
  }
  if (outer == nullptr) return;
  if (!outer->AddWatch(nesting(), epoll_.get(), Watch::kReadable)) {
    FailedToSetUp("epoll_ctl");
  }
  Announce();
}

EpollLoop::~EpollLoop() {
  LeaveOuter();
  // Another thread may still be inside Post() or Stop(), a few instructions
  // before its end.
  while (posting_.load(std::memory_order_acquire) != 0) sys::SchedYield();
  for (Watch* ring :
       {static_cast<Watch*>(&watches_), static_cast<Watch*>(&unregistered_)}) {
    while (ring->next_ != ring) RemoveWatch(ring->next_);
  }
}

std::unique_ptr<Loop> EpollLoop::CreateNested() {
  return std::unique_ptr<Loop>(new EpollLoop(this));
}

Instant EpollLoop::ReadCoarseClock() {
  struct timespec now;
  sys::CoarseClock(&now);
  return absl::TimeFromTimespec(now);
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
  watch->interest_ = 0;
  Note(watch, interest);
}

void EpollLoop::Note(Watch* watch, uint32_t interest) {
  if ((watch->interest_ & Watch::kWritable) != 0) --writable_watches_;
  if ((interest & Watch::kWritable) != 0) ++writable_watches_;
  watch->interest_ = interest;
}

bool EpollLoop::Control(int operation, int fd, uint32_t events, void* tag) {
  struct epoll_event event;
  memset(&event, 0, sizeof(event));
  event.events = events;
  event.data.ptr = tag;
  return sys::EpollCtl(epoll_.get(), operation, fd, &event) == 0;
}

bool EpollLoop::Register(Watch* watch) {
  if (Control(EPOLL_CTL_ADD, watch->fd_, watch->interest_, watch)) return true;
  if (errno != EPERM) return false;
  always_ready_.push_back(watch);
  return true;
}

bool EpollLoop::AddWatch(Watch* watch, int fd, uint32_t interest) {
  Start(watch, fd, interest);
  if (!Register(watch)) {
    Note(watch, 0);
    return false;
  }
  watch->loop_ = this;
  Link(&watches_, watch);
  // epoll does not report a watch that is always ready, so announce this watch.
  if (!always_ready_.empty() && always_ready_.back() == watch) {
    AnnounceIfServedFromOutside();
  }
  return true;
}

void EpollLoop::AddWatchLater(Watch* watch, int fd, uint32_t interest) {
  Start(watch, fd, interest);
  watch->loop_ = this;
  watch->registered_ = false;
  Link(&unregistered_, watch);
  AnnounceIfServedFromOutside();
}

Watch* EpollLoop::TheNewWatch() const {
  Watch* const first = unregistered_.next_;
  const bool is_single = HasUnregistered() && first == unregistered_.prev_;
  return is_single && polls_ < kMaxPolls ? first : nullptr;
}

void EpollLoop::RegisterUnregistered() {
  const bool refused = refused_until_ != absl::InfinitePast();
  if (refused && MonotonicNow() < refused_until_) return;
  if (RegisterAll()) {
    OnNoneUnregistered();
    return;
  }
  if (!refused) {
    Log(LogLevel::kError,
        absl::StrCat(
            "event loop: a file descriptor cannot be watched for now: ",
            strerror(errno)));
  }
  refused_until_ = MonotonicNow() + kRefusedPause;
}

bool EpollLoop::RegisterAll() {
  while (HasUnregistered()) {
    Watch* const watch = unregistered_.next_;
    const bool registered = Register(watch);
    if (!registered) {
      if (errno == ENOMEM || errno == ENOSPC) return false;
      // This refusal is permanent. Skip the watch, so that the next watches are
      // registered.
      Log(LogLevel::kError,
          absl::StrCat("event loop: file descriptor ", watch->fd_,
                       " cannot be watched: ", strerror(errno)));
    }
    Unlink(watch);
    Link(&watches_, watch);
    watch->registered_ = registered;
  }
  return true;
}

void EpollLoop::OnNoneUnregistered() {
  polls_ = 0;
  refused_until_ = absl::InfinitePast();
}

void EpollLoop::SetInterest(Watch* watch, uint32_t interest) {
  if (watch->loop_ != this || watch->interest_ == interest) return;
  Note(watch, interest);
  if (!watch->registered_) return;
  if (std::find(always_ready_.begin(), always_ready_.end(), watch) !=
      always_ready_.end()) {
    AnnounceIfServedFromOutside();
    return;
  }
  if (!Control(EPOLL_CTL_MOD, watch->fd_, interest, watch)) {
    Log(LogLevel::kError,
        absl::StrCat("event loop: file descriptor ", watch->fd_,
                     " was closed while it was watched: ", strerror(errno)));
  }
}

void EpollLoop::RemoveWatch(Watch* watch) {
  if (watch->loop_ != this) return;
  Unlink(watch);
  Note(watch, 0);
  watch->loop_ = nullptr;
  for (int i = next_event_; i < event_count_; ++i) {
    if (events_[i].data.ptr == watch) events_[i].data.ptr = nullptr;
  }
  if (!watch->registered_) {
    watch->registered_ = true;
    if (!HasUnregistered()) OnNoneUnregistered();
    return;
  }
  const auto it = std::find(always_ready_.begin(), always_ready_.end(), watch);
  if (it != always_ready_.end()) {
    *it = nullptr;
    return;
  }
  struct epoll_event unused;
  if (sys::EpollCtl(epoll_.get(), EPOLL_CTL_DEL, watch->fd_, &unused) != 0) {
    Log(LogLevel::kError,
        absl::StrCat("event loop: file descriptor ", watch->fd_,
                     " was closed while it was watched: ", strerror(errno)));
  }
}

bool EpollLoop::HasAlwaysReady() const {
  for (const Watch* watch : always_ready_) {
    if (watch != nullptr && (watch->interest_ & kReadOrWrite) != 0) return true;
  }
  return false;
}

bool EpollLoop::DispatchEvent() {
  while (next_event_ < event_count_) {
    const struct epoll_event& event = events_[next_event_++];
    Watch* const watch = static_cast<Watch*>(event.data.ptr);
    if (watch == nullptr) continue;
    const uint32_t events = event.events & (watch->interest_ | kAlwaysReported);
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

// The poster first adds its task, then loads wakeable_. Wait() and Announce()
// first set wakeable_, then check for tasks. All these accesses are
// sequentially consistent. So the loop sees the task, or the poster sees that
// the loop may sleep.
bool EpollLoop::MustWake() {
  return wakeable_.load() && wakeable_.exchange(false);
}

void EpollLoop::WriteWake() {
  const uint64_t one = 1;
  if (sys::Write(wake_fd_.get(), &one, sizeof(one)) < 0 && errno != EAGAIN) {
    Log(LogLevel::kError,
        absl::StrCat("event loop: cannot write to its eventfd: ",
                     strerror(errno)));
    wakeable_.store(true);
  }
}

int EpollLoop::EpollWait(Instant deadline) {
  if (deadline == absl::InfiniteFuture()) {
    return sys::EpollWait(epoll_.get(), events_, kMaxEvents, -1);
  }
  if (deadline == absl::InfinitePast()) {
    return sys::EpollWait(epoll_.get(), events_, kMaxEvents, 0);
  }
  const absl::Duration left =
      std::max(deadline - MonotonicNow(), absl::ZeroDuration());
  if (g_has_pwait2.load(std::memory_order_relaxed)) {
    // A deadline may lie between two nanoseconds. Round it up: if the wait
    // ended early, the loop would run a turn before its timer is due.
    const struct timespec timeout = absl::ToTimespec(left + kToRoundUp);
    const int count =
        sys::EpollPWait2(epoll_.get(), events_, kMaxEvents, &timeout);
    if (count >= 0 || (errno != ENOSYS && errno != EPERM)) return count;
    g_has_pwait2.store(false, std::memory_order_relaxed);
  }
  return sys::EpollWait(epoll_.get(), events_, kMaxEvents,
                        ToMilliseconds(left));
}

// Makes one of the first waits for a new watch. Many connections are closed at
// one of their first events, or move to another loop. For such a connection,
// poll() saves EPOLL_CTL_ADD and EPOLL_CTL_DEL. If another event ends poll(), a
// second call is needed to fetch that event.
int EpollLoop::PollWith(Watch* watch, Instant deadline) {
  ++polls_;
  struct pollfd polled[] = {
      {epoll_.get(), POLLIN, 0},
      {watch->fd_, static_cast<short>(watch->interest_), 0}};
  int timeout = 0;
  if (deadline == absl::InfiniteFuture()) {
    timeout = -1;
  } else if (deadline != absl::InfinitePast()) {
    // Round down. If poll() returns early, the next wait waits for the rest.
    const absl::Duration left = deadline - MonotonicNow();
    timeout = static_cast<int>(
        std::clamp<int64_t>(absl::ToInt64Milliseconds(left), 0, INT_MAX));
  }
  // A failure of poll() is ignored: if the error persists, a later wait reports
  // it.
  if (sys::Poll(polled, 2, timeout) <= 0) return 0;
  int count = polled[0].revents != 0 ? EpollWait(absl::InfinitePast()) : 0;
  if (count >= 0 && polled[1].revents != 0) {
    events_[count].events = static_cast<uint16_t>(polled[1].revents);
    events_[count].data.ptr = watch;
    ++count;
  }
  return count;
}

int EpollLoop::PollAndServe(struct pollfd* polled, Instant deadline) {
  // As in Announce(): from now on a post makes epoll_ readable.
  wakeable_.store(true);
  const bool has_work = HasWork() || HasAlwaysReady();
  int timeout = 0;
  if (!has_work) {
    const Instant until = std::min(deadline, NextAlarm());
    timeout = until == absl::InfiniteFuture()
                  ? -1
                  : ToMilliseconds(
                        std::max(until - MonotonicNow(), absl::ZeroDuration()));
  }
  struct pollfd both[] = {*polled, {epoll_.get(), POLLIN, 0}};
  const int count = sys::Poll(both, 2, timeout);
  const int error = errno;
  polled->revents = both[0].revents;
  if (has_work || count == 0 || both[1].revents != 0) {
    RunTurn(absl::InfinitePast());
  }
  errno = error;
  return count < 0 ? -1 : polled->revents != 0;
}

void EpollLoop::Wait(Instant deadline) {
  Watch* const new_watch = TheNewWatch();
  if (HasUnregistered() && new_watch == nullptr) {
    RegisterUnregistered();
    if (HasUnregistered()) deadline = std::min(deadline, refused_until_);
  }
  if (deadline != absl::InfinitePast()) {
    wakeable_.store(true);
    if (HasWork() || stopped() || HasAlwaysReady()) {
      deadline = absl::InfinitePast();
    }
  }
  // Drop fetched events that were not dispatched. epoll reports them again.
  next_event_ = event_count_ = 0;
  const int count = new_watch != nullptr ? PollWith(new_watch, deadline)
                                         : EpollWait(deadline);
  // A poster that does not see this store yet makes one unnecessary wake.
  wakeable_.store(false, std::memory_order_relaxed);
  if (ABSL_PREDICT_TRUE(count >= 0)) {
    event_count_ = count;
  } else if (errno != EINTR) {
    // The epoll descriptor is unusable, for example in a daemon that has closed
    // all descriptors. Retrying would spin.
    Fatal(absl::StrCat(
        "event loop: cannot wait for events: epoll_wait: ", strerror(errno),
        "; has the program closed the loop's file "
        "descriptor?"));
  }
  if (timer_fd_) NoteTimerFd();
  if (!always_ready_.empty()) BeginRoundOfAlwaysReady();
}

void EpollLoop::BeginRoundOfAlwaysReady() {
  always_ready_.erase(
      std::remove(always_ready_.begin(), always_ready_.end(), nullptr),
      always_ready_.end());
  next_always_ready_ = 0;
  always_ready_end_ = new_round() ? always_ready_.size() : 0;
}

// ---- Served from outside ----

int EpollLoop::GetFd() {
  if (outer() != nullptr) return -1;
  if (!timer_fd_) {
    timer_fd_.reset(
        sys::TimerFdCreate(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK));
    if (!timer_fd_) FailedToSetUp("timerfd_create");
    if (!Control(EPOLL_CTL_ADD, timer_fd_.get(), EPOLLIN, &timer_fd_)) {
      FailedToSetUp("epoll_ctl");
    }
    AnnounceIfServedFromOutside();
  }
  return epoll_.get();
}

void EpollLoop::AnnounceIfServedFromOutside() {
  if (ServedFromOutside()) Announce();
}

void EpollLoop::OnTimerStarted() {
  if (ServedFromOutside()) AnnounceDeadline();
}

void EpollLoop::Announce() {
  if (HasUnregistered()) RegisterUnregistered();
  wakeable_.store(true);
  if (HasWork() || HasAlwaysReady()) Wake();
  AnnounceDeadline();
}

Instant EpollLoop::NextAlarm() const {
  return HasUnregistered() ? std::min(NextDeadline(), refused_until_)
                           : NextDeadline();
}

void EpollLoop::AnnounceDeadline() {
  const Instant deadline = NextAlarm();
  if (outer() != nullptr) {
    ServeAt(deadline);
  } else {
    SetTimerFd(deadline);
  }
}

void EpollLoop::SetTimerFd(Instant deadline) {
  // A value of zero would disarm the timer.
  deadline = std::max(deadline, absl::UnixEpoch() + absl::Nanoseconds(1));
  if (deadline == timer_fd_deadline_) return;
  timer_fd_deadline_ = deadline;
  struct itimerspec value;
  memset(&value, 0, sizeof(value));
  if (deadline != absl::InfiniteFuture()) {
    value.it_value = absl::ToTimespec(deadline);
  }
  if (sys::TimerFdSetTime(timer_fd_.get(), TFD_TIMER_ABSTIME, &value,
                          nullptr) != 0) {
    Log(LogLevel::kError,
        absl::StrCat("event loop: cannot set its timer: timerfd_settime: ",
                     strerror(errno)));
    timer_fd_deadline_ = absl::InfinitePast();
  }
}

// An expired timerfd stays readable until it is set again. So make SetTimerFd()
// set it, even to the same deadline.
void EpollLoop::NoteTimerFd() {
  for (int i = 0; i < event_count_; ++i) {
    if (events_[i].data.ptr != &timer_fd_) continue;
    events_[i].data.ptr = nullptr;
    timer_fd_deadline_ = absl::InfinitePast();
  }
}

}  // namespace event
}  // namespace le
