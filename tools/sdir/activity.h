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

// The last snapshot for each pair of a service and a process. Snapshots with a
// problem are left out.
using LastSnapshots = std::map<std::pair<std::string, pid_t>, Snapshot>;
LastSnapshots ByService(std::vector<InspectedService> services);

// The activity of a session or a service, from the snapshot before to the
// present one.
struct Activity {
  double seconds = 0;  // between the snapshots. 0: there are no rates
  // Between the snapshots. Of a session that the snapshot before does not have:
  // since the session was opened. Of a service without a snapshot before: 0.
  uint64_t requests = 0;
  uint64_t messages = 0;  // both ways
  uint64_t bytes = 0;     // both ways
  uint64_t busy_ns = 0;   // of the server's event loop
  // At the present snapshot. The unanswered_ns of a service is the maximum of
  // its sessions.
  uint64_t unanswered = 0;
  uint64_t unanswered_ns = 0;
  // Of a session: since it was opened. Of a service: max_queued_bytes is the
  // maximum of the open sessions; times_full and dropped are the sums of all
  // sessions so far.
  uint64_t max_queued_bytes = 0;
  uint64_t times_full = 0;
  uint64_t dropped = 0;

  // Adds the activity of another session between the same snapshots. Takes the
  // larger unanswered_ns and the larger max_queued_bytes.
  void Add(const Activity& other);
};

struct SessionActivity {
  const inspection::proto::Session* session;  // of the snapshot
  Activity activity;
};

struct ServiceActivity {
  // The sums of all sessions, also of those that have ended. unanswered_ns and
  // max_queued_bytes are maxima of the open sessions.
  Activity activity;
  std::vector<SessionActivity> sessions;
  // The median and the 99th percentile of the times to respond, in ns. If there
  // was no request between the snapshots: those of all requests so far. 0:
  // there was no request yet.
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

// Returns a time in ns that the fraction `part` (from 0 to 1) of the requests
// in a histogram did not exceed. The time is the upper end of a bucket. 0:
// there was no request.
double Percentile(const std::vector<uint64_t>& latency, double part);

// Returns a number of at most three digits and a unit, such as "12.3 us". From
// 1000 s on, returns whole seconds. Returns "-" for 0.
std::string ShortTime(double ns);

}  // namespace sdir
}  // namespace le

#endif  // LE_MESSAGING_TOOLS_SDIR_ACTIVITY_H_
