// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// le/protocol.h: the protocol of a session. Both ends must use the same
// protocol.

#ifndef LE_MESSAGING_MESSAGING_CPP_LE_PROTOCOL_H_
#define LE_MESSAGING_MESSAGING_CPP_LE_PROTOCOL_H_

#include <cstddef>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "le_messaging_ext.h"

namespace le {

// A process may use an identifier with one size only.
struct Protocol {
  absl::string_view id;    // 1 to 127 bytes, none of them zero
  size_t largest_message;  // in bytes, at most 16 MiB
};

namespace internal {

// Returns the name for a function of the C API. The C API would ignore the rest
// of a name after a zero byte. So a name with a zero byte becomes the empty
// name, which the C API refuses.
inline std::string NameForC(absl::string_view name) {
  return std::string(absl::StrContains(name, '\0') ? "" : name);
}

inline std::string NotAName(absl::string_view name) {
  return absl::StrCat("'", name,
                      "' is not a name of an interface: expected 1 to 127 "
                      "printable ASCII characters, except blanks and < > # *");
}

inline absl::StatusOr<le_msg_ProtocolRef_t> RefOf(const Protocol& protocol) {
  le_msg_ProtocolRef_t ref;
  switch (le_msg_TryGetProtocolRef(NameForC(protocol.id).c_str(),
                                   protocol.largest_message, &ref)) {
    case LE_OK:
      return ref;
    case LE_DUPLICATE:
      return absl::AlreadyExistsError(
          absl::StrCat("protocol '", protocol.id,
                       "' was used in this process with another "
                       "largest message than ",
                       protocol.largest_message, " bytes"));
    default:
      return absl::InvalidArgumentError(
          absl::StrCat("'", protocol.id, "' with a largest message of ",
                       protocol.largest_message,
                       " bytes is not a valid protocol: expected an id of 1 to "
                       "127 bytes without NUL, and at most 16 MiB"));
  }
}

}  // namespace internal
}  // namespace le

#endif  // LE_MESSAGING_MESSAGING_CPP_LE_PROTOCOL_H_
