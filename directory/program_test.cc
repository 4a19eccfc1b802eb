// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#include "directory/program.h"

#include <string>
#include <vector>

#include "gtest/gtest.h"

namespace le {
namespace directory {
namespace {

class ArgumentsTest : public ::testing::Test {
 protected:
  static Arguments Of(std::vector<std::string> words) {
    words.insert(words.begin(), "program");
    std::vector<char*> argv;
    for (std::string& word : words) argv.push_back(&word[0]);
    return Arguments(static_cast<int>(argv.size()), argv.data());
  }
  // Returns the value, "none", or the error.
  static std::string Text(
      const absl::StatusOr<absl::optional<std::string>>& taken) {
    if (!taken.ok()) return std::string(taken.status().message());
    return taken->value_or("none");
  }
};

TEST_F(ArgumentsTest, AnOptionStandsAnywhereInEitherForm) {
  for (const auto& words :
       std::vector<std::vector<std::string>>{{"--dir=/x", "list", "all"},
                                             {"--dir", "/x", "list", "all"},
                                             {"list", "--dir=/x", "all"},
                                             {"list", "--dir", "/x", "all"},
                                             {"list", "all", "--dir=/x"},
                                             {"list", "all", "--dir", "/x"}}) {
    Arguments arguments = Of(words);
    EXPECT_EQ(Text(arguments.TakeOption("--dir")), "/x");
    EXPECT_EQ(Text(arguments.TakeOption("--dir")), "none");
    EXPECT_EQ(Text(arguments.TakeNext()), "list");
    EXPECT_EQ(Text(arguments.TakeNext()), "all");
    EXPECT_EQ(Text(arguments.TakeNext()), "none");
  }
}

TEST_F(ArgumentsTest, SaysWhatIsWrong) {
  Arguments without = Of({"list", "--dir"});
  EXPECT_EQ(Text(without.TakeOption("--dir")), "'--dir' needs a value");
  Arguments twice = Of({"--dir=a", "--dir", "b"});
  EXPECT_EQ(Text(twice.TakeOption("--dir")), "'--dir' is given twice");
  Arguments other = Of({"--dirs=a"});
  EXPECT_EQ(Text(other.TakeOption("--dir")), "none");
  EXPECT_EQ(Text(other.TakeNext()), "unknown option '--dirs=a'");
}

TEST_F(ArgumentsTest, ADashAloneIsNoOption) {
  Arguments arguments = Of({"--empty=", "-"});
  EXPECT_EQ(Text(arguments.TakeOption("--empty")), "");
  EXPECT_EQ(Text(arguments.TakeNext()), "-");
}

TEST_F(ArgumentsTest, AFlagIsTakenOnce) {
  Arguments arguments = Of({"list", "--json"});
  EXPECT_TRUE(arguments.TakeFlag("--json"));
  EXPECT_FALSE(arguments.TakeFlag("--json"));
}

}  // namespace
}  // namespace directory
}  // namespace le
