// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// The C API: file descriptor monitors on the loop.

#include <fcntl.h>

#include <cerrno>
#include <cstring>
#include <memory>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "event/base/log.h"
#include "event/base/sys.h"
#include "event/os_process.h"
#include "event/process.h"
#include "event/user_code.h"
#include "le_fdMonitor.h"
#include "legato/refs.h"

using le::event::CheckNotForked;
using le::event::Misuse;
using le::event::Thread;

struct le_fdMonitor {};

namespace {

using le::event::Watch;

// Events that are always watched, whatever the program enables.
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

class Monitor final : private Watch {
 public:
  Monitor(int fd, le_fdMonitor_HandlerFunc_t handler, short events)
      : fd_(fd),
        handler_(handler),
        events_(events),
        owner_(Thread::Current()) {}

  // Begins to watch. On failure returns false and sets errno. If the kernel has
  // no memory or no watch left, returns true: the loop logs the error and
  // retries.
  bool Begin() {
    le::event::Loop* const loop = owner_->loop();
    if (loop->AddWatch(this, fd_, ToInterest(events_))) return true;
    if (errno != ENOMEM && errno != ENOSPC) return false;
    loop->AddWatchLater(this, fd_, ToInterest(events_));
    return true;
  }
  void End() {
    if (added()) owner_->loop()->RemoveWatch(this);
  }
  void SetEvents(short events) {
    events_ = events;
    if (added()) owner_->loop()->SetInterest(this, ToInterest(events_));
  }

  short events() const { return events_; }
  int fd() const { return fd_; }
  void* context = nullptr;
  le_fdMonitor_Ref_t ref = nullptr;
  std::weak_ptr<Monitor> self;

 private:
  void OnReady(uint32_t events) override;

  const int fd_;
  const le_fdMonitor_HandlerFunc_t handler_;
  short events_;
  Thread* const owner_;
};

using Monitors = le::legato::ThreadRefs<Monitor, le_fdMonitor_Ref_t>;

// The monitor whose handler is running on this thread.
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
  // The handler may delete this monitor.
  const std::shared_ptr<Monitor> keep = self.lock();
  CurrentMonitor* const current = CurrentMonitor::Get();
  Monitor* const previous = std::exchange(current->monitor, this);
  le::event::CallUser("the handler of a file descriptor monitor",
                      [&] { handler_(fd_, poll); });
  current->monitor = previous;
}

}  // namespace

le_fdMonitor_Ref_t le_fdMonitor_Create(const char*, int fd,
                                       le_fdMonitor_HandlerFunc_t handlerFunc,
                                       short events) {
  CheckNotForked(__func__);
  if (handlerFunc == nullptr) Misuse(__func__, "the handler is NULL");
  if (le::event::sys::Fcntl(fd, F_GETFD, 0) < 0) {
    Misuse(__func__, fd, " is not an open file descriptor");
  }
  auto monitor = std::make_shared<Monitor>(fd, handlerFunc, events);
  monitor->self = monitor;
  monitor->ref = Monitors::OfCurrentThread()->Add(monitor);
  if (!monitor->Begin()) {
    if (errno == EEXIST) {
      Misuse(__func__, "this thread already monitors file descriptor ", fd);
    }
    le::event::Log(le::event::LogLevel::kError,
                   absl::StrCat("le_fdMonitor_Create: file descriptor ", fd,
                                " cannot be watched: ", std::strerror(errno)));
  }
  return monitor->ref;
}

void le_fdMonitor_Enable(le_fdMonitor_Ref_t monitorRef, short events) {
  const auto monitor = Monitors::Get(__func__, monitorRef);
  monitor->SetEvents(static_cast<short>(monitor->events() | events));
}

void le_fdMonitor_Disable(le_fdMonitor_Ref_t monitorRef, short events) {
  const auto monitor = Monitors::Get(__func__, monitorRef);
  monitor->SetEvents(static_cast<short>(monitor->events() & ~events));
}

void le_fdMonitor_SetDeferrable(le_fdMonitor_Ref_t monitorRef, bool) {
  Monitors::Get(__func__, monitorRef);
}

void le_fdMonitor_SetContextPtr(le_fdMonitor_Ref_t monitorRef,
                                void* contextPtr) {
  Monitors::Get(__func__, monitorRef)->context = contextPtr;
}

void* le_fdMonitor_GetContextPtr(void) {
  CheckNotForked(__func__);
  Monitor* const monitor = CurrentMonitor::Get()->monitor;
  if (monitor == nullptr) {
    Misuse(__func__, "no handler of a monitor is running");
  }
  return monitor->context;
}

le_fdMonitor_Ref_t le_fdMonitor_GetMonitor(void) {
  CheckNotForked(__func__);
  Monitor* const monitor = CurrentMonitor::Get()->monitor;
  if (monitor == nullptr) {
    Misuse(__func__, "no handler of a monitor is running");
  }
  return monitor->ref;
}

int le_fdMonitor_GetFd(le_fdMonitor_Ref_t monitorRef) {
  return Monitors::Get(__func__, monitorRef)->fd();
}

void le_fdMonitor_Delete(le_fdMonitor_Ref_t monitorRef) {
  Monitors::Get(__func__, monitorRef)->End();
  Monitors::OfCurrentThread()->Remove(monitorRef);
}
