// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// The function by which Fatal() ends the process. event/process.cc sets this
// function when the first Process is made. Before that, Fatal() calls exit() or
// abort().

#ifndef LE_MESSAGING_EVENT_BASE_DIE_H_
#define LE_MESSAGING_EVENT_BASE_DIE_H_

#include "absl/strings/string_view.h"

namespace le {
namespace event {

// Never returns.
using DieFunction = void (*)(absl::string_view message);
void SetDieFunction(DieFunction die);

// Whether a fatal error should abort the process, to leave a core dump. True if
// the environment variable LE_ABORT_ON_FATAL is set, and is neither "" nor "0".
// Always false in a set-uid program.
bool AbortsOnFatal();

}  // namespace event
}  // namespace le

#endif  // LE_MESSAGING_EVENT_BASE_DIE_H_
