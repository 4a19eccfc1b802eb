// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#include "directory/account.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"

namespace le {
namespace directory {
namespace {

// The directory's own file descriptors: the standard ones, the loop, the lock,
// the listening socket, and files.
constexpr uint64_t kOwnDescriptors = 32;

constexpr uint64_t kMaxReserve = 64;

// A connection is one file descriptor. The kernel limits the file descriptors
// that are sent and not yet received: all processes of a user together may have
// as many as one process may open. If the kernel refuses to send a connection,
// the connection stays a file descriptor of the directory. So ConnectionsOf()
// leaves room for all introductions.
uint64_t IntroductionsOf(const Limits& limits) {
  return limits.descriptors / 8;
}

uint64_t ConnectionsOf(const Limits& limits) {
  const uint64_t taken = IntroductionsOf(limits) + kOwnDescriptors;
  return limits.descriptors > taken ? limits.descriptors - taken : 1;
}

uint64_t ReserveOf(const Limits& limits) {
  return std::min(kMaxReserve, ConnectionsOf(limits) / 8);
}

}  // namespace

Limits Limits::None() {
  Limits limits;
  limits.connections = limits.silent = limits.waiting_clients =
      limits.services = limits.stand_bys = limits.introductions = UINT32_MAX;
  limits.descriptors = UINT64_MAX;
  return limits;
}

// The constructor makes the node for Ended::users, so that OnReleased() needs
// no memory.
class SharedCharges::Unit final : public event::Held {
 public:
  Unit(std::shared_ptr<Ended> ended, uid_t user)
      : ended_(std::move(ended)), node_(1, user) {}

 private:
  void OnReleased() override {
    {
      event::MutexLock lock(&ended_->mutex);
      ended_->users.splice(ended_->users.end(), node_);
    }
    delete this;
  }

  const std::shared_ptr<Ended> ended_;
  std::list<uid_t> node_;
};

event::HeldRef SharedCharges::Take(uid_t user, Quota::Purpose purpose) {
  Settle();
  if (!quota_->MayTake(user, purpose)) return {};
  auto unit = event::HeldRef::Adopt(new Unit(ended_, user));
  quota_->TakeUncharged(user, purpose);
  return unit;
}

void SharedCharges::Settle() {
  std::list<uid_t> users;
  {
    event::MutexLock lock(&ended_->mutex);
    users.swap(ended_->users);
  }
  for (const uid_t user : users) quota_->GiveBack(user);
}

Accounts::Accounts(const Limits& of)
    : limits(of),
      connections("connections",
                  {ConnectionsOf(of), ReserveOf(of), of.connections}),
      silent("connections that have sent nothing",
             {std::max<uint64_t>(1, ConnectionsOf(of) / 2), ReserveOf(of) / 2,
              of.silent}),
      waiting("waiting clients", {ConnectionsOf(of), 0, of.waiting_clients}),
      services("services", {ConnectionsOf(of), 0, of.services}),
      introductions(
          "introductions that no server has received",
          {std::max<uint64_t>(2, IntroductionsOf(of)), 0, UINT64_MAX}),
      leftovers("introductions that a closed server has left",
                introductions.bound()) {}

std::array<const Quota*, 6> Accounts::All() const {
  return {&connections, &silent,        &waiting,
          &services,    &introductions, &leftovers};
}

absl::optional<uid_t> Accounts::UserAfter(absl::optional<uid_t> user) const {
  absl::optional<uid_t> next;
  for (const Quota* quota : All()) {
    const auto& users = quota->users();
    const auto it = user.has_value() ? users.upper_bound(*user) : users.begin();
    if (it == users.end()) continue;
    next = next.has_value() ? std::min(*next, it->first) : it->first;
  }
  return next;
}

std::string Accounts::AtLimit(uid_t user) const {
  std::string reached;
  for (const Quota* quota : All()) {
    if (quota->MayTake(user)) continue;
    absl::StrAppend(&reached, reached.empty() ? "" : ", ", quota->name());
  }
  return reached;
}

std::vector<std::string> Accounts::Describe() const {
  const Quota::Bound& all = connections.bound();
  return {
      absl::StrCat("with ", limits.descriptors, " open files: up to ",
                   all.total, " connections, ", all.reserve,
                   " of them for administration only"),
      absl::StrCat("up to ", silent.bound().total,
                   " connections that have sent nothing, and ",
                   introductions.bound().total, " introductions not received"),
      absl::StrCat("up to ", leftovers.bound().total,
                   " introductions that closed servers have left"),
      absl::StrCat("up to ", all.total * kMaxQueuedBytes >> 20,
                   " MiB in the queues of all connections")};
}

std::string Accounts::Discrepancy() const {
  for (const Quota* quota : All()) {
    std::string found = quota->Discrepancy();
    if (!found.empty()) return found;
  }
  return "";
}

}  // namespace directory
}  // namespace le
