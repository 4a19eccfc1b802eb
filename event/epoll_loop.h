// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef LE_MESSAGING_EVENT_EPOLL_LOOP_H_
#define LE_MESSAGING_EVENT_EPOLL_LOOP_H_

#include <sys/epoll.h>

#include <atomic>
#include <memory>
#include <vector>

#include "event/base/unique_fd.h"
#include "event/loop.h"
#include "event/loop_base.h"

namespace le {
namespace event {

// The clock of EpollLoop and of the default process: CLOCK_MONOTONIC, told in
// the form of absl::Time (whose ToTimespec() gives the kernel's value back).
Instant MonotonicNow();

// The loop of the operating system: epoll, level-triggered. An eventfd wakes it
// for tasks from other threads, and only if it sleeps, or may: in the steady
// state a turn costs one epoll_wait and a Post() of the owner no system call.
// A nested loop is an epoll descriptor of its own, watched by the outer one.
//
// Takes two descriptors, a third once GetFd() has been called. If these cannot
// be had, the constructor is fatal: there is nothing to go on with.
class EpollLoop final : public LoopBase {
 public:
  EpollLoop() : EpollLoop(nullptr) {}
  ~EpollLoop() override;

  void Post(Task* task) override;
  bool AddWatch(Watch* watch, int fd, uint32_t interest) override;
  void SetInterest(Watch* watch, uint32_t interest) override;
  void RemoveWatch(Watch* watch) override;
  void Stop() override;
  int GetFd() override;
  std::unique_ptr<Loop> CreateNested() override;

 protected:
  Instant ReadClock() override { return MonotonicNow(); }
  void Wake() override;
  void Wait(Instant deadline) override;
  bool DispatchEvent() override;
  bool HasEvents() const override;
  void OnTimerStarted() override;
  void OnServed() override;

 private:
  // How many events one system call fetches. More in one go only delay timers.
  static constexpr int kEventsPerWait = 64;

  // A watch that is never called: by its address it stands for something.
  struct Mark final : Watch {
    void OnReady(uint32_t) override {}
  };

  explicit EpollLoop(EpollLoop* parent);
  EpollLoop* Root();
  // Whether `watch` is a nested loop's. That is no step yet: its turn will come.
  bool NotedForNested(const Watch* watch);
  void Register(int fd, uint32_t events, void* tag);
  void SetWakeable(bool wakeable);
  int EpollWait(Instant deadline);
  // Sees to it that the descriptor becomes readable in time while somebody
  // else polls it.
  void PrepareForForeignPoll();
  void SetTimerFd(Instant deadline);
  // Whether somebody else may be polling the descriptor now.
  bool ForeignIdle() const { return foreign_ && !serving(); }

  UniqueFd epoll_;
  UniqueFd wake_;
  UniqueFd timer_;    // only in a root whose GetFd() was called
  Mark outer_watch_;  // in the outer loop, for this one
  Mark watches_;      // the end of the ring of all watches
  // Descriptors that epoll does not take, regular files above all, which are
  // always ready. Removed ones leave a null until the next round.
  std::vector<Watch*> always_ready_;
  size_t next_always_ready_ = 0;
  size_t always_ready_end_ = 0;

  struct epoll_event events_[kEventsPerWait];
  int next_event_ = 0;
  int event_count_ = 0;

  // Whether a task from elsewhere must be announced by `wake_`.
  std::atomic<bool> wakeable_{false};
  // Threads inside Post() or Stop(). The loop must outlive them, although the
  // task that they post may be what ends it.
  std::atomic<int> posting_{0};

  bool foreign_ = false;
  Instant timer_fd_deadline_ = absl::InfiniteFuture();
};

}  // namespace event
}  // namespace le

#endif  // LE_MESSAGING_EVENT_EPOLL_LOOP_H_
