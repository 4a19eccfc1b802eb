// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// Closes file descriptors that strangers have sent. A close may take as long as the
// sender likes (SO_LINGER, a network's file system), so that it is made where nobody
// waits. For kernels that cannot refuse descriptors (SO_PASSRIGHTS).

#ifndef LE_MESSAGING_TRANSPORTS_UNIX_SOCKET_CLOSER_H_
#define LE_MESSAGING_TRANSPORTS_UNIX_SOCKET_CLOSER_H_

#include "event/base/unique_fd.h"
#include "event/process.h"

namespace le {
namespace transports {

// Any thread. If there can be no thread for it, the calling one closes it.
void CloseElsewhere(event::Process* process, event::UniqueFd fd);

}  // namespace transports
}  // namespace le

#endif  // LE_MESSAGING_TRANSPORTS_UNIX_SOCKET_CLOSER_H_
