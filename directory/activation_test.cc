// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#include "directory/activation.h"

#include <fcntl.h>
#include <sys/eventfd.h>

#include <functional>
#include <string>
#include <vector>

#include "event/base/log.h"
#include "event/base/sys.h"
#include "event/testing/sim.h"
#include "event/testing/sim_kernel.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace le {
namespace directory {
namespace {

namespace sys = event::sys;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::vector<std::string>* g_log = nullptr;

class ActivationTest : public ::testing::Test {
 protected:
  ActivationTest() {
    g_log = &log_;
    event::SetLogSink([](event::LogLevel, absl::string_view text) {
      g_log->emplace_back(text);
    });
  }
  ~ActivationTest() override { event::SetLogSink(nullptr); }

  // Runs `body` in a process whose LISTEN_PID is `pid` and whose LISTEN_FDS is
  // `fds`. If `pid` is "pid", LISTEN_PID is the number of this process.
  // `passed` file descriptors are open; the first is file descriptor 3.
  void Run(const std::string& pid, const std::string& fds, int passed,
           const std::function<void(event::Process*)>& body) {
    event::SimProcess* const process = kernel_.AddProcess("directoryd", 1, 1);
    const int number = process->credentials().pid;
    process->SetEnv("LISTEN_PID", pid == "pid" ? std::to_string(number) : pid);
    process->SetEnv("LISTEN_FDS", fds);
    process->SetEnv("LISTEN_FDNAMES", "directoryd.socket");
    sim_.Spawn(process, "main", [=] {
      for (int i = 0; i < passed; ++i) ASSERT_EQ(sys::EventFd(0, 0), 3 + i);
      body(process);
      for (const char* name : {"LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"}) {
        EXPECT_EQ(process->GetEnv(name), "") << name;
      }
    });
    EXPECT_EQ(sim_.Run(), event::Simulation::Outcome::kEnded);
    EXPECT_TRUE(process->death_message().empty());
  }
  void ExpectError(const std::string& pid, const std::string& fds, int passed,
                   const std::string& error) {
    Run(pid, fds, passed, [&](event::Process* process) {
      const auto taken = TakePassedSocket(process);
      EXPECT_EQ(taken.status().code(), absl::StatusCode::kInvalidArgument);
      EXPECT_THAT(std::string(taken.status().message()), HasSubstr(error));
    });
  }

  std::vector<std::string> log_;
  event::Simulation sim_{1};
  event::SimKernel kernel_{&sim_};
};

TEST_F(ActivationTest, NothingIsPassed) {
  Run("", "", 1, [](event::Process* process) {
    const auto taken = TakePassedSocket(process);
    ASSERT_TRUE(taken.ok());
    EXPECT_FALSE(*taken);
    EXPECT_EQ(sys::Fcntl(3, F_GETFD, 0), 0);
  });
  EXPECT_THAT(log_, IsEmpty());
}

TEST_F(ActivationTest, TakesTheFirstAndClosesTheOthers) {
  Run("pid", "1", 1, [](event::Process* process) {
    const auto taken = TakePassedSocket(process);
    ASSERT_TRUE(taken.ok());
    EXPECT_EQ(taken->get(), 3);
    EXPECT_EQ(sys::Fcntl(3, F_GETFD, 0), FD_CLOEXEC);
  });
  EXPECT_THAT(log_, IsEmpty());
  Run("pid", "3", 4, [](event::Process* process) {
    const auto taken = TakePassedSocket(process);
    ASSERT_TRUE(taken.ok());
    EXPECT_EQ(taken->get(), 3);
    EXPECT_EQ(sys::Fcntl(4, F_GETFD, 0), -1);
    EXPECT_EQ(sys::Fcntl(5, F_GETFD, 0), -1);
    EXPECT_EQ(sys::Fcntl(6, F_GETFD, 0), 0);
  });
  EXPECT_THAT(log_, ElementsAre("LISTEN_FDS is 3: only the first file "
                                "descriptor is used"));
}

TEST_F(ActivationTest, IgnoresTheSocketOfAnotherProcess) {
  Run("1", "1", 1, [](event::Process* process) {
    const auto taken = TakePassedSocket(process);
    ASSERT_TRUE(taken.ok());
    EXPECT_FALSE(*taken);
    EXPECT_EQ(sys::Fcntl(3, F_GETFD, 0), 0);
  });
  EXPECT_THAT(log_, ElementsAre(HasSubstr("LISTEN_PID names process 1, not")));
}

TEST_F(ActivationTest, SaysWhatIsWrong) {
  for (const char* wrong : {"", "0", "-1", "x", "1x", "4294967296"}) {
    ExpectError(wrong, "1", 1, "LISTEN_PID is '");
    ExpectError("pid", wrong, 1, "LISTEN_FDS is '");
  }
  // 3 + 2147483645 is not a file descriptor.
  ExpectError("pid", "2147483645", 1, "LISTEN_FDS is '2147483645': expected");
  ExpectError("pid", "2147483644", 1, "but file descriptor 4 is not open");
  ExpectError("pid", "1", 0, "but file descriptor 3 is not open");
}

}  // namespace
}  // namespace directory
}  // namespace le
