// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#include "directory/wait_log.h"

#include <algorithm>

namespace le {
namespace directory {

void WaitLog::Begin(absl::Time now) {
  begin_ = now;
  said_ = WaitCause();
  differs_since_ = absl::InfiniteFuture();
  quiet_until_ = next_ = now + kInterval;
}

bool WaitLog::Update(absl::Time now, const WaitCause& cause) {
  if (said() && cause == said_) {
    differs_since_ = next_ = absl::InfiniteFuture();
    return false;
  }
  differs_since_ = std::min(differs_since_, now);
  const absl::Time due =
      said() ? std::max(quiet_until_, differs_since_ + kMoment) : quiet_until_;
  if (now < due || !cause.known()) {
    next_ = now < due ? due : now + kInterval;
    return false;
  }
  said_ = cause;
  quiet_until_ = now + kInterval;
  differs_since_ = next_ = absl::InfiniteFuture();
  return true;
}

}  // namespace directory
}  // namespace le
