// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef LE_MESSAGING_EVENT_EPOLL_LOOP_H_
#define LE_MESSAGING_EVENT_EPOLL_LOOP_H_

#include <poll.h>
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
//
// A nested loop has no descriptors of its own: its outer loop watches for it. Run
// alone, it polls what it watches, which is mostly very little.
//
// Takes two descriptors, a third once GetFd() has been called. If these cannot
// be had, the constructor is fatal: there is nothing to go on with.
class EpollLoop final : public LoopBase {
 public:
  EpollLoop() : EpollLoop(nullptr) {}
  ~EpollLoop() override;

  void Post(Task* task) override;
  bool PostQuietly(Task* task) override;
  void WakeAfterPost() override;
  bool AddWatch(Watch* watch, int fd, uint32_t interest) override;
  void AddWatchLater(Watch* watch, int fd, uint32_t interest) override;
  void SetInterest(Watch* watch, uint32_t interest) override;
  void RemoveWatch(Watch* watch) override;
  void Stop() override;
  int GetFd() override;
  std::unique_ptr<Loop> CreateNested() override;

 protected:
  Instant ReadClock() override { return MonotonicNow(); }
  void Wake() override;
  void Wait(Instant deadline) override;
  void NoteEventsAsNested() override;
  bool DispatchEvent() override;
  bool HasEvents() const override;
  void OnTimerStarted() override;
  void OnServed() override;

 private:
  // How many events one system call fetches. More in one go only delay timers.
  static constexpr size_t kEventsPerWait = 64;

  // A watch that is never called: by its address it stands for something.
  struct Mark final : Watch {
    void OnReady(uint32_t) override {}
  };

  // An event that has been fetched, until it is dispatched. No watch: it was for
  // none, or for one that has been removed.
  struct Event {
    Watch* watch;
    uint32_t events;  // the watch's
  };

  explicit EpollLoop(EpollLoop* parent);
  EpollLoop* Root();
  // Between the marks of a ring.
  static void Link(Watch* ring, Watch* watch);
  static void Unlink(Watch* watch);
  void Start(Watch* watch, int fd, uint32_t interest);
  // Tells the kernel. False, with errno, if it refuses.
  bool Register(Watch* watch);
  void Register(int fd, uint32_t events, void* tag);
  // All that AddWatchLater() has left, here and in nested loops. Infinite: none
  // are left. Else the kernel has refused, and this is when to try again.
  Instant RegisterUnregistered();
  bool RegisterOwn();
  bool HasUnregistered() const;
  // Whether the loop sleeps, or may, and nobody else wakes it.
  bool MustWake();
  void WriteWake();
  void BeginRound();
  void ForgetEvents();
  void FetchByEpoll(Instant deadline);
  void FetchByPoll(Instant deadline);
  int EpollWait(struct epoll_event* events, Instant deadline);
  // Sees to it that the descriptor becomes readable in time while somebody
  // else polls it.
  void PrepareForForeignPoll();
  void SetTimerFd(Instant deadline);
  // Whether somebody else may be polling the descriptor now.
  bool ForeignIdle() const { return foreign_ && !serving(); }

  // Only in a root; its timer only once GetFd() was called.
  UniqueFd epoll_;
  UniqueFd wake_;
  UniqueFd timer_;
  Mark watches_;       // the end of the ring of watches that the kernel knows
  Mark unregistered_;  // and of those that it is yet to be told of
  Instant refused_until_ = absl::InfinitePast();  // in a root
  // Descriptors that epoll does not take, regular files above all, which are
  // always ready. Removed ones leave a null until the next round.
  std::vector<Watch*> always_ready_;
  size_t next_always_ready_ = 0;
  size_t always_ready_end_ = 0;

  std::vector<Event> events_;
  size_t next_event_ = 0;
  std::vector<struct pollfd> polled_;  // of FetchByPoll(), for the next

  // In a root: whether a task from elsewhere must be announced by `wake_`.
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
