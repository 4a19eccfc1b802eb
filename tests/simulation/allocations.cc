// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#include "tests/simulation/allocations.h"

#include "event/base/sanitizers.h"

#if defined(LE_ASAN) || defined(LE_TSAN)

namespace le {
namespace simulation {
int64_t AllocationsInUse() { return 0; }
}  // namespace simulation
}  // namespace le

#else

#include <atomic>
#include <cstdlib>
#include <new>

namespace {

// Atomic, since tests/faults has threads that close file descriptors.
std::atomic<int64_t> g_in_use{0};

void* Allocate(size_t size) {
  void* const block = std::malloc(size == 0 ? 1 : size);
  if (block == nullptr) std::abort();
  g_in_use.fetch_add(1, std::memory_order_relaxed);
  return block;
}

void Free(void* block) {
  if (block == nullptr) return;
  g_in_use.fetch_sub(1, std::memory_order_relaxed);
  std::free(block);
}

}  // namespace

void* operator new(size_t size) { return Allocate(size); }
void* operator new[](size_t size) { return Allocate(size); }
void operator delete(void* block) noexcept { Free(block); }
void operator delete[](void* block) noexcept { Free(block); }
void operator delete(void* block, size_t) noexcept { Free(block); }
void operator delete[](void* block, size_t) noexcept { Free(block); }

namespace le {
namespace simulation {
int64_t AllocationsInUse() { return g_in_use.load(); }
}  // namespace simulation
}  // namespace le

#endif
