// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// The open files of the simulated kernel, to which descriptors refer.
//
// No function here waits. A function that would have to wait returns -EAGAIN.
// The simulated kernel then waits, and calls the function again. Negative
// results are errnos.

#ifndef LE_MESSAGING_EVENT_TESTING_SIM_FILE_H_
#define LE_MESSAGING_EVENT_TESTING_SIM_FILE_H_

#include <fcntl.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <unordered_set>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "event/base/ref.h"
#include "event/loop.h"

namespace le {
namespace event {

class SimEpoll;
class SimFile;
class Simulation;

// Prints `what` and ends the program, because the simulated kernel does not
// model it.
[[noreturn]] void NotModelled(absl::string_view what);

// All open files of a kernel.
using SimFiles = std::unordered_set<SimFile*>;

// An open file. It lives while a descriptor, a packet in flight or a waiting
// call refers to it.
class SimFile {
 public:
  explicit SimFile(SimFiles* all);
  SimFile(const SimFile&) = delete;
  SimFile& operator=(const SimFile&) = delete;

  void Ref() { ++references_; }
  void Unref();

  virtual const char* kind() const = 0;
  // The current events (EPOLLIN, ...).
  virtual uint32_t Poll() = 0;
  virtual ssize_t Read(void* buffer, size_t size);
  virtual ssize_t Write(const void* buffer, size_t size);
  // Whether epoll accepts this file. epoll refuses regular files.
  virtual bool CanBeWatched() const { return true; }
  // The value of st_mode.
  virtual mode_t mode() const { return 0600; }
  // Adds the files that this file refers to, such as files of unread packets.
  virtual void AddKept(std::vector<SimFile*>* kept) const {
    static_cast<void>(kept);
  }
  // Releases the files that this file refers to. Called when no process can
  // reach this file any more.
  virtual void DropKept() {}

  bool nonblocking() const { return (flags & O_NONBLOCK) != 0; }
  // O_NONBLOCK and the access mode.
  int flags = O_RDWR;
  // The value of F_SETSIG. Tests use it to identify the file.
  int signal = 0;
  // How long it takes to close the last file descriptor of this file.
  absl::Duration close_time;
  int references() const { return references_; }
  // Incremented whenever threads that wait for the file are woken.
  uint64_t wakes() const { return wakes_; }

 protected:
  virtual ~SimFile();
  // Wakes the threads that wait for the file (see wakes()), and notifies the
  // epolls that watch it. `events` are the new events; 0 means any event.
  void Wake(uint32_t events);

 private:
  friend class SimEpoll;
  friend class SimSock;
  SimFiles* const all_;
  int references_ = 1;
  uint64_t wakes_ = 0;
  // The items of all epolls that watch this file.
  std::vector<struct SimEpollItem*> watchers_;
};

using SimFileRef = event::Ref<SimFile>;

struct SimEpollItem {
  SimEpoll* epoll;
  SimFile* file;
  int fd;
  struct epoll_event event;
  bool ready = false;  // whether it is in the epoll's ready_
};

class SimEpoll final : public SimFile {
 public:
  explicit SimEpoll(SimFiles* all) : SimFile(all) {}
  const char* kind() const override { return "epoll"; }
  uint32_t Poll() override;
  int Control(int operation, SimFile* file, int fd,
              const struct epoll_event* event);
  // Whether Take() would return any event. May remove items that are not ready
  // from ready_.
  bool HasReady();
  int Take(struct epoll_event* events, int count);

 protected:
  ~SimEpoll() override;

 private:
  friend class SimFile;
  // Called when the readiness of the item's file may have changed.
  void OnWake(SimEpollItem* item, uint32_t events);
  void MarkReady(SimEpollItem* item);
  void Remove(SimEpollItem* item);
  uint32_t PollItem(const SimEpollItem* item) const;
  // Whether this epoll is `epoll`, or watches `epoll` directly or through other
  // epolls. If not, sets `depth` to the number of levels of epolls below this
  // one.
  bool Watches(const SimEpoll* epoll, int* depth) const;

  std::vector<SimEpollItem*> items_;
  std::deque<SimEpollItem*> ready_;
};

class SimEventFd final : public SimFile {
 public:
  SimEventFd(SimFiles* all, uint64_t value) : SimFile(all), value_(value) {}
  const char* kind() const override { return "eventfd"; }
  uint32_t Poll() override;
  ssize_t Read(void* buffer, size_t size) override;
  ssize_t Write(const void* buffer, size_t size) override;

 private:
  uint64_t value_;
};

class SimTimerFd final : public SimFile {
 public:
  // The timerfd is in `timers` during its lifetime.
  SimTimerFd(SimFiles* all, Simulation* sim, std::vector<SimTimerFd*>* timers);
  const char* kind() const override { return "timerfd"; }
  uint32_t Poll() override;
  ssize_t Read(void* buffer, size_t size) override;
  // InfiniteFuture() disarms the timer.
  void Set(Instant expiry);
  Instant expiry() const { return expiry_; }
  // Call it when the time has advanced.
  void Tick();

 protected:
  ~SimTimerFd() override;

 private:
  Simulation* const sim_;
  std::vector<SimTimerFd*>* const timers_;
  Instant expiry_ = absl::InfiniteFuture();
  uint64_t expirations_ = 0;
};

// /dev/null.
class SimNull final : public SimFile {
 public:
  explicit SimNull(SimFiles* all) : SimFile(all) {}
  const char* kind() const override { return "/dev/null"; }
  uint32_t Poll() override { return EPOLLIN | EPOLLOUT; }
  ssize_t Read(void*, size_t) override { return 0; }
  ssize_t Write(const void*, size_t size) override {
    return static_cast<ssize_t>(size);
  }
  bool CanBeWatched() const override { return false; }
  mode_t mode() const override { return 0020666; }
};

// The state that all ends of a pipe share.
struct SimPipe {
  static constexpr size_t kPages = 16;
  static constexpr size_t kPageBytes = 4096;
  struct Page {
    std::string bytes;
    size_t begin = 0;  // offset of the first unread byte
  };
  void Ref() { ++references; }
  void Unref() {
    if (--references == 0) delete this;
  }
  bool full() const { return pages.size() >= kPages; }
  std::deque<Page> pages;
  int references = 1;
  std::vector<class SimPipeEnd*> ends;
  int readers = 0;
  int writers = 0;
};

class SimPipeEnd final : public SimFile {
 public:
  SimPipeEnd(SimFiles* all, event::Ref<SimPipe> pipe, bool writes);
  const char* kind() const override {
    return writes_ ? "pipe to write" : "pipe";
  }
  uint32_t Poll() override;
  ssize_t Read(void* buffer, size_t size) override;
  // Writes as many bytes as the pipe has room for. Returns -EPIPE if no reader
  // is open.
  ssize_t Write(const void* buffer, size_t size) override;
  mode_t mode() const override { return 0010600; }
  bool writes() const { return writes_; }
  const event::Ref<SimPipe>& pipe() const { return pipe_; }

 protected:
  ~SimPipeEnd() override;

 private:
  void WakeAll(bool writers, uint32_t events);
  const event::Ref<SimPipe> pipe_;
  const bool writes_;
};

// A descriptor that refers to a process.
class SimPidFd final : public SimFile {
 public:
  SimPidFd(SimFiles* all, pid_t pid, bool ended)
      : SimFile(all), pid_(pid), ended_(ended) {}
  const char* kind() const override { return "pidfd"; }
  // Zombies are not modelled: a process that has ended counts as waited for.
  uint32_t Poll() override { return ended_ ? EPOLLIN | EPOLLHUP : 0u; }
  void OnEnd(pid_t pid) {
    if (pid != pid_) return;
    ended_ = true;
    Wake(EPOLLIN | EPOLLHUP);
  }

 private:
  const pid_t pid_;
  bool ended_;
};

}  // namespace event
}  // namespace le

#endif  // LE_MESSAGING_EVENT_TESTING_SIM_FILE_H_
