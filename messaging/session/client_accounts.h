// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// Counts what each user has at the services of a process, so that no user can
// take everything.

#ifndef LE_MESSAGING_MESSAGING_SESSION_CLIENT_ACCOUNTS_H_
#define LE_MESSAGING_MESSAGING_SESSION_CLIENT_ACCOUNTS_H_

#include <sys/types.h>

#include <atomic>
#include <memory>

#include "event/base/mutex.h"
#include "event/base/quota.h"
#include "event/base/ref.h"
#include "event/process.h"
#include "messaging/machine/limits.h"

namespace le {
namespace messaging {

// Counts the sessions of all services of a process, and the file descriptors in
// messages that the program has neither fetched nor released. The totals are
// parts of the process's limit of open files. Any thread.
class ClientAccounts {
 public:
  explicit ClientAccounts(event::Process* process) : process_(process) {}

  // Other users are counted and never refused.
  bool IsBounded(uid_t user) const { return process_->IsStranger(user); }

  // False: the user has its largest number. After true, one return must follow.
  bool TakeSession(uid_t user) { return Take(&sessions_, user); }
  void ReturnSession(uid_t user) { Return(&sessions_, user); }
  // As TakeSession(): the object's destructor makes the return. Null: false.
  static std::shared_ptr<void> ChargeSession(
      const std::shared_ptr<ClientAccounts>& accounts, uid_t user);
  bool TakeDescriptor(uid_t user) { return Take(&descriptors_, user); }
  bool MayTakeDescriptor(uid_t user);
  void ReturnDescriptor(uid_t user) { Return(&descriptors_, user); }

 private:
  bool Take(event::Quota* quota, uid_t user);
  void Return(event::Quota* quota, uid_t user);
  void ReadLimit() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  event::Process* const process_;
  event::Mutex mutex_;
  // Both are guarded by mutex_; the analysis cannot follow a pointer to them.
  event::Quota sessions_{"sessions", {}};
  event::Quota descriptors_{"file descriptors in messages", {}};
  uint64_t open_files_ ABSL_GUARDED_BY(mutex_) = 0;  // 0: not read yet
};

// One user at one service. The user's sessions share it. For the owner's
// thread, unless a comment says otherwise.
class ServiceUser final : public event::RefCounted<ServiceUser> {
 public:
  ServiceUser(uid_t uid, std::shared_ptr<ClientAccounts> accounts)
      : uid_(uid),
        is_bounded_(accounts->IsBounded(uid)),
        accounts_(std::move(accounts)) {}

  uid_t uid() const { return uid_; }
  bool is_bounded() const { return is_bounded_; }
  uint32_t sessions() const { return sessions_; }
  // Adds or removes a session. True: the limits of its sessions change.
  bool Add() { return Divide(++sessions_); }
  bool Remove() { return Divide(--sessions_); }

  // Sets the limits of the user.
  void SetLimits(const UserLimits& limits, const SessionLimits& session);
  // Whether the user may have one more session at a service that has `sessions`
  // of `max_sessions`. Of the default maximum a user has a share. If the
  // program has set the maximum, one user may have all, because the program may
  // be for one user.
  bool MayAdd(uint32_t max_sessions, uint32_t sessions) const {
    if (!is_bounded_) return true;
    return sessions_ < limits_.sessions &&
           (max_sessions != kDefaultMaxSessions ||
            sessions_ < max_sessions - sessions);
  }
  // The limits of each session of the user: a part of the user's limits. The
  // more sessions there are, the smaller is the part.
  transports::SendLimits ToSend(size_t max_message_size) const;
  size_t max_request_bytes() const { return max_request_bytes_; }

  // ---- Descriptors in messages; any thread ----
  // Descriptors of users that are not bounded do not reduce those of others.
  // False: the user has its largest number. After true, one return must follow.
  bool TakeDescriptor();
  // Whether the user has its largest number, and at least one at this service.
  bool HasAllDescriptors();
  uint32_t descriptors() const { return descriptors_.load(); }
  // The next ReturnDescriptor() returns true. A descriptor may have been
  // returned just before this call.
  void AwaitReturn() { awaits_return_ = true; }
  // True: it was awaited, and the owner's thread must call WasReturned().
  bool ReturnDescriptor();
  // Whether an awaited descriptor was returned since the last call.
  bool WasReturned() { return was_returned_.exchange(false); }

 private:
  friend class event::RefCounted<ServiceUser>;
  ~ServiceUser() = default;
  bool Divide(uint32_t sessions);
  void UpdateRequestBytes();

  const uid_t uid_;
  const bool is_bounded_;
  const std::shared_ptr<ClientAccounts> accounts_;
  uint32_t sessions_ = 0;
  uint32_t parts_ = 1;  // a power of two
  UserLimits limits_;
  SessionLimits session_;
  size_t max_request_bytes_ = kDefaultRequestBytes;
  std::atomic<uint32_t> max_descriptors_{UINT32_MAX};
  std::atomic<uint32_t> descriptors_{0};
  std::atomic<bool> awaits_return_{false};
  std::atomic<bool> was_returned_{false};
};

}  // namespace messaging
}  // namespace le

#endif  // LE_MESSAGING_MESSAGING_SESSION_CLIENT_ACCOUNTS_H_
