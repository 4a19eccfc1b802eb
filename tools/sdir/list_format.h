// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// Formats a list of a directory, for people and for programs. Has no side
// effects.

#ifndef LE_MESSAGING_TOOLS_SDIR_LIST_FORMAT_H_
#define LE_MESSAGING_TOOLS_SDIR_LIST_FORMAT_H_

#include <string>
#include <vector>

#include "directory/proto/directory.pb.h"
#include "tools/sdir/names.h"
#include "tools/sdir/snapshot.h"

namespace le {
namespace sdir {

const char* RefusalName(directory::proto::RefusalCode code);

// Names the processes. The users in `list` are named already, by
// Names::NameUsers(). `snapshots` has a snapshot of each service in `list`, in
// the same order. It is empty if the servers were not asked.
std::string FormatText(const directory::proto::ListPart& list, Names* names,
                       const std::vector<Snapshot>& snapshots = {});
// One line of JSON.
std::string FormatJson(const directory::proto::ListPart& list, Names* names,
                       const std::vector<Snapshot>& snapshots = {});

}  // namespace sdir
}  // namespace le

#endif  // LE_MESSAGING_TOOLS_SDIR_LIST_FORMAT_H_
