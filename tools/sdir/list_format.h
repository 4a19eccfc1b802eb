// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// Formats a list of a directory, for people and for programs. Has no side
// effects.

#ifndef LE_MESSAGING_TOOLS_SDIR_LIST_FORMAT_H_
#define LE_MESSAGING_TOOLS_SDIR_LIST_FORMAT_H_

#include <string>

#include "absl/strings/string_view.h"
#include "directory/proto/directory.pb.h"
#include "directory/users.h"

namespace le {
namespace sdir {

// Replaces users' numbers by their names. A user keeps its number if the name
// has blanks or characters that are not ASCII.
void NameUsers(directory::proto::ListPart* list, directory::Users* users);

// Both escape the bytes of a peer. The result of Escaped() is one line, which
// may stand in single quotes. EscapedText() keeps ends of lines.
std::string Escaped(absl::string_view text);
std::string EscapedText(absl::string_view text);

std::string FormatText(const directory::proto::ListPart& list);
// One line of JSON.
std::string FormatJson(const directory::proto::ListPart& list);

}  // namespace sdir
}  // namespace le

#endif  // LE_MESSAGING_TOOLS_SDIR_LIST_FORMAT_H_
