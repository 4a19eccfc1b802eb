// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// Runs a scenario many times, each time with another failing call.

#ifndef LE_MESSAGING_TESTS_FAULTS_SWEEP_H_
#define LE_MESSAGING_TESTS_FAULTS_SWEEP_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "tests/faults/injector.h"
#include "tests/faults/stage.h"

namespace le {
namespace faults {

struct Scenario {
  const char* name;
  void (*play)(Stage* stage);
  size_t message_bytes;
};

const std::vector<Scenario>& Scenarios();

struct Result {
  int calls = 0;     // calls of the scenario when nothing fails
  int runs = 0;      // runs with a failure
  int injected = 0;  // calls that failed
  std::map<std::string, int> calls_by_kind;
  // The failed checks, each with the failures of its run.
  std::vector<std::string> failures;
};

struct Options {
  // Tries each `every`th failure, starting with number `offset`.
  int every = 1;
  int offset = 0;
  // Then tries this number of random pairs of failures.
  int pairs = 0;
  uint32_t seed = 1;
};
Result Sweep(const Scenario& scenario, const Options& options);

}  // namespace faults
}  // namespace le

#endif  // LE_MESSAGING_TESTS_FAULTS_SWEEP_H_
