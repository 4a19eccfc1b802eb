// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// One system call with its arguments and results.

#ifndef LE_MESSAGING_TESTS_KERNEL_CALL_H_
#define LE_MESSAGING_TESTS_KERNEL_CALL_H_

#include <sys/socket.h>

#include <cstdint>
#include <functional>

#include "tests/kernel/program.h"

namespace le {
namespace kernel_test {

// Request and Response have no pointers, because RealMachine places them in
// memory that processes share.
struct Request {
  Op op;
  int fd;
  int64_t args[kMaxArgs];
  int fds[kMaxFds];
  int events[kMaxFds];
  int fd_count;
  // Selects the bytes that are sent.
  uint32_t payload;
  // A tag identifies an open file. All processes see the same tag of a file.
  // The numbers of its file descriptors differ. `tags` has the tags of the
  // first and the second file that the call creates.
  int tags[2];
  // The credentials to send.
  int pid;
  unsigned uid;
  unsigned gid;
  char path[108];
};

constexpr int kMaxWords = 560;

struct Response {
  int64_t result;
  int error;
  // The numbers and the tags of the file descriptors that the call has created
  // or received.
  int fd_count;
  int fds[kMaxFds];
  int tags[kMaxFds];
  // Other results, in an order that depends on the call only.
  int word_count;
  int64_t words[kMaxWords];
  // The index of a pid in `words`, or -1. A uid and a gid follow the pid.
  int pid_at;
};

// Linux has SO_PEERPIDFD since 6.5, and SO_PASSRIGHTS since 6.16. Older headers
// do not define them.
#ifdef SO_PEERPIDFD
constexpr int kPeerPidFd = SO_PEERPIDFD;
#else
constexpr int kPeerPidFd = 77;
#endif
#ifdef SO_PASSRIGHTS
constexpr int kPassRights = SO_PASSRIGHTS;
#else
constexpr int kPassRights = 83;
#endif

// Has the effect of pipe2(), which event/base/sys.h does not have.
using MakePipe = std::function<int(int fds[2], int flags)>;

// Makes the call by event/base/sys.h, in the calling process.
void Perform(const Request& request, const MakePipe& make_pipe,
             Response* response);

}  // namespace kernel_test
}  // namespace le

#endif  // LE_MESSAGING_TESTS_KERNEL_CALL_H_
