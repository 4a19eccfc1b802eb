// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// directoryd: the directory, in a process of its own, over Unix sockets.

#ifndef LE_MESSAGING_DIRECTORY_DIRECTORYD_H_
#define LE_MESSAGING_DIRECTORY_DIRECTORYD_H_

#include "directory/users.h"

namespace le {
namespace directory {

// The body of directoryd's main(). Returns the exit status of the process.
// Options such as --help, and wrong options, end the process at once.
int RunDirectoryd(Users* users, int argc, char** argv);

}  // namespace directory
}  // namespace le

#endif  // LE_MESSAGING_DIRECTORY_DIRECTORYD_H_
