// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// Closes file descriptors that strangers have sent. Their sender can make a
// close block for any time (SO_LINGER, a network file system), so other threads
// do it.

#ifndef LE_MESSAGING_TRANSPORTS_CLOSER_H_
#define LE_MESSAGING_TRANSPORTS_CLOSER_H_

#include <sys/types.h>

#include <cstddef>
#include <memory>

#include "event/base/unique_fd.h"
#include "event/process.h"

namespace le {
namespace transports {

// Any thread. Closes `fd`, which `user` has sent. If `user` is a stranger
// (Process::IsStranger()), another thread closes it; otherwise the calling
// thread does. `held` is kept until `fd` is closed.
void CloseSentBy(event::Process* process, uid_t user, event::UniqueFd fd,
                 std::shared_ptr<void> held = nullptr);

// Any thread. Closes `fd` on another thread, whoever sent it. The close is
// charged to `user`, who occupies at most four of the 64 threads, so one user
// does not delay the closes of others. If no thread can be started, an existing
// one closes `fd` later. The calling thread closes it only if there is none, if
// memory is short, or if the process was killed.
void CloseElsewhere(event::Process* process, uid_t user, event::UniqueFd fd,
                    std::shared_ptr<void> held = nullptr);

// While this many file descriptors of one user wait to be closed, its
// connections are not read. The packet that reaches the bound may exceed it.
constexpr size_t kMaxClosesOfAUser = 64;

// Any thread. Whether kMaxClosesOfAUser file descriptors wait: of `user`, or of
// all users together. MayHaveManyCloses() only reads a counter, so it is the
// first check.
bool HasManyCloses(event::Process* process, uid_t user);
bool MayHaveManyCloses();

// Any thread. Whether any file descriptor of any user waits to be closed.
bool AnyCloseWaits();

}  // namespace transports
}  // namespace le

#endif  // LE_MESSAGING_TRANSPORTS_CLOSER_H_
