// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#include "directory/interface_name.h"

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"

namespace le {
namespace directory {
namespace {

absl::Status CheckLength(const char* what, absl::string_view text, size_t max) {
  if (text.empty()) {
    return absl::InvalidArgumentError(absl::StrCat(what, " is empty"));
  }
  if (text.size() > max) {
    return absl::InvalidArgumentError(
        absl::StrCat(what, " '", Printable(text.substr(0, 32)), "...' has ",
                     text.size(), " bytes, more than ", max));
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status CheckInterfaceName(absl::string_view name) {
  absl::Status status =
      CheckLength("the interface name", name, kMaxInterfaceNameBytes);
  if (!status.ok()) return status;
  for (const char c : name) {
    if (!IsInterfaceNameCharacter(c)) {
      return absl::InvalidArgumentError(absl::StrCat(
          "the interface name '", Printable(name), "' contains '",
          Printable(absl::string_view(&c, 1)),
          "'; printable ASCII is allowed, except blanks and the characters "
          "< > # *"));
    }
  }
  return absl::OkStatus();
}

absl::Status CheckProtocolId(absl::string_view id) {
  absl::Status status = CheckLength("the protocol id", id, kMaxProtocolIdBytes);
  if (!status.ok()) return status;
  if (id.find('\0') != absl::string_view::npos) {
    return absl::InvalidArgumentError("the protocol id contains a NUL byte");
  }
  return absl::OkStatus();
}

std::string Printable(absl::string_view text) { return absl::CHexEscape(text); }

}  // namespace directory
}  // namespace le
