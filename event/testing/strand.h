// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// For the simulation only: lines of execution of which one runs at a time.

#ifndef LE_MESSAGING_EVENT_TESTING_STRAND_H_
#define LE_MESSAGING_EVENT_TESTING_STRAND_H_

#include <functional>
#include <memory>

namespace le {
namespace event {

// A stack of its own, and what the language and we keep per thread. Two
// implementations: as a fiber, which is a hundred times faster to switch to;
// and, where a sanitizer wants to know of threads, as a thread that waits for
// its turn.
class Strand {
 public:
  // The calling thread's own line: what runs already.
  Strand();
  // A new line. `body` runs when it is first switched to; it must end by
  // Finish().
  explicit Strand(std::function<void()> body);
  // Not while it runs. A line that has not come to its end is given up as it
  // stands.
  ~Strand();
  Strand(const Strand&) = delete;
  Strand& operator=(const Strand&) = delete;

  // Goes on with `to`. Returns when somebody goes on with `from`, which is what
  // runs now.
  static void Switch(Strand* from, Strand* to);
  // The last that the body of `from` does: goes on with `to`, for good.
  static void Finish(Strand* from, Strand* to);

 private:
  struct State;
  const std::unique_ptr<State> state_;
};

}  // namespace event
}  // namespace le

#endif  // LE_MESSAGING_EVENT_TESTING_STRAND_H_
