// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// Runs the loop of a party's thread.

#ifndef LE_MESSAGING_MESSAGING_TESTING_PARTY_LOOP_H_
#define LE_MESSAGING_MESSAGING_TESTING_PARTY_LOOP_H_

#include "absl/time/time.h"
#include "event/process.h"
#include "le_eventLoop.h"

namespace le {
namespace messaging {
namespace testing {

// Runs turns of the calling thread's loop until `done` returns true.
template <typename Done>
void RunTurnsUntil(const Done& done) {
  if (done()) return;
  // Gives the C API a loop. Without this call, a function that another thread
  // queues would not run.
  le_event_ServiceLoop();
  while (!done()) {
    event::Thread::Current()->loop()->RunTurn(absl::InfiniteFuture());
  }
}

}  // namespace testing
}  // namespace messaging
}  // namespace le

#endif  // LE_MESSAGING_MESSAGING_TESTING_PARTY_LOOP_H_
