// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// Keeps a second directory out of a place, and notices when the files of the
// place are deleted.

#ifndef LE_MESSAGING_DIRECTORY_PLACE_HOLDER_H_
#define LE_MESSAGING_DIRECTORY_PLACE_HOLDER_H_

#include <sys/stat.h>

#include <functional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/types/optional.h"
#include "directory/place.h"
#include "event/base/unique_fd.h"
#include "event/loop.h"

namespace le {
namespace directory {

// Makes the folder if it is missing, with mode 0755 whatever the umask is.
// Locks the lock file in the folder. The lock is held until the result is
// closed. AlreadyExists: another directory holds the lock. Internal: a system
// call has failed. PermissionDenied: another user could replace the folder or
// the socket, in one of these cases:
// - The folder, a folder above it, or a symbolic link at one of these paths
//   belongs neither to root nor to this user. Exception: a folder above may
//   belong to the overflow user (see Process::IsOverflowUser()), unless every
//   user may write to its parent.
// - Every user may write to the folder.
// - Every user may write to a folder above it that has no sticky bit.
//
// `passed_socket`: a service manager has passed the socket. Then no lock is
// needed, because only the service manager can start a second directory with
// this socket. So if the lock file cannot be opened (EACCES or EROFS), the
// result is empty and not an error.
absl::StatusOr<event::UniqueFd> HoldPlace(const Place& place,
                                          bool passed_socket = false);

// Notices when the socket or the lock file of a place is deleted, renamed or
// replaced, alone or with its folder. Does not poll. Does not notice a change
// above the folder, such as a parent folder that is renamed, or a file system
// that is mounted over the folder.
class PlaceWatch final : private event::Watch, private event::Timer {
 public:
  explicit PlaceWatch(event::Loop* loop) : loop_(loop) {}
  ~PlaceWatch() override { Stop(); }

  // Watches from now on. The socket must exist; `lock` is the result of
  // HoldPlace(). If `lock` is empty, only the socket is watched. The loop calls
  // `on_lost` once, kSettleTime after the first file is lost. (Mostly both
  // files are deleted together, and the second follows within this time.)
  // `on_lost` may call Start() again, or destroy this.
  absl::Status Start(const Place& place, const event::UniqueFd& lock,
                     std::function<void()> on_lost);
  void Stop();

  static constexpr absl::Duration kSettleTime = absl::Milliseconds(100);

 private:
  void OnReady(uint32_t) override;
  void OnExpiry() override;
  bool IsLost() const;

  event::Loop* const loop_;
  event::UniqueFd inotify_;
  Place place_;
  struct stat socket_ = {};
  absl::optional<struct stat> lock_;
  std::function<void()> on_lost_;
};

}  // namespace directory
}  // namespace le

#endif  // LE_MESSAGING_DIRECTORY_PLACE_HOLDER_H_
