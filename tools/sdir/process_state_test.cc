// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#include "tools/sdir/process_state.h"

#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <fstream>
#include <sstream>
#include <string>
#include <thread>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace le {
namespace sdir {
namespace {

using ::testing::HasSubstr;

std::string ReadAll(const std::string& name) {
  std::ostringstream text;
  text << std::ifstream(name).rdbuf();
  return text.str();
}

TEST(ProcessStateTest, TheStateFollowsTheName) {
  EXPECT_EQ(StateIn("29245 (a) R 1 (b) S 1 29245 29245 0 -1\n"), 'S');
  for (const char* const text : {"", "1", "1 (a)", "1 (a) "}) {
    EXPECT_EQ(StateIn(text), 0) << text;
  }
}

TEST(ProcessStateTest, AProcessIsRunningStoppedOrUnknown) {
  EXPECT_EQ(StateOfProcess(getpid()), 'R');
  const pid_t child = fork();
  if (child == 0) {
    for (;;) pause();
  }
  ASSERT_GT(child, 0);
  EXPECT_EQ(kill(child, SIGSTOP), 0);
  EXPECT_EQ(waitpid(child, nullptr, WUNTRACED), child);
  EXPECT_EQ(StateOfProcess(child), 'T');
  EXPECT_EQ(kill(child, SIGKILL), 0);
  EXPECT_EQ(waitpid(child, nullptr, 0), child);
  EXPECT_EQ(StateOfProcess(child), 0);
}

// The first thread sleeps.
TEST(ProcessStateTest, AProcessWithARunningThreadIsRunning) {
  const pid_t child = fork();
  if (child == 0) {
    std::thread([] {
      for (volatile bool runs = true; runs;) {
      }
    }).detach();
    for (;;) pause();
  }
  ASSERT_GT(child, 0);
  const std::string thread = absl::StrCat("/proc/", child, "/task/", child);
  while (StateIn(ReadAll(thread + "/stat")) != 'S') {
  }
  EXPECT_EQ(StateOfProcess(child), 'R');
  EXPECT_EQ(kill(child, SIGKILL), 0);
  EXPECT_EQ(waitpid(child, nullptr, 0), child);
}

TEST(ProcessStateTest, EachStateHasACause) {
  EXPECT_THAT(WhySilent('R'), HasSubstr("it runs"));
  EXPECT_THAT(WhySilent('S'), HasSubstr("it sleeps"));
  EXPECT_THAT(WhySilent('D'), HasSubstr("disk"));
  EXPECT_THAT(WhySilent('T'), HasSubstr("SIGCONT"));
  EXPECT_THAT(WhySilent('t'), HasSubstr("debugger"));
  EXPECT_THAT(WhySilent(0), HasSubstr("it is stopped, or"));
}

}  // namespace
}  // namespace sdir
}  // namespace le
