// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#include "tests/endurance/survivor.h"

#include <sched.h>
#include <time.h>

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "event/base/sanitizers.h"

namespace le {
namespace endurance {
namespace {

// A survivor may grow by kMayGrowKib after its first check: memory that is
// first used late or is kept by the allocator is not a leak. AddressSanitizer
// and ThreadSanitizer keep hundreds of megabytes of freed memory, so with them
// memory is not checked.
#if defined(LE_ASAN) || defined(LE_TSAN)
constexpr bool kMemoryIsTelling = false;
#else
constexpr bool kMemoryIsTelling = true;
#endif
constexpr long kMayGrowKib = 2048;

// At most this many checks until a process has the expected descriptors. The
// process handles the last event (a death, a connection) within far fewer
// checks.
constexpr int kLooksToSettle = 200000;
// The number of counts in SettledDescriptors(). In at least one of them the
// process is at rest.
constexpr int kLooksForLeast = 200;

// ExpectRest() observes a process until the calling process has used
// kLookSeconds of processor time. The observed process may use kRestSeconds. A
// process at rest uses some time: without a free descriptor it retries about
// twenty times a second, and the kernel counts in ticks of 10 ms.
constexpr double kLookSeconds = 0.3;
constexpr double kRestSeconds = 0.1;

double OwnSeconds() {
  struct timespec used;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
  return static_cast<double>(used.tv_sec) +
         static_cast<double>(used.tv_nsec) / 1e9;
}

}  // namespace

int SettledDescriptors(pid_t pid) {
  int least = UsageOf(pid).descriptors;
  for (int look = 0; look < kLooksForLeast; ++look) {
    sched_yield();
    least = std::min(least, UsageOf(pid).descriptors);
  }
  return least;
}

void Survivor::Look() {
  for (int look = 0; look < kLooksToSettle; ++look) {
    last_ = UsageOf(pid_);
    if (last_.descriptors == descriptors_) break;
    sched_yield();
  }
  if (looks_++ == 0) first_ = last_;
  if (last_.descriptors != descriptors_) {
    Fail(absl::StrCat(what_, " should have ", descriptors_,
                      " descriptors, and has ", last_.descriptors));
  }
  if (kMemoryIsTelling &&
      last_.resident_kib > first_.resident_kib + kMayGrowKib) {
    Fail(absl::StrCat(what_, " had ", first_.resident_kib,
                      " KiB of memory, and now has ", last_.resident_kib));
  }
}

std::string Survivor::Report() const {
  return absl::StrCat(what_, ": ", last_.descriptors, " descriptors, ",
                      first_.resident_kib, " -> ", last_.resident_kib, " KiB");
}

void ExpectRest(const char* what, pid_t pid) {
  const double until = OwnSeconds() + kLookSeconds;
  const double before = UsageOf(pid).cpu_seconds;
  double spent = 0;
  do {
    spent = UsageOf(pid).cpu_seconds - before;
  } while (spent <= kRestSeconds && OwnSeconds() < until);
  if (spent > kRestSeconds) {
    Fail(absl::StrCat(what, " only has to wait, but has spent ", spent,
                      " s of processor time instead"));
  }
}

}  // namespace endurance
}  // namespace le
