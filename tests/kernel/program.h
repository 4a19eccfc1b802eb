// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// A program of system calls for several processes. The calls are made one at a
// time.

#ifndef LE_MESSAGING_TESTS_KERNEL_PROGRAM_H_
#define LE_MESSAGING_TESTS_KERNEL_PROGRAM_H_

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace le {
namespace kernel_test {

constexpr int kMaxProcesses = 4;
constexpr int kPathCount = 3;
constexpr int kMaxArgs = 4;
// One more than SCM_MAX_FD, the kernel's limit for a message.
constexpr int kMaxFds = 254;

enum class Op : uint8_t {
  kSocket,
  kSocketPair,
  kPipe,
  kBind,
  kListen,
  kConnect,
  kAccept,
  kSend,
  kSendMsg,
  kRecv,
  kRecvMsg,
  kRead,
  kWrite,
  kShutdown,
  kClose,
  kDup,
  kFcntl,
  kIoctl,
  kSetSockOpt,
  kGetSockOpt,
  kGetSockName,
  kEpollCreate,
  kEpollCtl,
  kEpollWait,
  kEventFd,
  kTimerFd,
  kTimerSet,
  kPoll,
  kPollAll,
  kSetLimit,
  kUnlink,
  kChmod,
  kKill,
};
constexpr int kOpCount = static_cast<int>(Op::kKill) + 1;

// How a step is written: the names of its operation and of its arguments.
struct OpInfo {
  const char* name;
  bool takes_fd;
  std::array<const char*, kMaxArgs> args;
};
const OpInfo& InfoOf(Op op);

// The values of `cred`, an argument of kSendMsg: the credentials to send.
enum Credentials : int64_t {
  kNoCredentials,
  kOwn,
  kPidOfNext,  // the next process's pid
  kUidOfNext,  // the next process's uid
};

// The values of `when`, an argument of kTimerSet: the deadline.
enum Timer : int64_t { kDisarm, kPast, kFarFuture };

// A step names a file descriptor by a variable, not by its number. So the other
// steps keep their meaning when a step is dropped.
struct Step {
  int process = 0;
  Op op = Op::kSocket;
  int fd = -1;  // a variable; -1: none
  std::array<int64_t, kMaxArgs> args{};
  // The variables of the descriptors that kSendMsg sends, kPoll polls, or
  // kEpollCtl adds, changes or removes.
  std::vector<int> fds;
  // The events of kPoll, one for each of `fds`.
  std::vector<int> events;
  // The variables for the descriptors that the call creates or receives.
  std::vector<int> out;
};

struct Program {
  // The uid of each process. 0 is the user that runs the test.
  std::vector<int> uids;
  std::vector<Step> steps;
};

// The first line of a program has its uids: `uids 0 1`. Each further line is
// one step, for example `0 SendMsg v1 size=64 fds=v2` or
// `1 v4 = RecvMsg v3 size=64 control=24`. Lines that begin with # are comments.
// ParseProgram() reads the text of ToString().
std::string ToString(const Step& step);
std::string ToString(const Program& program);
bool ParseProgram(absl::string_view text, Program* program);

}  // namespace kernel_test
}  // namespace le

#endif  // LE_MESSAGING_TESTS_KERNEL_PROGRAM_H_
