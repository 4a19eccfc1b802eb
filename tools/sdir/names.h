// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// The names of users and processes. The directory knows only their numbers,
// since a look-up may take long.

#ifndef LE_MESSAGING_TOOLS_SDIR_NAMES_H_
#define LE_MESSAGING_TOOLS_SDIR_NAMES_H_

#include <sys/types.h>

#include <string>

#include "absl/strings/string_view.h"
#include "directory/proto/directory.pb.h"
#include "directory/users.h"

namespace le {
namespace sdir {

class Names {
 public:
  explicit Names(directory::Users* users) : users_(users) {}  // not owned
  virtual ~Names() = default;

  // Returns the name of a user. Returns the number if the name has blanks, one
  // of < > #, or characters that are not printable ASCII, or if the name has a
  // special meaning in a bindings file.
  std::string User(uid_t uid);
  // Such as "client[123]", or "pid 123" if ProgramOf() is empty.
  std::string Process(pid_t pid);
  // Such as "pid":123,"process":"client", without "process" if ProgramOf() is
  // empty.
  std::string PidJson(pid_t pid);
  // Replaces "<number>" at the beginning by "<name>".
  std::string Named(const std::string& agent);
  // Replaces each "<number>" in the text of a directory.
  std::string InText(absl::string_view text);
  // Replaces the users' numbers in a list. Replaces "<USER>" in a missing
  // binding if exactly one user offers the interface that follows it, with the
  // client's protocol.
  void NameUsers(directory::proto::ListPart* list);

  // The name of the process's program, escaped. Empty: there is no such
  // process, or its name cannot be read.
  virtual std::string ProgramOf(pid_t pid);
  // Returns whether the process has certainly ended.
  virtual bool HasEnded(pid_t pid);

 private:
  directory::NameCache users_;
};

}  // namespace sdir
}  // namespace le

#endif  // LE_MESSAGING_TOOLS_SDIR_NAMES_H_
