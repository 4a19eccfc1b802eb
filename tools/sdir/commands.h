// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// The commands of the table in usage.cc. Each function reads the arguments that
// are left, and returns the exit status. An error ends the program.

#ifndef LE_MESSAGING_TOOLS_SDIR_COMMANDS_H_
#define LE_MESSAGING_TOOLS_SDIR_COMMANDS_H_

#include "absl/strings/string_view.h"
#include "tools/sdir/command.h"

namespace le {
namespace sdir {

using CommandFunction = int (*)(Command* command);

// Null: there is no such command.
CommandFunction FindCommandFunction(absl::string_view name);

int RunHelp(Command* command);

// looking_commands.cc
int RunList(Command* command);
int RunExplain(Command* command);
int RunTop(Command* command);
int RunMetrics(Command* command);
int RunMonitor(Command* command);

// bindings_commands.cc
int RunBind(Command* command);
int RunUnbind(Command* command);
int RunLoad(Command* command);
int RunWait(Command* command);

// typed_commands.cc
int RunIntrospect(Command* command);
int RunCall(Command* command);

// message_commands.cc
int RunTap(Command* command);
int RunRecord(Command* command);
int RunReplay(Command* command);

}  // namespace sdir
}  // namespace le

#endif  // LE_MESSAGING_TOOLS_SDIR_COMMANDS_H_
