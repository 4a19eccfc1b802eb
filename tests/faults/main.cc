// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
//   sweep [--every=N] [--pairs=N] [--seed=N] [--only=SCENARIO]
//
// Runs each scenario many times, each time with another failure. A failure is
// one way in which a call fails: an error, and how many calls of this kind fail
// with it. Another failure is that no file descriptor is free during some
// calls. With --every=N, only every Nth failure is tried. With --pairs=N, each
// scenario then runs N times more, each time with two random failures.

#include <cstdio>
#include <cstdlib>
#include <map>
#include <string>

#include "absl/strings/numbers.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "tests/faults/sweep.h"

int main(int argc, char** argv) {
  le::faults::Options options;
  std::string only;
  for (int i = 1; i < argc; ++i) {
    absl::string_view argument = argv[i];
    bool understood = true;
    if (absl::ConsumePrefix(&argument, "--only=")) {
      only = std::string(argument);
    } else if (absl::ConsumePrefix(&argument, "--every=")) {
      understood =
          absl::SimpleAtoi(argument, &options.every) && options.every > 0;
    } else if (absl::ConsumePrefix(&argument, "--pairs=")) {
      understood = absl::SimpleAtoi(argument, &options.pairs);
    } else if (absl::ConsumePrefix(&argument, "--seed=")) {
      understood = absl::SimpleAtoi(argument, &options.seed);
    } else {
      understood = false;
    }
    if (!understood) {
      std::fprintf(stderr,
                   "usage: sweep [--every=N] [--pairs=N] [--seed=N] "
                   "[--only=SCENARIO]\n");
      return EXIT_FAILURE;
    }
  }
  int scenarios = 0, calls = 0, runs = 0, injected = 0, failures = 0;
  std::map<std::string, int> kinds;
  std::printf("%-20s %8s %8s %10s %8s\n", "scenario", "calls", "runs", "failed",
              "faults");
  for (const le::faults::Scenario& scenario : le::faults::Scenarios()) {
    if (!only.empty() && only != scenario.name) continue;
    const le::faults::Result result = le::faults::Sweep(scenario, options);
    for (const std::string& failure : result.failures) {
      std::printf("%s\n", failure.c_str());
    }
    for (const auto& kind : result.calls_by_kind) {
      kinds[kind.first] += kind.second;
    }
    std::printf("%-20s %8d %8d %10d %8d\n", scenario.name, result.calls,
                result.runs, result.injected,
                static_cast<int>(result.failures.size()));
    std::fflush(stdout);
    ++scenarios;
    calls += result.calls;
    runs += result.runs;
    injected += result.injected;
    failures += static_cast<int>(result.failures.size());
  }
  std::printf("%d scenarios, %d calls:\n", scenarios, calls);
  for (const auto& kind : kinds) {
    std::printf("  %6d  %s\n", kind.second, kind.first.c_str());
  }
  std::printf("%d runs, in which %d calls failed; %d faults found\n", runs,
              injected, failures);
  return failures == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
