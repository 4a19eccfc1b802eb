// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// Limits the sessions and file descriptors of each user at the services of a
// process. So no user can take all of them.

#ifndef LE_MESSAGING_MESSAGING_SESSION_CLIENT_ACCOUNTS_H_
#define LE_MESSAGING_MESSAGING_SESSION_CLIENT_ACCOUNTS_H_

#include <sys/types.h>

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "event/base/mutex.h"
#include "event/base/quota.h"
#include "event/base/ref.h"
#include "event/process.h"
#include "messaging/machine/limits.h"
#include "messaging/session/link.h"
#include "messaging/session/owner.h"

namespace le {
namespace messaging {

class ServiceUser;

// Counts for each user, at all services of a process together:
//  - its sessions,
//  - the received file descriptors that the program has neither fetched nor
//    released.
//
// Each count also has a limit for all users together, which follows from
// RLIMIT_NOFILE. Any thread may call a function.
class ClientAccounts {
 public:
  explicit ClientAccounts(event::Process* process) : process_(process) {}

  // Users that are not bounded (root and the process's own user) are counted
  // but never refused.
  bool IsBounded(uid_t user) const { return process_->IsStranger(user); }

  // Returns false if the user has reached its limit. After true, one call of
  // the matching Return function must follow.
  bool TakeSession(uid_t user) { return Take(&sessions_, user); }
  void ReturnSession(uid_t user);
  bool TakeDescriptor(uid_t user) { return Take(&descriptors_, user); }
  // `user` must be bounded. Schedules the waiting users that may have one more
  // file descriptor now. These may be other users, or the same user at other
  // services.
  void ReturnDescriptor(ServiceUser* user);
  // Returns true if `user` has reached a limit and has at least one file
  // descriptor. Then `user` is scheduled as soon as it may have one more file
  // descriptor.
  bool AwaitDescriptor(ServiceUser* user);

 private:
  bool Take(event::Quota* quota, uid_t user);
  bool HasAllDescriptors(const ServiceUser& user)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void ReadLimit() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  event::Process* const process_;
  event::Mutex mutex_;
  // Both are guarded by mutex_. They have no annotation, because the thread
  // safety analysis cannot follow a pointer to them.
  event::Quota sessions_{"sessions", {}};
  event::Quota descriptors_{"file descriptors in messages", {}};
  uint64_t open_files_ ABSL_GUARDED_BY(mutex_) = 0;  // 0: not read yet
  // The list of users that wait until they may have one more file descriptor.
  // Each user in the list has at least one file descriptor at its service. So
  // the user is scheduled at the latest when the last of these file descriptors
  // is returned.
  ServiceUser* first_waiting_ ABSL_GUARDED_BY(mutex_) = nullptr;
};

// One user at one service. The user's sessions share this object. Only the
// owner's thread may call a function, unless a comment says otherwise. The
// object can outlive the user's last session: see is_in_use().
class ServiceUser final : public event::RefCounted<ServiceUser>,
                          private Scheduled {
 public:
  // After AwaitsDescriptor() or AwaitsBytes() has returned true, the owner's
  // loop calls `on_return` when the user may have more. If the user has no
  // session at that time, `on_return` is not called.
  ServiceUser(uid_t uid, std::shared_ptr<ClientAccounts> accounts, Owner* owner,
              std::function<void(ServiceUser*)> on_return)
      : uid_(uid),
        is_bounded_(accounts->IsBounded(uid)),
        accounts_(std::move(accounts)),
        owner_(event::Ref<Owner>::Share(owner)),
        on_return_(std::move(on_return)) {}

  uid_t uid() const { return uid_; }
  bool is_bounded() const { return is_bounded_; }
  uint32_t sessions() const { return sessions_; }
  // Whether something of the user is counted here. Then a later session of the
  // user must use this object, too.
  bool is_in_use() const {
    return sessions_ > 0 || descriptors_ > 0 || bytes_ > 0;
  }
  // Adds or removes a session. Returns true if the limits of the user's
  // sessions change.
  bool Add() { return Divide(++sessions_); }
  bool Remove() { return Divide(--sessions_); }

  // Any thread. For a session that ClientAccounts::TakeSession() has counted.
  void ReturnSession() { accounts_->ReturnSession(uid_); }

  void SetLimits(const UserLimits& limits, const SessionLimits& session);
  // Whether the user may have one more session at a service that has `sessions`
  // of `max_sessions`. If the maximum is the default, a user gets one more
  // session only while it has fewer than are free. If the program has set the
  // maximum, one user can take all sessions: perhaps the program serves only
  // this user.
  bool MayAdd(uint32_t max_sessions, uint32_t sessions) const {
    if (!is_bounded_) return true;
    return sessions_ < limits_.sessions &&
           (max_sessions != kDefaultMaxSessions ||
            sessions_ < max_sessions - sessions);
  }
  // Returns the limits of each session of the user. These limits are smaller if
  // the user has more sessions.
  transports::SendLimits ToSend(size_t max_message_size) const;
  size_t max_request_bytes() const;

  // The queue that bounds the time of the user's sessions in a turn. Null while
  // no such bound is needed.
  TurnQueue* turn_queue() {
    return is_bounded_ && (sessions_ > 1 || !turn_queue_.empty()) ? &turn_queue_
                                                                  : nullptr;
  }

  // ---- File descriptors in messages ----
  // Returns false if the user has reached a limit. Users that are not bounded
  // are never refused. After true, one ReturnDescriptor() must follow.
  bool TakeDescriptor();
  // Any thread.
  void ReturnDescriptor();
  uint32_t descriptors() const { return descriptors_.load(); }
  // Whether the user has reached a limit, and has at least one file descriptor
  // at this service. If so, `on_return` will be called.
  bool AwaitsDescriptor();
  // Returns true at the first call, and at the first call after the user had no
  // file descriptor.
  bool IsFirstWait() { return !std::exchange(has_waited_, true); }
  // Returns a text for a log line: the number of the user's file descriptors,
  // and the limit that the user has reached.
  std::string DescribeDescriptors() const;

  // ---- Bytes of requests without a response, and of partial messages ----
  // Any thread. Counts bytes for a bounded user. One ReturnBytes() must follow.
  void TakeBytes(size_t bytes) {
    if (is_bounded_) bytes_.fetch_add(bytes);
  }
  void ReturnBytes(size_t bytes);
  size_t bytes() const { return bytes_.load(); }
  // Whether the user has reached its limit, and has not been below half of it
  // since. If so, `on_return` will be called.
  bool AwaitsBytes();
  // Returns true at the first call.
  bool IsFirstWaitForBytes() {
    return !std::exchange(has_awaited_bytes_, true);
  }

 private:
  friend class event::RefCounted<ServiceUser>;
  friend class ClientAccounts;
  ~ServiceUser() = default;
  void Schedule();
  void RunScheduled() override;
  // Any thread. Returns true if the user has less than half of its limit of
  // bytes. If sessions wait for that, `on_return` will then be called.
  bool EndsWaitForBytes();
  bool Divide(uint32_t sessions);
  // The part of the limit of bytes that a session of a bounded user has.
  size_t part_bytes() const;

  const uid_t uid_;
  const bool is_bounded_;
  const std::shared_ptr<ClientAccounts> accounts_;
  const event::Ref<Owner> owner_;
  const std::function<void(ServiceUser*)> on_return_;
  uint32_t sessions_ = 0;
  uint32_t parts_ = 1;  // a power of two
  TurnQueue turn_queue_;
  UserLimits limits_;
  SessionLimits session_;
  bool has_waited_ = false;  // IsFirstWait() was called
  std::atomic<uint32_t> max_descriptors_{UINT32_MAX};
  std::atomic<uint32_t> descriptors_{0};
  std::atomic<size_t> max_bytes_{SIZE_MAX};
  std::atomic<size_t> bytes_{0};
  std::atomic<bool> awaits_bytes_{false};
  bool has_awaited_bytes_ = false;
  // The lock of `accounts_` guards the next two members.
  bool is_waiting_ = false;
  ServiceUser* next_waiting_ = nullptr;
};

}  // namespace messaging
}  // namespace le

#endif  // LE_MESSAGING_MESSAGING_SESSION_CLIENT_ACCOUNTS_H_
