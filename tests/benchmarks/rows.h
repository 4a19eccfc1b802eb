// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

// The rows of the report, and their goals.

#ifndef LE_MESSAGING_TESTS_BENCHMARKS_ROWS_H_
#define LE_MESSAGING_TESTS_BENCHMARKS_ROWS_H_

#include <string>
#include <vector>

#include "tests/benchmarks/figures.h"

namespace le {
namespace benchmarks {

struct Options {
  int rounds = 41;
  std::string json;
  std::string filter;  // a regular expression
  std::string other;   // the path of another build's unix_party
  bool smoke = false;  // tiny counts
  Columns columns = Columns::kAll;
};

// Measures the rows that the filter matches, with progress on standard error.
std::vector<Row> MeasureRows(const Options& options);

}  // namespace benchmarks
}  // namespace le

#endif  // LE_MESSAGING_TESTS_BENCHMARKS_ROWS_H_
