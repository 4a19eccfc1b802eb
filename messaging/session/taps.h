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
  // Any thread. Whether any administrator taps the service. If none does, this
  // load is the only cost of a frame.
  bool any() const { return any_.load(std::memory_order_relaxed); }

  // Any thread.
  void Copy(const inspection::TapRecord& record,
            absl::Span<const uint8_t> payload);

  // `key` identifies the tap. If `client` is not 0, the tap gets only the
  // frames of sessions with the client process `client`.
  void Add(const void* key, pid_t client,
           std::unique_ptr<inspection::TapWriter> writer);
  void Remove(const void* key);

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
