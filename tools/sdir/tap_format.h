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
  // The most requests without a response, because a hostile server may invent
  // requests. When this limit is reached, all of them are forgotten.
  static constexpr size_t kMaxOpen = 65536;

  // None: the record is not a response, or its request is not known.
  absl::optional<absl::Duration> Take(const inspection::TapRecord& record);

 private:
  // The times of requests without a response, by session and transaction.
  std::map<std::pair<uint32_t, uint64_t>, int64_t> open_;
};

// "message", "request", "response", "released". Others: "frame TYPE".
std::string FrameKind(uint8_t type);

// Both return one line, which ends with a newline. `at` is the time of the
// record. `decoded` is the payload of a typed service, if it is not empty. If
// messages were lost before, the result of TapText() begins with a line that
// says how many.
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
