// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// How Fatal() ends the process: set by event/process.cc, which knows what the
// current process is. Before anything has asked for a process, exit() will do.

#ifndef LE_MESSAGING_EVENT_BASE_DIE_H_
#define LE_MESSAGING_EVENT_BASE_DIE_H_

#include "absl/strings/string_view.h"

namespace le {
namespace event {

// Never returns.
using DieFunction = void (*)(absl::string_view message);
void SetDieFunction(DieFunction die);

// Whether the environment wants a core of a process that ends so: LE_ABORT_ON_FATAL.
bool AbortsOnFatal();

}  // namespace event
}  // namespace le

#endif  // LE_MESSAGING_EVENT_BASE_DIE_H_
