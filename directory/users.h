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
  // The name of a user, or the number in decimal if there is none or the
  // look-up fails.
  virtual std::string NameOf(uid_t uid) = 0;
};

// The operating system's user database. A look-up may block for long, for
// example on a network. So no session may depend on a look-up.
class OsUsers : public Users {
 public:
  absl::StatusOr<uid_t> UidOf(const std::string& name) override;
  std::string NameOf(uid_t uid) override;
};

// Looks up the name of each user once, until Clear(). It also clears itself
// when it is full.
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
