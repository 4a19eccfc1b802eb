// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#include "tools/sdir/usage.h"

#include <algorithm>

#include "gtest/gtest.h"

namespace le {
namespace sdir {
namespace {

// The parser takes the options of this table only.
TEST(UsageTest, EachOptionOfACommandIsInTheTable) {
  const directory::Usage& usage = SdirUsage();
  for (const directory::CommandInfo& command : usage.commands) {
    for (const absl::string_view option : command.options) {
      EXPECT_TRUE(
          std::any_of(usage.options.begin(), usage.options.end(),
                      [&](const auto& info) { return info.name == option; }))
          << command.name << " " << option;
    }
  }
}

}  // namespace
}  // namespace sdir
}  // namespace le
