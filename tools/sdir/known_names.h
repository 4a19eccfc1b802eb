// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// Names for unit tests.

#ifndef LE_MESSAGING_TOOLS_SDIR_KNOWN_NAMES_H_
#define LE_MESSAGING_TOOLS_SDIR_KNOWN_NAMES_H_

#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "tools/sdir/names.h"

namespace le {
namespace sdir {

// Users 1 and 2 are ann and bob. Process 10 is called ten, process 12
// has ended.
class KnownUsers : public directory::Users {
 public:
  absl::StatusOr<uid_t> UidOf(const std::string& name) override {
    if (name == "ann") return 1;
    if (name == "bob") return 2;
    return absl::NotFoundError(absl::StrCat("there is no user ", name));
  }
  std::string NameOf(uid_t uid) override {
    return uid == 1 ? "ann" : uid == 2 ? "bob" : absl::StrCat(uid);
  }
};

class KnownNames final : private KnownUsers, public Names {
 public:
  KnownNames() : Names(static_cast<KnownUsers*>(this)) {}
  std::string ProgramOf(pid_t pid) override { return pid == 10 ? "ten" : ""; }
  bool HasEnded(pid_t pid) override { return pid == 12; }
};

}  // namespace sdir
}  // namespace le

#endif  // LE_MESSAGING_TOOLS_SDIR_KNOWN_NAMES_H_
