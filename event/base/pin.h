// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef LE_MESSAGING_EVENT_BASE_PIN_H_
#define LE_MESSAGING_EVENT_BASE_PIN_H_

namespace le {
namespace event {

// If this code is in a plug-in, keeps the plug-in loaded: dlclose() has no
// effect. Threads that end later run its code, and a key for thread data cannot
// be deleted while a thread has data. Do not call it with a lock held: a thread
// that holds the loader's lock may wait for that lock.
void PinThisCode();

}  // namespace event
}  // namespace le

#endif  // LE_MESSAGING_EVENT_BASE_PIN_H_
