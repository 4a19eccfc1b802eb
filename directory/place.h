// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// Where the directory is: the folder of its socket.

#ifndef LE_MESSAGING_DIRECTORY_PLACE_H_
#define LE_MESSAGING_DIRECTORY_PLACE_H_

#include <string>

#include "absl/status/statusor.h"
#include "event/process.h"

namespace le {
namespace directory {

struct Place {
  // How it was found.
  enum class Kind { kNone, kExplicit, kSystem, kUser };

  std::string folder;
  Kind kind = Kind::kNone;
  // Named by a flag or by the environment: whoever named it trusts it.
  bool is_explicit() const { return kind == Kind::kExplicit; }

  // The socket's address.
  std::string address() const { return folder + "/directory"; }
  std::string lock_file() const { return folder + "/lock"; }
};

// OK if the one that listens at `place`, who is `directory`, may be trusted:
// whoever named the place trusts it; otherwise only root and one's own user, and at
// the system's folder the user to whom that folder belongs, since only root can have
// given it to that user. Never a user that stands for all unknown ones (see
// Process::IsOverflowUser()).
absl::Status CheckTrust(event::Process* process, const Place& place,
                        const event::Credentials& directory);

// The first of: `flag` (if not empty), LE_MESSAGING_DIR, /run/le_messaging if that
// folder exists, $XDG_RUNTIME_DIR/le_messaging. Unavailable if there is none, with
// a text that says what to do.
//
// `kept`: the kind of the place that the process has used so far. An explicit place
// goes before it; but a process that has used the system's folder does not go over to
// its user's while that folder is missing, nor the other way round when it appears:
// its services and its clients would be at different directories.
absl::StatusOr<Place> FindPlace(event::Process* process,
                                const std::string& flag,
                                Place::Kind kept = Place::Kind::kNone);

}  // namespace directory
}  // namespace le

#endif  // LE_MESSAGING_DIRECTORY_PLACE_H_
