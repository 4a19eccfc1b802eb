// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef LE_MESSAGING_TOOLS_SDIR_TOP_H_
#define LE_MESSAGING_TOOLS_SDIR_TOP_H_

#include <cstddef>
#include <string>
#include <vector>

#include "tools/sdir/activity.h"
#include "tools/sdir/names.h"

namespace le {
namespace sdir {

// Computes the rates of services and of their clients from two snapshots.
class Top {
 public:
  explicit Top(Names* names) : names_(names) {}  // not owned

  // Returns a table, with the rates since the last call. A service that is new
  // in this call has no rates. The busiest services, and for each its busiest
  // clients, are first. Lines about problems precede the table. The result has
  // at most `lines` lines.
  std::string Update(std::vector<InspectedService> services, size_t lines);

 private:
  Names* const names_;
  LastSnapshots last_;
};

}  // namespace sdir
}  // namespace le

#endif  // LE_MESSAGING_TOOLS_SDIR_TOP_H_
