// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#include "event/base/log.h"

#include <errno.h>

#include <string>
#include <vector>

#include "event/base/die.h"
#include "gtest/gtest.h"

namespace le {
namespace event {
namespace {

std::vector<std::string>* g_lines = nullptr;

void Collect(LogLevel level, absl::string_view message) {
  errno = EIO;
  g_lines->push_back(absl::StrCat(LogLevelName(level), " ", message));
}

class LogTest : public testing::Test {
 protected:
  void SetUp() override {
    g_lines = &lines_;
    SetLogSink(&Collect);
    SetLogLevel(LogLevel::kInfo);
  }
  void TearDown() override { SetLogSink(nullptr); }
  std::vector<std::string> lines_;
};

TEST_F(LogTest, LevelsBelowTheThresholdAreNotWritten) {
  EXPECT_FALSE(LogEnabled(LogLevel::kDebug));
  Log(LogLevel::kDebug, "no");
  Log(LogLevel::kInfo, "yes");
  EXPECT_EQ(lines_, std::vector<std::string>{"INFO yes"});
}

TEST_F(LogTest, KeepsErrno) {
  errno = EAGAIN;
  Log(LogLevel::kError, "x");
  EXPECT_EQ(errno, EAGAIN);
  EXPECT_EQ(lines_.size(), 1u);
}

TEST(LogDeathTest, MisuseNamesTheFunctionAndEndsTheProcess) {
  EXPECT_EXIT(Misuse("le_msg_Respond", "message ", 7, " owes none"),
              testing::ExitedWithCode(EXIT_FAILURE),
              "EMERGENCY .*: le_msg_Respond: message 7 owes none");
}

TEST(LogDeathTest, OneMessageIsOneLine) {
  EXPECT_EXIT(Fatal("a\nEMERGENCY b"), testing::ExitedWithCode(EXIT_FAILURE),
              "a EMERGENCY b");
}

TEST(LogDeathTest, FatalEndsAsItWasTold) {
  EXPECT_EXIT(
      {
        SetDieFunction([](absl::string_view) { _exit(42); });
        Fatal("so be it");
      },
      testing::ExitedWithCode(42), "so be it");
}

}  // namespace
}  // namespace event
}  // namespace le
