// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef LE_MESSAGING_EVENT_FUTEX_PARKER_H_
#define LE_MESSAGING_EVENT_FUTEX_PARKER_H_

#include <errno.h>
#include <time.h>

#include <algorithm>
#include <atomic>
#include <cstdint>

#include "event/base/sys.h"
#include "event/process.h"

namespace le {
namespace event {

// The parker of the operating system.
class FutexParker final : public Parker {
 public:
  bool Park(Instant deadline) override {
    uint32_t expected = kNotified;
    if (state_.compare_exchange_strong(expected, kEmpty)) return true;
    if (deadline == absl::InfinitePast()) return false;
    expected = kEmpty;
    if (!state_.compare_exchange_strong(expected, kParked)) {
      state_.store(kEmpty);
      return true;
    }
    struct timespec until;
    const bool limited = deadline != absl::InfiniteFuture();
    if (limited) {
      // A deadline may lie between two nanoseconds. Round it up, so that the
      // wait does not end too early.
      until = absl::ToTimespec(std::max(deadline, absl::UnixEpoch()) +
                               absl::Nanoseconds(3) / 4);
    }
    for (;;) {
      const int result = sys::FutexWait(reinterpret_cast<uint32_t*>(&state_),
                                        kParked, limited ? &until : nullptr);
      const bool in_time = result == 0 || errno != ETIMEDOUT;
      if (state_.load() == kNotified || !in_time) {
        return state_.exchange(kEmpty) == kNotified;
      }
    }
  }

  void Unpark() override {
    const LaterWake later = UnparkQuietly();
    if (later.word != nullptr) later.wake(later.word);
  }
  LaterWake UnparkQuietly() override {
    if (state_.exchange(kNotified) != kParked) return {nullptr, nullptr};
    return {&Wake, &state_};
  }

 private:
  // The parker may have been destroyed already. A futex wake is harmless at any
  // address.
  static void Wake(void* word) {
    sys::FutexWake(static_cast<uint32_t*>(word), 1);
  }

  static constexpr uint32_t kEmpty = 0;
  static constexpr uint32_t kNotified = 1;
  static constexpr uint32_t kParked = 2;
  static_assert(sizeof(std::atomic<uint32_t>) == sizeof(uint32_t),
                "the kernel waits on the atomic itself");
  std::atomic<uint32_t> state_{kEmpty};
};

}  // namespace event
}  // namespace le

#endif  // LE_MESSAGING_EVENT_FUTEX_PARKER_H_
