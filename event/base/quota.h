// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// What each user has of one resource. Pure; one thread.
//
// A Charge stands for one unit that a user has. It lives where the unit lives, so
// that the unit is paid for until it is gone.
//
// A user may take one more while it has less than what is left for all. So the
// first user gets at most a half of the total, the next one a half of the rest,
// and so on: no user can take it all, whatever its own limit is.

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
    // Of the total, what only administration may take.
    uint64_t reserve = 0;
    // A user's limit, however much is left.
    uint64_t per_user = UINT64_MAX;
  };
  enum class Purpose {
    kAny,
    // May exceed the user's own limit, and all shares, by the reserve.
    kAdministration,
    // Is counted and never refused.
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

  // False: the user has all that it may have.
  Charge Take(uid_t user, Purpose purpose = Purpose::kAny);
  // The same for a unit that has no room for a charge: true must be followed by
  // one GiveBack().
  bool TakeUncharged(uid_t user, Purpose purpose = Purpose::kAny);
  void GiveBack(uid_t user);
  bool MayTake(uid_t user, Purpose purpose = Purpose::kAny) const;

  const std::string& name() const { return name_; }
  const Bound& bound() const { return bound_; }
  // Users keep all that they have already.
  void set_bound(const Bound& bound) { bound_ = bound; }
  uint64_t used() const { return used_; }
  uint64_t used_by(uid_t user) const;
  const std::map<uid_t, uint64_t>& users() const { return users_; }
  // Empty if the books balance: what the users have is the sum, within the total.
  // For quotas without kUnbounded.
  std::string Discrepancy() const;

 private:
  const std::string name_;
  Bound bound_;
  uint64_t used_ = 0;
  std::map<uid_t, uint64_t> users_;  // those who have any
};

}  // namespace event
}  // namespace le

#endif  // LE_MESSAGING_EVENT_BASE_QUOTA_H_
