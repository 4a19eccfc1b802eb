// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef LE_MESSAGING_EVENT_EPOLL_LOOP_H_
#define LE_MESSAGING_EVENT_EPOLL_LOOP_H_

#include <sys/epoll.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "event/base/unique_fd.h"
#include "event/loop.h"
#include "event/loop_base.h"

namespace le {
namespace event {

// The clock of EpollLoop and of the default process: CLOCK_MONOTONIC as an
// absl::Time (ToTimespec() gives the kernel's value).
Instant MonotonicNow();

// The loop of the operating system: epoll, level-triggered. For tasks from
// other threads an eventfd wakes it, but only if it sleeps or may sleep. So in
// the steady state a turn makes one epoll_wait, and a Post() of the owner no
// system call.
//
// A nested loop has an epoll descriptor and an eventfd of its own. The outer
// loop watches that epoll descriptor, as a foreign loop would. A timer of the
// outer loop announces the nested loop's next deadline.
//
// Uses two file descriptors, and a third once GetFd() has been called. If they
// cannot be made, the constructor is fatal.
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
  bool HasOutput() const override {
    return writable_watches_ > 0 || LoopBase::HasOutput();
  }
  int PollAndServe(struct pollfd* polled, Instant deadline) override;

 protected:
  Instant ReadClock() override { return MonotonicNow(); }
  Instant ReadCoarseClock() override;
  void Wake() override;
  void Wait(Instant deadline) override;
  bool DispatchEvent() override;
  void OnTimerStarted() override;
  void OnServed() override { AnnounceIfServedFromOutside(); }

 private:
  // The most events that one system call fetches. More would only delay timers.
  static constexpr int kMaxEvents = 64;

  // A watch that is never called: the end of a ring of watches.
  struct End final : Watch {
    void OnReady(uint32_t) override {}
  };

  explicit EpollLoop(EpollLoop* outer);

  // ---- Watches ----

  static void Link(Watch* ring, Watch* watch);
  static void Unlink(Watch* watch);
  void Start(Watch* watch, int fd, uint32_t interest);
  // Sets the interest of a watch, 0 for one that is removed.
  void Note(Watch* watch, uint32_t interest);
  // EPOLL_CTL_ADD or EPOLL_CTL_MOD.
  bool Control(int operation, int fd, uint32_t events, void* tag);
  // Registers a watch with epoll. False, with errno, if the kernel refuses.
  bool Register(Watch* watch);
  bool HasUnregistered() const { return unregistered_.next_ != &unregistered_; }
  // The only unregistered watch, if no wait has included it yet. Null if there
  // is none, or more than one.
  Watch* TheNewWatch() const;
  // Registers the watches that AddWatchLater() has deferred. If the kernel
  // refuses, sets refused_until_.
  void RegisterUnregistered();
  bool RegisterAll();
  void OnNoneUnregistered();
  // Whether a watch of always_ready_ has an interest.
  bool HasAlwaysReady() const;

  // ---- Waiting and waking ----

  // Whether a wake is needed: the loop sleeps or may sleep, and no other thread
  // has woken it.
  bool MustWake();
  void WriteWake();
  // Fetches events, waiting for them until `deadline`.
  int EpollWait(Instant deadline);
  // Like EpollWait(), but includes `watch`. May return up to a millisecond
  // early.
  int PollWith(Watch* watch, Instant deadline);
  void BeginRoundOfAlwaysReady();

  // ---- While it is served from outside ----

  // Whether a foreign loop or an outer loop may be waiting for this one now.
  bool ServedFromOutside() const {
    return (timer_fd_ || outer() != nullptr) && !serving();
  }
  // Makes the epoll descriptor readable if there is something to do. Otherwise
  // arranges that it becomes readable at the next deadline.
  void Announce();
  void AnnounceIfServedFromOutside();
  void AnnounceDeadline();
  // When there is something to do without an event.
  Instant NextAlarm() const;
  void SetTimerFd(Instant deadline);
  void NoteTimerFd();

  UniqueFd epoll_;
  UniqueFd wake_fd_;
  UniqueFd timer_fd_;  // once GetFd() has been called
  Instant timer_fd_deadline_ = absl::InfiniteFuture();

  // The ends of two rings: watches that are registered or were refused for
  // good, and watches that are not registered yet.
  End watches_;
  End unregistered_;
  int writable_watches_ = 0;  // the watches of both that wait for kWritable
  // A wait has included the watches of unregistered_ since it was last empty.
  bool has_polled_ = false;
  // When to register a refused watch again. InfinitePast(): none is refused.
  Instant refused_until_ = absl::InfinitePast();
  // Watches of file descriptors that epoll refuses, mostly regular files. They
  // are always ready. A removed one leaves a null until the next round.
  std::vector<Watch*> always_ready_;
  size_t next_always_ready_ = 0;
  size_t always_ready_end_ = 0;

  // The events of the last epoll_wait; those from next_event_ on are not
  // dispatched yet. The tag is the watch. Null: the event belongs to no watch,
  // or the watch was removed.
  struct epoll_event events_[kMaxEvents + 1];
  int event_count_ = 0;
  int next_event_ = 0;

  // Whether a post must write to the eventfd: the loop sleeps or is about to,
  // or an outer or foreign loop waits for it.
  std::atomic<bool> wakeable_{false};
  // The number of threads inside Post() or Stop(). The destructor waits for
  // them, because the posted task may destroy the loop.
  std::atomic<int> posting_{0};
};

}  // namespace event
}  // namespace le

#endif  // LE_MESSAGING_EVENT_EPOLL_LOOP_H_
