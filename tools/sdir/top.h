// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef LE_MESSAGING_TOOLS_SDIR_TOP_H_
#define LE_MESSAGING_TOOLS_SDIR_TOP_H_

#include <sys/types.h>

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "tools/sdir/names.h"
#include "tools/sdir/snapshot.h"

namespace le {
namespace sdir {

// Computes the rates of services and of their clients from two snapshots.
class Top {
 public:
  struct Entry {
    std::string service;  // "<user>.interface"
    pid_t pid = 0;
    Snapshot snapshot;
  };

  explicit Top(Names* names) : names_(names) {}  // not owned

  // Returns a table, with the rates since the last call. A service that the
  // last call did not have has no rates. The busiest services, and for each its
  // busiest clients, are first. At most `lines` lines.
  std::string Update(std::vector<Entry> entries, size_t lines);

 private:
  Names* const names_;
  std::map<std::pair<std::string, pid_t>, Snapshot> last_;
};

// The sums of all sessions of a service so far.
inspection::proto::Counts Total(const Snapshot& snapshot);

// The time in ns that `part` of the requests in a histogram did not exceed: the
// upper end of a bucket. 0: there was no request.
double Percentile(const std::vector<uint64_t>& latency, double part);

}  // namespace sdir
}  // namespace le

#endif  // LE_MESSAGING_TOOLS_SDIR_TOP_H_
