// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#include "tests/kernel/run.h"

#include <algorithm>
#include <cstring>

#include "absl/strings/str_cat.h"

namespace le {
namespace kernel_test {
namespace {

class Runner {
 public:
  Runner(Machine* machine, const Program& program)
      : machine_(machine), world_(program, IsRoot()) {
    machine_->Begin(program.uids);
  }
  ~Runner() { machine_->End(); }

  const World& world() const { return world_; }
  Trace TakeTrace() { return std::move(trace_); }
  void Make(int index, const Step& step);

 private:
  void Issue(int index, const Step& step);
  void Collect(int index);
  void Add(int at, int process, int step, Entry::Fate fate) {
    trace_.push_back({at, step, process, fate, {}});
  }
  std::vector<int64_t> Flatten(const Response& response) const;

  Machine* const machine_;
  World world_;
  Trace trace_;
  Request request_ = {};
};

void Runner::Make(int index, const Step& step) {
  ProcessView& process = world_.process(step.process);
  if (process.dead || (process.blocked && step.op != Op::kKill) ||
      !world_.IsCertain(step)) {
    Add(index, step.process, index, Entry::Fate::kSkipped);
    return;
  }
  if (step.op == Op::kKill) {
    machine_->Kill(step.process);
    process.dead = true;
    process.blocked = false;
  } else {
    Issue(index, step);
  }
  machine_->Settle();
  Collect(index);
}

void Runner::Issue(int index, const Step& step) {
  world_.Begin(index, step, &request_);
  const std::string path = absl::StrCat(machine_->directory(), "/",
                                        std::string(1, 'a' + PathOf(step)));
  std::strncpy(request_.path, path.c_str(), sizeof(request_.path) - 1);
  if (step.op == Op::kSendMsg) {
    const int next = (step.process + 1) % world_.process_count();
    const bool forges_pid = step.args[2] == kPidOfNext;
    const bool forges_uid = step.args[2] == kUidOfNext;
    request_.pid = machine_->Pid(forges_pid ? next : step.process);
    request_.uid = machine_->Uid(forges_uid ? next : step.process);
    request_.gid = machine_->Gid(step.process);
  }
  machine_->Issue(step.process, request_);
}

void Runner::Collect(int index) {
  std::vector<int> accepted;
  for (int i = 0; i < world_.process_count(); ++i) {
    ProcessView& process = world_.process(i);
    if (process.dead || !process.blocked) continue;
    const int step = process.step_index;
    switch (machine_->state(i)) {
      case Machine::State::kInCall:
        if (step == index) Add(index, i, step, Entry::Fate::kSleeps);
        break;
      case Machine::State::kDead:
        process.dead = true;
        process.blocked = false;
        Add(index, i, step, Entry::Fate::kDied);
        break;
      case Machine::State::kIdle: {
        const Response& response = machine_->response(i);
        Add(index, i, step, Entry::Fate::kReturned);
        trace_.back().answer = Flatten(response);
        if (process.step.op == Op::kAccept) {
          accepted.push_back(i);
        } else {
          world_.End(process.step, response);
        }
        break;
      }
    }
  }
  // An accept needs the result of the connect that woke it, so accepts come
  // last.
  for (int i : accepted) {
    world_.End(world_.process(i).step, machine_->response(i));
  }
}

std::vector<int64_t> Runner::Flatten(const Response& response) const {
  std::vector<int64_t> answer = {response.result, response.error,
                                 response.fd_count};
  for (int i = 0; i < response.fd_count; ++i) {
    answer.push_back(response.fds[i]);
    answer.push_back(response.tags[i]);
  }
  for (int i = 0; i < response.word_count; ++i) {
    answer.push_back(response.words[i]);
  }
  if (response.pid_at < 0) return answer;
  // Pids and uids differ between the kernels: replace each by the index of the
  // first process that has it.
  int64_t* const sender =
      &answer[answer.size() -
              static_cast<size_t>(response.word_count - response.pid_at)];
  const auto translate = [this](int64_t* number, auto number_of) {
    for (int i = 0; i < world_.process_count(); ++i) {
      if (number_of(i) == *number) {
        *number = 100 + i;
        return;
      }
    }
  };
  translate(&sender[0], [this](int i) { return machine_->Pid(i); });
  translate(&sender[1], [this](int i) { return machine_->Uid(i); });
  translate(&sender[2], [this](int i) { return machine_->Gid(i); });
  return answer;
}

}  // namespace

bool operator==(const Entry& a, const Entry& b) {
  return a.at == b.at && a.step == b.step && a.process == b.process &&
         a.fate == b.fate && a.answer == b.answer;
}

std::string ToString(const Entry& entry) {
  if (entry.fate == Entry::Fate::kSleeps) return "sleeps";
  if (entry.fate == Entry::Fate::kSkipped) return "skipped";
  if (entry.fate == Entry::Fate::kDied) return "died";
  std::string text = absl::StrCat(entry.answer[0]);
  if (entry.answer[1] != 0) {
    absl::StrAppend(&text, " ",
                    std::strerror(static_cast<int>(entry.answer[1])));
  }
  size_t i = 3;
  for (int64_t fd = 0; fd < entry.answer[2]; ++fd, i += 2) {
    absl::StrAppend(&text, fd < 8 ? absl::StrCat(" fd", entry.answer[i],
                                                 "=file", entry.answer[i + 1])
                                  : ".");
  }
  const char* separator = " [";
  for (; i < entry.answer.size(); ++i) {
    absl::StrAppend(&text, separator, entry.answer[i]);
    separator = " ";
  }
  if (*separator == ' ' && separator[1] == '\0') text += "]";
  return text;
}

std::string ToString(const Program& program, const Trace& trace,
                     const Trace* model) {
  std::string text;
  int shown = -1;
  for (size_t i = 0; i < trace.size(); ++i) {
    const Entry& entry = trace[i];
    if (entry.at != shown) {
      shown = entry.at;
      absl::StrAppend(
          &text, ToString(program.steps[static_cast<size_t>(shown)]), "\n");
    }
    const auto line = [&entry](const char* who, const Entry& one) {
      return absl::StrCat("        # ", who,
                          one.step != one.at || one.process != entry.process
                              ? absl::StrCat("process ", one.process, ": ")
                              : "",
                          ToString(one), "\n");
    };
    if (model == nullptr) {
      text += line("", entry);
    } else if (i < model->size() && (*model)[i] == entry) {
      text += line("", entry);
    } else {
      text += line("kernel: ", entry);
      if (i < model->size()) text += line("model:  ", (*model)[i]);
      break;
    }
  }
  if (model != nullptr && model->size() > trace.size()) {
    const Entry& more = (*model)[trace.size()];
    absl::StrAppend(&text, "        # only the model: process ", more.process,
                    ": ", ToString(more), "\n");
  }
  return text;
}

Trace RunProgram(Machine* machine, const Program& program) {
  Runner runner(machine, program);
  for (size_t i = 0; i < program.steps.size(); ++i) {
    runner.Make(static_cast<int>(i), program.steps[i]);
  }
  return runner.TakeTrace();
}

Trace RunProgram(Machine* machine, Program* program, const NextStep& next) {
  Runner runner(machine, *program);
  for (Step step; next(runner.world(), &step); step = Step()) {
    program->steps.push_back(step);
    runner.Make(static_cast<int>(program->steps.size()) - 1, step);
  }
  return runner.TakeTrace();
}

}  // namespace kernel_test
}  // namespace le
