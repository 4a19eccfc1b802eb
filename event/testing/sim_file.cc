// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#include "event/testing/sim_file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <algorithm>
#include <utility>

#include "event/testing/sim.h"

namespace le {
namespace event {
namespace {

constexpr uint32_t kAlways = EPOLLERR | EPOLLHUP;
constexpr uint32_t kKnownEvents =
    EPOLLIN | EPOLLPRI | EPOLLOUT | EPOLLERR | EPOLLHUP | EPOLLRDHUP | EPOLLET;
// EPOLL_CTL_ADD refuses to add an epoll that has this many levels of epolls
// below it. Levels above the watching epoll are not counted.
constexpr int kMaxDepth = 4;

template <typename T>
void Erase(std::vector<T*>* from, T* what) {
  from->erase(std::find(from->begin(), from->end(), what));
}

}  // namespace

void NotModelled(absl::string_view what) {
  fprintf(stderr, "simulated kernel: %.*s is not modelled\n",
          static_cast<int>(what.size()), what.data());
  abort();
}

// ---- SimFile ---------------------------------------------------------------

SimFile::SimFile(SimFiles* all) : all_(all) { all_->insert(this); }

SimFile::~SimFile() {
  while (!watchers_.empty()) watchers_.back()->epoll->Remove(watchers_.back());
  all_->erase(this);
}

void SimFile::Unref() {
  if (--references_ == 0) delete this;
}

ssize_t SimFile::Read(void*, size_t) { return -EINVAL; }
ssize_t SimFile::Write(const void*, size_t) { return -EINVAL; }

void SimFile::Wake(uint32_t events) {
  ++wakes_;
  // As in Linux, the watcher that was added last is woken first.
  for (auto it = watchers_.rbegin(); it != watchers_.rend(); ++it) {
    (*it)->epoll->OnWake(*it, events);
  }
}

// ---- SimEpoll --------------------------------------------------------------

SimEpoll::~SimEpoll() {
  while (!items_.empty()) Remove(items_.back());
}

uint32_t SimEpoll::PollItem(const SimEpollItem* item) const {
  return item->file->Poll() & (item->event.events | kAlways);
}

uint32_t SimEpoll::Poll() { return HasReady() ? EPOLLIN : 0u; }

bool SimEpoll::HasReady() {
  while (!ready_.empty()) {
    if (PollItem(ready_.front()) != 0) return true;
    ready_.front()->ready = false;
    ready_.pop_front();
  }
  return false;
}

void SimEpoll::MarkReady(SimEpollItem* item) {
  if (!item->ready) {
    item->ready = true;
    ready_.push_back(item);
  }
  Wake(EPOLLIN);
}

void SimEpoll::OnWake(SimEpollItem* item, uint32_t events) {
  if (events != 0 && (events & (item->event.events | kAlways)) == 0) return;
  MarkReady(item);
}

void SimEpoll::Remove(SimEpollItem* item) {
  Erase(&items_, item);
  Erase(&item->file->watchers_, item);
  if (item->ready) ready_.erase(std::find(ready_.begin(), ready_.end(), item));
  delete item;
}

bool SimEpoll::Watches(const SimEpoll* epoll, int* depth) const {
  if (epoll == this) return true;
  int deepest = 0;
  for (const SimEpollItem* item : items_) {
    const auto* const inner = dynamic_cast<const SimEpoll*>(item->file);
    if (inner == nullptr) continue;
    int below = 0;
    if (inner->Watches(epoll, &below)) return true;
    deepest = std::max(deepest, below + 1);
  }
  *depth = deepest;
  return false;
}

int SimEpoll::Control(int operation, SimFile* file, int fd,
                      const struct epoll_event* event) {
  if (!file->CanBeWatched()) return -EPERM;
  if (file == this) return -EINVAL;
  const auto it =
      std::find_if(items_.begin(), items_.end(), [&](const SimEpollItem* item) {
        return item->file == file && item->fd == fd;
      });
  if (operation != EPOLL_CTL_DEL && (event->events & ~kKnownEvents) != 0) {
    NotModelled("an epoll flag");
  }
  switch (operation) {
    case EPOLL_CTL_ADD: {
      if (auto* const inner = dynamic_cast<SimEpoll*>(file)) {
        int depth = 0;
        if (inner->Watches(this, &depth) || depth >= kMaxDepth) return -ELOOP;
      }
      if (it != items_.end()) return -EEXIST;
      auto* const item = new SimEpollItem{this, file, fd, *event};
      items_.push_back(item);
      file->watchers_.push_back(item);
      if (PollItem(item) != 0) MarkReady(item);
      return 0;
    }
    case EPOLL_CTL_MOD:
      if (it == items_.end()) return -ENOENT;
      (*it)->event = *event;
      if (PollItem(*it) != 0) MarkReady(*it);
      return 0;
    case EPOLL_CTL_DEL:
      if (it == items_.end()) return -ENOENT;
      Remove(*it);
      return 0;
  }
  return -EINVAL;
}

int SimEpoll::Take(struct epoll_event* events, int count) {
  int taken = 0;
  // Level-triggered items stay in ready_, but move behind the items that this
  // call does not take.
  size_t left = ready_.size();
  std::vector<SimEpollItem*> again;
  while (left > 0 && taken < count) {
    SimEpollItem* const item = ready_.front();
    ready_.pop_front();
    --left;
    item->ready = false;
    const uint32_t happened = PollItem(item);
    if (happened == 0) continue;
    events[taken].events = happened;
    events[taken].data = item->event.data;
    ++taken;
    if ((item->event.events & EPOLLET) == 0) again.push_back(item);
  }
  for (SimEpollItem* item : again) {
    item->ready = true;
    ready_.push_back(item);
  }
  return taken;
}

// ---- SimEventFd ------------------------------------------------------------

uint32_t SimEventFd::Poll() {
  uint32_t events = 0;
  if (value_ > 0) events |= EPOLLIN;
  if (value_ == UINT64_MAX) events |= EPOLLERR;
  if (value_ < UINT64_MAX - 1) events |= EPOLLOUT;
  return events;
}

ssize_t SimEventFd::Read(void* buffer, size_t size) {
  if (size < sizeof(value_)) return -EINVAL;
  if (value_ == 0) return -EAGAIN;
  memcpy(buffer, &value_, sizeof(value_));
  value_ = 0;
  Wake(EPOLLOUT);
  return sizeof(value_);
}

ssize_t SimEventFd::Write(const void* buffer, size_t size) {
  uint64_t more;
  if (size < sizeof(more)) return -EINVAL;
  memcpy(&more, buffer, sizeof(more));
  if (more == UINT64_MAX) return -EINVAL;
  if (more > UINT64_MAX - 1 - value_) return -EAGAIN;
  value_ += more;
  Wake(EPOLLIN);
  return sizeof(more);
}

// ---- SimTimerFd ------------------------------------------------------------

SimTimerFd::SimTimerFd(SimFiles* all, Simulation* sim,
                       std::vector<SimTimerFd*>* timers)
    : SimFile(all), sim_(sim), timers_(timers) {
  timers_->push_back(this);
}

SimTimerFd::~SimTimerFd() { Erase(timers_, this); }

uint32_t SimTimerFd::Poll() { return expirations_ > 0 ? EPOLLIN : 0u; }

ssize_t SimTimerFd::Read(void* buffer, size_t size) {
  if (size < sizeof(expirations_)) return -EINVAL;
  if (expirations_ == 0) return -EAGAIN;
  memcpy(buffer, &expirations_, sizeof(expirations_));
  expirations_ = 0;
  return sizeof(expirations_);
}

void SimTimerFd::Set(Instant expiry) {
  expirations_ = 0;
  expiry_ = expiry;
  Tick();
}

void SimTimerFd::Tick() {
  if (sim_->Now() < expiry_) return;
  expiry_ = absl::InfiniteFuture();
  expirations_ = 1;
  Wake(EPOLLIN);
}

// ---- SimPipeEnd ------------------------------------------------------------

SimPipeEnd::SimPipeEnd(SimFiles* all, event::Ref<SimPipe> pipe, bool writes)
    : SimFile(all), pipe_(std::move(pipe)), writes_(writes) {
  flags = writes ? O_WRONLY : O_RDONLY;
  ++(writes ? pipe_->writers : pipe_->readers);
  pipe_->ends.push_back(this);
}

SimPipeEnd::~SimPipeEnd() {
  --(writes_ ? pipe_->writers : pipe_->readers);
  Erase(&pipe_->ends, this);
  WakeAll(!writes_, 0);
}

void SimPipeEnd::WakeAll(bool writers, uint32_t events) {
  for (SimPipeEnd* end : pipe_->ends) {
    if (end->writes_ == writers) end->Wake(events);
  }
}

uint32_t SimPipeEnd::Poll() {
  uint32_t events = 0;
  if (writes_) {
    if (!pipe_->full()) events |= EPOLLOUT;
    if (pipe_->readers == 0) events |= EPOLLERR;
  } else {
    if (!pipe_->pages.empty()) events |= EPOLLIN;
    if (pipe_->writers == 0) events |= EPOLLHUP;
  }
  return events;
}

ssize_t SimPipeEnd::Read(void* buffer, size_t size) {
  if (writes_) return -EBADF;
  if (size == 0) return 0;
  if (pipe_->pages.empty()) return pipe_->writers == 0 ? 0 : -EAGAIN;
  const bool was_full = pipe_->full();
  size_t read = 0;
  while (read < size && !pipe_->pages.empty()) {
    SimPipe::Page& page = pipe_->pages.front();
    const size_t part = std::min(size - read, page.bytes.size() - page.begin);
    memcpy(static_cast<char*>(buffer) + read, page.bytes.data() + page.begin,
           part);
    page.begin += part;
    read += part;
    if (page.begin == page.bytes.size()) pipe_->pages.pop_front();
  }
  if (was_full && !pipe_->full()) WakeAll(/*writers=*/true, EPOLLOUT);
  return static_cast<ssize_t>(read);
}

ssize_t SimPipeEnd::Write(const void* buffer, size_t size) {
  if (!writes_) return -EBADF;
  if (size == 0) return 0;
  if (pipe_->readers == 0) return -EPIPE;
  const bool was_empty = pipe_->pages.empty();
  const auto* bytes = static_cast<const char*>(buffer);
  size_t written = 0;
  // As in Linux: if `size` is not a multiple of a page, the excess bytes are
  // appended to the last page, but only if all of them fit there.
  const size_t over = size % SimPipe::kPageBytes;
  if (over > 0 && !was_empty) {
    std::string& last = pipe_->pages.back().bytes;
    if (last.size() + over <= SimPipe::kPageBytes) {
      last.append(bytes, over);
      written = over;
    }
  }
  while (written < size && !pipe_->full()) {
    const size_t part = std::min(size - written, SimPipe::kPageBytes);
    pipe_->pages.emplace_back();
    pipe_->pages.back().bytes.assign(bytes + written, part);
    written += part;
  }
  if (written == 0) return -EAGAIN;
  WakeAll(/*writers=*/false, EPOLLIN);
  return static_cast<ssize_t>(written);
}

}  // namespace event
}  // namespace le
