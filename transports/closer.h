// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// Closes file descriptors that strangers have sent. A close may take as long as the
// sender likes (SO_LINGER, a network's file system), so that it is made where nobody
// waits.

#ifndef LE_MESSAGING_TRANSPORTS_CLOSER_H_
#define LE_MESSAGING_TRANSPORTS_CLOSER_H_

#include <sys/types.h>

#include <cstddef>
#include <memory>

#include "event/base/unique_fd.h"
#include "event/process.h"

namespace le {
namespace transports {

// Any thread. Closes what `user` has sent: elsewhere if it is a stranger's. For
// others no thread is started. `held` is kept until it is closed.
void CloseSentBy(event::Process* process, uid_t user, event::UniqueFd fd,
                 std::shared_ptr<void> held = nullptr);

// The same for what may come from strangers, whoever pays: the closes that one user
// pays for hold up no other's.
// If there can be no thread for it, one that is there closes it later; the calling
// one only if there is none.
void CloseElsewhere(event::Process* process, uid_t user, event::UniqueFd fd,
                    std::shared_ptr<void> held = nullptr);

// While so many of what one user has sent wait to be closed, its connections are left
// unread. One more packet may have been received before.
constexpr size_t kMaxClosesOfAUser = 64;

// Any thread. Whether so many wait; of any user at all, which costs next to nothing.
bool HasManyCloses(event::Process* process, uid_t user);
bool MayHaveManyCloses();

}  // namespace transports
}  // namespace le

#endif  // LE_MESSAGING_TRANSPORTS_CLOSER_H_
