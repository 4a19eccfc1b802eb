// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// Decides when a wait is logged. Pure: the caller passes the time and the
// cause.
//
// The first line is logged kInterval after Begin(), or later if the cause is
// not known yet. After the first line, the cause is logged when it has differed
// from the logged cause for kMoment. (When a server begins to offer the
// service, the cause becomes kNotTaken. Usually the server then accepts the
// session at once, so no line is needed.) Two lines are at least kInterval
// apart. If the cause changes several times in between, only the last cause is
// logged.

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

  // The wait begins now. Nothing has been logged about it.
  void Begin(absl::Time now);
  // `cause` is the present cause. True: it must be logged now.
  bool Update(absl::Time now, const WaitCause& cause);
  // The next call of Update() is needed at this time, or earlier if the cause
  // changes. InfiniteFuture(): it is needed only if the cause changes.
  absl::Time next() const { return next_; }
  // True if a line was logged since Begin(). Then the caller also logs the end
  // of the wait.
  bool said() const { return said_.known(); }
  absl::Duration Waited(absl::Time now) const { return now - begin_; }

 private:
  absl::Time begin_;
  absl::Time quiet_until_;
  absl::Time next_ = absl::InfiniteFuture();
  WaitCause said_;
  absl::Time differs_since_;  // since when the cause differs from said_
};

}  // namespace directory
}  // namespace le

#endif  // LE_MESSAGING_DIRECTORY_WAIT_LOG_H_
