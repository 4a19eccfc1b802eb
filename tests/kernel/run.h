// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef LE_MESSAGING_TESTS_KERNEL_RUN_H_
#define LE_MESSAGING_TESTS_KERNEL_RUN_H_

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "tests/kernel/machine.h"
#include "tests/kernel/program.h"
#include "tests/kernel/world.h"

namespace le {
namespace kernel_test {

// The result of a step.
struct Entry {
  enum class Fate : uint8_t {
    kReturned,
    kSleeps,
    // The call is not made: its process is dead or asleep, or the step is not
    // certain.
    kSkipped,
    kDied,  // the process has died in this call
  };

  int at = 0;  // the step after which this was observed
  // The step that has this result: earlier than `at` if its call slept.
  int step = 0;
  int process = 0;
  Fate fate = Fate::kReturned;
  // Result, errno, number of descriptors, their numbers and tags, words.
  std::vector<int64_t> answer;
};

using Trace = std::vector<Entry>;

bool operator==(const Entry& a, const Entry& b);
inline bool operator!=(const Entry& a, const Entry& b) { return !(a == b); }
std::string ToString(const Entry& entry);
// The text of each step with its results. If `model` is not null, `trace` is
// the trace of the real kernel. The text then ends at the first entry in which
// the two traces differ, and shows this entry of both traces.
std::string ToString(const Program& program, const Trace& trace,
                     const Trace* model = nullptr);

// Runs the program's steps.
Trace RunProgram(Machine* machine, const Program& program);
// Runs the steps that `next` chooses by the state of the world, and adds them
// to the program. `next` returns false at the end.
using NextStep = std::function<bool(const World& world, Step* step)>;
Trace RunProgram(Machine* machine, Program* program, const NextStep& next);

}  // namespace kernel_test
}  // namespace le

#endif  // LE_MESSAGING_TESTS_KERNEL_RUN_H_
