// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// directoryd in a simulated kernel, with a socket that a service manager has
// opened.

#include "directory/directoryd.h"

#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cstring>
#include <string>

#include "absl/strings/str_cat.h"
#include "directory/testing/numbered_users.h"
#include "event/base/sys.h"
#include "event/testing/sim.h"
#include "event/testing/sim_kernel.h"
#include "gtest/gtest.h"

namespace le {
namespace directory {
namespace {

namespace sys = event::sys;
using Outcome = event::Simulation::Outcome;

constexpr uid_t kDaemon = 500;
constexpr char kAddress[] = "/run/le/directory";

class DirectorydTest : public ::testing::Test {
 protected:
  DirectorydTest() {
    kernel_.MakeFolder("/run/le", 0755, 0, 0);
    kernel_.MakeFolder("/run/b", 0777, 0, 0);
    kernel_.MakeFile("/run/b/a.bindings", "<1>.a -> <2>.a\n", 0644, 0, 0);
  }

  static struct sockaddr_un Address() {
    struct sockaddr_un address = {};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, kAddress, sizeof(kAddress));
    return address;
  }
  // Runs all processes until each has ended or waits without a deadline. Timers
  // expire meanwhile.
  void Run() { ASSERT_NE(sim_.Run(), Outcome::kStepLimit) << sim_.Report(); }

  // Starts a directoryd with the manager's socket.
  event::SimProcess* StartDirectory() {
    event::SimProcess* const process =
        kernel_.AddProcess("directoryd", kDaemon, kDaemon);
    kernel_.GiveDescriptor(manager_, listener_, process, 3);
    process->SetEnv("LISTEN_FDS", "1");
    process->SetEnv("LISTEN_PID", absl::StrCat(process->credentials().pid));
    sim_.Spawn(process, "main", [this] {
      NumberedUsers users;
      std::string arguments[] = {"directoryd", "--socket_dir=/run/le",
                                 "--bindings_dir=/run/b"};
      char* argv[] = {&arguments[0][0], &arguments[1][0], &arguments[2][0],
                      nullptr};
      status_ = RunDirectoryd(&users, 3, argv);
    });
    Run();
    return process;
  }

  event::Simulation sim_{3};
  event::SimKernel kernel_{&sim_};
  event::SimProcess* manager_ = nullptr;
  int listener_ = -1;
  int status_ = -1;
};

TEST_F(DirectorydTest, ADirectoryServesThePassedSocketOfAFormerOne) {
  manager_ = kernel_.AddProcess("manager", 0, 0);
  sim_.Spawn(manager_, "main", [this] {
    listener_ = sys::Socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    const struct sockaddr_un address = Address();
    EXPECT_EQ(
        sys::Bind(listener_, reinterpret_cast<const struct sockaddr*>(&address),
                  sizeof(address)),
        0);
    EXPECT_EQ(sys::Chmod(kAddress, 0666), 0);
    EXPECT_EQ(sys::Listen(listener_, 16), 0);
    event::Thread::Current()->parker()->Park(absl::InfiniteFuture());
  });
  Run();
  for (int i = 0; i < 2; ++i) {
    // The client's connection is in the backlog before directoryd runs.
    uid_t served_by = kDaemon;
    bool closed = false;
    sim_.Spawn(kernel_.AddProcess("client", 1001, 1001), "main", [&] {
      const int fd = sys::Socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
      const struct sockaddr_un address = Address();
      EXPECT_EQ(
          sys::Connect(fd, reinterpret_cast<const struct sockaddr*>(&address),
                       sizeof(address)),
          0);
      struct ucred who = {};
      socklen_t size = sizeof(who);
      EXPECT_EQ(sys::GetSockOpt(fd, SOL_SOCKET, SO_PEERCRED, &who, &size), 0);
      served_by = who.uid;
      char byte;
      closed = sys::Recv(fd, &byte, 1, 0) <= 0;  // the directory sends nothing
      sys::Close(fd);
    });
    Run();
    EXPECT_EQ(served_by, 0u);
    EXPECT_FALSE(closed);
    status_ = -1;
    event::SimProcess* const directory = StartDirectory();
    EXPECT_FALSE(directory->ended());
    EXPECT_TRUE(closed) << "the directory closes silent connections";
    kernel_.Signal(directory, SIGTERM);
    Run();
    EXPECT_EQ(status_, 0);
  }
}

}  // namespace
}  // namespace directory
}  // namespace le
