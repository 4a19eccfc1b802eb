// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// The C API: descriptors and timers on the loop.

#include <fcntl.h>

#include <cerrno>
#include <cstring>
#include <memory>
#include <string>
#include <utility>

#include "event/base/log.h"
#include "event/base/sys.h"
#include "event/os_process.h"
#include "event/process.h"
#include "le_fdMonitor.h"
#include "le_timer.h"
#include "legato/refs.h"

using le::event::CheckNotForked;
using le::event::Instant;
using le::event::Misuse;
using le::event::Thread;

struct le_fdMonitor {};
struct le_timer {};

namespace {

using le::event::Watch;

// What is always watched for, whatever the user enables.
constexpr uint32_t kAlways = Watch::kReadHangUp;

uint32_t ToInterest(short events) {
  uint32_t interest = kAlways;
  if ((events & POLLIN) != 0) interest |= Watch::kReadable;
  if ((events & POLLOUT) != 0) interest |= Watch::kWritable;
  if ((events & POLLPRI) != 0) interest |= Watch::kPriority;
  return interest;
}

short ToPoll(uint32_t events) {
  int poll = 0;
  if ((events & Watch::kReadable) != 0) poll |= POLLIN;
  if ((events & Watch::kWritable) != 0) poll |= POLLOUT;
  if ((events & Watch::kPriority) != 0) poll |= POLLPRI;
  if ((events & Watch::kHangUp) != 0) poll |= POLLHUP;
  if ((events & Watch::kError) != 0) poll |= POLLERR;
  if ((events & Watch::kReadHangUp) != 0) poll |= POLLRDHUP;
  return static_cast<short>(poll);
}

// When the kernel has no room for a watch it does not say when it has.
constexpr absl::Duration kWatchAgainAfter = absl::Milliseconds(50);

class Monitor final : private Watch, private le::event::Timer {
 public:
  Monitor(int fd, le_fdMonitor_HandlerFunc_t handler, short events)
      : fd_(fd),
        handler_(handler),
        events_(events),
        owner_(Thread::Current()) {}

  // False, with errno, if the descriptor cannot be watched. If that is so for now
  // only, it is tried again until it can.
  bool Begin() {
    if (owner_->loop()->AddWatch(this, fd_, ToInterest(events_))) return true;
    const int error = errno;
    if (error == ENOMEM || error == ENOSPC) {
      owner_->loop()->StartTimer(this,
                                 owner_->loop()->Now() + kWatchAgainAfter);
    }
    errno = error;
    return false;
  }
  void End() {
    if (running()) owner_->loop()->StopTimer(this);
    if (added()) owner_->loop()->RemoveWatch(this);
  }
  void SetEvents(short events) {
    events_ = events;
    if (added()) owner_->loop()->SetInterest(this, ToInterest(events_));
  }

  bool IsOwner() const { return Thread::CurrentOrNull() == owner_; }
  short events() const { return events_; }
  int fd() const { return fd_; }
  void* context = nullptr;
  le_fdMonitor_Ref_t ref = nullptr;
  std::weak_ptr<Monitor> self;

 private:
  void OnReady(uint32_t events) override;
  void OnExpiry() override { Begin(); }

  const int fd_;
  const le_fdMonitor_HandlerFunc_t handler_;
  short events_;
  Thread* const owner_;
};

using Monitors = le::event::RefTable<Monitor, le_fdMonitor_Ref_t>;

// The monitor whose handler runs on this thread.
class CurrentMonitor final : public le::event::ModuleState {
 public:
  static CurrentMonitor* Get() {
    return Thread::Current()->State<CurrentMonitor>(
        [] { return std::make_unique<CurrentMonitor>(); });
  }
  Monitor* monitor = nullptr;
};

void Monitor::OnReady(uint32_t events) {
  const short poll = ToPoll(events);
  if (poll == 0) return;
  const std::shared_ptr<Monitor> keep = self.lock();  // it may be deleted
  CurrentMonitor* const current = CurrentMonitor::Get();
  Monitor* const previous = std::exchange(current->monitor, this);
  handler_(fd_, poll);
  current->monitor = previous;
}

std::shared_ptr<Monitor> OwnedMonitor(const char* function,
                                      le_fdMonitor_Ref_t ref) {
  std::shared_ptr<Monitor> monitor = Monitors::Get(function, ref);
  if (!monitor->IsOwner()) {
    Misuse(function, "only the thread that created the monitor may call this");
  }
  return monitor;
}

}  // namespace

le_fdMonitor_Ref_t le_fdMonitor_Create(const char*, int fd,
                                       le_fdMonitor_HandlerFunc_t handlerFunc,
                                       short events) {
  CheckNotForked(__func__);
  if (handlerFunc == nullptr) Misuse(__func__, "the handler is NULL");
  if (le::event::sys::Fcntl(fd, F_GETFD, 0) < 0) {
    Misuse(__func__, "not a descriptor: ", fd);
  }
  auto monitor = std::make_shared<Monitor>(fd, handlerFunc, events);
  monitor->self = monitor;
  monitor->ref = Monitors::OfCurrentProcess()->Add(monitor);
  if (!monitor->Begin()) {
    if (errno == EEXIST) {
      Misuse(__func__, "descriptor ", fd, " has a monitor of this thread");
    }
    le::event::Log(le::event::LogLevel::kError,
                   absl::StrCat("le_fdMonitor_Create: descriptor ", fd,
                                " cannot be watched: ", std::strerror(errno)));
  }
  return monitor->ref;
}

void le_fdMonitor_Enable(le_fdMonitor_Ref_t monitorRef, short events) {
  const auto monitor = OwnedMonitor(__func__, monitorRef);
  monitor->SetEvents(static_cast<short>(monitor->events() | events));
}

void le_fdMonitor_Disable(le_fdMonitor_Ref_t monitorRef, short events) {
  const auto monitor = OwnedMonitor(__func__, monitorRef);
  monitor->SetEvents(static_cast<short>(monitor->events() & ~events));
}

void le_fdMonitor_SetDeferrable(le_fdMonitor_Ref_t monitorRef, bool) {
  OwnedMonitor(__func__, monitorRef);
}

void le_fdMonitor_SetContextPtr(le_fdMonitor_Ref_t monitorRef,
                                void* contextPtr) {
  OwnedMonitor(__func__, monitorRef)->context = contextPtr;
}

void* le_fdMonitor_GetContextPtr(void) {
  CheckNotForked(__func__);
  Monitor* const monitor = CurrentMonitor::Get()->monitor;
  if (monitor == nullptr) Misuse(__func__, "not inside a monitor's handler");
  return monitor->context;
}

le_fdMonitor_Ref_t le_fdMonitor_GetMonitor(void) {
  CheckNotForked(__func__);
  Monitor* const monitor = CurrentMonitor::Get()->monitor;
  if (monitor == nullptr) Misuse(__func__, "not inside a monitor's handler");
  return monitor->ref;
}

int le_fdMonitor_GetFd(le_fdMonitor_Ref_t monitorRef) {
  return OwnedMonitor(__func__, monitorRef)->fd();
}

void le_fdMonitor_Delete(le_fdMonitor_Ref_t monitorRef) {
  OwnedMonitor(__func__, monitorRef)->End();
  Monitors::OfCurrentProcess()->Remove(monitorRef);
}

// ---- Timers ----------------------------------------------------------------

namespace {

class CTimer final : private le::event::Timer {
 public:
  CTimer() : owner_(Thread::Current()) {}

  bool IsOwner() const { return Thread::CurrentOrNull() == owner_; }
  bool runs() const { return runs_; }

  void Start() {
    runs_ = true;
    expiries_ = 0;
    owner_->loop()->StartTimer(this, owner_->process()->Now() + interval);
  }
  void Stop() {
    runs_ = false;
    if (running()) owner_->loop()->StopTimer(this);
  }
  uint32_t expiries() const { return expiries_; }

  absl::Duration interval;
  uint32_t repeat = 1;
  le_timer_ExpiryHandler_t handler = nullptr;
  void* context = nullptr;
  le_timer_Ref_t ref = nullptr;
  std::weak_ptr<CTimer> self;

 private:
  void OnExpiry() override {
    const std::shared_ptr<CTimer> keep = self.lock();  // it may be deleted
    ++expiries_;
    if (repeat != 0 && expiries_ >= repeat) {
      runs_ = false;
    } else {
      // From the deadline, not from now: a late turn does not shift the rest.
      Instant next = deadline() + interval;
      const Instant now = owner_->loop()->Now();
      if (next <= now) next = now + interval;
      owner_->loop()->StartTimer(this, next);
    }
    if (handler != nullptr) handler(ref);
  }

  Thread* const owner_;
  bool runs_ = false;
  uint32_t expiries_ = 0;
};

using Timers = le::event::RefTable<CTimer, le_timer_Ref_t>;

std::shared_ptr<CTimer> OwnedTimer(const char* function, le_timer_Ref_t ref) {
  std::shared_ptr<CTimer> timer = Timers::Get(function, ref);
  if (!timer->IsOwner()) {
    Misuse(function, "only the thread that created the timer may call this");
  }
  return timer;
}

}  // namespace

le_timer_Ref_t le_timer_Create(const char*) {
  CheckNotForked(__func__);
  auto timer = std::make_shared<CTimer>();
  timer->self = timer;
  timer->ref = Timers::OfCurrentProcess()->Add(timer);
  return timer->ref;
}

void le_timer_Delete(le_timer_Ref_t timerRef) {
  OwnedTimer(__func__, timerRef)->Stop();
  Timers::OfCurrentProcess()->Remove(timerRef);
}

le_result_t le_timer_SetHandler(le_timer_Ref_t timerRef,
                                le_timer_ExpiryHandler_t handlerFunc) {
  const auto timer = OwnedTimer(__func__, timerRef);
  if (timer->runs()) return LE_BUSY;
  timer->handler = handlerFunc;
  return LE_OK;
}

le_result_t le_timer_SetInterval(le_timer_Ref_t timerRef,
                                 le_clk_Time_t interval) {
  const auto timer = OwnedTimer(__func__, timerRef);
  if (timer->runs()) return LE_BUSY;
  timer->interval =
      absl::Seconds(interval.sec) + absl::Microseconds(interval.usec);
  return LE_OK;
}

le_result_t le_timer_SetMsInterval(le_timer_Ref_t timerRef, uint32_t interval) {
  const auto timer = OwnedTimer(__func__, timerRef);
  if (timer->runs()) return LE_BUSY;
  timer->interval = absl::Milliseconds(interval);
  return LE_OK;
}

le_result_t le_timer_SetRepeat(le_timer_Ref_t timerRef, uint32_t repeatCount) {
  const auto timer = OwnedTimer(__func__, timerRef);
  if (timer->runs()) return LE_BUSY;
  timer->repeat = repeatCount;
  return LE_OK;
}

le_result_t le_timer_SetContextPtr(le_timer_Ref_t timerRef, void* contextPtr) {
  const auto timer = OwnedTimer(__func__, timerRef);
  if (timer->runs()) return LE_BUSY;
  timer->context = contextPtr;
  return LE_OK;
}

void* le_timer_GetContextPtr(le_timer_Ref_t timerRef) {
  return OwnedTimer(__func__, timerRef)->context;
}

uint32_t le_timer_GetExpiryCount(le_timer_Ref_t timerRef) {
  return OwnedTimer(__func__, timerRef)->expiries();
}

le_result_t le_timer_Start(le_timer_Ref_t timerRef) {
  const auto timer = OwnedTimer(__func__, timerRef);
  if (timer->runs()) return LE_BUSY;
  timer->Start();
  return LE_OK;
}

le_result_t le_timer_Stop(le_timer_Ref_t timerRef) {
  const auto timer = OwnedTimer(__func__, timerRef);
  if (!timer->runs()) return LE_FAULT;
  timer->Stop();
  return LE_OK;
}

void le_timer_Restart(le_timer_Ref_t timerRef) {
  const auto timer = OwnedTimer(__func__, timerRef);
  timer->Stop();
  timer->Start();
}

bool le_timer_IsRunning(le_timer_Ref_t timerRef) {
  return OwnedTimer(__func__, timerRef)->runs();
}
