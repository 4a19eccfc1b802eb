// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// Computes the activity of services and their sessions between two snapshots.
// Has no side effects.

#ifndef LE_MESSAGING_TOOLS_SDIR_ACTIVITY_H_
#define LE_MESSAGING_TOOLS_SDIR_ACTIVITY_H_

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "tools/sdir/snapshot.h"

namespace le {
namespace sdir {

// A service of a process, and the snapshot that sdir has asked for.
struct InspectedService {
  std::string service;  // "<user>.interface"
  pid_t pid = 0;
  Snapshot snapshot;
};

// The last snapshot of each service of a process. Snapshots with a problem are
// left out.
using LastSnapshots = std::map<std::pair<std::string, pid_t>, Snapshot>;
LastSnapshots ByService(std::vector<InspectedService> services);

struct Activity {
  double seconds = 0;  // between the snapshots. 0: there are no rates
  // Between the snapshots.
  uint64_t requests = 0;
  uint64_t messages = 0;  // both ways
  uint64_t bytes = 0;     // both ways
  uint64_t busy_ns = 0;   // of the server's event loop
  // Now.
  uint64_t unanswered = 0;
  uint64_t unanswered_ns = 0;
  // Since the beginning.
  uint64_t max_queued_bytes = 0;
  uint64_t times_full = 0;
  uint64_t dropped = 0;

  // Adds the activity of another session in the same time.
  void Add(const Activity& other);
};

struct SessionActivity {
  const inspection::proto::Session* session;  // of the snapshot
  Activity activity;
};

struct ServiceActivity {
  // The sum of all sessions, also of those that have ended.
  Activity activity;
  std::vector<SessionActivity> sessions;
  // The median and the 99th percentile of the times to respond, in ns. 0: there
  // was no request yet.
  double median = 0;
  double p99 = 0;
};

// `last`: the snapshot before, or null.
ServiceActivity ActivitySince(const Snapshot* last, const Snapshot& snapshot);
// As above. `last` need not have a snapshot of the service.
ServiceActivity ActivitySince(const LastSnapshots& last,
                              const InspectedService& service);

bool IsBusier(const Activity& a, const Activity& b);

// The sums of all sessions of a service so far.
inspection::proto::Counts Total(const Snapshot& snapshot);

// Returns a time in ns that `part` of the requests in a histogram did not
// exceed: the upper end of a bucket. 0: there was no request.
double Percentile(const std::vector<uint64_t>& latency, double part);

// Returns three digits, such as "12.3 us", or whole seconds. Returns "-" for 0.
std::string ShortTime(double ns);

}  // namespace sdir
}  // namespace le

#endif  // LE_MESSAGING_TOOLS_SDIR_ACTIVITY_H_
