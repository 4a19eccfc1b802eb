// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// A list of the directory's, for people and for programs. Pure.

#ifndef LE_MESSAGING_TOOLS_SDIR_LIST_FORMAT_H_
#define LE_MESSAGING_TOOLS_SDIR_LIST_FORMAT_H_

#include <string>

#include "absl/strings/string_view.h"
#include "directory/proto/directory.pb.h"
#include "directory/users.h"

namespace le {
namespace sdir {

// Replaces users' numbers by their names, if a name can stand in a bindings
// file.
void NameUsers(directory::proto::ListPart* list, directory::Users* users);

// Bytes of any peer as one printable word; or as lines, as they are.
std::string Escaped(absl::string_view text);
std::string EscapedText(absl::string_view text);

std::string FormatText(const directory::proto::ListPart& list);
// One line of JSON.
std::string FormatJson(const directory::proto::ListPart& list);

}  // namespace sdir
}  // namespace le

#endif  // LE_MESSAGING_TOOLS_SDIR_LIST_FORMAT_H_
