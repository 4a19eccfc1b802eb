// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// Runs many plans, and shrinks the failing ones.

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

// Runs the plan in this real process. If the run is over loopback and the plan
// kills no process, also checks for memory leaks.
Result RunPlan(const Plan& plan, bool trace);

// The arguments of the command line.
struct Options {
  uint64_t first = 1;
  uint64_t seeds = 1000;
  int jobs = 0;  // 0: one for each CPU
  bool trace = false;
  bool until_failure = false;
  bool kernel = false;  // on the simulated kernel
  bool worker = false;  // this process is a worker of RunAll()
  // These replace the values that are drawn from the seed. -1: no replacement.
  int clients = -1, servers = -1, operations = -1, blows = -1;
  bool has_only = false;
  std::string only;  // if has_only: the kinds of trouble, separated by commas

  // Returns false, with a message on stderr, if the command line is wrong.
  bool Parse(int argc, char** argv);
  Plan PlanOf(uint64_t seed) const;
};

// Runs all seeds, and reports each on stdout for RunAll(). Then ends this
// process, and does not return.
int RunWorker(const Options& options);
// Runs workers, adds up their results, and shrinks failing plans. Returns the
// exit code.
int RunAll(const Options& options);

// Makes the plan smaller as long as `fails` is true for the result.
Plan Shrink(Plan plan, const std::function<bool(const Plan&)>& fails);

}  // namespace simulation
}  // namespace le

#endif  // LE_MESSAGING_TESTS_SIMULATION_RUNNER_H_
