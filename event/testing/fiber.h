// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// Fibers: threads of execution, of which only one runs at a time. Only the
// simulation uses them.

#ifndef LE_MESSAGING_EVENT_TESTING_FIBER_H_
#define LE_MESSAGING_EVENT_TESTING_FIBER_H_

#include <functional>
#include <memory>

namespace le {
namespace event {

// A fiber has a stack, and the per-thread state of C++ and of this project. All
// fibers share one thread of the operating system, because a switch between
// fibers is a hundred times faster than between threads. But AddressSanitizer
// and ThreadSanitizer must know every stack. So under these sanitizers each
// fiber is a thread of its own, and only one of these threads runs at a time.
class Fiber {
 public:
  // Makes a fiber of the calling thread and its current stack.
  Fiber();
  // Makes a fiber with a new stack. The first switch to the fiber runs `body`,
  // which must end by calling Finish().
  explicit Fiber(std::function<void()> body);
  // The fiber must not be running. If its body has not ended, the stack does
  // not unwind.
  ~Fiber();
  Fiber(const Fiber&) = delete;
  Fiber& operator=(const Fiber&) = delete;

  // Switches from `from`, which is the running fiber, to `to`. Returns when
  // another fiber switches back to `from`.
  static void Switch(Fiber* from, Fiber* to);
  // Must be the last call of the body of `from`. Switches to `to`. If fibers
  // share a thread, Finish() never returns.
  static void Finish(Fiber* from, Fiber* to);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace event
}  // namespace le

#endif  // LE_MESSAGING_EVENT_TESTING_FIBER_H_
