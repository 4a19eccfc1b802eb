// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
//   differential [--programs=N] [--seed=S] [--failures=N] [--print] [--raw]
//                [--against=model|real]
//   differential --file=PROGRAM [--against=model|real]
//
// Compares a kernel with the real one. --against=model, the default, compares
// the simulated kernel. --against=real compares the real kernel with itself.
// --failures=N ends the run after N differences. --print prints each program
// with its results. --raw does not shrink programs.

#include <fstream>
#include <iostream>
#include <memory>
#include <sstream>
#include <string>

#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "tests/kernel/differ.h"
#include "tests/kernel/generator.h"
#include "tests/kernel/model_machine.h"
#include "tests/kernel/real_machine.h"
#include "tests/kernel/run.h"

namespace le {
namespace kernel_test {
namespace {

struct Options {
  uint64_t programs = 1000;
  uint64_t seed = 1;
  uint64_t failures = 1;
  bool print = false;
  bool shrink = true;
  std::string against = "model";
  std::string file;
};

bool Parse(int argc, char** argv, Options* options) {
  for (int i = 1; i < argc; ++i) {
    const std::pair<absl::string_view, absl::string_view> parts =
        absl::StrSplit(argv[i], absl::MaxSplits('=', 1));
    bool valid = true;
    if (parts.first == "--programs") {
      valid = absl::SimpleAtoi(parts.second, &options->programs);
    } else if (parts.first == "--seed") {
      valid = absl::SimpleAtoi(parts.second, &options->seed);
    } else if (parts.first == "--failures") {
      valid = absl::SimpleAtoi(parts.second, &options->failures);
    } else if (parts.first == "--against") {
      options->against = std::string(parts.second);
      valid = parts.second == "model" || parts.second == "real";
    } else if (parts.first == "--file") {
      options->file = std::string(parts.second);
    } else if (parts.first == "--print") {
      options->print = true;
    } else if (parts.first == "--raw") {
      options->shrink = false;
    } else {
      valid = false;
    }
    if (!valid) {
      std::cerr << "Not understood: " << argv[i] << "\n";
      return false;
    }
  }
  return true;
}

int Main(const Options& options) {
  RealMachine real;
  std::unique_ptr<Machine> other;
  if (options.against == "real") {
    other = std::make_unique<RealMachine>();
  } else {
    other = std::make_unique<ModelMachine>();
  }
  Differ differ(&real, other.get());
  differ.set_shrinks(options.shrink);
  if (!options.file.empty()) {
    std::ifstream file(options.file);
    std::stringstream text;
    text << file.rdbuf();
    Program program;
    if (!file || !ParseProgram(text.str(), &program)) {
      std::cerr << "Cannot read a program from " << options.file << "\n";
      return 2;
    }
    std::cout << ToString(program, RunProgram(&real, program));
    const std::string difference = differ.Compare(program);
    std::cout << difference;
    return difference.empty() ? 0 : 1;
  }
  uint64_t failures = 0;
  const absl::Time start = absl::Now();
  for (uint64_t i = 0; i < options.programs; ++i) {
    if (options.print) {
      Generator generator(options.seed + i);
      Program program;
      program.uids = generator.Uids();
      const Trace trace = RunProgram(
          &real, &program, [&generator](const World& world, Step* step) {
            return generator.Next(world, step);
          });
      std::cout << "# seed " << options.seed + i << "\n"
                << ToString(program, trace);
    }
    const std::string difference = differ.CompareSeed(options.seed + i);
    if (difference.empty()) continue;
    std::cout << difference << std::endl;
    if (++failures == options.failures) break;
  }
  std::cout << differ.programs() << " programs, " << differ.steps()
            << " steps, " << failures << " differ, " << differ.uncertain()
            << " vary on the real kernel, "
            << absl::FormatDuration(
                   absl::Trunc(absl::Now() - start, absl::Milliseconds(1)))
            << "\n";
  return failures == 0 ? 0 : 1;
}

}  // namespace
}  // namespace kernel_test
}  // namespace le

int main(int argc, char** argv) {
  le::kernel_test::Options options;
  if (!le::kernel_test::Parse(argc, argv, &options)) return 2;
  return le::kernel_test::Main(options);
}
