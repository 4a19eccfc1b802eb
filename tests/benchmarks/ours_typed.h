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
//   typed_client NAME    a client of Echo. Commands:
//                          sync
//                          sync_small  with SmallEcho
//                          sync_large  with LargeEcho
//                          pipelined   kOutstanding calls at a time
//                          one_way     sent by posted tasks, kBurst each
//                          stream      one stream; an operation is an item
//
// Returns false if the arguments name none of these roles.
bool PlayOursTyped(const std::vector<std::string>& words);

}  // namespace benchmarks
}  // namespace le

#endif  // LE_MESSAGING_TESTS_BENCHMARKS_OURS_TYPED_H_
