// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// When a wait is worth a log line. Pure: the caller brings the time and the cause.
//
// The first line comes after a second of waiting, then one at each change of
// cause that is not undone within a moment (a server that is found mostly takes
// the session at once). Never two come within a second: of several changes the
// last one counts.

#ifndef LE_MESSAGING_DIRECTORY_WAIT_LOG_H_
#define LE_MESSAGING_DIRECTORY_WAIT_LOG_H_

#include "absl/time/time.h"
#include "directory/wait_cause.h"

namespace le {
namespace directory {

class WaitLog {
 public:
  static constexpr absl::Duration kInterval = absl::Seconds(1);
  static constexpr absl::Duration kMoment = absl::Milliseconds(200);

  // It waits from now on, and nothing has been said.
  void Begin(absl::Time now);
  // The cause as of now. True: it is to be logged now.
  bool Update(absl::Time now, const WaitCause& cause);
  // When Update() must be called again at the latest. InfiniteFuture(): not
  // before the cause changes.
  absl::Time next() const { return next_; }
  // True if a line was logged since Begin(): then the end of the wait is worth
  // one, too.
  bool said() const { return said_.known(); }
  absl::Duration Waited(absl::Time now) const { return now - begin_; }

 private:
  absl::Time begin_;
  absl::Time quiet_until_;
  absl::Time next_ = absl::InfiniteFuture();
  WaitCause said_;
  absl::Time differs_since_;  // the cause, from what was said
};

}  // namespace directory
}  // namespace le

#endif  // LE_MESSAGING_DIRECTORY_WAIT_LOG_H_
