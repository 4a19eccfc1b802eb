// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// What an interface may be called. One check for all: the API at creation, the
// directory for what arrives, the bindings file.

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

// Printable ASCII without blanks, for names are words in files, logs and on
// command lines; without < > # *, for those mean something there.
constexpr bool IsInterfaceNameCharacter(char c) {
  return c > ' ' && c <= '~' && c != '<' && c != '>' && c != '#' && c != '*';
}

// OK, or InvalidArgument with a text that says what is wrong with the name.
absl::Status CheckInterfaceName(absl::string_view name);

// Likewise for the identifier of a protocol: any bytes, but neither none nor
// too many nor NUL.
absl::Status CheckProtocolId(absl::string_view id);

// `text` with whatever is not printable ASCII escaped: for logs.
std::string Printable(absl::string_view text);

}  // namespace directory
}  // namespace le

#endif  // LE_MESSAGING_DIRECTORY_INTERFACE_NAME_H_
