// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

// Computes the printed report from measurements. Has no side effects.

#ifndef LE_MESSAGING_TESTS_BENCHMARKS_FIGURES_H_
#define LE_MESSAGING_TESTS_BENCHMARKS_FIGURES_H_

#include <cstddef>
#include <limits>
#include <string>
#include <utility>
#include <vector>

namespace le {
namespace benchmarks {

constexpr double kNoFigure = std::numeric_limits<double>::quiet_NaN();

// The quantile at `share`, from 0 to 1. Interpolates between two values.
// kNoFigure if there are no values.
double Quantile(std::vector<double> values, double share);
double Median(std::vector<double> values);

// a[i] / b[i] for each round i, so that a disturbance of a round cancels.
std::vector<double> Ratios(const std::vector<double>& a,
                           const std::vector<double>& b);
// a[i] - b[i].
std::vector<double> Differences(const std::vector<double>& a,
                                const std::vector<double>& b);

struct Goal {
  enum Kind { kNone, kAtLeast, kAtMost };
  Kind kind = kNone;
  double bound = 0;
};
inline Goal AtLeast(double bound) { return {Goal::kAtLeast, bound}; }
inline Goal AtMost(double bound) { return {Goal::kAtMost, bound}; }

// One line of the report.
struct Row {
  std::string name;  // key of --filter and of the JSON
  std::string what;
  std::string unit;  // of `floor` and `ours`
  Goal goal;         // for `value`
  double floor = kNoFigure;
  double ours = kNoFigure;
  // The value that the goal is for: a ratio in most rows.
  double value = kNoFigure;
  // The quartiles: half of the rounds are between `low` and `high`.
  double low = kNoFigure;
  double high = kNoFigure;
  // Processor time of all processes together, in microseconds per operation.
  double floor_cpu = kNoFigure;
  double ours_cpu = kNoFigure;
  // As `value`, computed from processor time instead of elapsed time. On a busy
  // machine this ratio is more reliable, if both sides share one processor.
  double cpu_value = kNoFigure;
  std::string note;

  bool measured() const { return value == value; }
};

enum class Verdict { kOk, kShort, kNotMeasured, kNoGoal };
Verdict Judge(const Row& row);
const char* VerdictText(Verdict verdict);

// Sets value, low and high.
void SetValue(Row* row, const std::vector<double>& of_rounds);

// A figure with about three significant digits; large figures have all their
// digits: "0.912", "12.4", "301,457". "-" if it is kNoFigure.
std::string FormatFigure(double figure);

using Facts = std::vector<std::pair<std::string, std::string>>;

// A table in which each line has the same number of cells. The columns in
// `to_the_right` are aligned to the right.
std::string FormatColumns(const std::vector<std::vector<std::string>>& lines,
                          const std::vector<size_t>& to_the_right);

// The report as a table, for people. kFew leaves out the spread of the rounds,
// processor time and notes.
enum class Columns { kAll, kFew };
std::string FormatTable(const std::vector<Row>& rows,
                        Columns columns = Columns::kAll);
// The report as JSON, for programs. `facts` describe the run.
std::string FormatJson(const Facts& facts, const std::vector<Row>& rows);

}  // namespace benchmarks
}  // namespace le

#endif  // LE_MESSAGING_TESTS_BENCHMARKS_FIGURES_H_
