// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// Counts how many units of one resource each user has. For one thread; makes no
// system calls.
//
// A Charge stands for one unit that a user has. Keep it with the unit, so that
// the unit counts until it is destroyed.
//
// A user may take one more unit while it has fewer than are left. So the first
// user gets at most half of the total, the next one half of the rest, and so
// on. No user can take all units, even without a limit of its own.

#ifndef LE_MESSAGING_EVENT_BASE_QUOTA_H_
#define LE_MESSAGING_EVENT_BASE_QUOTA_H_

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <string>
#include <utility>

namespace le {
namespace event {

class Quota {
 public:
  struct Bound {
    uint64_t total = UINT64_MAX;
    // The part of the total that only administration may take.
    uint64_t reserve = 0;
    // The limit of each user.
    uint64_t per_user = UINT64_MAX;
  };
  enum class Purpose {
    kAny,
    // May exceed the user's limit by the reserve, and may take the last units.
    kAdministration,
    // Counted, and never refused.
    kUnbounded,
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

  // Takes one unit. An empty charge: the user may not have more.
  Charge Take(uid_t user, Purpose purpose = Purpose::kAny);
  // Like Take(), for a unit that cannot keep a Charge. True: the caller must
  // call GiveBack() once.
  bool TakeUncharged(uid_t user, Purpose purpose = Purpose::kAny);
  void GiveBack(uid_t user);
  bool MayTake(uid_t user, Purpose purpose = Purpose::kAny) const;

  const std::string& name() const { return name_; }
  const Bound& bound() const { return bound_; }
  // Users keep the units that they have, even beyond the new bound.
  void set_bound(const Bound& bound) { bound_ = bound; }
  uint64_t used() const { return used_; }
  uint64_t used_by(uid_t user) const;
  const std::map<uid_t, uint64_t>& users() const { return users_; }
  // Describes an error in the counts. Empty if the users' units add up to
  // used(), and all are within the bound. For quotas without kUnbounded.
  std::string Discrepancy() const;

 private:
  const std::string name_;
  Bound bound_;
  uint64_t used_ = 0;
  std::map<uid_t, uint64_t> users_;  // only users with at least one unit
};

}  // namespace event
}  // namespace le

#endif  // LE_MESSAGING_EVENT_BASE_QUOTA_H_
