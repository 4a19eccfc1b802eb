// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#include <signal.h>

#include "directory/directoryd.h"
#include "directory/users.h"
#include "event/base/sys.h"

namespace {

// The first thing that the daemon does, while it has one thread.
void PrepareProcess() {
  le::event::sys::OpenMissingStandard();
  // A reload that is asked for too early stays pending until it is listened to. What
  // ends the daemon may end it at once while it starts.
  sigset_t hang_up;
  sigemptyset(&hang_up);
  sigaddset(&hang_up, SIGHUP);
  le::event::sys::SigMask(SIG_BLOCK, &hang_up, nullptr);
  // A line that nobody reads must not end it.
  signal(SIGPIPE, SIG_IGN);
  signal(SIGXFSZ, SIG_IGN);
}

}  // namespace

int main(int argc, char** argv) {
  PrepareProcess();
  le::directory::OsUsers users;
  return le::directory::RunDirectoryd(&users, argc, argv);
}
