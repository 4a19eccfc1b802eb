// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#include "directory/place.h"

#include <sys/stat.h>

#include "absl/strings/str_cat.h"
#include "event/base/sys.h"

namespace le {
namespace directory {
namespace {

constexpr char kSystemFolder[] = "/run/le_messaging";

}  // namespace

absl::StatusOr<Place> FindPlace(event::Process* process,
                                const std::string& flag) {
  Place place;
  place.folder = flag.empty() ? process->GetEnv("LE_MESSAGING_DIR") : flag;
  if (!place.folder.empty()) {
    place.is_explicit = true;
    return place;
  }
  struct stat folder;
  if (event::sys::Stat(kSystemFolder, &folder) == 0 &&
      S_ISDIR(folder.st_mode)) {
    place.folder = kSystemFolder;
    return place;
  }
  const std::string runtime = process->GetEnv("XDG_RUNTIME_DIR");
  if (runtime.empty()) {
    return absl::UnavailableError(absl::StrCat(
        "no place for a directory: there is no folder ", kSystemFolder,
        ", and neither LE_MESSAGING_DIR nor XDG_RUNTIME_DIR is set"));
  }
  place.folder = runtime + "/le_messaging";
  return place;
}

absl::Status CheckTrust(event::Process* process, const Place& place,
                        const event::Credentials& directory) {
  if (place.is_explicit) return absl::OkStatus();
  const bool unknown = process->IsOverflowUser(directory.uid);
  if (!unknown &&
      (directory.uid == 0 || directory.uid == process->credentials().uid)) {
    return absl::OkStatus();
  }
  return absl::UnauthenticatedError(absl::StrCat(
      "the directory at ", place.folder, " runs as user ", directory.uid,
      unknown ? ", which stands for every user that this user namespace does "
                "not map and"
              : ", who",
      " is not to be trusted; set LE_MESSAGING_DIR to trust it"));
}

}  // namespace directory
}  // namespace le
