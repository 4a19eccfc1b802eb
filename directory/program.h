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

// What --version prints. tools/lint.sh holds it to MODULE.bazel.
constexpr char kVersion[] = "0.1.0";

// The exit statuses of both programs; --help explains them.
enum ExitStatus {
  kDone = 0,
  kFailed = 1,
  kMisused = 2,
  kOutOfTime = 3,
};

// The arguments of a program, from which options are taken one by one. Each may
// stand anywhere, as --NAME=VALUE or as --NAME VALUE.
class Arguments {
 public:
  Arguments(int argc, char** argv) : left_(argv + 1, argv + argc) {}

  // "--name": whether it is there.
  bool TakeFlag(const std::string& name);
  // The value of "--name"; none if that is not there, InvalidArgument if it has no
  // value or is there twice.
  absl::StatusOr<absl::optional<std::string>> TakeOption(
      const std::string& name);
  // The first that is left and is no option; none if there is none.
  // InvalidArgument: an option is left.
  absl::StatusOr<absl::optional<std::string>> TakeNext();

 private:
  std::vector<std::string> left_;
};

}  // namespace directory
}  // namespace le

#endif  // LE_MESSAGING_DIRECTORY_PROGRAM_H_
