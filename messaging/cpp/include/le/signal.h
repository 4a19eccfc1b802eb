// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// le/signal.h: signals of the operating system, delivered by the loop.

#ifndef LE_MESSAGING_MESSAGING_CPP_LE_SIGNAL_H_
#define LE_MESSAGING_MESSAGING_CPP_LE_SIGNAL_H_

#include <signal.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdint>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "le/function.h"
#include "le/internal/thread_bound.h"
#include "le_fdMonitor.h"
#include "le_thread.h"

namespace le {

namespace internal {

// The data that the handler of a signal uses. There is one object for each
// signal number. It is never destroyed: the handler may be running on any
// thread while the SignalWatch is destroyed.
struct SignalState {
  std::atomic<int> event_fd{-1};
  // The process that watches. The child of a fork shares event_fd, and must not
  // write to it.
  std::atomic<pid_t> process{0};
  std::atomic<bool> watched{false};

  static SignalState* Of(int signal) {
    static SignalState states[_NSIG];
    return &states[signal];
  }
  // False: no signal has arrived since the last call.
  bool Drain() {
    uint64_t count;
    return read(event_fd.load(), &count, sizeof(count)) == sizeof(count);
  }
  static void OnSignal(int signal) {
    const int saved = errno;
    SignalState* const state = Of(signal);
    const uint64_t one = 1;
    if (getpid() == state->process.load()) {
      // If the write fails, the counter is full, so the eventfd is readable.
      if (write(state->event_fd.load(), &one, sizeof(one)) < 0) errno = saved;
    }
    errno = saved;
  }
};

inline absl::Status CannotCatch(int signal) {
  return absl::InvalidArgumentError(
      absl::StrCat("signal ", signal, " does not exist or cannot be caught"));
}

}  // namespace internal

// Calls a closure when the process has received a signal, for example SIGTERM
// to stop the loop. The closure runs from the loop of the thread that created
// the watch. So it does not run while a call on this thread blocks. Therefore a
// program that must end at a signal opens its sessions with OpenAsync() or
// KeepOpen(). If several signals arrive before the closure runs, they may cause
// only one call.
// The rules of le::Timer about threads and destruction apply. The destructor
// restores the signal's former handler.
class SignalWatch {
 public:
  //   InvalidArgument     the signal does not exist or cannot be caught, or the
  //                       closure is empty
  //   AlreadyExists       the process has a SignalWatch for the signal
  //   ResourceExhausted   no file descriptor is left
  static absl::StatusOr<SignalWatch> Create(int signal,
                                            UniqueFunction<void()> closure) {
    if (!closure) return absl::InvalidArgumentError("the closure is empty");
    if (signal <= 0 || signal >= _NSIG || signal == SIGKILL ||
        signal == SIGSTOP) {
      return internal::CannotCatch(signal);
    }
    // This call is fatal in the child of a fork, because the child shares
    // event_fd with its parent.
    le_thread_GetCurrent();
    internal::SignalState* const state = internal::SignalState::Of(signal);
    if (state->watched.exchange(true)) {
      return absl::AlreadyExistsError(
          absl::StrCat("signal ", signal, " is watched already"));
    }
    if (state->event_fd.load() < 0) {
      state->event_fd.store(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    }
    // An earlier watch may have been destroyed before its loop handled a
    // signal. That signal is dropped here.
    state->Drain();
    struct sigaction action = {};
    action.sa_handler = &internal::SignalState::OnSignal;
    action.sa_flags = SA_RESTART;
    sigemptyset(&action.sa_mask);
    struct sigaction before = {};
    state->process.store(getpid());
    if (state->event_fd.load() < 0 ||
        sigaction(signal, &action, &before) != 0) {
      const bool no_fd = state->event_fd.load() < 0;
      state->watched.store(false);
      return no_fd ? absl::ResourceExhaustedError(absl::StrCat(
                         "signal ", signal,
                         " cannot be watched: no file descriptor is left"))
                   : internal::CannotCatch(signal);
    }
    return SignalWatch(new Core(signal, before, std::move(closure)));
  }
  SignalWatch(SignalWatch&&) noexcept = default;
  SignalWatch& operator=(SignalWatch&&) noexcept = default;

 private:
  struct Core final : internal::ThreadBound {
    Core(int number, const struct sigaction& old,
         UniqueFunction<void()> function)
        : ThreadBound("le::SignalWatch"),
          signal(number),
          before(old),
          monitor(le_fdMonitor_Create(
              "le::SignalWatch",
              internal::SignalState::Of(number)->event_fd.load(), &OnReadable,
              POLLIN)) {
      closure.Set(std::move(function));
      le_fdMonitor_SetContextPtr(monitor, this);
    }
    static void OnReadable(int, short) {
      auto* const core = static_cast<Core*>(le_fdMonitor_GetContextPtr());
      if (!internal::SignalState::Of(core->signal)->Drain()) return;
      const internal::Hold hold(core);
      core->closure();
    }
    void Shutdown() override {
      sigaction(signal, &before, nullptr);
      le_fdMonitor_Delete(monitor);
      internal::SignalState::Of(signal)->watched.store(false);
      closure.Set(nullptr);
    }

    const int signal;
    const struct sigaction before;
    internal::Handler<void()> closure;
    const le_fdMonitor_Ref_t monitor;
  };

  explicit SignalWatch(Core* core) : core_(core) {}
  internal::CorePtr<Core> core_;
};

}  // namespace le

#endif  // LE_MESSAGING_MESSAGING_CPP_LE_SIGNAL_H_
