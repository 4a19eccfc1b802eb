// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// Tells AddressSanitizer which parts of an allocation must not be used, so that
// it reports accesses to them.

#ifndef LE_MESSAGING_EVENT_BASE_ASAN_H_
#define LE_MESSAGING_EVENT_BASE_ASAN_H_

#include <cstddef>

#include "event/base/sanitizers.h"

#ifdef LE_ASAN
#include <sanitizer/asan_interface.h>
#endif

namespace le {
namespace event {

#ifdef LE_ASAN
constexpr bool kAsan = true;
// From now on AddressSanitizer reports each access to this memory.
inline void Poison(const void* memory, size_t size) {
  ASAN_POISON_MEMORY_REGION(memory, size);
}
inline void Unpoison(const void* memory, size_t size) {
  ASAN_UNPOISON_MEMORY_REGION(memory, size);
}
#else
constexpr bool kAsan = false;
inline void Poison(const void*, size_t) {}
inline void Unpoison(const void*, size_t) {}
#endif

}  // namespace event
}  // namespace le

#endif  // LE_MESSAGING_EVENT_BASE_ASAN_H_
