// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#include "directory/refusals.h"

#include <algorithm>
#include <utility>

namespace le {
namespace directory {

absl::optional<uint64_t> Refusals::Note(const proto::Party& peer,
                                        proto::RefusalCode code,
                                        absl::string_view reason,
                                        event::Instant now) {
  ++counts_[code];
  Remember({peer, code, std::string(reason.substr(0, kMaxReasonBytes)), now});
  if (logged_.size() >= kMaxLoggedRefusals) logged_.clear();
  Logged& logged = logged_[{peer.uid(), code, peer.interface_name()}];
  if (now - logged.last < kRefusalLogPause) {
    ++logged.hidden;
    return absl::nullopt;
  }
  logged.last = now;
  return std::exchange(logged.hidden, 0);
}

void Refusals::Remember(Latest refusal) {
  const auto displaced = [&] {
    const auto same =
        std::find_if(latest_.begin(), latest_.end(), [&](const Latest& other) {
          return other.code == refusal.code &&
                 other.peer.uid() == refusal.peer.uid() &&
                 other.peer.interface_name() == refusal.peer.interface_name();
        });
    if (same != latest_.end()) return same;
    const auto is_of_user = [&](const Latest& other) {
      return other.peer.uid() == refusal.peer.uid();
    };
    if (std::count_if(latest_.begin(), latest_.end(), is_of_user) >=
        static_cast<ptrdiff_t>(kMaxLatestRefusalsOfUser)) {
      return std::find_if(latest_.begin(), latest_.end(), is_of_user);
    }
    return latest_.size() < kMaxLatestRefusals ? latest_.end()
                                               : latest_.begin();
  }();
  if (displaced != latest_.end()) latest_.erase(displaced);
  latest_.push_back(std::move(refusal));
}

}  // namespace directory
}  // namespace le
