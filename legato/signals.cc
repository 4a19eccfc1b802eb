// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// The C API: signals. Each thread that has handlers has a signalfd.

#include <sys/signalfd.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <map>
#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "event/base/log.h"
#include "event/os_process.h"
#include "event/process.h"
#include "event/user_code.h"
#include "le_fdMonitor.h"
#include "le_signals.h"
#include "le_thread.h"

using le::event::CallUser;
using le::event::CheckNotForked;
using le::event::Log;
using le::event::LogLevel;
using le::event::Misuse;
using le::event::Thread;

namespace {

// After this time the kernel is asked again for a signalfd.
constexpr absl::Duration kRefusedPause = absl::Milliseconds(50);

// The handlers of one thread. While the kernel refuses a signalfd, the timer
// runs, and the signals stay pending.
class Signals final : public le::event::ModuleState, private le::event::Timer {
 public:
  static Signals* OfCurrentThread() {
    return Thread::Current()->State<Signals>([] {
      // A destructor of the thread deletes the handlers. Destructors run before
      // the thread's monitors are deleted.
      le_thread_AddDestructor([](void*) { le_sig_DeleteAll(); }, nullptr);
      return std::make_unique<Signals>();
    });
  }

  void Set(int signal, le_sig_EventHandlerFunc_t handler) {
    if (handler != nullptr) {
      handlers_[signal] = handler;
    } else {
      handlers_.erase(signal);
    }
    Update();
  }
  void DeleteAll() {
    handlers_.clear();
    Update();
  }

 private:
  // Makes the signalfd receive the signals that have handlers.
  void Update() {
    if (running()) Thread::Current()->loop()->StopTimer(this);
    if (handlers_.empty()) {
      refused_ = false;
      if (fd_ < 0) return;
      le_fdMonitor_Delete(monitor_);
      close(fd_);
      fd_ = -1;
      return;
    }
    sigset_t signals;
    sigemptyset(&signals);
    for (const auto& entry : handlers_) sigaddset(&signals, entry.first);
    const int fd = signalfd(fd_, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
    if (fd < 0) {
      if (!std::exchange(refused_, true)) {
        Log(LogLevel::kError,
            absl::StrCat("le_sig: signals wait until a file descriptor is "
                         "free: ",
                         std::strerror(errno)));
      }
      le::event::Loop* const loop = Thread::Current()->loop();
      loop->StartTimer(this, loop->Now() + kRefusedPause);
      return;
    }
    refused_ = false;
    if (fd_ >= 0) return;
    fd_ = fd;
    monitor_ = le_fdMonitor_Create(
        "signals", fd_, [](int, short) { OfCurrentThread()->CallHandlers(); },
        POLLIN);
  }

  void OnExpiry() override { Update(); }

  void CallHandlers() {
    struct signalfd_siginfo info;
    // A handler may call le_sig_DeleteAll(), which closes fd_.
    while (fd_ >= 0 && read(fd_, &info, sizeof(info)) ==
                           static_cast<ssize_t>(sizeof(info))) {
      const int signal = static_cast<int>(info.ssi_signo);
      const auto found = handlers_.find(signal);
      if (found == handlers_.end()) continue;
      const le_sig_EventHandlerFunc_t handler = found->second;
      CallUser("the handler of a signal", [&] { handler(signal); });
    }
  }

  std::map<int, le_sig_EventHandlerFunc_t> handlers_;
  int fd_ = -1;
  bool refused_ = false;                  // the last signalfd() failed
  le_fdMonitor_Ref_t monitor_ = nullptr;  // of fd_
};

void Block(const char* function, int signal) {
  sigset_t signals;
  sigemptyset(&signals);
  if (sigaddset(&signals, signal) != 0) {
    Misuse(function, signal, " is not a signal");
  }
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
}

}  // namespace

void le_sig_Block(int sigNum) {
  CheckNotForked(__func__);
  Block(__func__, sigNum);
}

void le_sig_SetEventHandler(int sigNum,
                            le_sig_EventHandlerFunc_t sigEventHandler) {
  CheckNotForked(__func__);
  for (const int refused : {SIGKILL, SIGSTOP, SIGFPE, SIGILL, SIGSEGV, SIGBUS,
                            SIGABRT, SIGTRAP, SIGSYS}) {
    if (sigNum == refused) Misuse(__func__, "cannot handle signal ", sigNum);
  }
  Block(__func__, sigNum);
  Signals::OfCurrentThread()->Set(sigNum, sigEventHandler);
}

void le_sig_DeleteAll(void) {
  CheckNotForked(__func__);
  Signals::OfCurrentThread()->DeleteAll();
}
