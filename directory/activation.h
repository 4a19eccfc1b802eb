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
// process. The service manager passes $LISTEN_FDS file descriptors to process
// $LISTEN_PID; the first is file descriptor 3. Makes file descriptor 3
// close-on-exec, closes the others, and removes the variables from the
// environment. The result is empty if the service manager has passed none.
// InvalidArgument: a variable is wrong.
//
// Call this function before the process opens a file descriptor above 2.
// Otherwise, with a wrong $LISTEN_FDS, this function could close a file
// descriptor that the process has opened.
absl::StatusOr<event::UniqueFd> TakePassedSocket(event::Process* process);

}  // namespace directory
}  // namespace le

#endif  // LE_MESSAGING_DIRECTORY_ACTIVATION_H_
