// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef LE_MESSAGING_EVENT_BASE_PIN_H_
#define LE_MESSAGING_EVENT_BASE_PIN_H_

namespace le {
namespace event {

// If this code is in a plug-in, keeps the plug-in loaded: dlclose() has no
// effect. This is needed, because a thread that ends later runs code of the
// library, the destructor of a POSIX key. Do not hold a lock during the call: a
// thread that holds the loader's lock may wait for your lock.
void PinThisCode();

}  // namespace event
}  // namespace le

#endif  // LE_MESSAGING_EVENT_BASE_PIN_H_
