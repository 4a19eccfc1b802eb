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

// Whether a session that is open may be lost by it.
enum class Cost { kNothing, kSession };

struct Errno {
  int value;
  Cost cost;
};

// Calls that the kernel treats alike.
struct Kind {
  const char* call;   // the name in event/base/sys.h
  const char* label;  // empty if the name says all
  int detail;         // sys::Call::detail, or kAny
  // The errnos that it may fail with. Empty: it cannot fail; `why` says so.
  std::vector<Errno> errnos;
  const char* why;
};

constexpr int kAny = -1;

const std::vector<Kind>& Kinds();
// Null: nobody has thought about this call yet.
const Kind* KindOf(const event::sys::Call& call);

// Calls whose failure ends the process, by design, and why. No other may.
struct FatalCall {
  const char* call;
  std::vector<int> errnos;
  const char* why;
};
const std::vector<FatalCall>& FatalCalls();

// Whether the failure may last for a time, for any number of tries.
bool MayLast(int error);

// "ENOMEM".
const char* ErrnoName(int error);

}  // namespace faults
}  // namespace le

#endif  // LE_MESSAGING_TESTS_FAULTS_CALLS_H_
