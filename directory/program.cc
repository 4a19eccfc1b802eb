// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#include "directory/program.h"

#include <algorithm>
#include <iterator>

#include "absl/strings/str_cat.h"

namespace le {
namespace directory {

bool Arguments::TakeFlag(const std::string& name) {
  const auto found = std::find(left_.begin(), left_.end(), name);
  if (found == left_.end()) return false;
  left_.erase(found);
  return true;
}

absl::StatusOr<absl::optional<std::string>> Arguments::TakeOption(
    const std::string& name) {
  absl::optional<std::string> value;
  for (auto it = left_.begin(); it != left_.end();) {
    const bool joined = it->compare(0, name.size() + 1, name + "=") == 0;
    if (!joined && *it != name) {
      ++it;
      continue;
    }
    if (value.has_value()) {
      return absl::InvalidArgumentError(
          absl::StrCat("'", name, "' is given twice"));
    }
    if (!joined && std::next(it) == left_.end()) {
      return absl::InvalidArgumentError(
          absl::StrCat("'", name, "' needs a value"));
    }
    value = joined ? it->substr(name.size() + 1) : *std::next(it);
    it = left_.erase(it, it + (joined ? 1 : 2));
  }
  return value;
}

absl::StatusOr<absl::optional<std::string>> Arguments::TakeNext() {
  if (left_.empty()) return absl::optional<std::string>();
  const std::string next = left_.front();
  if (next.size() > 1 && next[0] == '-') {
    return absl::InvalidArgumentError(
        absl::StrCat("unknown option '", next, "'"));
  }
  left_.erase(left_.begin());
  return absl::optional<std::string>(next);
}

}  // namespace directory
}  // namespace le
