// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// The users of this system, by name and by number.

#ifndef LE_MESSAGING_DIRECTORY_USERS_H_
#define LE_MESSAGING_DIRECTORY_USERS_H_

#include <sys/types.h>

#include <map>
#include <string>

#include "absl/status/statusor.h"

namespace le {
namespace directory {

class Users {
 public:
  virtual ~Users() = default;
  // NotFound: there is no such user. Unavailable: the look-up fails now.
  virtual absl::StatusOr<uid_t> UidOf(const std::string& name) = 0;
  // Returns the name of a user. If there is no such user, or the look-up fails,
  // returns the number in decimal.
  virtual std::string NameOf(uid_t uid) = 0;
};

// The operating system's user database. A look-up may block for long, for
// example on a network. So sessions must not depend on a look-up.
class OsUsers : public Users {
 public:
  absl::StatusOr<uid_t> UidOf(const std::string& name) override;
  std::string NameOf(uid_t uid) override;
};

// Keeps the result of each NameOf() until Clear(). A full cache clears itself.
// Results of UidOf() are not kept.
class NameCache final : public Users {
 public:
  explicit NameCache(Users* users) : users_(users) {}  // not owned
  absl::StatusOr<uid_t> UidOf(const std::string& name) override {
    return users_->UidOf(name);
  }
  std::string NameOf(uid_t uid) override;
  void Clear() { names_.clear(); }

 private:
  Users* const users_;
  std::map<uid_t, std::string> names_;
};

}  // namespace directory
}  // namespace le

#endif  // LE_MESSAGING_DIRECTORY_USERS_H_
