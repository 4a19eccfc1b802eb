// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// Files that a command reads or writes. An error ends the program, except in
// ~Output(), which ignores errors. So call Output::Flush() before.

#ifndef LE_MESSAGING_TOOLS_SDIR_FILE_H_
#define LE_MESSAGING_TOOLS_SDIR_FILE_H_

#include <cstdio>
#include <string>

#include "absl/strings/string_view.h"
#include "tools/sdir/command.h"

namespace le {
namespace sdir {

// "-" is the standard input.
std::string ReadAll(const std::string& file);

// Writes the buffered bytes of all streams.
void FlushOutput();

// The file of --output, or the standard output. A new file has the mode 0600,
// so that other users cannot read it.
class Output {
 public:
  // It is an error if --output is missing and the standard output is a
  // terminal.
  explicit Output(const Command& command);
  Output(const Output&) = delete;
  ~Output();

  void Write(absl::string_view bytes);
  // Writes the buffered bytes to the file.
  void Flush();

 private:
  void Check(bool is_done) const;

  const std::string name_;
  std::FILE* const stream_;
};

}  // namespace sdir
}  // namespace le

#endif  // LE_MESSAGING_TOOLS_SDIR_FILE_H_
