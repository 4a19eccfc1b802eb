// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// A plug-in that leaves thread data with a destructor on a thread of its host,
// as the library does. (Not the library itself: it links Debian's Abseil, which
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
