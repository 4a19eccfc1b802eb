// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#include "directory/usage.h"

#include <string>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_split.h"
#include "directory/directoryd_usage.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace le {
namespace directory {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;

constexpr const char* kFormats[] = {"text", "man", "bash", "zsh", "fish"};

const Usage& WithCommands() {
  static const auto* const usage = new Usage{
      "prog",
      1,
      "does things",
      {{"list", "[FILTER]", {"--json", "--format"}, "prints. Sorts it"},
       {"a_long_name", "FIRST SECOND", {}, ".x is hidden"}},
      {{"--json", nullptr, "short for --format=json"},
       {"--format", "FORMAT", "text or json"},
       {"--dir", "DIR", "where it is", "-d"},
       {"--help", nullptr, "this text", "-h"}},
      {"A note. It's long: it has many words, so many that no line of a help "
       "can have them all, and the rest is in the next line."},
      {{0, "done"}, {1, "refused"}},
      {"other 8"}};
  return *usage;
}

Arguments Of(std::vector<std::string> words) {
  words.insert(words.begin(), "program");
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(&word[0]);
  return Arguments(static_cast<int>(argv.size()), argv.data());
}

TEST(UsageTest, AnOptionOfNoCommandIsGlobal) {
  const Usage& usage = WithCommands();
  EXPECT_TRUE(usage.FindCommand("list")->Takes("--json"));
  EXPECT_FALSE(usage.FindCommand("a_long_name")->Takes("--json"));
  EXPECT_FALSE(usage.IsGlobal("--json"));
  EXPECT_TRUE(usage.IsGlobal("--dir"));
  EXPECT_EQ(usage.FindCommand("x"), nullptr);
}

TEST(UsageTest, TakesTheOptionsOfTheTable) {
  Arguments arguments = Of({"--dir", "/x", "list", "--json", "--other"});
  const auto given = TakeOptions(WithCommands(), &arguments);
  ASSERT_TRUE(given.ok());
  EXPECT_THAT(*given, ElementsAre(Pair("--dir", "/x"), Pair("--json", "")));
  EXPECT_EQ(**arguments.TakeNext(), "list");
  EXPECT_EQ(arguments.TakeNext().status().message(),
            "unknown option '--other'");

  Arguments incomplete = Of({"--dir"});
  EXPECT_EQ(TakeOptions(WithCommands(), &incomplete).status().message(),
            "'--dir' needs a value");
}

TEST(UsageTest, AnOptionMayHaveAShortName) {
  Arguments arguments = Of({"list", "-d", "/x", "-h"});
  EXPECT_THAT(*TakeOptions(WithCommands(), &arguments),
              ElementsAre(Pair("--dir", "/x"), Pair("--help", "")));
  Arguments twice = Of({"--dir=/x", "-d", "/y"});
  EXPECT_EQ(TakeOptions(WithCommands(), &twice).status().message(),
            "'--dir' is given twice");
  EXPECT_THAT(ManPage(WithCommands()),
              HasSubstr(".It Cm \\-d DIR, \\-\\-dir=DIR\n"));
  EXPECT_THAT(ZshCompletion(WithCommands()),
              HasSubstr("'(-d --dir)'{-d,--dir=}'[where it is]:DIR:_files'"));
  EXPECT_THAT(FishCompletion(WithCommands()),
              HasSubstr("complete -c prog -s d -l dir -r -d 'where it is'"));
}

TEST(UsageTest, EachTextNamesEachCommandAndOption) {
  for (const Usage& usage : {WithCommands(), DirectorydUsage()}) {
    for (const char* format : kFormats) {
      const auto text = HelpAs(format, usage);
      ASSERT_TRUE(text.ok()) << format;
      for (const CommandInfo& command : usage.commands) {
        EXPECT_THAT(*text, HasSubstr(command.name)) << format;
      }
      for (const OptionInfo& option : usage.options) {
        EXPECT_THAT(*text, HasSubstr(option.name + 2)) << format;
      }
    }
  }
  EXPECT_EQ(
      HelpAs("x", WithCommands()).status().message(),
      "'x' is neither a command nor a format (text, man, bash, zsh, fish)");
  for (const CommandInfo& command : WithCommands().commands) {
    EXPECT_THAT(
        *HelpAs(command.name, WithCommands()),
        AllOf(HasSubstr(command.name), Not(HasSubstr(WithCommands().summary))));
  }
}

TEST(UsageTest, TheHelpHasShortLines) {
  for (const Usage& usage : {WithCommands(), DirectorydUsage()}) {
    const std::string help = HelpText(usage);
    for (const absl::string_view line : absl::StrSplit(help, '\n')) {
      EXPECT_LE(line.size(), 84u) << line;
      EXPECT_TRUE(line.empty() || line.back() != ' ') << line;
    }
  }
  const std::string help = HelpText(WithCommands());
  EXPECT_THAT(help, HasSubstr("\n  list [--json] [--format=FORMAT] [FILTER]\n"
                              "                            prints. "));
  EXPECT_THAT(help, HasSubstr("\n  -d DIR, --dir=DIR         where it is\n"
                              "  -h, --help                this text\n"));
}

// A line that begins with a full stop is a request to mdoc.
TEST(UsageTest, NoTextOfTheManPageIsARequest) {
  for (const Usage& usage : {WithCommands(), DirectorydUsage()}) {
    const std::string page = ManPage(usage);
    for (const absl::string_view line : absl::StrSplit(page, '\n')) {
      if (line.empty() || line[0] != '.') continue;
      EXPECT_TRUE(line.size() > 2 && absl::ascii_isupper(line[1])) << line;
    }
  }
}

}  // namespace
}  // namespace directory
}  // namespace le
