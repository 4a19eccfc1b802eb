// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// le/internal/complaints.h: log lines about wrong messages of peers. Not an
// API.

#ifndef LE_MESSAGING_SERVICES_LE_INTERNAL_COMPLAINTS_H_
#define LE_MESSAGING_SERVICES_LE_INTERNAL_COMPLAINTS_H_

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "le/message.h"
#include "le_log.h"

namespace le {
namespace internal {

// Returns whether the nth event of a kind is logged: the first, the second, the
// fourth, the eighth and so on.
constexpr bool IsLogged(uint64_t n) { return (n & (n - 1)) == 0; }

// Logs wrong messages. Counts them for each user, so no user can fill the log
// or hide another user's messages. Not thread-safe.
class Complaints {
 public:
  void Log(const char* service, const absl::StatusOr<Peer>& sender,
           const absl::Status& why) {
    // If the session is closed, the sender is unknown. An unknown sender must
    // not count as root (0).
    const uid_t user = sender.ok() ? sender->user : static_cast<uid_t>(-1);
    const uint64_t count = ++counts_[user];
    if (!IsLogged(count)) return;
    const std::string text(why.message());
    if (!sender.ok()) {
      LE_WARN(
          "'%s': unknown users have sent %llu wrong messages; the last, on a "
          "session that has closed: %s",
          service, static_cast<unsigned long long>(count), text.c_str());
      return;
    }
    LE_WARN(
        "'%s': user %lld has sent %llu wrong messages; the last, of process "
        "%d: %s",
        service, static_cast<long long>(user),
        static_cast<unsigned long long>(count), sender->process, text.c_str());
  }

 private:
  std::map<uid_t, uint64_t> counts_;  // wrong messages
};

}  // namespace internal
}  // namespace le

#endif  // LE_MESSAGING_SERVICES_LE_INTERNAL_COMPLAINTS_H_
