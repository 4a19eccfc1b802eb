// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

// The measured work, done through the C++ API.

#ifndef LE_MESSAGING_TESTS_BENCHMARKS_OURS_CPP_H_
#define LE_MESSAGING_TESTS_BENCHMARKS_OURS_CPP_H_

#include <string>
#include <vector>

namespace le {
namespace benchmarks {

//   cpp_server NAME MAX    as "server" of ours.h
//   cpp_client NAME MAX    as "client". Command: sync
//
// Returns false if the arguments name none of these roles.
bool PlayOursInCpp(const std::vector<std::string>& words);

}  // namespace benchmarks
}  // namespace le

#endif  // LE_MESSAGING_TESTS_BENCHMARKS_OURS_CPP_H_
