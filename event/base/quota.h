// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// Counts how many units of one resource each user has. Only one thread may use
// a Quota. It makes no system calls.
//
// A Charge represents one unit that a user has. Keep the Charge with the unit,
// so that the unit counts until it is destroyed.
//
// With Purpose::kAny, a user may take another unit only if more units are free
// than the user has already. The reserve does not count as free. So the first
// user gets about half of the units, the next user half of the rest, and so on.
// This is the rule of halves. The other purposes have other rules.

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
    // The part of the total that kAny must leave free.
    uint64_t reserve = 0;
    // The limit of each user.
    uint64_t per_user = UINT64_MAX;
  };
  enum class Purpose {
    kAny,
    // A user may have up to `reserve` units beyond per_user. The rule of halves
    // does not apply: the whole total may be taken.
    kAdministration,
    // The unit is counted, but never refused.
    kUnbounded,
  };

  // One unit, or no unit. A Charge must not outlive its quota.
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
    // The user that has the unit.
    uid_t user() const { return user_; }
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

  // Takes one unit. Returns an empty charge if MayTake() is false.
  Charge Take(uid_t user, Purpose purpose = Purpose::kAny);
  // Like Take(), for a unit that cannot keep a Charge. If it returns true, the
  // caller must call GiveBack() once.
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
  // used(), used() is at most the total, and no user has more than per_user
  // plus the reserve. For quotas without kUnbounded units.
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
