// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

// The measured work with le_messaging. The facade that is linked decides the
// transport. In the roles below, NAME is a service, and MAX is the size of the
// largest message of its protocol.

#ifndef LE_MESSAGING_TESTS_BENCHMARKS_OURS_H_
#define LE_MESSAGING_TESTS_BENCHMARKS_OURS_H_

#include <string>
#include <vector>

namespace le {
namespace benchmarks {

//   server NAME MAX    offers the service; echoes requests, drops the rest
//   client NAME MAX    a session, and no loop. Commands:
//                        sync        the length is not set
//                        sync_sized  the length is set
//                        one_way     sent in a plain loop
//                        open_close
//   looper NAME MAX    a session, on a loop. Commands:
//                        pipelined   kOutstanding requests at a time
//                        one_way     sent by queued functions, kBurst each
//   idle NAME MAX N    opens N sessions, and does not use them
//   slow_reader NAME MAX
//                      makes requests until there is no room, and reads no
//                      response
//   threads NAME MAX   server and client, each a thread of one process
//   local MAX          client and service on one thread. Commands:
//                        one_way     each sent by the handler of the one before
//
// Returns false if the arguments name none of these roles.
bool PlayOurs(const std::vector<std::string>& words);

}  // namespace benchmarks
}  // namespace le

#endif  // LE_MESSAGING_TESTS_BENCHMARKS_OURS_H_
