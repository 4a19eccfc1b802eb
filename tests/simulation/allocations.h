// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// Replaces operator new to count the blocks of memory in use.

#ifndef LE_MESSAGING_TESTS_SIMULATION_ALLOCATIONS_H_
#define LE_MESSAGING_TESTS_SIMULATION_ALLOCATIONS_H_

#include <cstdint>

namespace le {
namespace simulation {

// Blocks that have been allocated and not freed. Always 0 with AddressSanitizer
// and ThreadSanitizer, which have their own operator new.
int64_t AllocationsInUse();

}  // namespace simulation
}  // namespace le

#endif  // LE_MESSAGING_TESTS_SIMULATION_ALLOCATIONS_H_
