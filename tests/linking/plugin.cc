// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// A plug-in that does what the library does on a thread of its host's: it leaves
// data with a destructor. (Not the library itself: Debian's Abseil, which it links,
// cannot go into a shared object.)

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

// False: there is no key left. *ended is counted up when the thread ends.
extern "C" bool plugin_use(int* ended) {
  le::event::PinThisCode();
  return Key() != static_cast<pthread_key_t>(-1) &&
         pthread_setspecific(Key(), ended) == 0;
}
