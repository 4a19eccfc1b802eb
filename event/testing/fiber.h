// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// For the simulation only: threads of execution of which one runs at a time.

#ifndef LE_MESSAGING_EVENT_TESTING_FIBER_H_
#define LE_MESSAGING_EVENT_TESTING_FIBER_H_

#include <functional>
#include <memory>

namespace le {
namespace event {

// A stack, and the per-thread state of the language and of ours. All fibers
// share one thread of the operating system: a switch is a hundred times faster
// than between two threads. Under a sanitizer, which must know of every stack,
// each fiber is a thread, and only one of these runs at a time.
class Fiber {
 public:
  // The stack that the calling thread runs on already.
  Fiber();
  // A new one. `body` runs when it is first switched to, and must end by
  // Finish().
  explicit Fiber(std::function<void()> body);
  // Must not be running. One that has not ended is abandoned.
  ~Fiber();
  Fiber(const Fiber&) = delete;
  Fiber& operator=(const Fiber&) = delete;

  // Switches from `from`, which runs now, to `to`. Returns when another fiber
  // switches back.
  static void Switch(Fiber* from, Fiber* to);
  // The last call of the body of `from`: switches to `to`, and never returns.
  static void Finish(Fiber* from, Fiber* to);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace event
}  // namespace le

#endif  // LE_MESSAGING_EVENT_TESTING_FIBER_H_
