// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// The code that directoryd and sdir share as programs.

#ifndef LE_MESSAGING_DIRECTORY_PROGRAM_H_
#define LE_MESSAGING_DIRECTORY_PROGRAM_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/optional.h"

namespace le {
namespace directory {

// The version that --version prints. tools/lint.sh compares it with
// MODULE.bazel.
constexpr char kVersion[] = "0.1.0";

// The exit statuses of both programs; --help explains them.
enum ExitStatus {
  kDone = 0,
  kFailed = 1,
  kMisused = 2,
  kOutOfTime = 3,
  kNo = 4,           // the answer is no
  kNoDirectory = 5,  // no directory answers
};

// The arguments of a program. Each call removes the arguments that it has read.
// An option may be anywhere, as --NAME=VALUE or as --NAME VALUE.
class Arguments {
 public:
  Arguments(int argc, char** argv) : left_(argv + 1, argv + argc) {}

  // Removes an option without a value. False: the arguments do not have it.
  bool TakeFlag(const std::string& name);
  // Removes an option and returns its value, or none if the arguments do not
  // have the option. InvalidArgument: the option has no value, or is given
  // twice.
  absl::StatusOr<absl::optional<std::string>> TakeOption(
      const std::string& name);
  // Removes and returns the next argument, or none if no argument is left.
  // InvalidArgument: the next argument is an option.
  absl::StatusOr<absl::optional<std::string>> TakeNext();

 private:
  std::vector<std::string> left_;
};

}  // namespace directory
}  // namespace le

#endif  // LE_MESSAGING_DIRECTORY_PROGRAM_H_
