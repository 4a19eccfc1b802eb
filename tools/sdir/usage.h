// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// The commands and options of sdir. The parser, the help, the man page and the
// completions of shells use these tables.

#ifndef LE_MESSAGING_TOOLS_SDIR_USAGE_H_
#define LE_MESSAGING_TOOLS_SDIR_USAGE_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace le {
namespace sdir {

struct OptionInfo {
  const char* name;   // such as "--format"
  const char* value;  // such as "FORMAT"; null: the option has no value
  const char* help;
};

struct CommandInfo {
  const char* name;
  const char* arguments;                   // such as "[FILTER]"
  std::vector<absl::string_view> options;  // their names
  const char* help;

  bool Takes(absl::string_view option) const;
};

const std::vector<OptionInfo>& Options();
const std::vector<CommandInfo>& Commands();
// Null: there is no such command.
const CommandInfo* FindCommand(absl::string_view name);

std::string HelpText();
std::string ManPage();  // in mdoc
std::string BashCompletion();
std::string ZshCompletion();
std::string FishCompletion();

}  // namespace sdir
}  // namespace le

#endif  // LE_MESSAGING_TOOLS_SDIR_USAGE_H_
