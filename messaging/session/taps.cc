// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#include "messaging/session/taps.h"

#include <algorithm>
#include <utility>

namespace le {
namespace messaging {

void Taps::Copy(const inspection::TapRecord& record,
                absl::Span<const uint8_t> payload) {
  event::MutexLock lock(&mutex_);
  for (const Tap& tap : taps_) {
    if (tap.client == 0 || tap.client == record.client_pid) {
      tap.writer->Write(record, payload);
    }
  }
}

void Taps::Add(const void* key, pid_t client,
               std::unique_ptr<inspection::TapWriter> writer) {
  event::MutexLock lock(&mutex_);
  taps_.push_back({key, client, std::move(writer)});
  any_.store(true, std::memory_order_relaxed);
}

void Taps::Remove(const void* key) {
  event::MutexLock lock(&mutex_);
  taps_.erase(std::find_if(taps_.begin(), taps_.end(),
                           [key](const Tap& tap) { return tap.key == key; }));
  any_.store(!taps_.empty(), std::memory_order_relaxed);
}

}  // namespace messaging
}  // namespace le
