// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// Closes file descriptors that other processes have sent. A sender can make the
// close of its file descriptor block without limit (SO_LINGER, a network file
// system). So threads that do nothing else close these file descriptors.

#ifndef LE_MESSAGING_TRANSPORTS_CLOSER_H_
#define LE_MESSAGING_TRANSPORTS_CLOSER_H_

#include <sys/types.h>

#include <cstddef>
#include <list>
#include <memory>

#include "event/base/ref.h"
#include "event/base/unique_fd.h"
#include "event/loop.h"
#include "event/process.h"

namespace le {
namespace transports {

class Closer;

// Any thread. Closes `fd`, which `user` has sent. If `user` is a stranger
// (Process::IsStranger()), another thread closes it; otherwise the calling
// thread does. `held` is kept until `fd` is closed.
void CloseSentBy(event::Process* process, uid_t user, event::UniqueFd fd,
                 event::HeldRef held = {});

// Any thread. Closes `fd` on another thread, even if `user` is not a stranger.
// The close is charged to `user`. Each user that has closes under way has a
// thread of its own, and up to three of 60 shared threads. So one user does not
// delay the closes of others. If no thread can be started, an existing thread
// closes `fd` later. The calling thread closes `fd` in three cases: there is no
// thread and none can be started, memory is short, or the process was killed.
// Logs if no close of a user has ended for a long time.
void CloseElsewhere(event::Process* process, uid_t user, event::UniqueFd fd,
                    event::HeldRef held = {});

// While this many file descriptors of one user wait to be closed, connections
// that receive file descriptors of this user are not read. One packet with many
// file descriptors may exceed this limit.
constexpr size_t kMaxClosesOfAUser = 64;

// Any thread. Returns whether at least kMaxClosesOfAUser file descriptors of
// `user` wait to be closed.
bool HasManyCloses(event::Process* process, uid_t user);
// The same for the file descriptors of all users together. Only reads a
// counter, so call it first.
bool MayHaveManyCloses();

// Waits while a user has many closes: at least kMaxClosesOfAUser of the user's
// file descriptors wait to be closed. With fewer, the user has few closes. The
// waits of a user form a queue. Two events end the oldest wait if the user then
// has few closes: a close of the user starts, or another wait of the user ends.
// So each of these events ends at most one wait. Only the thread of the loop
// may use this class.
class FewClosesWait : private event::Task {
 public:
  FewClosesWait() = default;
  ~FewClosesWait() override { Cancel(); }

  // Returns true if `user` has many closes. `loop` will then call
  // OnFewCloses(). Returns false if the user has few. Must not be called while
  // waits(). The loop must exist while waits().
  bool Begin(event::Process* process, uid_t user, event::Loop* loop);
  // OnFewCloses() will not be called.
  void Cancel();
  bool waits() const { return closer_ != nullptr; }

 private:
  friend class Closer;
  // When this is called, the user may have many closes again.
  virtual void OnFewCloses() = 0;
  void Run() override;

  std::shared_ptr<Closer> closer_;  // while it waits
  uid_t user_ = 0;
  event::Loop* loop_ = nullptr;
  // The closer's lock guards these two. `node_` is empty while a list of the
  // closer holds its element.
  std::list<FewClosesWait*> node_{this};
  const std::list<FewClosesWait*>::iterator self_ = node_.begin();
};

// Any thread. Whether any file descriptor of any user waits to be closed.
bool AnyCloseWaits();
// For tests. Whether any file descriptor waits to be closed, or is being
// closed.
bool AnyCloseIsUnfinished();

}  // namespace transports
}  // namespace le

#endif  // LE_MESSAGING_TRANSPORTS_CLOSER_H_
