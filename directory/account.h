// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// What each user has of the directory's resources. Pure; one thread.
//
// A Charge stands for one unit that a user has. It lives where the unit lives, so
// that the unit is paid for until it is gone.
//
// A user may take one more while it has less than what is left for all. So the
// first user gets at most a half of the total, the next one a half of the rest,
// and so on: no user can take it all, whatever its own limit is.

#ifndef LE_MESSAGING_DIRECTORY_ACCOUNT_H_
#define LE_MESSAGING_DIRECTORY_ACCOUNT_H_

#include <sys/types.h>

#include <array>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <utility>

namespace le {
namespace directory {

// One resource.
class Quota {
 public:
  struct Bound {
    uint64_t total = UINT64_MAX;
    // Of the total, what only administration may take.
    uint64_t reserve = 0;
    // What one user may have, however much is left.
    uint64_t per_user = UINT64_MAX;
  };
  enum class Purpose {
    kAny,
    // May exceed the user's own limit, and all shares, by the reserve.
    kAdministration,
  };

  // One unit, or none. Must not outlive its quota.
  class Charge {
   public:
    Charge() = default;
    Charge(Charge&& other) noexcept { *this = std::move(other); }
    Charge& operator=(Charge&& other) noexcept {
      std::swap(quota_, other.quota_);
      std::swap(user_, other.user_);
      other.Release();
      return *this;
    }
    ~Charge() { Release(); }

    explicit operator bool() const { return quota_ != nullptr; }
    void Release() {
      if (quota_ != nullptr) std::exchange(quota_, nullptr)->GiveBack(user_);
    }

   private:
    friend class Quota;
    Charge(Quota* quota, uid_t user) : quota_(quota), user_(user) {}
    Quota* quota_ = nullptr;
    uid_t user_ = 0;
  };

  Quota(std::string name, const Bound& bound)
      : name_(std::move(name)), bound_(bound) {}
  Quota(const Quota&) = delete;
  Quota& operator=(const Quota&) = delete;

  // False: the user has all that it may have.
  Charge Take(uid_t user, Purpose purpose = Purpose::kAny);
  bool MayTake(uid_t user, Purpose purpose = Purpose::kAny) const;

  const std::string& name() const { return name_; }
  const Bound& bound() const { return bound_; }
  uint64_t used() const { return used_; }
  uint64_t used_by(uid_t user) const;
  const std::map<uid_t, uint64_t>& users() const { return users_; }
  // Empty if the books balance: what the users have is the sum, within the total.
  std::string Discrepancy() const;

 private:
  void GiveBack(uid_t user);

  const std::string name_;
  const Bound bound_;
  uint64_t used_ = 0;
  std::map<uid_t, uint64_t> users_;  // those who have any
};

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

  // Those who have anything.
  std::set<uid_t> Users() const;
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
