// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// The rules for names of interfaces. The API, the directory and the parser of
// bindings share them.

#ifndef LE_MESSAGING_DIRECTORY_INTERFACE_NAME_H_
#define LE_MESSAGING_DIRECTORY_INTERFACE_NAME_H_

#include <cstddef>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace le {
namespace directory {

// As in Legato: 128 bytes with the terminating NUL.
constexpr size_t kMaxInterfaceNameBytes = 127;
constexpr size_t kMaxProtocolIdBytes = 127;

// A name has printable ASCII characters without blanks, since names are words
// in files, logs and command lines. It has none of < > # *, because these have
// a meaning in the bindings file.
constexpr bool IsInterfaceNameCharacter(char c) {
  return c > ' ' && c <= '~' && c != '<' && c != '>' && c != '#' && c != '*';
}

// OK, or InvalidArgument with a text that says what is wrong with the name.
absl::Status CheckInterfaceName(absl::string_view name);

// As CheckInterfaceName(), for the identifier of a protocol: 1 to
// kMaxProtocolIdBytes bytes of any value but NUL.
absl::Status CheckProtocolId(absl::string_view id);

// Returns `text` for a log line. Escapes quotes, apostrophes, backslashes, and
// all bytes that are not printable ASCII.
std::string Printable(absl::string_view text);

}  // namespace directory
}  // namespace le

#endif  // LE_MESSAGING_DIRECTORY_INTERFACE_NAME_H_
