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
//   typed_client NAME    calls the services. Commands:
//                          sync        calls Echo, one call at a time
//                          sync_small  as sync, but calls SmallEcho
//                          sync_large  as sync, but calls LargeEcho
//                          pipelined   calls Echo, kOutstanding calls at a time
//                          one_way     sends bursts of kBurst messages to Echo;
//                                      each burst after the first is a task of
//                                      the loop
//                          stream      reads a stream of Echo; each item counts
//                                      as an operation
//
// Returns false if the arguments name none of these roles.
bool PlayOursTyped(const std::vector<std::string>& words);

}  // namespace benchmarks
}  // namespace le

#endif  // LE_MESSAGING_TESTS_BENCHMARKS_OURS_TYPED_H_
