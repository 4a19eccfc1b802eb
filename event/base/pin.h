// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef LE_MESSAGING_EVENT_BASE_PIN_H_
#define LE_MESSAGING_EVENT_BASE_PIN_H_

namespace le {
namespace event {

// If this code is in a plug-in, keeps the plug-in loaded for good: dlclose() has no
// effect. Threads that end later run code of it, and a key for the data of threads
// cannot be given back while any thread has data. Not with a lock held: the loader
// has one, and may be in the middle of running code that wants the other.
void PinThisCode();

}  // namespace event
}  // namespace le

#endif  // LE_MESSAGING_EVENT_BASE_PIN_H_
