// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#include "tools/sdir/commands.h"

#include <cstdio>
#include <string>

#include "directory/program.h"
#include "directory/usage.h"
#include "tools/sdir/usage.h"

namespace le {
namespace sdir {
namespace {

struct Entry {
  const char* name;
  CommandFunction function;
};

constexpr Entry kCommands[] = {
    {"list", RunList},       {"explain", RunExplain},
    {"top", RunTop},         {"metrics", RunMetrics},
    {"monitor", RunMonitor}, {"bind", RunBind},
    {"unbind", RunUnbind},   {"load", RunLoad},
    {"wait", RunWait},       {"introspect", RunIntrospect},
    {"call", RunCall},       {"tap", RunTap},
    {"record", RunRecord},   {"replay", RunReplay},
    {"help", RunHelp},
};

}  // namespace

CommandFunction FindCommandFunction(absl::string_view name) {
  for (const Entry& entry : kCommands) {
    if (name == entry.name) return entry.function;
  }
  return nullptr;
}

int RunHelp(Command* command) {
  const auto help =
      directory::HelpAs(command->NextIfAny().value_or("text"), SdirUsage());
  if (!help.ok()) Misused(std::string(help.status().message()));
  std::fputs(help->c_str(), stdout);
  return directory::kDone;
}

}  // namespace sdir
}  // namespace le
