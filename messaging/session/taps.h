// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef LE_MESSAGING_MESSAGING_SESSION_TAPS_H_
#define LE_MESSAGING_MESSAGING_SESSION_TAPS_H_

#include <sys/types.h>

#include <atomic>
#include <memory>
#include <vector>

#include "absl/types/span.h"
#include "directory/tap_ring.h"
#include "event/base/mutex.h"

namespace le {
namespace messaging {

// Copies the frames of a service to the administrators that tap it.
class Taps {
 public:
  // Any thread. Without a tap, a frame costs only this load.
  bool any() const { return any_.load(std::memory_order_relaxed); }

  // Any thread.
  void Copy(const inspection::TapRecord& record,
            absl::Span<const uint8_t> payload);

  // `key` names the tap. If `client` is not 0, it gets only the frames of this
  // process.
  void Add(const void* key, pid_t client,
           std::unique_ptr<inspection::TapWriter> writer);
  // False: there is no such tap.
  bool Remove(const void* key);

 private:
  struct Tap {
    const void* key;
    pid_t client;
    std::unique_ptr<inspection::TapWriter> writer;
  };

  std::atomic<bool> any_{false};
  event::Mutex mutex_;
  std::vector<Tap> taps_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace messaging
}  // namespace le

#endif  // LE_MESSAGING_MESSAGING_SESSION_TAPS_H_
