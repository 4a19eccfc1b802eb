// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// sdir: shows and changes the state of a directory.

#include <cstdio>
#include <string>

#include "directory/program.h"
#include "event/base/sys.h"
#include "tools/sdir/command.h"
#include "tools/sdir/commands.h"

int main(int argc, char** argv) {
  le::event::sys::OpenMissingStandard();
  le::sdir::Command command(argc, argv);
  int status = le::directory::kDone;
  if (command.Has("--version")) {
    std::printf("sdir %s\n", le::directory::kVersion);
  } else {
    const std::string name = command.Has("--help") ? "help" : command.Begin();
    status = le::sdir::FindCommandFunction(name)(&command);
  }
  return std::fflush(stdout) == 0 ? status : le::directory::kFailed;
}
