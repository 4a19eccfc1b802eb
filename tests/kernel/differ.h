// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef LE_MESSAGING_TESTS_KERNEL_DIFFER_H_
#define LE_MESSAGING_TESTS_KERNEL_DIFFER_H_

#include <cstdint>
#include <string>

#include "tests/kernel/machine.h"
#include "tests/kernel/program.h"

namespace le {
namespace kernel_test {

// Runs programs on two kernels, and compares the results.
class Differ {
 public:
  // `real` is the reference. If its results for a program vary, the program
  // counts as uncertain, not as a difference.
  Differ(Machine* real, Machine* model) : real_(real), model_(model) {}

  // Returns "" if both kernels gave the same results, or if the program is
  // uncertain. Otherwise returns a program that shows a difference, with both
  // results. The program is shrunk if shrinks() is true.
  std::string CompareSeed(uint64_t seed);
  std::string Compare(const Program& program);

  uint64_t programs() const { return programs_; }
  uint64_t steps() const { return steps_; }
  // The number of uncertain programs that CompareSeed() found. Only a program
  // whose first results differ can be found to be uncertain.
  uint64_t uncertain() const { return uncertain_; }
  bool shrinks() const { return shrinks_; }
  void set_shrinks(bool on) { shrinks_ = on; }

 private:
  bool Differs(const Program& program);
  std::string Explain(const Program& program);

  Machine* const real_;
  Machine* const model_;
  bool shrinks_ = true;
  uint64_t programs_ = 0;
  uint64_t steps_ = 0;
  uint64_t uncertain_ = 0;
};

}  // namespace kernel_test
}  // namespace le

#endif  // LE_MESSAGING_TESTS_KERNEL_DIFFER_H_
