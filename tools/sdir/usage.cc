// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#include "tools/sdir/usage.h"

#include <algorithm>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"

namespace le {
namespace sdir {
namespace {

constexpr char kSummary[] =
    "looks into a le_messaging directory, and administers it";

constexpr char kNotes[] =
    "CLIENT and SERVICE are <USER>.INTERFACE, in quotes. FILTER is the same, "
    "where * stands for any: '<alice>.*'. Options may stand anywhere, and "
    "their "
    "values may be arguments of their own: --socket_dir DIR. Only root and the "
    "directory's own user may use it, except with --as.";

struct StatusInfo {
  int status;
  const char* help;
};
constexpr StatusInfo kStatuses[] = {
    {0, "done"},
    {1,
     "refused, by the directory or by a called service, or the directory does "
     "not answer within 5 s"},
    {2, "the arguments make no sense"},
    {3, "out of time"},
    {4, "no (of explain), or responses differ (of replay)"},
    {5, "there is no directory"},
};

constexpr size_t kHelpColumn = 28;
constexpr size_t kHelpWidth = 84;

// Appends `text` in lines of at most `width`. Those after the first one begin
// with `indent` blanks. The first one continues at that column.
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

const OptionInfo& FindOption(absl::string_view name) {
  const auto& all = Options();
  return *std::find_if(all.begin(), all.end(), [&](const OptionInfo& option) {
    return option.name == name;
  });
}

// "list [--json] [FILTER]"
std::string Synopsis(const CommandInfo& command) {
  std::string text = command.name;
  for (const absl::string_view option : command.options) {
    absl::StrAppend(&text, " [", WithValue(FindOption(option)), "]");
  }
  if (*command.arguments != '\0') {
    absl::StrAppend(&text, " ", command.arguments);
  }
  return text;
}

std::string AllOptionNames() {
  return absl::StrJoin(Options(), " ",
                       [](std::string* out, const OptionInfo& option) {
                         absl::StrAppend(out, option.name);
                       });
}

// Escapes what mdoc would interpret.
std::string Mdoc(absl::string_view text) {
  return absl::StrReplaceAll(text,
                             {{"\\", "\\e"}, {"'", "\\(aq"}, {"-", "\\-"}});
}

// As Mdoc(), in lines of which each sentence begins a new one.
std::string MdocText(absl::string_view text) {
  std::string lines;
  for (const absl::string_view sentence : absl::StrSplit(Mdoc(text), ". ")) {
    const bool is_whole = absl::EndsWith(sentence, ".");
    AppendWrapped(absl::StrCat(sentence, is_whole ? "" : "."), 0, 78, &lines);
  }
  return lines;
}

}  // namespace

bool CommandInfo::Takes(absl::string_view option) const {
  return std::find(options.begin(), options.end(), option) != options.end();
}

const std::vector<OptionInfo>& Options() {
  static const auto* const options = new std::vector<OptionInfo>{
      {"--json", nullptr, "short for --format=json"},
      {"--format", "FORMAT", "text (the default) or json"},
      {"--sessions", nullptr,
       "also asks each server for its sessions; a server that does not answer "
       "within 1 s is marked"},
      {"--check", nullptr, "only looks for errors"},
      {"--persist", nullptr,
       "also changes the file 50-sdir.bindings in the folder of directoryd's "
       "--bindings_dir, so that each load has the change"},
      {"--timeout", "SECONDS", "how long to wait; without it, for ever"},
      {"--as", "INTERFACE",
       "opens the session by the binding of this interface of one's own, which "
       "anybody may do who has one. Without it, no binding is needed"},
      {"--client", "PID", "only the sessions of this process"},
      {"--speed", "N", "N times as fast as it was recorded; 0: without pauses"},
      {"--fd", "FILE",
       "the file whose descriptor goes with the request, opened for reading "
       "(-: "
       "standard input)"},
      {"--socket_dir", "DIR",
       "where the directory is. Default: the first of $LE_MESSAGING_DIR, "
       "/run/le_messaging if it exists, $XDG_RUNTIME_DIR/le_messaging"},
      {"--help", nullptr, "this text"},
      {"--version", nullptr, "prints the version"},
  };
  return *options;
}

const std::vector<CommandInfo>& Commands() {
  static const auto* const commands = new std::vector<CommandInfo>{
      {"list",
       "[FILTER]",
       {"--json", "--format", "--sessions"},
       "bindings, services, waiting clients and what they wait for, "
       "introductions made and requests refused"},
      {"explain",
       "CLIENT",
       {},
       "which binding applies, who offers its service, who waits, and whether "
       "CLIENT can open a session"},
      {"monitor",
       "[FILTER]",
       {"--json", "--format"},
       "prints what happens, a line each, until it is stopped"},
      {"bind",
       "CLIENT SERVICE",
       {"--persist"},
       "adds or replaces a binding, until the next load or restart"},
      {"unbind", "CLIENT", {"--persist"}, "takes one away, likewise"},
      {"load",
       "[FILE]",
       {"--check"},
       "replaces all bindings by those of FILE (-: standard input), or of the "
       "files that directoryd was started with; on any error nothing changes"},
      {"wait",
       "SERVICE",
       {"--timeout"},
       "returns when SERVICE is on offer; waits for the directory too, if it "
       "is not there"},
      {"introspect",
       "SERVICE",
       {"--as"},
       "prints the .proto files of a typed service, which sends them"},
      {"call",
       "SERVICE.METHOD [JSON]",
       {"--timeout", "--as", "--fd"},
       "calls a method of a typed service. JSON is the request ({}, if it is "
       "missing; -: standard input). Prints the response as a line of JSON, "
       "and "
       "of a stream each item. Without --timeout, the service must accept the "
       "session and describe itself within 5 s"},
      {"tap",
       "SERVICE",
       {"--json", "--format", "--client", "--timeout"},
       "prints the messages of a service as they happen, with the time from "
       "each request to its response; those of a typed service are decoded. "
       "The "
       "server logs that it is tapped"},
      {"record",
       "SERVICE FILE",
       {"--client", "--timeout"},
       "writes them to a pcapng file (-: standard output), which Wireshark and "
       "replay read"},
      {"replay",
       "FILE SERVICE",
       {"--speed", "--timeout"},
       "sends the messages of the recorded clients to the service, and prints "
       "the responses that differ from the recorded ones. Messages with file "
       "descriptors are skipped. Without --timeout, each response may take 5 "
       "s"},
      {"help",
       "[FORMAT]",
       {},
       "this text; with FORMAT man, bash, zsh or fish, the man page or a "
       "completion for that shell"},
  };
  return *commands;
}

const CommandInfo* FindCommand(absl::string_view name) {
  for (const CommandInfo& command : Commands()) {
    if (command.name == name) return &command;
  }
  return nullptr;
}

std::string HelpText() {
  std::string text = absl::StrCat(
      "sdir: ", kSummary, ".\n\n  sdir [--socket_dir=DIR] COMMAND ...\n\n");
  for (const CommandInfo& command : Commands()) {
    AppendEntry(Synopsis(command), command.help, &text);
  }
  text += '\n';
  for (const OptionInfo& option : Options()) {
    AppendEntry(WithValue(option), option.help, &text);
  }
  text += '\n';
  AppendWrapped(kNotes, 0, kHelpWidth, &text);
  std::string statuses = "Exit status, as of directoryd:";
  const char* separator = " ";
  for (const StatusInfo& info : kStatuses) {
    absl::StrAppend(&statuses, separator, info.status, " ", info.help);
    separator = "; ";
  }
  text += '\n';
  AppendWrapped(absl::StrCat(statuses, "."), 0, kHelpWidth, &text);
  return text;
}

std::string ManPage() {
  std::string page = absl::StrCat(
      ".Dd November 27, 2026\n.Dt SDIR 1\n.Os\n.Sh NAME\n.Nm sdir\n", ".Nd ",
      kSummary, "\n.Sh SYNOPSIS\n");
  for (const CommandInfo& command : Commands()) {
    absl::StrAppend(&page, ".Nm\n.Op Fl \\-socket_dir Ns = Ns Ar DIR\n.Cm ",
                    Mdoc(Synopsis(command)), "\n");
  }
  absl::StrAppend(&page, ".Sh DESCRIPTION\nThe commands are:\n",
                  ".Bl -tag -width Ds\n");
  for (const CommandInfo& command : Commands()) {
    absl::StrAppend(&page, ".It Cm ", Mdoc(Synopsis(command)), "\n",
                    MdocText(command.help));
  }
  absl::StrAppend(&page, ".El\n.Pp\nThe options are:\n.Bl -tag -width Ds\n");
  for (const OptionInfo& option : Options()) {
    absl::StrAppend(&page, ".It Cm ", Mdoc(WithValue(option)), "\n",
                    MdocText(option.help));
  }
  absl::StrAppend(&page, ".El\n.Pp\n", MdocText(kNotes), ".Sh EXIT STATUS\n",
                  ".Bl -tag -width Ds\n");
  for (const StatusInfo& info : kStatuses) {
    absl::StrAppend(&page, ".It ", info.status, "\n", MdocText(info.help));
  }
  absl::StrAppend(&page, ".El\n.Sh SEE ALSO\n.Xr directoryd 8\n");
  return page;
}

std::string BashCompletion() {
  std::string cases;
  std::vector<std::string> names;
  for (const CommandInfo& command : Commands()) {
    names.push_back(command.name);
    absl::StrAppend(&cases, "      ", command.name, ") options='",
                    absl::StrJoin(command.options, " "), "' ;;\n");
  }
  return absl::StrCat(
      "# bash completion of sdir: source it, or make it\n"
      "# /usr/share/bash-completion/completions/sdir\n"
      "_sdir() {\n"
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
      absl::StrJoin(names, " "), " ", AllOptionNames(),
      "'\n"
      "  mapfile -t COMPREPLY < "
      "<(compgen -W \"$options --socket_dir\" -- \"$word\")\n"
      "}\n"
      "complete -o default -F _sdir sdir\n");
}

std::string ZshCompletion() {
  const auto quoted = [](absl::string_view text) {
    return absl::StrReplaceAll(
        text, {{"'", "'\\''"}, {":", "\\:"}, {"[", "\\["}, {"]", "\\]"}});
  };
  std::string script = "#compdef sdir\nlocal -a commands\ncommands=(\n";
  for (const CommandInfo& command : Commands()) {
    absl::StrAppend(&script, "  '", command.name, ":", quoted(command.help),
                    "'\n");
  }
  absl::StrAppend(&script, ")\n_arguments \\\n");
  for (const OptionInfo& option : Options()) {
    const bool has_value = option.value != nullptr;
    absl::StrAppend(&script, "  '", option.name, has_value ? "=" : "", "[",
                    quoted(option.help), "]",
                    has_value ? absl::StrCat(":", option.value, ":_files") : "",
                    "' \\\n");
  }
  absl::StrAppend(&script,
                  "  '1:command:{_describe command commands}' \\\n"
                  "  '*:argument:_files'\n");
  return script;
}

std::string FishCompletion() {
  const auto quoted = [](absl::string_view text) {
    return absl::StrReplaceAll(text, {{"\\", "\\\\"}, {"'", "\\'"}});
  };
  std::string script;
  for (const CommandInfo& command : Commands()) {
    absl::StrAppend(&script, "complete -c sdir -n __fish_use_subcommand -a ",
                    command.name, " -d '", quoted(command.help), "'\n");
  }
  for (const OptionInfo& option : Options()) {
    absl::StrAppend(&script, "complete -c sdir -l ", option.name + 2,
                    option.value == nullptr ? "" : " -r", " -d '",
                    quoted(option.help), "'\n");
  }
  return script;
}

}  // namespace sdir
}  // namespace le
