// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef LE_MESSAGING_EVENT_BASE_PIN_H_
#define LE_MESSAGING_EVENT_BASE_PIN_H_

namespace le {
namespace event {

// If this code is in a plug-in, keeps the plug-in loaded: dlclose() has no
// effect. A thread that ends later runs the destructor of a POSIX key. This
// destructor is code of the plug-in, so it must stay in memory.
//
// Do not hold a lock during the call. The call takes the loader's lock. A
// thread that holds the loader's lock may wait for your lock, and then both
// threads would wait forever.
void PinThisCode();

}  // namespace event
}  // namespace le

#endif  // LE_MESSAGING_EVENT_BASE_PIN_H_
