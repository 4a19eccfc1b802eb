// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// Runs plans, many of them, and makes failing ones smaller.

#ifndef LE_MESSAGING_TESTS_SIMULATION_RUNNER_H_
#define LE_MESSAGING_TESTS_SIMULATION_RUNNER_H_

#include <cstdint>
#include <functional>
#include <map>
#include <string>

#include "absl/strings/string_view.h"
#include "tests/simulation/world.h"

namespace le {
namespace simulation {

// One run, in this process. Also checks for leaks, if no process was killed: a
// killed process leaves its memory to the operating system.
Result RunPlan(const Plan& plan, bool trace);

// The command line, but for its first word.
struct Options {
  uint64_t first = 1;
  uint64_t seeds = 1000;
  int jobs = 0;  // 0: one for each CPU
  bool trace = false;
  bool until_failure = false;
  bool kernel = false;  // on the simulated kernel
  bool worker = false;  // of RunAll(): its output is for the parent
  // These replace the seed's values; -1 and "": they do not.
  int clients = -1, servers = -1, operations = -1, blows = -1;
  bool has_only = false;
  std::string only;  // kinds of trouble, with commas between

  // False, with a message on stderr: it is wrong.
  bool Parse(int argc, char** argv);
  Plan PlanOf(uint64_t seed) const;
};

// Runs them all here, and reports each on stdout for RunAll().
int RunWorker(const Options& options);
// Runs workers, sums up, and shrinks what fails. The exit code.
int RunAll(const Options& options);

// A smaller plan that `fails` too.
Plan Shrink(Plan plan, const std::function<bool(const Plan&)>& fails);

}  // namespace simulation
}  // namespace le

#endif  // LE_MESSAGING_TESTS_SIMULATION_RUNNER_H_
