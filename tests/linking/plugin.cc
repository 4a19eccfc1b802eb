// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// A plug-in that sets thread-specific data with a destructor on a thread of its
// host, as the library does. The library itself cannot be this plug-in: it
// links Debian's Abseil, which cannot be linked into a shared object.
// pin_test shows that the library pins its code.

#include <pthread.h>

#include "event/base/pin.h"

namespace {

pthread_key_t Key() {
  static const pthread_key_t key = [] {
    pthread_key_t made;
    return pthread_key_create(
               &made, [](void* ended) { ++*static_cast<int*>(ended); }) == 0
               ? made
               : static_cast<pthread_key_t>(-1);
  }();
  return key;
}

}  // namespace

// Returns false if no key is left. The end of the thread increments *ended.
extern "C" bool plugin_use(int* ended) {
  le::event::PinThisCode();
  return Key() != static_cast<pthread_key_t>(-1) &&
         pthread_setspecific(Key(), ended) == 0;
}
