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
  std::string folder;
  // Named by a flag or by the environment: whoever named it trusts it. Otherwise
  // only a directory of root or of one's own user is to be trusted.
  bool is_explicit = false;

  // The socket's address.
  std::string address() const { return folder + "/directory"; }
  std::string lock_file() const { return folder + "/lock"; }
};

// OK if the one that listens at `place`, who is `directory`, may be trusted:
// whoever named the place trusts it; otherwise only root and one's own user, and
// never a user that stands for all unknown ones (see Process::IsOverflowUser()).
absl::Status CheckTrust(event::Process* process, const Place& place,
                        const event::Credentials& directory);

// The first of: `flag` (if not empty), LE_MESSAGING_DIR, /run/le_messaging if that
// folder exists, $XDG_RUNTIME_DIR/le_messaging. Unavailable if there is none, with
// a text that says what to do.
absl::StatusOr<Place> FindPlace(event::Process* process,
                                const std::string& flag);

}  // namespace directory
}  // namespace le

#endif  // LE_MESSAGING_DIRECTORY_PLACE_H_
