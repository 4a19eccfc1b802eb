// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#include "directory/place.h"

#include <sys/stat.h>

#include <cerrno>
#include <cstring>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "event/base/sys.h"

namespace le {
namespace directory {
namespace {

constexpr char kSystemFolder[] = "/run/le_messaging";

bool SystemFolderExists() {
  struct stat folder;
  return event::sys::Stat(kSystemFolder, &folder) == 0 &&
         S_ISDIR(folder.st_mode);
}

// True if root has given the system's folder to `user`: the user owns the
// folder, and no other user but root may create a socket there.
bool IsGivenTo(const std::string& folder, uid_t user) {
  struct stat found;
  return event::sys::Lstat(folder.c_str(), &found) == 0 &&
         S_ISDIR(found.st_mode) && found.st_uid == user &&
         (found.st_mode & (S_IWGRP | S_IWOTH)) == 0;
}

}  // namespace

absl::StatusOr<Place> FindPlace(event::Process* process,
                                const std::string& flag, Place::Kind kept) {
  Place place;
  place.folder = flag.empty() ? process->GetEnv("LE_MESSAGING_DIR") : flag;
  if (!place.folder.empty()) {
    place.kind = Place::Kind::kExplicit;
    return place;
  }
  if (kept == Place::Kind::kSystem ||
      (kept != Place::Kind::kUser && SystemFolderExists())) {
    place.folder = kSystemFolder;
    place.kind = Place::Kind::kSystem;
    return place;
  }
  const std::string runtime = process->GetEnv("XDG_RUNTIME_DIR");
  if (runtime.empty()) {
    return absl::UnavailableError(absl::StrCat(
        "no place for a directory: there is no folder ", kSystemFolder,
        ", and neither LE_MESSAGING_DIR nor XDG_RUNTIME_DIR is set; set "
        "LE_MESSAGING_DIR to the folder of directoryd"));
  }
  place.folder = runtime + "/le_messaging";
  place.kind = Place::Kind::kUser;
  return place;
}

absl::Status CheckTrust(event::Process* process, const Place& place,
                        const event::Credentials& directory) {
  if (place.is_explicit()) return absl::OkStatus();
  const bool unknown = process->IsOverflowUser(directory.uid);
  if (!unknown &&
      (directory.uid == 0 || directory.uid == process->credentials().uid)) {
    return absl::OkStatus();
  }
  if (!unknown && place.kind == Place::Kind::kSystem &&
      IsGivenTo(place.folder, directory.uid)) {
    return absl::OkStatus();
  }
  return absl::UnauthenticatedError(absl::StrCat(
      "the directory at ", place.folder, " runs as user ", directory.uid,
      unknown ? ", which stands for every user that this user namespace does "
                "not map and"
              : ", which",
      " is not trusted. Trusted are root and the user of this process. Start "
      "directoryd as one of these, or set LE_MESSAGING_DIR for all programs",
      !unknown && place.kind == Place::Kind::kSystem
          ? ", or make that user the owner of the folder, which no other user "
            "may write to"
          : ""));
}

std::string IsItRunning(event::Process* process, const absl::Status& failed) {
  if (absl::EndsWith(failed.message(), std::strerror(EACCES))) {
    return "may this user enter the folder, and write to the socket?";
  }
  return process->GetEnv("LE_MESSAGING_DIR").empty()
             ? "is directoryd running?"
             : "is directoryd running, with the same LE_MESSAGING_DIR?";
}

}  // namespace directory
}  // namespace le
