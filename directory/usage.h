// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// The commands and options of a program, in tables. The parser, the help, the
// man page and the completions of shells use these tables.

#ifndef LE_MESSAGING_DIRECTORY_USAGE_H_
#define LE_MESSAGING_DIRECTORY_USAGE_H_

#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "directory/program.h"

namespace le {
namespace directory {

struct OptionInfo {
  const char* name;   // such as "--format"
  const char* value;  // such as "FORMAT"; null: the option has no value
  const char* help;
  const char* short_name = nullptr;  // such as "-o"
};

struct CommandInfo {
  const char* name;
  const char* arguments;                   // such as "[FILTER]"
  std::vector<absl::string_view> options;  // their names
  const char* help;

  bool Takes(absl::string_view option) const;
};

struct StatusInfo {
  int status;
  const char* help;
};

struct Usage {
  const char* program;
  int section;  // of the man page
  const char* summary;
  std::vector<CommandInfo> commands;  // empty: the program has no commands
  std::vector<OptionInfo> options;
  std::vector<const char*> notes;  // paragraphs
  std::vector<StatusInfo> statuses;
  std::vector<const char*> see_also;  // such as "sdir 1"

  // Null: there is no such command.
  const CommandInfo* FindCommand(absl::string_view name) const;
  // Returns whether the option may be given with every command: no command has
  // it in its own list.
  bool IsGlobal(absl::string_view option) const;
};

// Removes the options of `usage` from the arguments. Returns the values of the
// options that were given, by the options' long names. InvalidArgument:
// - An option lacks its value.
// - An option with a value is given twice.
// - An option is given by both of its names.
absl::StatusOr<std::map<std::string, std::string>> TakeOptions(
    const Usage& usage, Arguments* arguments);

std::string HelpText(const Usage& usage);
std::string ManPage(const Usage& usage);  // in mdoc
std::string BashCompletion(const Usage& usage);
std::string ZshCompletion(const Usage& usage);
std::string FishCompletion(const Usage& usage);

// The part of the help about a command and its options.
std::string CommandHelp(const Usage& usage, const CommandInfo& command);

// Returns one of these texts. `format` is text, man, bash, zsh or fish, or the
// name of a command. InvalidArgument: `format` is none of these.
absl::StatusOr<std::string> HelpAs(absl::string_view format,
                                   const Usage& usage);

}  // namespace directory
}  // namespace le

#endif  // LE_MESSAGING_DIRECTORY_USAGE_H_
