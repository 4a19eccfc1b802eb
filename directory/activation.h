// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// Socket activation: a service manager, such as systemd, opens the directory's
// socket, and passes it to each directoryd that it starts.

#ifndef LE_MESSAGING_DIRECTORY_ACTIVATION_H_
#define LE_MESSAGING_DIRECTORY_ACTIVATION_H_

#include "absl/status/statusor.h"
#include "event/base/unique_fd.h"
#include "event/process.h"

namespace le {
namespace directory {

// Takes the file descriptor that the service manager has passed to this
// process: $LISTEN_FDS descriptors from number 3 on are for process
// $LISTEN_PID. Makes it close-on-exec, closes further ones, and removes the
// variables from the environment. The result is empty if none was passed.
// InvalidArgument: a variable is wrong.
//
// Call it before the process opens any file descriptor, since a wrong number
// could name one of those.
absl::StatusOr<event::UniqueFd> TakePassedSocket(event::Process* process);

}  // namespace directory
}  // namespace le

#endif  // LE_MESSAGING_DIRECTORY_ACTIVATION_H_
