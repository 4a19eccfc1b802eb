// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#include "tools/sdir/command.h"

#include <cstddef>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "directory/usage.h"
#include "tools/sdir/directory.h"
#include "tools/sdir/text.h"
#include "tools/sdir/usage.h"

namespace le {
namespace sdir {

void Misused(const std::string& error) {
  Fail(directory::kMisused, absl::StrCat(error, "\nTry 'sdir help'."));
}

void FailWith(const absl::Status& status) {
  Fail(absl::IsDeadlineExceeded(status) ? directory::kOutOfTime
                                        : directory::kFailed,
       absl::StrCat(absl::StatusCodeToString(status.code()), ": ",
                    EscapedLine(status.message())));
}

Command::Command(int argc, char** argv) : arguments_(argc, argv) {
  auto given = directory::TakeOptions(SdirUsage(), &arguments_);
  if (!given.ok()) Misused(std::string(given.status().message()));
  given_ = *std::move(given);
}

absl::optional<std::string> Command::Value(const std::string& option) const {
  const auto it = given_.find(option);
  if (it == given_.end()) return absl::nullopt;
  return it->second;
}

std::string Command::Begin() {
  std::string name = Next("a command");
  const directory::Usage& usage = SdirUsage();
  const directory::CommandInfo* const info = usage.FindCommand(name);
  if (info == nullptr) Misused(absl::StrCat("unknown command '", name, "'"));
  for (const auto& option : given_) {
    if (usage.IsGlobal(option.first) || info->Takes(option.first)) continue;
    Misused(absl::StrCat("'", option.first, "' is no option of '", name, "'"));
  }
  return name;
}

absl::optional<std::string> Command::NextIfAny() {
  const auto next = arguments_.TakeNext();
  if (!next.ok()) Misused(std::string(next.status().message()));
  return *next;
}

std::string Command::Next(const char* what) {
  const absl::optional<std::string> next = NextIfAny();
  if (!next.has_value()) Misused(absl::StrCat(what, " is missing"));
  return *next;
}

std::pair<std::string, std::string> Command::NextBinding() {
  const std::string first = Next("CLIENT");
  const size_t arrow = first.find("->");
  if (arrow == std::string::npos) {
    std::string client = Named(first, "CLIENT");
    return {std::move(client), NextName("SERVICE")};
  }
  const auto part = [&](size_t from, size_t size, const char* what) {
    return Named(std::string(absl::StripAsciiWhitespace(
                     absl::string_view(first).substr(from, size))),
                 what);
  };
  return {part(0, arrow, "CLIENT"),
          part(arrow + 2, std::string::npos, "SERVICE")};
}

Filter Command::NextFilter() {
  const absl::optional<std::string> text = NextIfAny();
  if (!text.has_value()) return {};
  const absl::StatusOr<Filter> filter = Filter::Parse(*text);
  if (!filter.ok()) Misused(std::string(filter.status().message()));
  return *filter;
}

void Command::End() {
  const absl::optional<std::string> more = NextIfAny();
  if (more.has_value()) {
    Misused(absl::StrCat("unexpected argument '", *more, "'"));
  }
}

bool Command::WantsJson() const {
  const std::string wanted =
      Value("--format").value_or(Has("--json") ? "json" : "text");
  if (wanted != "json" && wanted != "text") {
    Misused(absl::StrCat("unknown format '", wanted, "': json or text"));
  }
  return wanted == "json";
}

absl::optional<absl::Duration> Command::Timeout() const {
  const auto timeout = Value("--timeout");
  if (!timeout.has_value()) return absl::nullopt;
  double seconds;
  if (!absl::SimpleAtod(*timeout, &seconds) || !(seconds >= 0)) {
    Misused(absl::StrCat("'", *timeout, "' is not a number of seconds from 0"));
  }
  return absl::Seconds(seconds);
}

std::string Command::Named(std::string name, const char* what) {
  const size_t end = name.find(">.");
  if (name[0] != '<' || end == std::string::npos || end + 2 == name.size()) {
    Misused(absl::StrCat("'", name, "' is not a ", what,
                         ": expected '<USER>.INTERFACE', in quotes"));
  }
  return name;
}

}  // namespace sdir
}  // namespace le
