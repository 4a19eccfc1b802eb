// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// For tests of loops: tasks, timers, watches and hooks that call a function,
// and a counter of system calls.

#ifndef LE_MESSAGING_EVENT_LOOP_TEST_UTIL_H_
#define LE_MESSAGING_EVENT_LOOP_TEST_UTIL_H_

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <functional>
#include <map>
#include <string>
#include <utility>

#include "event/base/sys.h"
#include "event/base/unique_fd.h"
#include "event/loop.h"
#include "gtest/gtest.h"

namespace le {
namespace event {

class FnTask : public Task {
 public:
  explicit FnTask(std::function<void()> fn) : fn_(std::move(fn)) {}
  void Run() override { fn_(); }

 private:
  const std::function<void()> fn_;
};

class FnTimer : public Timer {
 public:
  explicit FnTimer(std::function<void()> fn) : fn_(std::move(fn)) {}
  void OnExpiry() override { fn_(); }

 private:
  const std::function<void()> fn_;
};

class FnWatch : public Watch {
 public:
  explicit FnWatch(std::function<void(uint32_t)> fn) : fn_(std::move(fn)) {}
  void OnReady(uint32_t events) override { fn_(events); }

 private:
  const std::function<void(uint32_t)> fn_;
};

class FnHook : public TurnEndHook {
 public:
  explicit FnHook(std::function<void()> fn) : fn_(std::move(fn)) {}
  void OnTurnEnd() override { fn_(); }

 private:
  const std::function<void()> fn_;
};

// Counts the system calls of each name during its lifetime. Calls of the name
// `fail` fail with `error`.
class CallCounter : public sys::Interceptor {
 public:
  CallCounter() { sys::SetInterceptor(this); }
  ~CallCounter() override { sys::SetInterceptor(nullptr); }
  int FailCall(const sys::Call& call) override {
    ++calls[call.name];
    return fail == call.name ? error : 0;
  }
  std::map<std::string, int> calls;
  std::string fail;
  int error = 0;
};

class EventFdPair {
 public:
  EventFdPair() : fd_(sys::EventFd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}
  int fd() const { return fd_.get(); }
  void Signal() {
    const uint64_t one = 1;
    ASSERT_EQ(sys::Write(fd(), &one, sizeof(one)), 8);
  }
  void Clear() {
    uint64_t value;
    ASSERT_EQ(sys::Read(fd(), &value, sizeof(value)), 8);
  }

 private:
  UniqueFd fd_;
};

inline bool Readable(int fd) {
  struct pollfd p = {fd, POLLIN, 0};
  return poll(&p, 1, 0) == 1;
}

// Runs turns until nothing is ready.
inline void Settle(Loop* loop) {
  while (loop->RunTurn(absl::InfinitePast())) {
  }
}

}  // namespace event
}  // namespace le

#endif  // LE_MESSAGING_EVENT_LOOP_TEST_UTIL_H_
