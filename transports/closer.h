// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// Closes file descriptors that strangers have sent. A sender can make the close
// of its file descriptor block without limit (SO_LINGER, a network file
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

// Any thread. Closes `fd` on another thread, for any sender. The close is
// charged to `user`. Each user that has closes under way has a thread of its
// own, and up to three of 60 shared threads. So one user does not delay the
// closes of others. If no thread can be started, an existing thread closes `fd`
// later. The calling thread closes `fd` only if no such thread exists, memory
// is short, or the process was killed. If the closes of any user last long,
// logs this.
void CloseElsewhere(event::Process* process, uid_t user, event::UniqueFd fd,
                    event::HeldRef held = {});

// While this many file descriptors of one user wait to be closed, the user's
// connections are not read. One packet with many file descriptors may exceed
// this limit.
constexpr size_t kMaxClosesOfAUser = 64;

// Any thread. Whether at least kMaxClosesOfAUser file descriptors wait to be
// closed: for HasManyCloses() those of `user`, for MayHaveManyCloses() those of
// all users. MayHaveManyCloses() only reads a counter, so call it first.
bool HasManyCloses(event::Process* process, uid_t user);
bool MayHaveManyCloses();

// Waits while a user has many closes: kMaxClosesOfAUser or more. While the user
// has few closes, its waits end one after another, the oldest first:
//  - The start of each close ends one wait.
//  - Each wait that ends also ends the next one.
// So no step's work grows with the number of waits. Only the thread of the loop
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
