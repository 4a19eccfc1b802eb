// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef LE_MESSAGING_DIRECTORY_REFUSALS_H_
#define LE_MESSAGING_DIRECTORY_REFUSALS_H_

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <tuple>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "directory/proto/directory.pb.h"
#include "event/loop.h"

namespace le {
namespace directory {

// A peer that is refused may ask again every second. So the same refusal of the
// same user is logged at most once in this time.
constexpr absl::Duration kRefusalLogPause = absl::Minutes(1);
// At most this number of logged refusals is remembered. At this limit all are
// forgotten, so they may be logged again.
constexpr size_t kMaxLoggedRefusals = 1024;
// The latest refusals, for a list. A user that causes many refusals displaces
// its own.
constexpr size_t kMaxLatestRefusals = 16;
constexpr size_t kMaxLatestRefusalsOfUser = 4;
// A longer reason is cut in the latest refusals.
constexpr size_t kMaxReasonBytes = 256;

// What the directory has refused. Two refusals are the same if they have the
// same user, code and interface.
class Refusals {
 public:
  struct Latest {
    proto::Party peer;
    proto::RefusalCode code;
    std::string reason;
    event::Instant at;
  };

  // Counts and remembers a refusal. If it is to be logged, returns how often
  // the same refusal has happened since the last line.
  absl::optional<uint64_t> Note(const proto::Party& peer,
                                proto::RefusalCode code,
                                absl::string_view reason, event::Instant now);

  const std::map<proto::RefusalCode, uint64_t>& counts() const {
    return counts_;
  }
  // The oldest first. Of the same refusals, only the latest one.
  const std::deque<Latest>& latest() const { return latest_; }

 private:
  using Key = std::tuple<uid_t, proto::RefusalCode, std::string>;
  struct Logged {
    event::Instant last = absl::InfinitePast();  // the last line
    uint64_t hidden = 0;  // refusals since `last`, which were not logged
  };
  void Remember(Latest refusal);

  std::map<proto::RefusalCode, uint64_t> counts_;
  std::map<Key, Logged> logged_;
  std::deque<Latest> latest_;
};

}  // namespace directory
}  // namespace le

#endif  // LE_MESSAGING_DIRECTORY_REFUSALS_H_
