// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// What each user has of the directory's resources. Pure; one thread.

#ifndef LE_MESSAGING_DIRECTORY_ACCOUNT_H_
#define LE_MESSAGING_DIRECTORY_ACCOUNT_H_

#include <sys/types.h>

#include <array>
#include <cstdint>
#include <string>

#include "absl/types/optional.h"
#include "event/base/quota.h"

namespace le {
namespace directory {

using event::Quota;

// What a connection may have queued at most, besides one frame: so the memory for
// all of them follows from their number. Who administers may have more.
constexpr uint64_t kMaxQueuedBytes = 16 * 1024;

// What may be at the directory at a time.
struct Limits {
  // What one user may have. Far above what a sound system needs.
  uint32_t connections = 32768;
  uint32_t silent = 1024;
  uint32_t waiting_clients = 16384;
  uint32_t services = 16384;
  // Servers of one name, besides the one that offers it. The others are refused
  // until there is a place; each that goes costs a pass over all.
  uint32_t stand_bys = 64;
  // Introductions that one server has not taken.
  uint32_t introductions = 32;
  // What the process may open: all totals follow from it.
  uint64_t descriptors = uint64_t{1} << 20;

  // For a directory with one user, which need not be kept from anything.
  static Limits None();
};

// All resources.
struct Accounts {
  explicit Accounts(const Limits& limits);

  const Limits limits;
  Quota connections;
  // Connections that have said nothing yet.
  Quota silent;
  // Clients that wait.
  Quota waiting;
  // Offers, and servers that stand by.
  Quota services;
  // Introductions that no server has taken: each is a socket in a queue of the
  // kernel, which has a bound for all that one user sends.
  Quota introductions;

  // The next of those who have anything, in the order of their numbers; of none,
  // the first.
  absl::optional<uid_t> UserAfter(absl::optional<uid_t> user) const;
  // The resources of which that user may have no more, as a list in words.
  std::string AtLimit(uid_t user) const;
  // One line.
  std::string Describe() const;
  // As for one quota.
  std::string Discrepancy() const;
  // In the order of the members above.
  std::array<const Quota*, 5> All() const;
};

}  // namespace directory
}  // namespace le

#endif  // LE_MESSAGING_DIRECTORY_ACCOUNT_H_
