// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// Explains whether a client can open a session, and why not. Has no side
// effects.

#ifndef LE_MESSAGING_TOOLS_SDIR_EXPLAIN_H_
#define LE_MESSAGING_TOOLS_SDIR_EXPLAIN_H_

#include <functional>
#include <string>

#include "directory/bindings.h"
#include "directory/proto/directory.pb.h"
#include "tools/sdir/names.h"
#include "tools/sdir/snapshot.h"

namespace le {
namespace sdir {

struct Explanation {
  std::string text;
  bool can_open = false;
};

// Asks the server of a service for a snapshot.
using SnapshotOf =
    std::function<Snapshot(const directory::proto::ServiceEntry& service)>;

// In `list`, users are numbers, as the directory sends them. `client` has a
// user and a name. `snapshot_of` is called at most once.
Explanation Explain(const directory::proto::ListPart& list,
                    const directory::ClientKey& client, Names* names,
                    const SnapshotOf& snapshot_of);

}  // namespace sdir
}  // namespace le

#endif  // LE_MESSAGING_TOOLS_SDIR_EXPLAIN_H_
