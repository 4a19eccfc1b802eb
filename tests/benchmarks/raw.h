// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

// The floor: the measured work by system calls only.

#ifndef LE_MESSAGING_TESTS_BENCHMARKS_RAW_H_
#define LE_MESSAGING_TESTS_BENCHMARKS_RAW_H_

#include <string>
#include <vector>

namespace le {
namespace benchmarks {

// Over a SEQPACKET socket, whose file descriptor is kLink (party.h). Each
// packet has one message:
//   raw_server HOW       echoes messages that want a response
//   raw_client HOW       commands: sync, pipelined, one_way
// HOW:
//   blocking
//   epoll                the server has an epoll_wait before each receive
//   large                the send buffer holds a message of 1 MiB
//   pieces               messages of 1 MiB, in packets of 64 KiB; sync only
// Opening by way of a third process:
//   raw_introducer PATH  listens; passes connections on over kLink
//   raw_host             receives connections over kLink; sends hello on each,
//                        and waits for the close
//   raw_opener PATH      commands: open_close
// Two threads of one process:
//   handover             commands: sync, by mutex and condition variable
//
// Returns false if the arguments name none of these roles.
bool PlayRaw(const std::vector<std::string>& words);

}  // namespace benchmarks
}  // namespace le

#endif  // LE_MESSAGING_TESTS_BENCHMARKS_RAW_H_
