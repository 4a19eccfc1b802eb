// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#include "messaging/session/client_accounts.h"

#include <sys/resource.h>

#include <algorithm>
#include <utility>

#include "event/base/sys.h"

namespace le {
namespace messaging {

using event::MutexLock;
using event::Quota;

namespace {

// Parts of the process's open files: an eighth for the program itself, and an
// eighth for file descriptors in messages. The rest is for sessions.
constexpr uint64_t kProgramPart = 8;
constexpr uint64_t kDescriptorsPart = 8;

// The largest part of the sessions that only root and the process's own user
// may take.
constexpr uint64_t kMaxReserve = 64;

// The least bytes of a session, however many sessions its user has. In addition
// an empty queue accepts one message of any size.
constexpr size_t kLeastBytes = size_t{64} << 10;

}  // namespace

// ---- A process -------------------------------------------------------------

void ClientAccounts::ReadLimit() {
  struct rlimit files;
  if (event::sys::GetRLimit(RLIMIT_NOFILE, &files) != 0) return;
  if (files.rlim_cur == open_files_) return;
  open_files_ = files.rlim_cur;
  Quota::Bound sessions;
  sessions.total =
      open_files_ - open_files_ / kProgramPart - open_files_ / kDescriptorsPart;
  sessions.reserve = std::min(kMaxReserve, sessions.total / 8);
  sessions_.set_bound(sessions);
  Quota::Bound descriptors;
  descriptors.total = std::max<uint64_t>(open_files_ / kDescriptorsPart, 2);
  descriptors_.set_bound(descriptors);
}

bool ClientAccounts::MayTakeDescriptor(uid_t user) {
  MutexLock lock(&mutex_);
  if (descriptors_.MayTake(user)) return true;
  ReadLimit();  // the program may have raised it
  return descriptors_.MayTake(user);
}

bool ClientAccounts::Take(Quota* quota, uid_t user) {
  const auto purpose =
      IsBounded(user) ? Quota::Purpose::kAny : Quota::Purpose::kUnbounded;
  MutexLock lock(&mutex_);
  if (open_files_ == 0) ReadLimit();
  if (quota->TakeUncharged(user, purpose)) return true;
  ReadLimit();  // the program may have raised it
  return quota->TakeUncharged(user, purpose);
}

void ClientAccounts::Return(Quota* quota, uid_t user) {
  MutexLock lock(&mutex_);
  quota->GiveBack(user);
}

std::shared_ptr<void> ClientAccounts::ChargeSession(
    const std::shared_ptr<ClientAccounts>& accounts, uid_t user) {
  struct Charge {
    Charge(std::shared_ptr<ClientAccounts> a, uid_t u)
        : accounts(std::move(a)), user(u) {}
    ~Charge() { accounts->ReturnSession(user); }
    const std::shared_ptr<ClientAccounts> accounts;
    const uid_t user;
  };
  if (!accounts->TakeSession(user)) return nullptr;
  return std::make_shared<Charge>(accounts, user);
}

// ---- A user at a service ---------------------------------------------------

// The number of parts is a power of two, so that the limits of a user's
// sessions change rarely. It shrinks only when a quarter of the sessions
// remain, so that a session that opens and closes repeatedly changes nothing.
bool ServiceUser::Divide(uint32_t sessions) {
  const uint32_t before = parts_;
  while (parts_ < sessions) parts_ *= 2;
  while (parts_ > 1 && sessions <= parts_ / 4) parts_ /= 2;
  UpdateRequestBytes();
  return is_bounded_ && parts_ != before;
}

void ServiceUser::SetLimits(const UserLimits& limits,
                            const SessionLimits& session) {
  limits_ = limits;
  session_ = session;
  max_descriptors_ = is_bounded_ ? limits.descriptors : UINT32_MAX;
  UpdateRequestBytes();
}

void ServiceUser::UpdateRequestBytes() {
  max_request_bytes_ = session_.request_bytes;
  if (!is_bounded_) return;
  max_request_bytes_ = std::min(max_request_bytes_,
                                std::max(limits_.bytes / parts_, kLeastBytes));
}

transports::SendLimits ServiceUser::ToSend(size_t max_message_size) const {
  transports::SendLimits limits = session_.ToSend(max_message_size);
  limits.reports_congestion = true;
  if (!is_bounded_) return limits;
  const size_t bytes = std::max(limits_.bytes / parts_, kLeastBytes);
  limits.bytes = std::min(limits.bytes, bytes);
  limits.gathered_bytes = std::min(limits.gathered_bytes, bytes);
  limits.descriptors = std::min<size_t>(
      limits.descriptors, std::max<size_t>(limits_.descriptors / parts_, 1));
  return limits;
}

bool ServiceUser::TakeDescriptor() {
  if (descriptors_.fetch_add(1) < max_descriptors_) {
    if (!is_bounded_ || accounts_->TakeDescriptor(uid_)) return true;
  }
  descriptors_.fetch_sub(1);
  return false;
}

bool ServiceUser::HasAllDescriptors() {
  const uint32_t descriptors = descriptors_;
  if (!is_bounded_ || descriptors == 0) return false;
  return descriptors >= max_descriptors_ || !accounts_->MayTakeDescriptor(uid_);
}

bool ServiceUser::ReturnDescriptor() {
  if (is_bounded_) accounts_->ReturnDescriptor(uid_);
  descriptors_.fetch_sub(1);
  if (!awaits_return_.exchange(false)) return false;
  was_returned_ = true;
  return true;
}

}  // namespace messaging
}  // namespace le
