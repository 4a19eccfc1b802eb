// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#include "messaging/session/client_accounts.h"

#include <sys/resource.h>

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "event/base/sys.h"

namespace le {
namespace messaging {

using event::MutexLock;
using event::Quota;

namespace {

// How RLIMIT_NOFILE is divided: an eighth is for the program itself, and an
// eighth for file descriptors in messages. The rest is for sessions.
constexpr uint64_t kProgramPart = 8;
constexpr uint64_t kDescriptorsPart = 8;

// At most this many sessions are reserved for root and the process's own user.
constexpr uint64_t kMaxReserve = 64;

// Each session has at least this limit of bytes, however many sessions its user
// has. An empty queue accepts one message of any size.
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

bool ClientAccounts::Take(Quota* quota, uid_t user) {
  const auto purpose =
      IsBounded(user) ? Quota::Purpose::kAny : Quota::Purpose::kUnbounded;
  MutexLock lock(&mutex_);
  if (open_files_ == 0) ReadLimit();
  if (quota->TakeUncharged(user, purpose)) return true;
  ReadLimit();  // the program may have raised it
  return quota->TakeUncharged(user, purpose);
}

void ClientAccounts::ReturnSession(uid_t user) {
  MutexLock lock(&mutex_);
  sessions_.GiveBack(user);
}

bool ClientAccounts::HasAllDescriptors(const ServiceUser& user) {
  const uint32_t descriptors = user.descriptors_;
  if (descriptors == 0) return false;
  if (descriptors >= user.max_descriptors_) return true;
  if (descriptors_.MayTake(user.uid_)) return false;
  ReadLimit();  // the program may have raised it
  return !descriptors_.MayTake(user.uid_);
}

bool ClientAccounts::AwaitDescriptor(ServiceUser* user) {
  MutexLock lock(&mutex_);
  if (!HasAllDescriptors(*user)) return false;
  if (user->is_waiting_) return true;
  user->is_waiting_ = true;
  user->next_waiting_ = std::exchange(first_waiting_, user);
  user->Ref();  // until RunScheduled()
  return true;
}

void ClientAccounts::ReturnDescriptor(ServiceUser* user) {
  MutexLock lock(&mutex_);
  descriptors_.GiveBack(user->uid_);
  --user->descriptors_;
  for (ServiceUser** link = &first_waiting_; *link != nullptr;) {
    ServiceUser* const waiting = *link;
    if (HasAllDescriptors(*waiting)) {
      link = &waiting->next_waiting_;
      continue;
    }
    *link = waiting->next_waiting_;
    waiting->is_waiting_ = false;
    waiting->Schedule();
  }
}

// ---- A user at a service ---------------------------------------------------

// The number of parts is a power of two, so the limits of a user's sessions
// change rarely. The number of parts shrinks only when there are at most a
// quarter as many sessions. So a session that opens and closes repeatedly does
// not change the limits each time.
bool ServiceUser::Divide(uint32_t sessions) {
  const uint32_t before = parts_;
  while (parts_ < sessions) parts_ *= 2;
  while (parts_ > 1 && sessions <= parts_ / 4) parts_ /= 2;
  return is_bounded_ && parts_ != before;
}

void ServiceUser::SetLimits(const UserLimits& limits,
                            const SessionLimits& session) {
  limits_ = limits;
  session_ = session;
  max_descriptors_ = is_bounded_ ? limits.descriptors : UINT32_MAX;
  max_bytes_ = limits.bytes;
  awaits_bytes_ = false;  // until a session asks again
}

size_t ServiceUser::part_bytes() const {
  return std::max(limits_.bytes / parts_, kLeastBytes);
}

size_t ServiceUser::max_request_bytes() const {
  return is_bounded_ ? std::min(session_.request_bytes, part_bytes())
                     : session_.request_bytes;
}

transports::SendLimits ServiceUser::ToSend(size_t max_message_size) const {
  transports::SendLimits limits = session_.ToSend(max_message_size);
  limits.reports_congestion = true;
  if (!is_bounded_) return limits;
  limits.bytes = std::min(limits.bytes, part_bytes());
  limits.gathered_bytes = std::min(limits.gathered_bytes, part_bytes());
  limits.descriptors = std::min<size_t>(
      limits.descriptors, std::max<size_t>(limits_.descriptors / parts_, 1));
  return limits;
}

bool ServiceUser::TakeDescriptor() {
  if (descriptors_ >= max_descriptors_) return false;
  if (is_bounded_ && !accounts_->TakeDescriptor(uid_)) return false;
  if (descriptors_++ == 0) has_waited_ = false;
  return true;
}

std::string ServiceUser::DescribeDescriptors() const {
  const uint32_t descriptors = descriptors_;
  return absl::StrCat("user ", uid_, " has ", descriptors,
                      " file descriptors in messages that were neither fetched "
                      "nor released, and may have no more (",
                      descriptors >= max_descriptors_
                          ? "maxFdsPerUser"
                          : "its part of RLIMIT_NOFILE, for all services",
                      ")");
}

void ServiceUser::ReturnDescriptor() {
  if (is_bounded_) {
    accounts_->ReturnDescriptor(this);
  } else {
    --descriptors_;
  }
}

bool ServiceUser::AwaitsDescriptor() {
  return is_bounded_ && descriptors_ > 0 && accounts_->AwaitDescriptor(this);
}

bool ServiceUser::AwaitsBytes() {
  if (!is_bounded_) return false;
  if (!awaits_bytes_) {
    if (bytes_ < max_bytes_) return false;
    awaits_bytes_ = true;
  }
  // Another thread may have returned bytes before it could see awaits_bytes_.
  return !EndsWaitForBytes();
}

void ServiceUser::ReturnBytes(size_t bytes) {
  if (!is_bounded_) return;
  bytes_.fetch_sub(bytes);
  if (awaits_bytes_) EndsWaitForBytes();
}

bool ServiceUser::EndsWaitForBytes() {
  if (2 * bytes_ >= max_bytes_) return false;
  if (awaits_bytes_.exchange(false)) {
    Ref();  // until RunScheduled()
    Schedule();
  }
  return true;
}

// RunScheduled() releases the reference that AwaitDescriptor() or
// EndsWaitForBytes() has taken.
void ServiceUser::Schedule() {
  if (!owner_->Schedule(this)) Unref();
}

void ServiceUser::RunScheduled() {
  const auto keep = event::Ref<ServiceUser>::Adopt(this);
  if (sessions_ > 0) on_return_(this);
}

}  // namespace messaging
}  // namespace le
