// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#include "event/base/quota.h"

#include "absl/strings/str_cat.h"

namespace le {
namespace event {

bool Quota::MayTake(uid_t user, Purpose purpose) const {
  if (purpose == Purpose::kUnbounded) return true;
  const uint64_t own = used_by(user);
  if (purpose == Purpose::kAdministration) {
    return used_ < bound_.total &&
           (own < bound_.per_user || own - bound_.per_user < bound_.reserve);
  }
  const uint64_t shared = bound_.total - bound_.reserve;
  const uint64_t left = shared > used_ ? shared - used_ : 0;
  return own < bound_.per_user && own < left;
}

bool Quota::TakeUncharged(uid_t user, Purpose purpose) {
  if (!MayTake(user, purpose)) return false;
  ++used_;
  ++users_[user];
  return true;
}

Quota::Charge Quota::Take(uid_t user, Purpose purpose) {
  return TakeUncharged(user, purpose) ? Charge(this, user) : Charge();
}

void Quota::GiveBack(uid_t user) {
  --used_;
  auto it = users_.find(user);
  if (--it->second == 0) users_.erase(it);
}

uint64_t Quota::used_by(uid_t user) const {
  auto it = users_.find(user);
  return it == users_.end() ? 0 : it->second;
}

std::string Quota::Discrepancy() const {
  uint64_t sum = 0;
  for (const auto& user : users_) {
    sum += user.second;
    const bool exceeds = user.second > bound_.per_user &&
                         user.second - bound_.per_user > bound_.reserve;
    if (user.second == 0 || exceeds) {
      return absl::StrCat(name_, ": user ", user.first, " has ", user.second,
                          " units, which is none or more than its limit");
    }
  }
  if (sum == used_ && used_ <= bound_.total) return "";
  return absl::StrCat(name_, ": ", used_, " of ", bound_.total,
                      " units are used, but the sum of all users is ", sum);
}

}  // namespace event
}  // namespace le
