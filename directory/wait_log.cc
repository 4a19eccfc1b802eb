// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#include "directory/wait_log.h"

#include <algorithm>

namespace le {
namespace directory {

void WaitLog::Begin(absl::Time now) {
  begin_ = now;
  said_ = WaitCause();
  quiet_until_ = next_ = now + kInterval;
}

bool WaitLog::Update(absl::Time now, const WaitCause& cause) {
  if (cause.known() && cause == said_) {
    next_ = absl::InfiniteFuture();
    return false;
  }
  if (now < quiet_until_ || !cause.known()) {
    next_ = std::max(quiet_until_, cause.known() ? now : now + kInterval);
    return false;
  }
  said_ = cause;
  quiet_until_ = now + kInterval;
  next_ = absl::InfiniteFuture();
  return true;
}

}  // namespace directory
}  // namespace le
