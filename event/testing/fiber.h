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

// A stack of its own, and what the language and we keep per thread. All fibers
// share one thread of the operating system: a switch is a hundred times faster
// than between two threads. Under a sanitizer, which must know of every stack,
// each fiber is a thread that waits for its turn.
class Fiber {
 public:
  // What the calling thread runs already.
  Fiber();
  // A new one. `body` runs when it is first switched to, and must end by
  // Finish().
  explicit Fiber(std::function<void()> body);
  // Not while it runs. One that has not ended is given up as it stands.
  ~Fiber();
  Fiber(const Fiber&) = delete;
  Fiber& operator=(const Fiber&) = delete;

  // Goes on with `to`. Returns when another fiber switches back to `from`, which
  // runs now.
  static void Switch(Fiber* from, Fiber* to);
  // The last that the body of `from` does: goes on with `to`, for good.
  static void Finish(Fiber* from, Fiber* to);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace event
}  // namespace le

#endif  // LE_MESSAGING_EVENT_TESTING_FIBER_H_
