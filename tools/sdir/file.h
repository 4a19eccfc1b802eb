// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// Files that a command reads. An error ends the program.

#ifndef LE_MESSAGING_TOOLS_SDIR_FILE_H_
#define LE_MESSAGING_TOOLS_SDIR_FILE_H_

#include <string>

namespace le {
namespace sdir {

// "-" is the standard input.
std::string ReadAll(const std::string& file);

}  // namespace sdir
}  // namespace le

#endif  // LE_MESSAGING_TOOLS_SDIR_FILE_H_
