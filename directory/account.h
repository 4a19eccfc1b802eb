// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// Counts each user's share of the directory's resources. For one thread. Only
// the objects that SharedCharges returns may be destroyed by any thread.

#ifndef LE_MESSAGING_DIRECTORY_ACCOUNT_H_
#define LE_MESSAGING_DIRECTORY_ACCOUNT_H_

#include <sys/types.h>

#include <array>
#include <cstdint>
#include <list>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/types/optional.h"
#include "event/base/mutex.h"
#include "event/base/quota.h"
#include "event/base/ref.h"

namespace le {
namespace directory {

using event::Quota;

// The most bytes in the queue of one connection, in addition to one frame. With
// this limit, the number of connections bounds the memory of all queues. An
// administrator's queue may be longer.
constexpr uint64_t kMaxQueuedBytes = 16 * 1024;

// The limits of a directory.
struct Limits {
  // The next four are limits of one user. They are far above the needs of a
  // working system.
  uint32_t connections = 32768;
  uint32_t silent = 1024;  // connections that have sent nothing yet
  uint32_t waiting_clients = 16384;
  uint32_t services = 16384;
  // Servers that stand by for one service. Further servers are refused, because
  // the removal of a server visits all that stand by.
  uint32_t stand_bys = 64;
  // Introductions that one server has not received.
  uint32_t introductions = 32;
  // The file descriptors that the process may open. The limits of all users
  // together follow from this number.
  uint64_t descriptors = uint64_t{1} << 20;

  // No limits, for a directory that has only one user.
  static Limits None();
};

// Charges for file descriptors that another thread closes. Any thread may
// destroy a charge. The quota counts a destroyed charge until the quota's
// thread calls Settle() or Take().
class SharedCharges {
 public:
  explicit SharedCharges(Quota* quota) : quota_(quota) {}
  // Charges the user for one unit while the result exists. The result may
  // outlive this object and the quota. Null: the quota refuses the unit.
  event::HeldRef Take(uid_t user, Quota::Purpose purpose);
  // Gives back the units whose objects are destroyed.
  void Settle();

 private:
  struct Ended {
    event::Mutex mutex;
    std::list<uid_t> users ABSL_GUARDED_BY(mutex);
  };
  class Unit;

  Quota* const quota_;
  const std::shared_ptr<Ended> ended_ = std::make_shared<Ended>();
};

// The quotas of all resources.
struct Accounts {
  explicit Accounts(const Limits& limits);

  const Limits limits;
  Quota connections;
  // Connections that have sent nothing yet.
  Quota silent;
  // Clients that wait.
  Quota waiting;
  // Servers that offer a service or stand by.
  Quota services;
  // Introductions that no server has received. Once it is sent, an introduction
  // is a socket in a queue of the kernel. The kernel charges all these sockets
  // to the directory's user, and limits their number. Here each introduction is
  // charged to the client's user, but an inspection to the server's user.
  Quota introductions;
  // Introductions that a server had not received when its connection closed,
  // and whose sockets the kernel still holds. The server's user is charged,
  // because a client cannot prevent them.
  Quota leftovers;

  // Of the users that have any resource, returns the one with the lowest uid
  // above `user`. Without `user`, returns the one with the lowest uid.
  absl::optional<uid_t> UserAfter(absl::optional<uid_t> user) const;
  // Lists, in words, the resources of which the user would get no further unit.
  std::string AtLimit(uid_t user) const;
  // Returns the totals, as lines for the log.
  std::vector<std::string> Describe() const;
  // Returns the first Quota::Discrepancy() that is not empty.
  std::string Discrepancy() const;
  // Returns all quotas, in the order of the members above.
  std::array<const Quota*, 6> All() const;
};

}  // namespace directory
}  // namespace le

#endif  // LE_MESSAGING_DIRECTORY_ACCOUNT_H_
