// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#include "directory/usage.h"

#include <algorithm>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "absl/types/optional.h"

namespace le {
namespace directory {
namespace {

constexpr size_t kHelpColumn = 28;
constexpr size_t kHelpWidth = 84;

// Appends `text` in lines of at most `width`. The first line continues at the
// column `indent`. Further lines begin with `indent` blanks.
void AppendWrapped(absl::string_view text, size_t indent, size_t width,
                   std::string* to) {
  size_t column = indent;
  for (const absl::string_view word :
       absl::StrSplit(text, ' ', absl::SkipEmpty())) {
    if (column > indent && column + 1 + word.size() > width) {
      absl::StrAppend(to, "\n", std::string(indent, ' '));
      column = indent;
    } else if (column > indent) {
      *to += ' ';
      ++column;
    }
    absl::StrAppend(to, word);
    column += word.size();
  }
  *to += '\n';
}

void AppendEntry(const std::string& what, absl::string_view help,
                 std::string* to) {
  std::string line = absl::StrCat("  ", what);
  if (line.size() + 2 > kHelpColumn) {
    absl::StrAppend(to, line, "\n");
    line.clear();
  }
  line.resize(kHelpColumn, ' ');
  *to += line;
  AppendWrapped(help, kHelpColumn, kHelpWidth, to);
}

std::string WithValue(const OptionInfo& option) {
  return option.value == nullptr ? option.name
                                 : absl::StrCat(option.name, "=", option.value);
}

// "-o FILE, --output=FILE"
std::string Forms(const OptionInfo& option) {
  if (option.short_name == nullptr) return WithValue(option);
  return absl::StrCat(option.short_name, option.value == nullptr ? "" : " ",
                      option.value == nullptr ? "" : option.value, ", ",
                      WithValue(option));
}

const OptionInfo& FindOption(const Usage& usage, absl::string_view name) {
  return *std::find_if(
      usage.options.begin(), usage.options.end(),
      [&](const OptionInfo& option) { return option.name == name; });
}

// "list [--json] [FILTER]"
std::string Synopsis(const Usage& usage, const CommandInfo& command) {
  std::string text = command.name;
  for (const absl::string_view option : command.options) {
    absl::StrAppend(&text, " [", WithValue(FindOption(usage, option)), "]");
  }
  if (*command.arguments != '\0') {
    absl::StrAppend(&text, " ", command.arguments);
  }
  return text;
}

std::vector<absl::string_view> GlobalOptions(const Usage& usage) {
  std::vector<absl::string_view> names;
  for (const OptionInfo& option : usage.options) {
    if (usage.IsGlobal(option.name)) names.push_back(option.name);
  }
  return names;
}

// Escapes what mdoc would interpret.
std::string Mdoc(absl::string_view text) {
  return absl::StrReplaceAll(text,
                             {{"\\", "\\e"}, {"'", "\\(aq"}, {"-", "\\-"}});
}

// As Mdoc(), but each sentence begins a new line. A full stop at the beginning
// of a line is escaped, because mdoc would take it for a request.
std::string MdocText(absl::string_view text) {
  std::string lines = "\n";
  for (const absl::string_view sentence : absl::StrSplit(Mdoc(text), ". ")) {
    const bool is_whole = absl::EndsWith(sentence, ".");
    AppendWrapped(absl::StrCat(sentence, is_whole ? "" : "."), 0, 78, &lines);
  }
  return absl::StrReplaceAll(lines, {{"\n.", "\n\\&."}}).substr(1);
}

void AppendOptions(const Usage& usage, std::string* page) {
  absl::StrAppend(page, ".Bl -tag -width Ds\n");
  for (const OptionInfo& option : usage.options) {
    absl::StrAppend(page, ".It Cm ", Mdoc(Forms(option)), "\n",
                    MdocText(option.help));
  }
  absl::StrAppend(page, ".El\n");
}

}  // namespace

bool CommandInfo::Takes(absl::string_view option) const {
  return std::find(options.begin(), options.end(), option) != options.end();
}

const CommandInfo* Usage::FindCommand(absl::string_view name) const {
  for (const CommandInfo& command : commands) {
    if (command.name == name) return &command;
  }
  return nullptr;
}

bool Usage::IsGlobal(absl::string_view option) const {
  return std::none_of(
      commands.begin(), commands.end(),
      [&](const CommandInfo& command) { return command.Takes(option); });
}

absl::StatusOr<std::map<std::string, std::string>> TakeOptions(
    const Usage& usage, Arguments* arguments) {
  std::map<std::string, std::string> given;
  for (const OptionInfo& option : usage.options) {
    for (const char* name : {option.name, option.short_name}) {
      if (name == nullptr) continue;
      absl::optional<std::string> value;
      if (option.value != nullptr) {
        auto taken = arguments->TakeOption(name);
        if (!taken.ok()) return taken.status();
        value = *std::move(taken);
      } else if (arguments->TakeFlag(name)) {
        value = "";
      }
      if (!value.has_value()) continue;
      if (!given.emplace(option.name, *value).second) {
        return absl::InvalidArgumentError(
            absl::StrCat("'", option.name, "' is given twice"));
      }
    }
  }
  return given;
}

std::string HelpText(const Usage& usage) {
  std::string text = absl::StrCat(
      usage.program, ": ", usage.summary, ".\n\n  ", usage.program,
      " [OPTION]...", usage.commands.empty() ? "" : " COMMAND ...", "\n\n");
  for (const CommandInfo& command : usage.commands) {
    AppendEntry(Synopsis(usage, command), command.help, &text);
  }
  if (!usage.commands.empty()) text += '\n';
  for (const OptionInfo& option : usage.options) {
    AppendEntry(Forms(option), option.help, &text);
  }
  for (const char* note : usage.notes) {
    text += '\n';
    AppendWrapped(note, 0, kHelpWidth, &text);
  }
  std::string statuses = "Exit status:";
  const char* separator = " ";
  for (const StatusInfo& info : usage.statuses) {
    absl::StrAppend(&statuses, separator, info.status, " ", info.help);
    separator = "; ";
  }
  text += '\n';
  AppendWrapped(absl::StrCat(statuses, "."), 0, kHelpWidth, &text);
  return text;
}

std::string ManPage(const Usage& usage) {
  std::string page = absl::StrCat(
      ".Dd November 27, 2026\n.Dt ", absl::AsciiStrToUpper(usage.program), " ",
      usage.section, "\n.Os\n.Sh NAME\n.Nm ", usage.program, "\n.Nd ",
      usage.summary, "\n.Sh SYNOPSIS\n");
  if (usage.commands.empty())
    absl::StrAppend(&page, ".Nm\n.Op Ar OPTION ...\n");
  for (const CommandInfo& command : usage.commands) {
    absl::StrAppend(&page, ".Nm\n.Op Ar OPTION ...\n.Cm ",
                    Mdoc(Synopsis(usage, command)), "\n");
  }
  absl::StrAppend(&page, ".Sh DESCRIPTION\n");
  if (!usage.commands.empty()) {
    absl::StrAppend(&page, "The commands are:\n.Bl -tag -width Ds\n");
    for (const CommandInfo& command : usage.commands) {
      absl::StrAppend(&page, ".It Cm ", Mdoc(Synopsis(usage, command)), "\n",
                      MdocText(command.help));
    }
    absl::StrAppend(&page, ".El\n.Pp\n");
  }
  absl::StrAppend(&page, "The options are:\n");
  AppendOptions(usage, &page);
  for (const char* note : usage.notes) {
    absl::StrAppend(&page, ".Pp\n", MdocText(note));
  }
  absl::StrAppend(&page, ".Sh EXIT STATUS\n.Bl -tag -width Ds\n");
  for (const StatusInfo& info : usage.statuses) {
    absl::StrAppend(&page, ".It ", info.status, "\n", MdocText(info.help));
  }
  absl::StrAppend(&page, ".El\n.Sh SEE ALSO\n.Xr ",
                  absl::StrJoin(usage.see_also, " ,\n.Xr "), "\n");
  return page;
}

std::string BashCompletion(const Usage& usage) {
  std::string cases;
  std::vector<absl::string_view> words;
  for (const CommandInfo& command : usage.commands) {
    words.push_back(command.name);
    absl::StrAppend(&cases, "      ", command.name, ") options='",
                    absl::StrJoin(command.options, " "), "' ;;\n");
  }
  for (const OptionInfo& option : usage.options) words.push_back(option.name);
  return absl::StrReplaceAll(
      absl::StrCat(
          "# bash completion of $program: source it, or make it\n"
          "# /usr/share/bash-completion/completions/$program\n"
          "_$program() {\n"
          "  local word=${COMP_WORDS[COMP_CWORD]} options='' command='' each\n"
          "  for each in \"${COMP_WORDS[@]:1:COMP_CWORD-1}\"; do\n"
          "    case $each in\n",
          cases,
          "      *) continue ;;\n"
          "    esac\n"
          "    command=$each\n"
          "    break\n"
          "  done\n"
          "  [ -n \"$command\" ] || options='",
          absl::StrJoin(words, " "),
          "'\n"
          "  mapfile -t COMPREPLY < "
          "<(compgen -W \"$options ",
          absl::StrJoin(GlobalOptions(usage), " "),
          "\" -- \"$word\")\n"
          "}\n"
          "complete -o default -F _$program $program\n"),
      {{"$program", usage.program}});
}

std::string ZshCompletion(const Usage& usage) {
  const auto quoted = [](absl::string_view text) {
    return absl::StrReplaceAll(
        text, {{"'", "'\\''"}, {":", "\\:"}, {"[", "\\["}, {"]", "\\]"}});
  };
  std::string script =
      absl::StrCat("#compdef ", usage.program, "\nlocal -a commands\n");
  absl::StrAppend(&script, "commands=(\n");
  for (const CommandInfo& command : usage.commands) {
    absl::StrAppend(&script, "  '", command.name, ":", quoted(command.help),
                    "'\n");
  }
  absl::StrAppend(&script, ")\n_arguments \\\n");
  for (const OptionInfo& option : usage.options) {
    const bool has_value = option.value != nullptr;
    const std::string long_form =
        absl::StrCat(option.name, has_value ? "=" : "");
    absl::StrAppend(
        &script, "  ",
        option.short_name == nullptr
            ? absl::StrCat("'", long_form)
            : absl::StrCat("'(", option.short_name, " ", option.name, ")'{",
                           option.short_name, ",", long_form, "}'"),
        "[", quoted(option.help), "]",
        has_value ? absl::StrCat(":", option.value, ":_files") : "", "' \\\n");
  }
  if (!usage.commands.empty()) {
    absl::StrAppend(&script, "  '1:command:{_describe command commands}' \\\n");
  }
  absl::StrAppend(&script, "  '*:argument:_files'\n");
  return script;
}

std::string FishCompletion(const Usage& usage) {
  const auto quoted = [](absl::string_view text) {
    return absl::StrReplaceAll(text, {{"\\", "\\\\"}, {"'", "\\'"}});
  };
  std::string script;
  const std::string complete = absl::StrCat("complete -c ", usage.program);
  for (const CommandInfo& command : usage.commands) {
    absl::StrAppend(&script, complete, " -n __fish_use_subcommand -a ",
                    command.name, " -d '", quoted(command.help), "'\n");
  }
  for (const OptionInfo& option : usage.options) {
    absl::StrAppend(&script, complete,
                    option.short_name == nullptr
                        ? ""
                        : absl::StrCat(" -s ", option.short_name + 1),
                    " -l ", option.name + 2,
                    option.value == nullptr ? "" : " -r", " -d '",
                    quoted(option.help), "'\n");
  }
  return script;
}

std::string CommandHelp(const Usage& usage, const CommandInfo& command) {
  std::string text;
  AppendEntry(Synopsis(usage, command), command.help, &text);
  for (const OptionInfo& option : usage.options) {
    if (command.Takes(option.name)) {
      AppendEntry(Forms(option), option.help, &text);
    }
  }
  return text;
}

absl::StatusOr<std::string> HelpAs(absl::string_view format,
                                   const Usage& usage) {
  constexpr std::pair<const char*, std::string (*)(const Usage&)> kFormats[] = {
      {"text", HelpText},
      {"man", ManPage},
      {"bash", BashCompletion},
      {"zsh", ZshCompletion},
      {"fish", FishCompletion}};
  for (const auto& known : kFormats) {
    if (format == known.first) return known.second(usage);
  }
  if (const CommandInfo* const command = usage.FindCommand(format)) {
    return CommandHelp(usage, *command);
  }
  return absl::InvalidArgumentError(absl::StrCat(
      "'", format,
      "' is neither a command nor a format (text, man, bash, zsh, fish)"));
}

}  // namespace directory
}  // namespace le
