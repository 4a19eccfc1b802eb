// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// What a directory does to be the only one at its place, and to stay there.

#ifndef LE_MESSAGING_DIRECTORY_PLACE_HOLDER_H_
#define LE_MESSAGING_DIRECTORY_PLACE_HOLDER_H_

#include <sys/stat.h>

#include <functional>
#include <string>

#include "absl/status/statusor.h"
#include "directory/place.h"
#include "event/base/unique_fd.h"
#include "event/loop.h"

namespace le {
namespace directory {

// Makes the folder, if it is not there, with mode 0755 whatever the umask, and
// locks its lock file for as long as the result is open. AlreadyExists: another
// directory holds it. PermissionDenied: the folder belongs to another user, and not to
// root.
absl::StatusOr<event::UniqueFd> HoldPlace(const Place& place);

// Notices when the socket or the lock file of a place is deleted, renamed or
// replaced, with its folder or without. Nothing is polled. What happens above the
// folder (one of its parents is renamed, another file system is mounted there) is not
// noticed.
class PlaceWatch final : private event::Watch, private event::Timer {
 public:
  explicit PlaceWatch(event::Loop* loop) : loop_(loop) {}
  ~PlaceWatch() override { Stop(); }

  // From now on; the socket is there already, and `lock` is what HoldPlace() has
  // returned. `on_lost` is called once, by the loop: kSettleTime later, since files
  // are mostly deleted together. It may call Start() again, or destroy this.
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
  struct stat lock_ = {};
  std::function<void()> on_lost_;
};

}  // namespace directory
}  // namespace le

#endif  // LE_MESSAGING_DIRECTORY_PLACE_HOLDER_H_
