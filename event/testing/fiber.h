// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// Threads of execution of which one runs at a time. Only the simulation uses
// them.

#ifndef LE_MESSAGING_EVENT_TESTING_FIBER_H_
#define LE_MESSAGING_EVENT_TESTING_FIBER_H_

#include <functional>
#include <memory>

namespace le {
namespace event {

// A stack, and the per-thread state of C++ and of this project. All fibers
// share one thread of the operating system, because a switch is then a hundred
// times faster than between two threads. A sanitizer must know every stack, so
// under a sanitizer each fiber is a thread of its own; only one of these runs
// at a time.
class Fiber {
 public:
  // A fiber for the current stack of the calling thread.
  Fiber();
  // A fiber with a new stack. `body` runs when the fiber is first switched to,
  // and must end by calling Finish().
  explicit Fiber(std::function<void()> body);
  // The fiber must not be running. If it has not ended, its stack does not
  // unwind.
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
