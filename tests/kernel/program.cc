// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#include "tests/kernel/program.h"

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"

namespace le {
namespace kernel_test {
namespace {

constexpr OpInfo kOps[kOpCount] = {
    {"Socket", false, {"flags"}},
    {"SocketPair", false, {"flags"}},
    {"Pipe", false, {"flags"}},
    {"Bind", true, {"path"}},
    {"Listen", true, {"backlog"}},
    {"Connect", true, {"path"}},
    {"Accept", true, {"flags"}},
    {"Send", true, {"size", "flags"}},
    {"SendMsg", true, {"size", "flags", "cred", "repeat"}},
    {"Recv", true, {"size", "flags"}},
    {"RecvMsg", true, {"size", "flags", "control"}},
    {"Read", true, {"size"}},
    {"Write", true, {"size", "value"}},
    {"Shutdown", true, {"how"}},
    {"Close", true, {}},
    {"Dup", true, {}},
    {"Fcntl", true, {"command", "value"}},
    {"Ioctl", true, {"request"}},
    {"SetSockOpt", true, {"option", "value"}},
    {"GetSockOpt", true, {"option"}},
    {"GetSockName", true, {}},
    {"EpollCreate", false, {}},
    {"EpollCtl", true, {"operation", "events", "data"}},
    {"EpollWait", true, {"count", "timeout"}},
    {"EventFd", false, {"initial", "flags"}},
    {"TimerFd", false, {"flags"}},
    {"TimerSet", true, {"when"}},
    {"Poll", false, {"timeout"}},
    {"PollAll", false, {"count"}},
    {"SetLimit", false, {"value"}},
    {"Unlink", false, {"path"}},
    {"Chmod", false, {"path", "mode"}},
    {"Kill", false, {}},
};

std::string Variables(const std::vector<int>& variables) {
  return absl::StrJoin(variables, ",", [](std::string* out, int variable) {
    absl::StrAppend(out, "v", variable);
  });
}

bool ParseVariables(absl::string_view text, std::vector<int>* variables) {
  for (absl::string_view one : absl::StrSplit(text, ',')) {
    int variable;
    if (one.empty() || one[0] != 'v' ||
        !absl::SimpleAtoi(one.substr(1), &variable) || variable < 0) {
      return false;
    }
    variables->push_back(variable);
  }
  return true;
}

bool ParseNumbers(absl::string_view text, std::vector<int>* numbers) {
  for (absl::string_view one : absl::StrSplit(text, ',')) {
    int number;
    if (!absl::SimpleAtoi(one, &number)) return false;
    numbers->push_back(number);
  }
  return true;
}

bool ParseArgument(absl::string_view word, Step* step) {
  const std::pair<absl::string_view, absl::string_view> parts =
      absl::StrSplit(word, absl::MaxSplits('=', 1));
  if (parts.first == "fds") return ParseVariables(parts.second, &step->fds);
  if (parts.first == "events" && step->op == Op::kPoll) {
    return ParseNumbers(parts.second, &step->events);
  }
  for (int i = 0; i < kMaxArgs; ++i) {
    const char* const name = InfoOf(step->op).args[i];
    if (name != nullptr && parts.first == name) {
      return absl::SimpleAtoi(parts.second, &step->args[i]);
    }
  }
  return false;
}

bool ParseStep(absl::string_view line, Step* step) {
  std::vector<absl::string_view> words =
      absl::StrSplit(line, ' ', absl::SkipEmpty());
  size_t i = 0;
  if (words.size() < 2 || !absl::SimpleAtoi(words[i++], &step->process)) {
    return false;
  }
  if (words.size() > 3 && words[2] == "=") {
    if (!ParseVariables(words[i], &step->out)) return false;
    i += 2;
  }
  int op = 0;
  while (op < kOpCount && words[i] != kOps[op].name) ++op;
  if (op == kOpCount) return false;
  step->op = static_cast<Op>(op);
  ++i;
  if (i < words.size() && InfoOf(step->op).takes_fd) {
    std::vector<int> fd;
    if (!ParseVariables(words[i++], &fd) || fd.size() != 1) return false;
    step->fd = fd[0];
  }
  for (; i < words.size(); ++i) {
    if (!ParseArgument(words[i], step)) return false;
  }
  return step->op != Op::kPoll || step->events.size() == step->fds.size();
}

}  // namespace

const OpInfo& InfoOf(Op op) { return kOps[static_cast<int>(op)]; }

std::string ToString(const Step& step) {
  std::string text = absl::StrCat(step.process, " ");
  if (!step.out.empty()) absl::StrAppend(&text, Variables(step.out), " = ");
  const OpInfo& info = InfoOf(step.op);
  text += info.name;
  if (info.takes_fd) absl::StrAppend(&text, " v", step.fd);
  for (int i = 0; i < kMaxArgs; ++i) {
    if (info.args[i] != nullptr && step.args[i] != 0) {
      absl::StrAppend(&text, " ", info.args[i], "=", step.args[i]);
    }
  }
  if (!step.fds.empty()) absl::StrAppend(&text, " fds=", Variables(step.fds));
  if (!step.events.empty()) {
    absl::StrAppend(&text, " events=", absl::StrJoin(step.events, ","));
  }
  return text;
}

std::string ToString(const Program& program) {
  std::string text =
      absl::StrCat("uids ", absl::StrJoin(program.uids, " "), "\n");
  for (const Step& step : program.steps) {
    absl::StrAppend(&text, ToString(step), "\n");
  }
  return text;
}

bool ParseProgram(absl::string_view text, Program* program) {
  *program = Program();
  for (absl::string_view line : absl::StrSplit(text, '\n')) {
    line = absl::StripAsciiWhitespace(line);
    if (line.empty() || line[0] == '#') continue;
    if (program->uids.empty()) {
      std::vector<absl::string_view> words = absl::StrSplit(line, ' ');
      if (words[0] != "uids") return false;
      for (size_t i = 1; i < words.size(); ++i) {
        int uid;
        if (!absl::SimpleAtoi(words[i], &uid)) return false;
        program->uids.push_back(uid);
      }
      if (program->uids.empty() || program->uids.size() > kMaxProcesses) {
        return false;
      }
      continue;
    }
    Step step;
    if (!ParseStep(line, &step) || step.process < 0 ||
        step.process >= static_cast<int>(program->uids.size())) {
      return false;
    }
    program->steps.push_back(step);
  }
  return !program->uids.empty();
}

}  // namespace kernel_test
}  // namespace le
