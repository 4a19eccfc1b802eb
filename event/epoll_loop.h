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
// absl::Time. ToTimespec() of the result is the kernel's value.
Instant MonotonicNow();

// The loop of the operating system. It uses epoll, level-triggered. In the
// steady state a turn makes at most one epoll_wait. Post() writes to an
// eventfd, but only if the loop sleeps or may sleep. So a Post() inside a turn
// of the loop makes no system call.
//
// A nested loop has an epoll descriptor and an eventfd of its own. The outer
// loop watches the nested loop's epoll descriptor. A timer of the outer loop
// expires at the nested loop's next deadline.
//
// An EpollLoop uses two file descriptors. GetFd() of a loop that is not nested
// makes a third one. It is fatal if one of the three cannot be made.
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
  // The most events that one epoll_wait fetches. A larger number would delay
  // tasks and timers.
  static constexpr int kMaxEvents = 64;

  // The end node of a ring of watches. It is never called.
  struct End final : Watch {
    void OnReady(uint32_t) override {}
  };

  explicit EpollLoop(EpollLoop* outer);

  // ---- Watches ----

  static void Link(Watch* ring, Watch* watch);
  static void Unlink(Watch* watch);
  void Start(Watch* watch, int fd, uint32_t interest);
  // Sets the watch's interest, and updates writable_watches_.
  void Note(Watch* watch, uint32_t interest);
  // Calls epoll_ctl() for EPOLL_CTL_ADD or EPOLL_CTL_MOD.
  bool Control(int operation, int fd, uint32_t events, void* tag);
  // Registers a watch with epoll. If epoll refuses with EPERM, adds the watch
  // to always_ready_. After any other refusal, returns false and sets errno.
  bool Register(Watch* watch);
  bool HasUnregistered() const { return unregistered_.next_ != &unregistered_; }
  // Returns the unregistered watch if there is exactly one, and fewer than
  // kMaxPolls waits have polled it. Otherwise returns null.
  Watch* TheNewWatch() const;
  // Registers the watches of unregistered_. Does nothing before refused_until_.
  // If the kernel lacks memory or watches, sets refused_until_. Only the first
  // of these refusals in a row is logged.
  void RegisterUnregistered();
  bool RegisterAll();
  void OnNoneUnregistered();
  // Whether a watch of always_ready_ has an interest.
  bool HasAlwaysReady() const;

  // ---- Waiting and waking ----

  // Clears wakeable_. Returns whether it was set: then the caller must wake the
  // loop.
  bool MustWake();
  void WriteWake();
  // Waits for events until `deadline` and fetches them.
  int EpollWait(Instant deadline);
  // Like EpollWait(), but also waits for events of `watch`. May return up to a
  // millisecond early.
  int PollWith(Watch* watch, Instant deadline);
  void BeginRoundOfAlwaysReady();

  // ---- While it is served from outside ----

  // Whether a foreign or outer loop may be waiting for this loop now.
  bool ServedFromOutside() const {
    return (timer_fd_ || outer() != nullptr) && !serving();
  }
  // Makes the epoll descriptor readable if this loop has something to do. Also
  // arranges that the outer or foreign loop serves this loop at the next
  // deadline.
  void Announce();
  void AnnounceIfServedFromOutside();
  void AnnounceDeadline();
  // When this loop next has something to do without an event.
  Instant NextAlarm() const;
  void SetTimerFd(Instant deadline);
  void NoteTimerFd();

  UniqueFd epoll_;
  UniqueFd wake_fd_;
  UniqueFd timer_fd_;  // created by GetFd()
  Instant timer_fd_deadline_ = absl::InfiniteFuture();

  // The end nodes of two rings. watches_: registered watches, and watches whose
  // refusal is final. unregistered_: watches that are not registered yet.
  End watches_;
  End unregistered_;
  int writable_watches_ = 0;  // watches of both rings that wait for kWritable
  // The number of waits that have polled a watch of unregistered_ since
  // unregistered_ was last empty.
  int polls_ = 0;
  // When to try again to register the refused watches. InfinitePast() if the
  // kernel has refused none.
  Instant refused_until_ = absl::InfinitePast();
  // Watches of file descriptors that epoll refuses with EPERM, mostly regular
  // files. These watches are always ready. A removed watch is replaced by null,
  // which BeginRoundOfAlwaysReady() erases.
  std::vector<Watch*> always_ready_;
  size_t next_always_ready_ = 0;
  size_t always_ready_end_ = 0;

  // The events of the last Wait(). Events from next_event_ on are not
  // dispatched yet. An event's tag is its watch, or null if it has no watch or
  // the watch was removed.
  struct epoll_event events_[kMaxEvents + 1];
  int event_count_ = 0;
  int next_event_ = 0;

  // Whether a post must write to the eventfd. Set before this loop sleeps, and
  // before an outer or foreign loop waits for this loop. Cleared by the first
  // post and by the end of Wait().
  std::atomic<bool> wakeable_{false};
  // The number of threads that are inside Post() or Stop(), or between
  // PostQuietly() and WakeAfterPost(). The destructor waits for these threads,
  // because the posted task may destroy the loop.
  std::atomic<int> posting_{0};
};

}  // namespace event
}  // namespace le

#endif  // LE_MESSAGING_EVENT_EPOLL_LOOP_H_
