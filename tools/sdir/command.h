// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// The command line. A function of this file ends the program on an error.

#ifndef LE_MESSAGING_TOOLS_SDIR_COMMAND_H_
#define LE_MESSAGING_TOOLS_SDIR_COMMAND_H_

#include <map>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "directory/program.h"
#include "tools/sdir/event_format.h"

namespace le {
namespace sdir {

// Prints the error and ends the program.
[[noreturn]] void Misused(const std::string& error);
[[noreturn]] void FailWith(const absl::Status& status);
template <typename T>
T OrFail(absl::StatusOr<T> result) {
  if (!result.ok()) FailWith(result.status());
  return *std::move(result);
}

// Parses the command line.
class Command {
 public:
  Command(int argc, char** argv);

  bool Has(const std::string& option) const { return given_.count(option) > 0; }
  absl::optional<std::string> Value(const std::string& option) const;
  std::string socket_dir() const { return Value("--socket_dir").value_or(""); }

  // Reads the command's name. It is an error if there is no such command, or if
  // a given option does not belong to the command.
  std::string Begin();

  absl::optional<std::string> NextIfAny();
  // Returns the next argument. It is an error if there is none.
  std::string Next(const char* what);
  // As Next(), for an argument of the form <USER>.INTERFACE.
  std::string NextName(const char* what) { return Named(Next(what), what); }
  // As Next(), for a client and a service. They may also be one argument, in
  // the form of a bindings file.
  std::pair<std::string, std::string> NextBinding();
  // As NextIfAny(), for a filter.
  Filter NextFilter();
  // It is an error if an argument is left.
  void End();

  // --format or --json.
  bool WantsJson() const;
  // --timeout.
  absl::optional<absl::Duration> Timeout() const;

  // Checks that `name` is <USER>.INTERFACE.
  static std::string Named(std::string name, const char* what);

 private:
  std::map<std::string, std::string> given_;  // options and their values
  directory::Arguments arguments_;
};

}  // namespace sdir
}  // namespace le

#endif  // LE_MESSAGING_TOOLS_SDIR_COMMAND_H_
