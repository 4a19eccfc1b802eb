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

TEST(ProcessStateTest, ParsesTheFieldsAfterTheName) {
  const ProcessState process = ParseStat(
      "29245 (a) R 1 (b) S 1 29245 29245 0 -1 4194560 150 0 0 0 150 50 7 8 20 "
      "0 "
      "1 0 9 0\n",
      100);
  EXPECT_EQ(process.state, 'S');
  EXPECT_EQ(process.cpu_seconds, 2);
}

TEST(ProcessStateTest, OtherTextIsUnknown) {
  for (const char* const text :
       {"", "1 (a) ", "1 (a) S 1 2 3", "1 (a) SS 1 2 3 4 5 6 7 8 9 10 11 12 13",
        "1 (a) S 1 2 3 4 5 6 7 8 9 10 x 12 13"}) {
    EXPECT_EQ(ParseStat(text, 100).state, 0) << text;
  }
}

TEST(ProcessStateTest, AProcessIsRunningStoppedOrUnknown) {
  EXPECT_EQ(StateOfProcess(getpid()).state, 'R');
  const pid_t child = fork();
  if (child == 0) {
    for (;;) pause();
  }
  ASSERT_GT(child, 0);
  EXPECT_EQ(kill(child, SIGSTOP), 0);
  EXPECT_EQ(waitpid(child, nullptr, WUNTRACED), child);
  EXPECT_EQ(StateOfProcess(child).state, 'T');
  EXPECT_EQ(kill(child, SIGKILL), 0);
  EXPECT_EQ(waitpid(child, nullptr, 0), child);
  EXPECT_EQ(StateOfProcess(child).state, 0);
}

TEST(ProcessStateTest, EachStateHasACause) {
  for (const char state : {'R', 'S', 'D', 'T', 't'}) {
    EXPECT_NE(WhySilent(state), WhySilent(0)) << state;
  }
}

}  // namespace
}  // namespace sdir
}  // namespace le
