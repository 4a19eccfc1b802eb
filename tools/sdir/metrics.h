// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef LE_MESSAGING_TOOLS_SDIR_METRICS_H_
#define LE_MESSAGING_TOOLS_SDIR_METRICS_H_

#include <string>
#include <vector>

#include "directory/proto/directory.pb.h"
#include "tools/sdir/snapshot.h"

namespace le {
namespace sdir {

// Returns the state of a directory and of its services in the format of
// OpenMetrics. The users in `list` are named already. `snapshots` has a
// snapshot of each service in `list`, in the same order.
std::string Metrics(const directory::proto::ListPart& list,
                    const std::vector<Snapshot>& snapshots);

}  // namespace sdir
}  // namespace le

#endif  // LE_MESSAGING_TOOLS_SDIR_METRICS_H_
