// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// The place of a directory: the folder of its socket.

#ifndef LE_MESSAGING_DIRECTORY_PLACE_H_
#define LE_MESSAGING_DIRECTORY_PLACE_H_

#include <string>

#include "absl/status/statusor.h"
#include "event/process.h"

namespace le {
namespace directory {

struct Place {
  // How the place was found.
  enum class Kind { kNone, kExplicit, kSystem, kUser };

  std::string folder;
  Kind kind = Kind::kNone;
  // True if a flag or the environment names the place. Then any directory there
  // is trusted.
  bool is_explicit() const { return kind == Kind::kExplicit; }

  // The socket's address.
  std::string address() const { return folder + "/directory"; }
  std::string lock_file() const { return folder + "/lock"; }
};

// OK if `process` may trust the directory at `place`. `directory` has the
// credentials of the directory's process.
// - At an explicit place, the process trusts every user.
// - At any other place, it trusts root and its own user.
// - At the system's folder, it also trusts the owner of the folder, if no other
//   user may write to the folder: only root can have chosen that owner.
// A user that stands for all unmapped users (Process::IsOverflowUser()) is
// trusted at an explicit place only.
absl::Status CheckTrust(event::Process* process, const Place& place,
                        const event::Credentials& directory);

// Returns a question for the log of a process that finds no directory. `failed`
// is the error of Transport::Connect().
std::string IsItRunning(event::Process* process, const absl::Status& failed);

// Returns the first of these places:
//  - `flag`, if it is not empty
//  - $LE_MESSAGING_DIR, if it is set and not empty
//  - /run/le_messaging, if this folder exists
//  - $XDG_RUNTIME_DIR/le_messaging, if this variable is set and not empty
// Unavailable: there is no place; the message has the remedy.
//
// `kept` is the kind of the place that the process has used so far. An explicit
// place has priority over this kind. Otherwise the kind does not change, even
// if the system's folder disappears or appears: the services and the clients of
// a process must be at one directory.
absl::StatusOr<Place> FindPlace(event::Process* process,
                                const std::string& flag,
                                Place::Kind kept = Place::Kind::kNone);

}  // namespace directory
}  // namespace le

#endif  // LE_MESSAGING_DIRECTORY_PLACE_H_
