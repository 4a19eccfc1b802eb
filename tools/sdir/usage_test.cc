// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#include "tools/sdir/usage.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/str_split.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace le {
namespace sdir {
namespace {

using ::testing::HasSubstr;

// The parser takes the options of this table only.
TEST(UsageTest, EachOptionOfACommandIsInTheTable) {
  for (const CommandInfo& command : Commands()) {
    for (const absl::string_view option : command.options) {
      EXPECT_TRUE(std::any_of(
          Options().begin(), Options().end(),
          [&](const OptionInfo& info) { return info.name == option; }))
          << command.name << " " << option;
    }
  }
  EXPECT_TRUE(FindCommand("list")->Takes("--json"));
  EXPECT_FALSE(FindCommand("bind")->Takes("--json"));
  EXPECT_EQ(FindCommand("x"), nullptr);
}

TEST(UsageTest, EachTextNamesEachCommandAndOption) {
  for (const std::string& text : {HelpText(), ManPage(), BashCompletion(),
                                  ZshCompletion(), FishCompletion()}) {
    for (const CommandInfo& command : Commands()) {
      EXPECT_THAT(text, HasSubstr(command.name));
    }
    for (const OptionInfo& option : Options()) {
      EXPECT_THAT(text, HasSubstr(option.name + 2));
    }
  }
}

TEST(UsageTest, TheHelpHasShortLines) {
  const std::string help = HelpText();
  for (const absl::string_view line : absl::StrSplit(help, '\n')) {
    EXPECT_LE(line.size(), 84u) << line;
    EXPECT_TRUE(line.empty() || line.back() != ' ') << line;
  }
  EXPECT_THAT(
      help,
      HasSubstr("\n  list [--json] [--format=FORMAT] [--sessions] [FILTER]\n"
                "                            bindings, "));
  EXPECT_THAT(help, HasSubstr("\n  explain CLIENT            which binding"));
}

// A line that begins with a full stop is a request to mdoc.
TEST(UsageTest, NoTextOfTheManPageIsARequest) {
  const std::string page = ManPage();
  for (const absl::string_view line : absl::StrSplit(page, '\n')) {
    if (line.empty() || line[0] != '.') continue;
    EXPECT_TRUE(line.size() > 2 && absl::ascii_isupper(line[1])) << line;
  }
}

}  // namespace
}  // namespace sdir
}  // namespace le
