// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#include <signal.h>
#include <sys/stat.h>

#include "directory/directoryd.h"
#include "directory/users.h"
#include "event/base/sys.h"

namespace {

// Called first, while the process has one thread.
void PrepareProcess() {
  le::event::sys::OpenMissingStandard();
  // SIGHUP is blocked, so that a signal during the start stays pending until
  // the loop handles it. SIGTERM and SIGINT may end the daemon while it starts.
  sigset_t hang_up;
  sigemptyset(&hang_up);
  sigaddset(&hang_up, SIGHUP);
  le::event::sys::SigMask(SIG_BLOCK, &hang_up, nullptr);
  // The lock file and the file of 'sdir bind --persist' have documented modes.
  umask(022);
  // A write that fails must not end the daemon.
  signal(SIGPIPE, SIG_IGN);
  signal(SIGXFSZ, SIG_IGN);
}

}  // namespace

int main(int argc, char** argv) {
  PrepareProcess();
  le::directory::OsUsers users;
  return le::directory::RunDirectoryd(&users, argc, argv);
}
