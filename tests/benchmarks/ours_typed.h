// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

// The measured work, done through the typed services of echo.proto.

#ifndef LE_MESSAGING_TESTS_BENCHMARKS_OURS_TYPED_H_
#define LE_MESSAGING_TESTS_BENCHMARKS_OURS_TYPED_H_

#include <string>
#include <vector>

namespace le {
namespace benchmarks {

//   typed_server NAME    offers the three services of echo.proto
//   typed_client NAME    a client of Echo, except for two commands. Commands:
//                          sync
//                          sync_small  calls SmallEcho
//                          sync_large  calls LargeEcho
//                          pipelined   kOutstanding calls at a time
//                          one_way     bursts of kBurst messages; each burst
//                                      is a task of the loop
//                          stream      reads a stream; each item counts as
//                                      an operation
//
// Returns false if the arguments name none of these roles.
bool PlayOursTyped(const std::vector<std::string>& words);

}  // namespace benchmarks
}  // namespace le

#endif  // LE_MESSAGING_TESTS_BENCHMARKS_OURS_TYPED_H_
