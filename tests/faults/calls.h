// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// The errors that the kernel may return to the calls that this project makes.

#ifndef LE_MESSAGING_TESTS_FAULTS_CALLS_H_
#define LE_MESSAGING_TESTS_FAULTS_CALLS_H_

#include <vector>

#include "event/base/sys.h"

namespace le {
namespace faults {

// Whether an error may close an open session.
enum class Cost { kNothing, kSession };

struct Errno {
  int value;
  Cost cost;
};

// Calls that may fail with the same errors.
struct Kind {
  const char* call;   // the name in event/base/sys.h
  const char* label;  // `call`, with its detail if several kinds share it
  int detail;         // sys::Call::detail, or kAny
  // The errnos that the call may fail with. Empty if the call cannot fail; then
  // `why` is the reason.
  std::vector<Errno> errnos;
  const char* why;
};

constexpr int kAny = -1;

const std::vector<Kind>& Kinds();
// Returns null if Kinds() does not have this call.
const Kind* KindOf(const event::sys::Call& call);

// The calls that create the loop of a thread or the file descriptor of
// le_event_GetFd(). There a failure ends the process by design, for the reason
// `why`. A failure of any other call must not end the process.
struct FatalCall {
  const char* call;
  std::vector<int> errnos;
  const char* why;
};
const std::vector<FatalCall>& FatalCalls();

// Whether a call may fail with this error on each try for some time.
bool MayLast(int error);

// For example "ENOMEM".
const char* ErrnoName(int error);

}  // namespace faults
}  // namespace le

#endif  // LE_MESSAGING_TESTS_FAULTS_CALLS_H_
