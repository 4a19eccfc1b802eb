// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// What the kernel reports about a process, in the folder /proc.

#ifndef LE_MESSAGING_TOOLS_SDIR_PROCESS_STATE_H_
#define LE_MESSAGING_TOOLS_SDIR_PROCESS_STATE_H_

#include <sys/types.h>

#include <string>

#include "absl/strings/string_view.h"

namespace le {
namespace sdir {

// Returns the state in a file /proc/PID/stat: a letter of proc(5), such as 'R'
// for running. 0: the file has no state.
char StateIn(absl::string_view stat);

// About how many threads StateOfProcess() looks at. A process may have 30,000.
constexpr int kMaxThreads = 64;
// Returns the state of the process. If the process sleeps, but one of its first
// threads runs, the state is 'R'. 0: the state is unknown.
char StateOfProcess(pid_t pid);

// Returns the likely reason why a server in this state does not answer.
std::string WhySilent(char state);

}  // namespace sdir
}  // namespace le

#endif  // LE_MESSAGING_TOOLS_SDIR_PROCESS_STATE_H_
