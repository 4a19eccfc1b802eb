// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// A page in HTML that shows which clients talk to which services. Has no side
// effects, except that names are looked up.

#ifndef LE_MESSAGING_TOOLS_SDIR_GRAPH_PAGE_H_
#define LE_MESSAGING_TOOLS_SDIR_GRAPH_PAGE_H_

#include <string>
#include <vector>

#include "absl/time/time.h"
#include "tools/sdir/activity.h"
#include "tools/sdir/names.h"

namespace le {
namespace sdir {

// The page has no script, and a browser loads nothing for it. `at`: the time of
// the snapshots of `services`. The rates are those since `last`.
std::string GraphPage(const LastSnapshots& last,
                      const std::vector<InspectedService>& services,
                      absl::Time at, Names* names);

}  // namespace sdir
}  // namespace le

#endif  // LE_MESSAGING_TOOLS_SDIR_GRAPH_PAGE_H_
