// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// Limits the number of log lines that a peer can cause.

#ifndef LE_MESSAGING_EVENT_PEER_LOG_H_
#define LE_MESSAGING_EVENT_PEER_LOG_H_

#include <sys/types.h>

#include <cstdint>
#include <map>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "event/base/log.h"
#include "event/loop.h"

namespace le {
namespace event {

// The user ID for every peer whose user is unknown. All of these peers share
// one limit.
constexpr uid_t kUnknownPeer = static_cast<uid_t>(-1);

// Any thread. Like Log(), for a line that a peer of user `user` has caused. For
// each user the current process shows kLinesAtOnce lines at once, then
// kLinesPerSecond. It hides all other lines. The next shown line of that user
// ends with the number of hidden lines. The user's bucket (see PeerLogLimiter)
// may be removed before that line. Then the next shown line that counts against
// the limit of kUnknownPeer ends with this number.
void LogForPeer(LogLevel level, uid_t user, absl::string_view message);

// Counts how many lines each user may still cause. Each user has a bucket of
// lines: a shown line takes one, and time fills the bucket again. Makes no
// system calls.
class PeerLogLimiter {
 public:
  static constexpr double kLinesAtOnce = 20;
  static constexpr double kLinesPerSecond = 1;
  // At most this many users have a bucket. All further users share the bucket
  // of kUnknownPeer.
  static constexpr size_t kMaxUsers = 1024;

  // Returns nullopt if this line of `user` must be hidden. Otherwise returns
  // the number of lines that were hidden since the last shown line.
  absl::optional<uint64_t> Admit(uid_t user, Instant now);

 private:
  struct Bucket {
    double lines = kLinesAtOnce;
    Instant filled_at;
    uint64_t hidden = 0;
  };
  static void Fill(Bucket* bucket, Instant now);
  Bucket* BucketOf(uid_t user, Instant now);
  void ForgetFullBuckets(Instant now);

  std::map<uid_t, Bucket> buckets_;
  Instant next_search_ = absl::InfinitePast();  // for full buckets
};

}  // namespace event
}  // namespace le

#endif  // LE_MESSAGING_EVENT_PEER_LOG_H_
