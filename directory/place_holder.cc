// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#include "directory/place_holder.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/inotify.h>

#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "event/base/log.h"
#include "event/base/sys.h"

namespace le {
namespace directory {

namespace sys = event::sys;

namespace {

constexpr mode_t kFolderMode = 0755;
constexpr mode_t kLockMode = 0600;

bool IsGone(const std::string& path, const struct stat& was) {
  struct stat now;
  if (sys::Lstat(path.c_str(), &now) != 0) {
    return errno == ENOENT || errno == ENOTDIR;
  }
  return now.st_ino != was.st_ino || now.st_dev != was.st_dev;
}

absl::Status Error(const char* what, const std::string& path) {
  return absl::InternalError(
      absl::StrCat("cannot ", what, " ", path, ": ", std::strerror(errno)));
}

absl::Status MayBeReplaced(absl::string_view path, absl::string_view by) {
  const uid_t self = event::Process::Current()->credentials().uid;
  return absl::PermissionDeniedError(absl::StrCat(
      path, " ", by, ", who could replace the directory: make root",
      self == 0 ? "" : absl::StrCat(" or user ", self),
      " its owner, and let no other user write to it"));
}

// In a user namespace, each user without a number is shown as the overflow
// user, also root of the outer namespace. A folder of the overflow user is
// trusted only where not every user could have made it.
bool MayBeMadeByAnyone(const std::string& folder) {
  const std::string parent = folder.substr(0, folder.rfind('/'));
  struct stat found;
  return sys::Stat(parent.empty() ? "/" : parent.c_str(), &found) != 0 ||
         (found.st_mode & S_IWOTH) != 0;
}

// Checks `folder`, so that no other user can replace the directory's socket:
//  - Its owner is root or this process's user. If the path is a symbolic link,
//    this applies to the link, too.
//  - Its mode does not let every user write to it. (Write permission of the
//    group is not checked.)
// `is_above` is false for the folder of the socket, and true for each folder
// above it. For a folder above, both conditions have an exception (see below).
// If a folder above does not exist, the result is OK, because mkdir() of
// HoldPlace() fails later.
absl::Status CheckFolder(const std::string& folder, bool is_above) {
  event::Process* const process = event::Process::Current();
  for (const auto look : {&sys::Lstat, &sys::Stat}) {
    struct stat found;
    if (look(folder.c_str(), &found) != 0) {
      if (is_above && errno == ENOENT) return absl::OkStatus();
      return Error("check the folder", folder);
    }
    const bool is_link = S_ISLNK(found.st_mode);
    const std::string what =
        absl::StrCat(is_link ? "the link " : "the folder ", folder);
    const bool is_trusted =
        found.st_uid == 0 || found.st_uid == process->credentials().uid ||
        (is_above && process->IsOverflowUser(found.st_uid) &&
         !MayBeMadeByAnyone(folder));
    if (!is_trusted) {
      return MayBeReplaced(what,
                           absl::StrCat("belongs to user ", found.st_uid));
    }
    // With the sticky bit, a user may not replace files of other users.
    const bool is_sticky = is_above && (found.st_mode & S_ISVTX) != 0;
    if (!is_link && (found.st_mode & S_IWOTH) != 0 && !is_sticky) {
      return MayBeReplaced(what, "may be written to by every user");
    }
  }
  return absl::OkStatus();
}

// Logs a warning if the group of the folder may write to the folder. Then, at
// the system's folder, a client trusts only directories of root and of its own
// user (CheckTrust() in place.cc). A directory of root needs no warning.
void WarnOfGroup(const std::string& folder) {
  struct stat found;
  if (event::Process::Current()->credentials().uid == 0 ||
      sys::Stat(folder.c_str(), &found) != 0 ||
      (found.st_mode & S_IWGRP) == 0) {
    return;
  }
  event::Log(event::LogLevel::kWarning,
             absl::StrCat("the group of the folder ", folder,
                          " may write to it, so clients of other users may "
                          "refuse this directory: chmod g-w ",
                          folder));
}

}  // namespace

constexpr absl::Duration PlaceWatch::kSettleTime;

absl::StatusOr<event::UniqueFd> HoldPlace(const Place& place,
                                          bool passed_socket) {
  const std::string& folder = place.folder;
  for (size_t end = folder.find('/', 1); end != std::string::npos;
       end = folder.find('/', end + 1)) {
    const absl::Status checked =
        CheckFolder(folder.substr(0, end), /*is_above=*/true);
    if (!checked.ok()) return checked;
  }
  if (sys::Mkdir(folder.c_str(), kFolderMode) == 0) {
    // mkdir() has subtracted the umask.
    if (sys::Chmod(folder.c_str(), kFolderMode) != 0) {
      return Error("set the mode of the folder", folder);
    }
  } else if (errno != EEXIST) {
    return Error("make the folder", folder);
  } else {
    const absl::Status checked = CheckFolder(folder, /*is_above=*/false);
    if (!checked.ok()) return checked;
    WarnOfGroup(folder);
  }
  const std::string file = place.lock_file();
  // O_NOFOLLOW: a link that another user has made could lead to any file.
  event::UniqueFd lock(sys::Open(
      file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, kLockMode));
  if (!lock && passed_socket && (errno == EACCES || errno == EROFS)) {
    return lock;
  }
  if (!lock) return Error("open the lock file", file);
  while (sys::Flock(lock.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno == EINTR) continue;
    if (errno != EWOULDBLOCK) return Error("lock", file);
    return absl::AlreadyExistsError(
        absl::StrCat("another directory runs here: it holds ", file));
  }
  return lock;
}

absl::Status PlaceWatch::Start(const Place& place, const event::UniqueFd& lock,
                               std::function<void()> on_lost) {
  Stop();
  place_ = place;
  on_lost_ = std::move(on_lost);
  if (sys::Lstat(place.address().c_str(), &socket_) != 0) {
    return Error("find", place.address());
  }
  lock_.reset();
  if (lock) {
    struct stat found;
    if (sys::Fstat(lock.get(), &found) != 0) {
      return Error("inspect", place.lock_file());
    }
    lock_ = found;
  }
  inotify_.reset(sys::InotifyInit(IN_CLOEXEC | IN_NONBLOCK));
  if (!inotify_ ||
      sys::InotifyAddWatch(inotify_.get(), place.folder.c_str(),
                           IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO |
                               IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR) <
          0 ||
      !loop_->AddWatch(this, inotify_.get(), kReadable)) {
    return Error("watch", place.folder);
  }
  // The files may have been lost before the watch began.
  if (IsLost()) loop_->StartTimer(this, loop_->Now() + kSettleTime);
  return absl::OkStatus();
}

void PlaceWatch::Stop() {
  if (added()) loop_->RemoveWatch(this);
  if (running()) loop_->StopTimer(this);
  inotify_.reset();
}

bool PlaceWatch::IsLost() const {
  return IsGone(place_.address(), socket_) ||
         (lock_.has_value() && IsGone(place_.lock_file(), *lock_));
}

void PlaceWatch::OnReady(uint32_t) {
  // The events are discarded: IsLost() checks the files.
  char events[4096];
  while (sys::Read(inotify_.get(), events, sizeof(events)) > 0) {
  }
  if (!running() && IsLost()) {
    loop_->StartTimer(this, loop_->Now() + kSettleTime);
  }
}

void PlaceWatch::OnExpiry() {
  if (!IsLost()) return;
  Stop();
  const std::function<void()> on_lost = std::move(on_lost_);
  on_lost();
}

}  // namespace directory
}  // namespace le
