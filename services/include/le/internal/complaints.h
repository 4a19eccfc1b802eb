// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// le/internal/complaints.h: log lines about wrong messages of peers. Not an
// API.

#ifndef LE_MESSAGING_SERVICES_LE_INTERNAL_COMPLAINTS_H_
#define LE_MESSAGING_SERVICES_LE_INTERNAL_COMPLAINTS_H_

#include <atomic>
#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "le_log.h"

namespace le {
namespace internal {

// Logs the first wrong message, the second, the fourth, the eighth and so on,
// so that a peer cannot fill the log. Any thread.
class Complaints {
 public:
  void Log(const char* service, const absl::Status& why) {
    const uint64_t count = count_.fetch_add(1, std::memory_order_relaxed) + 1;
    if ((count & (count - 1)) != 0) return;
    LE_WARN("'%s': wrong message number %llu: %s", service,
            static_cast<unsigned long long>(count),
            std::string(why.message()).c_str());
  }
  uint64_t count() const { return count_.load(std::memory_order_relaxed); }

 private:
  std::atomic<uint64_t> count_{0};
};

}  // namespace internal
}  // namespace le

#endif  // LE_MESSAGING_SERVICES_LE_INTERNAL_COMPLAINTS_H_
