// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef LE_MESSAGING_DIRECTORY_TESTING_NUMBERED_USERS_H_
#define LE_MESSAGING_DIRECTORY_TESTING_NUMBERED_USERS_H_

#include <string>

#include "absl/strings/str_cat.h"
#include "directory/users.h"

namespace le {
namespace directory {

// Users without names, so that a test does not depend on the machine's users.
class NumberedUsers final : public Users {
 public:
  absl::StatusOr<uid_t> UidOf(const std::string& name) override {
    return absl::NotFoundError(absl::StrCat("no user '", name, "'"));
  }
  std::string NameOf(uid_t uid) override { return absl::StrCat(uid); }
};

}  // namespace directory
}  // namespace le

#endif  // LE_MESSAGING_DIRECTORY_TESTING_NUMBERED_USERS_H_
