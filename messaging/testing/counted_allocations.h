// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// Counts the allocations of operations. This file replaces operator new, so
// only one source file of a program may include it.

#ifndef LE_MESSAGING_MESSAGING_TESTING_COUNTED_ALLOCATIONS_H_
#define LE_MESSAGING_MESSAGING_TESTING_COUNTED_ALLOCATIONS_H_

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <limits>
#include <new>

namespace le {
namespace messaging {
namespace testing {

// The number of allocations by threads that have called CountThisThread(). So
// the allocations of the test kit's directory are not counted.
inline std::atomic<int> g_allocations{0};
inline thread_local bool t_is_counted = false;

inline void CountThisThread() { t_is_counted = true; }

constexpr int kCounted = 400;
// A one-off allocation occurs in one round only, so the least of all rounds
// does not count it. For example, a queue is created when two responses are
// first sent together.
constexpr int kRounds = 5;

// Returns the number of allocations of kCounted operations, in the round with
// the fewest.
template <typename Operation>
int CountAllocations(Operation operation) {
  int least = std::numeric_limits<int>::max();
  for (int round = 0; round < kRounds; ++round) {
    const int before = g_allocations;
    for (int i = 0; i < kCounted; ++i) operation();
    least = std::min(least, g_allocations - before);
  }
  return least;
}

}  // namespace testing
}  // namespace messaging
}  // namespace le

namespace {

void Count() {
  if (le::messaging::testing::t_is_counted) {
    ++le::messaging::testing::g_allocations;
  }
}

void* Allocate(size_t size) {
  Count();
  void* const memory = malloc(size);
  if (memory == nullptr) abort();
  return memory;
}

}  // namespace

// The other forms of operator new call these.
void* operator new(size_t size) { return Allocate(size); }
void* operator new(size_t size, const std::nothrow_t&) noexcept {
  return Allocate(size);
}
void* operator new(size_t size, std::align_val_t alignment) {
  Count();
  void* memory = nullptr;
  if (posix_memalign(&memory, static_cast<size_t>(alignment), size) != 0) {
    abort();
  }
  return memory;
}
void operator delete(void* memory) noexcept { free(memory); }
void operator delete(void* memory, size_t) noexcept { free(memory); }
void operator delete(void* memory, std::align_val_t) noexcept { free(memory); }
void operator delete(void* memory, size_t, std::align_val_t) noexcept {
  free(memory);
}

#endif  // LE_MESSAGING_MESSAGING_TESTING_COUNTED_ALLOCATIONS_H_
