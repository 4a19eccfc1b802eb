// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#include "tests/kernel/shrink.h"

#include <algorithm>
#include <vector>

#include "absl/strings/string_view.h"

namespace le {
namespace kernel_test {
namespace {

// The values to try for an argument. An argument that selects the operation is
// not changed.
std::vector<int64_t> SimpleValues(Op op, size_t argument) {
  const char* const name = InfoOf(op).args[argument];
  if (name == nullptr || op == Op::kFcntl) return {};
  // Not 0: IsCertain() leaves out many steps that send an empty packet.
  if (name == absl::string_view("size")) return {1, 64};
  for (absl::string_view amount : {"backlog", "control", "count", "data",
                                   "initial", "path", "repeat", "value"}) {
    if (name == amount) return {0, 1, 64};
  }
  for (absl::string_view option : {"cred", "flags", "timeout"}) {
    if (name == option) return {0};
  }
  return {};
}

class Shrinker {
 public:
  Shrinker(const Program& program,
           const std::function<bool(const Program&)>& differs)
      : best_(program), differs_(differs) {}

  Program Shrink() {
    for (bool smaller = true; smaller;) {
      smaller = DropSteps();
      smaller = Simplify() || smaller;
    }
    return best_;
  }

 private:
  bool Try(const Program& program) {
    if (!differs_(program)) return false;
    best_ = program;
    return true;
  }

  // Tries to drop all steps, then halves, then quarters, and so on, finally
  // single steps.
  bool DropSteps() {
    bool smaller = false;
    for (size_t length = best_.steps.size(); length > 0; length /= 2) {
      for (size_t end = best_.steps.size(); end > 0;) {
        const size_t begin = end > length ? end - length : 0;
        Program program = best_;
        program.steps.erase(
            program.steps.begin() + static_cast<std::ptrdiff_t>(begin),
            program.steps.begin() + static_cast<std::ptrdiff_t>(end));
        smaller = Try(program) || smaller;
        end = begin;
      }
    }
    return smaller;
  }

  // Gives the steps of the last process to another process.
  bool MergeProcesses() {
    const int last = static_cast<int>(best_.uids.size()) - 1;
    for (int other = 0; other < last; ++other) {
      Program program = best_;
      program.uids.pop_back();
      for (Step& step : program.steps) {
        if (step.process == last) step.process = other;
      }
      if (Try(program)) return true;
    }
    return false;
  }

  bool Simplify() {
    bool smaller = false;
    for (size_t i = 0; i < best_.steps.size(); ++i) {
      for (size_t j = best_.steps[i].fds.size(); j-- > 0;) {
        if (best_.steps[i].op == Op::kEpollCtl) break;
        Program program = best_;
        Step& step = program.steps[i];
        const auto at = static_cast<std::ptrdiff_t>(j);
        step.fds.erase(step.fds.begin() + at);
        if (!step.events.empty()) step.events.erase(step.events.begin() + at);
        smaller = Try(program) || smaller;
      }
      for (size_t j = 0; j < kMaxArgs; ++j) {
        for (int64_t simple : SimpleValues(best_.steps[i].op, j)) {
          if (best_.steps[i].args[j] == simple) break;
          Program program = best_;
          program.steps[i].args[j] = simple;
          if (Try(program)) {
            smaller = true;
            break;
          }
        }
      }
      if (!best_.steps[i].out.empty()) {
        Program program = best_;
        program.steps[i].out.pop_back();
        smaller = Try(program) || smaller;
      }
    }
    smaller = MergeProcesses() || smaller;
    for (size_t i = 0; i < best_.uids.size(); ++i) {
      if (best_.uids[i] == best_.uids[0]) continue;
      Program program = best_;
      program.uids[i] = best_.uids[0];
      smaller = Try(program) || smaller;
    }
    return smaller;
  }

  Program best_;
  const std::function<bool(const Program&)>& differs_;
};

}  // namespace

Program Shrink(const Program& program,
               const std::function<bool(const Program&)>& differs) {
  return Shrinker(program, differs).Shrink();
}

}  // namespace kernel_test
}  // namespace le
