// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// Formats the messages of a tap, for people and for programs. Has no side
// effects, except that names are looked up.

#ifndef LE_MESSAGING_TOOLS_SDIR_TAP_FORMAT_H_
#define LE_MESSAGING_TOOLS_SDIR_TAP_FORMAT_H_

#include <cstdint>
#include <map>
#include <string>
#include <utility>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "directory/tap_ring.h"
#include "tools/sdir/names.h"

namespace le {
namespace sdir {

// Computes the time from each request to its response.
class Latencies {
 public:
  // The largest number of requests that are remembered until their response.
  // When it is reached, all are forgotten. The limit is needed, because a
  // server may report requests that do not exist.
  static constexpr size_t kMaxOpen = 65536;

  // None: the record does not end a request, or its request is not known.
  absl::optional<absl::Duration> Take(const inspection::TapRecord& record);

 private:
  // The time at which each request was received. The key is the session and
  // the transaction.
  std::map<std::pair<uint32_t, uint64_t>, int64_t> open_;
};

// "message", "request", "response", "released". Others: "frame TYPE".
std::string FrameKind(uint8_t type);

// Both return one line, which ends with a newline. `at` is the time of the
// record. `decoded` is the decoded payload of a typed service, or empty.
// TapText() shows `decoded`, or else the begin of `payload` in hexadecimal.
// TapJson() shows `decoded`, if there is one, and the whole `payload`. If
// messages were lost before the record, the result of TapText() begins with a
// line that says how many.
std::string TapText(const inspection::TapRecord& record,
                    absl::string_view payload, absl::string_view decoded,
                    absl::optional<absl::Duration> latency, absl::Time at,
                    Names* names);
std::string TapJson(const inspection::TapRecord& record,
                    absl::string_view payload, absl::string_view decoded,
                    absl::optional<absl::Duration> latency, absl::Time at,
                    Names* names);

}  // namespace sdir
}  // namespace le

#endif  // LE_MESSAGING_TOOLS_SDIR_TAP_FORMAT_H_
