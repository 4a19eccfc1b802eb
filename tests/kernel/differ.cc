// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#include "tests/kernel/differ.h"

#include "absl/strings/str_cat.h"
#include "tests/kernel/generator.h"
#include "tests/kernel/run.h"
#include "tests/kernel/shrink.h"

namespace le {
namespace kernel_test {
namespace {

constexpr int kRepeats = 4;

}  // namespace

std::string Differ::CompareSeed(uint64_t seed) {
  Generator generator(seed);
  Program program;
  program.uids = generator.Uids();
  const Trace real =
      RunProgram(real_, &program, [&generator](const World& world, Step* step) {
        return generator.Next(world, step);
      });
  ++programs_;
  steps_ += program.steps.size();
  const Trace model = RunProgram(model_, program);
  if (model == real) return "";
  if (!Differs(program)) {
    ++uncertain_;
    return "";
  }
  // Report this difference too, because the shrunk program may show another
  // one.
  size_t i = 0;
  while (i < real.size() && i < model.size() && real[i] == model[i]) ++i;
  return absl::StrCat("# seed ", seed, ", result of the real kernel: ",
                      i < real.size() ? ToString(real[i]) : "nothing", "\n",
                      Explain(program));
}

std::string Differ::Compare(const Program& program) {
  ++programs_;
  steps_ += program.steps.size();
  return Differs(program) ? Explain(program) : "";
}

// Whether the model's results differ from those of the real kernel. Returns
// false if the real kernel's results vary.
bool Differ::Differs(const Program& program) {
  const Trace real = RunProgram(real_, program);
  const Trace model = RunProgram(model_, program);
  if (model == real) return false;
  for (int i = 0; i < kRepeats; ++i) {
    if (RunProgram(real_, program) != real) return false;
  }
  return true;
}

std::string Differ::Explain(const Program& program) {
  const Program small =
      shrinks_
          ? Shrink(program, [this](const Program& one) { return Differs(one); })
          : program;
  const Trace real = RunProgram(real_, small);
  const Trace model = RunProgram(model_, small);
  return absl::StrCat(ToString(small), "# The results, up to the difference:\n",
                      ToString(small, real, &model));
}

}  // namespace kernel_test
}  // namespace le
