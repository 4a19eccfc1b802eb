// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#include "tools/sdir/process_state.h"

#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

#include "gtest/gtest.h"

namespace le {
namespace sdir {
namespace {

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

TEST(ProcessStateTest, EachStateHasACause) {
  for (const char state : {'R', 'S', 'D', 'T', 't'}) {
    EXPECT_NE(WhySilent(state), WhySilent(0)) << state;
  }
}

}  // namespace
}  // namespace sdir
}  // namespace le
