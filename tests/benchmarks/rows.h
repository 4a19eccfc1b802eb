// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

// Measures the rows of the report. The functions of groups.h declare the rows
// and their goals.

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
  // If not empty, only this build and another one are compared: the path of the
  // other build's unix_party, the program that plays client and server.
  std::string other;
  // Few operations in each measurement. This tests the rows. The figures are of
  // no use.
  bool smoke = false;
  Columns columns = Columns::kAll;
};

// Returns the rows whose names the filter matches. Rows are measured in groups,
// so the other rows of their groups are measured too. Prints the progress on
// standard error.
std::vector<Row> MeasureRows(const Options& options);

}  // namespace benchmarks
}  // namespace le

#endif  // LE_MESSAGING_TESTS_BENCHMARKS_ROWS_H_
