// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// Escapes texts of peers, which may have any bytes.

#ifndef LE_MESSAGING_TOOLS_SDIR_TEXT_H_
#define LE_MESSAGING_TOOLS_SDIR_TEXT_H_

#include <string>

#include "absl/strings/string_view.h"

namespace le {
namespace sdir {

// The result of Escaped() is one line, which a message may show in single
// quotes. (It is not quoted for a shell.) EscapedText() keeps newlines, single
// quotes and backslashes.
std::string Escaped(absl::string_view text);
std::string EscapedText(absl::string_view text);
// As EscapedText(), but a newline becomes a backslash and an n. So a peer that
// is not trusted cannot begin a new line of the output.
std::string EscapedLine(absl::string_view text);

// Makes a JSON string. Bytes that are not UTF-8 become U+FFFD.
std::string Quoted(absl::string_view text);

}  // namespace sdir
}  // namespace le

#endif  // LE_MESSAGING_TOOLS_SDIR_TEXT_H_
