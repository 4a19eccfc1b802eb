// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// Defines LE_ASAN in a build with AddressSanitizer, and LE_TSAN in a build with
// ThreadSanitizer. GCC has a macro for each, and clang has __has_feature().

#ifndef LE_MESSAGING_EVENT_BASE_SANITIZERS_H_
#define LE_MESSAGING_EVENT_BASE_SANITIZERS_H_

#if defined(__SANITIZE_ADDRESS__)
#define LE_ASAN 1
#endif
#if defined(__SANITIZE_THREAD__)
#define LE_TSAN 1
#endif

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define LE_ASAN 1
#endif
#if __has_feature(thread_sanitizer)
#define LE_TSAN 1
#endif
#endif

#endif  // LE_MESSAGING_EVENT_BASE_SANITIZERS_H_
