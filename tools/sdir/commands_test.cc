// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#include "tools/sdir/commands.h"

#include "gtest/gtest.h"
#include "tools/sdir/usage.h"

namespace le {
namespace sdir {
namespace {

TEST(CommandsTest, EachCommandOfTheUsageTableHasAFunction) {
  for (const directory::CommandInfo& command : SdirUsage().commands) {
    EXPECT_NE(FindCommandFunction(command.name), nullptr) << command.name;
  }
  EXPECT_EQ(FindCommandFunction("x"), nullptr);
}

}  // namespace
}  // namespace sdir
}  // namespace le
