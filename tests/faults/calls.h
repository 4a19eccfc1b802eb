// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// The system calls that the scenarios make, and the errors to inject: errors
// that the kernel may return.

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

// A system call, or its use with one `detail`, and the errors to inject.
struct Kind {
  const char* call;   // the name in event/base/sys.h
  const char* label;  // unique: `call`, in some kinds followed by the detail
  int detail;         // sys::Call::detail, or kAny
  // The errnos to inject. Empty if the call cannot fail; then `why` is the
  // reason.
  std::vector<Errno> errnos;
  const char* why;
};

constexpr int kAny = -1;

const std::vector<Kind>& Kinds();
// Returns null if Kinds() does not have this call.
const Kind* KindOf(const event::sys::Call& call);

// The calls that create the loop of a thread, or the file descriptor of
// le_event_GetFd(). If such a call fails during that creation, the process ends
// by design, for the reason `why`. No other failure may end the process.
struct FatalCall {
  const char* call;
  std::vector<int> errnos;
  const char* why;
};
const std::vector<FatalCall>& FatalCalls();

// Whether the cause of this error may persist, so that for some time each retry
// fails. False for EINTR, for example.
bool MayLast(int error);

// For example "ENOMEM".
const char* ErrnoName(int error);

}  // namespace faults
}  // namespace le

#endif  // LE_MESSAGING_TESTS_FAULTS_CALLS_H_
