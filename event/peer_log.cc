// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#include "event/peer_log.h"

#include <algorithm>
#include <iterator>
#include <memory>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/strings/str_cat.h"
#include "event/base/mutex.h"
#include "event/process.h"

namespace le {
namespace event {
namespace {

struct PeerLogState final : ModuleState {
  Mutex mutex;
  PeerLogLimiter limiter ABSL_GUARDED_BY(mutex);
};

}  // namespace

constexpr double PeerLogLimiter::kLinesAtOnce;

void PeerLogLimiter::Fill(Bucket* bucket, Instant now) {
  const double seconds = absl::ToDoubleSeconds(now - bucket->filled_at);
  bucket->lines =
      std::min(kLinesAtOnce, bucket->lines + seconds * kLinesPerSecond);
  bucket->filled_at = now;
}

void PeerLogLimiter::ForgetFullBuckets(Instant now) {
  uint64_t hidden = 0;
  for (auto it = buckets_.begin(); it != buckets_.end();) {
    Fill(&it->second, now);
    const bool idle =
        it->first != kUnknownPeer && it->second.lines == kLinesAtOnce;
    if (idle) hidden += it->second.hidden;
    it = idle ? buckets_.erase(it) : std::next(it);
  }
  if (hidden == 0) return;
  const auto shared = buckets_.try_emplace(kUnknownPeer);
  if (shared.second) shared.first->second.filled_at = now;
  shared.first->second.hidden += hidden;
}

PeerLogLimiter::Bucket* PeerLogLimiter::BucketOf(uid_t user, Instant now) {
  if (buckets_.size() >= kMaxUsers && buckets_.count(user) == 0) {
    // Remove full buckets. This changes no limit, because a new bucket is full
    // too. The shared bucket keeps the number of their hidden lines. Search for
    // full buckets at most once a second, because a search for each line would
    // be slow.
    if (now >= next_search_) {
      next_search_ = now + absl::Seconds(1);
      ForgetFullBuckets(now);
    }
    if (buckets_.size() >= kMaxUsers) user = kUnknownPeer;
  }
  const auto found = buckets_.try_emplace(user);
  Bucket* const bucket = &found.first->second;
  if (found.second) bucket->filled_at = now;
  Fill(bucket, now);
  return bucket;
}

absl::optional<uint64_t> PeerLogLimiter::Admit(uid_t user, Instant now) {
  Bucket* const bucket = BucketOf(user, now);
  if (bucket->lines < 1) {
    ++bucket->hidden;
    return absl::nullopt;
  }
  bucket->lines -= 1;
  return std::exchange(bucket->hidden, 0);
}

void LogForPeer(LogLevel level, uid_t user, absl::string_view message) {
  if (!LogEnabled(level)) return;
  Process* const process = Process::Current();
  PeerLogState* const state = process->State<PeerLogState>(
      [] { return std::make_unique<PeerLogState>(); });
  absl::optional<uint64_t> hidden;
  {
    MutexLock lock(&state->mutex);
    hidden = state->limiter.Admit(user, process->Now());
  }
  if (!hidden.has_value()) return;
  if (*hidden == 0) {
    Log(level, message);
  } else {
    Log(level, absl::StrCat(message, " (", *hidden, " more not shown)"));
  }
}

}  // namespace event
}  // namespace le
