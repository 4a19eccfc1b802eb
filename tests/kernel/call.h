// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// One system call with its arguments and results.

#ifndef LE_MESSAGING_TESTS_KERNEL_CALL_H_
#define LE_MESSAGING_TESTS_KERNEL_CALL_H_

#include <cstdint>
#include <functional>

#include "tests/kernel/program.h"

namespace le {
namespace kernel_test {

// Both lie in memory that processes share.
struct Request {
  Op op;
  int fd;
  int64_t args[kMaxArgs];
  int fds[kMaxFds];
  int events[kMaxFds];
  int fd_count;
  // Which bytes are sent.
  uint32_t payload;
  // An open file is identified by its tag, in any process and under any number.
  // These are the tags for the first and the second file that the call makes.
  int tags[2];
  // The sent credentials.
  int pid;
  unsigned uid;
  unsigned gid;
  char path[108];
};

constexpr int kMaxWords = 560;

struct Response {
  int64_t result;
  int error;
  // The numbers and the tags of descriptors that were made or received.
  int fd_count;
  int fds[kMaxFds];
  int tags[kMaxFds];
  // Other results, in an order that depends on the call only.
  int word_count;
  int64_t words[kMaxWords];
  // Where in `words` a pid stands; -1: nowhere.
  int pid_at;
};

// As pipe2(), which event/base/sys.h does not have.
using MakePipe = std::function<int(int fds[2], int flags)>;

// Makes the call as the calling process, by event/base/sys.h.
void Perform(const Request& request, const MakePipe& make_pipe,
             Response* response);

}  // namespace kernel_test
}  // namespace le

#endif  // LE_MESSAGING_TESTS_KERNEL_CALL_H_
