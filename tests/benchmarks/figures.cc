// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#include "tests/benchmarks/figures.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "absl/strings/str_cat.h"

namespace le {
namespace benchmarks {

double Quantile(std::vector<double> values, double share) {
  values.erase(std::remove_if(values.begin(), values.end(),
                              [](double v) { return std::isnan(v); }),
               values.end());
  if (values.empty()) return kNoFigure;
  std::sort(values.begin(), values.end());
  const double place = share * static_cast<double>(values.size() - 1);
  const size_t below = static_cast<size_t>(place);
  if (below + 1 >= values.size()) return values.back();
  const double part = place - static_cast<double>(below);
  return values[below] + part * (values[below + 1] - values[below]);
}

double Median(std::vector<double> values) {
  return Quantile(std::move(values), 0.5);
}

std::vector<double> Ratios(const std::vector<double>& a,
                           const std::vector<double>& b) {
  std::vector<double> ratios;
  for (size_t i = 0; i < std::min(a.size(), b.size()); ++i) {
    ratios.push_back(b[i] == 0 ? kNoFigure : a[i] / b[i]);
  }
  return ratios;
}

std::vector<double> Differences(const std::vector<double>& a,
                                const std::vector<double>& b) {
  std::vector<double> differences;
  for (size_t i = 0; i < std::min(a.size(), b.size()); ++i) {
    differences.push_back(a[i] - b[i]);
  }
  return differences;
}

Verdict Judge(const Row& row) {
  if (!row.measured()) return Verdict::kNotMeasured;
  switch (row.goal.kind) {
    case Goal::kAtLeast:
      return row.value >= row.goal.bound ? Verdict::kOk : Verdict::kShort;
    case Goal::kAtMost:
      return row.value <= row.goal.bound ? Verdict::kOk : Verdict::kShort;
    case Goal::kNone:
      break;
  }
  return Verdict::kNoGoal;
}

const char* VerdictText(Verdict verdict) {
  switch (verdict) {
    case Verdict::kOk:
      return "ok";
    case Verdict::kShort:
      return "SHORT";
    case Verdict::kNotMeasured:
      return "not measured";
    case Verdict::kNoGoal:
      break;
  }
  return "";
}

void SetValue(Row* row, const std::vector<double>& of_rounds) {
  row->value = Median(of_rounds);
  row->low = Quantile(of_rounds, 0.25);
  row->high = Quantile(of_rounds, 0.75);
}

std::string FormatFigure(double figure) {
  if (std::isnan(figure)) return "-";
  const double size = std::fabs(figure);
  if (size == 0) return "0";
  // With four decimals this would print as 0.
  if (size < 0.00005) return figure < 0 ? "-0" : "0+";
  char text[64];
  int decimals = 0;
  if (size < 9.9995) {
    decimals = size < 0.99995 ? 3 : 2;
    if (size < 0.0095) decimals = 4;
  } else if (size < 99.95) {
    decimals = 1;
  }
  std::snprintf(text, sizeof(text), "%.*f", decimals, figure);
  if (decimals > 0) return text;
  std::string digits = text;
  const size_t first = digits[0] == '-' ? 1 : 0;
  for (size_t at = digits.size(); at > first + 3;) {
    at -= 3;
    digits.insert(at, ",");
  }
  return digits;
}

namespace {

std::string GoalText(const Goal& goal) {
  if (goal.kind == Goal::kNone) return "";
  return absl::StrCat(goal.kind == Goal::kAtLeast ? ">= " : "<= ",
                      FormatFigure(goal.bound));
}

std::string JsonString(const std::string& text) {
  std::string quoted = "\"";
  for (char c : text) {
    if (c == '"' || c == '\\') {
      quoted += '\\';
      quoted += c;
    } else if (static_cast<unsigned char>(c) < 0x20) {
      char escape[8];
      std::snprintf(escape, sizeof(escape), "\\u%04x", c);
      quoted += escape;
    } else {
      quoted += c;
    }
  }
  return quoted + "\"";
}

std::string JsonNumber(double figure) {
  if (!std::isfinite(figure)) return "null";
  char text[64];
  std::snprintf(text, sizeof(text), "%.9g", figure);
  return text;
}

}  // namespace

std::string FormatColumns(const std::vector<std::vector<std::string>>& lines,
                          const std::vector<size_t>& to_the_right) {
  std::vector<size_t> widths;
  for (const auto& line : lines) {
    widths.resize(std::max(widths.size(), line.size()));
    for (size_t i = 0; i < line.size(); ++i) {
      widths[i] = std::max(widths[i], line[i].size());
    }
  }
  std::string table;
  for (const auto& line : lines) {
    std::string text;
    for (size_t i = 0; i < line.size(); ++i) {
      const std::string space(widths[i] - line[i].size(), ' ');
      const bool right =
          std::count(to_the_right.begin(), to_the_right.end(), i) > 0;
      absl::StrAppend(&text, i == 0 ? "" : "  ", right ? space : "", line[i],
                      right ? "" : space);
    }
    text.erase(text.find_last_not_of(' ') + 1);
    absl::StrAppend(&table, text, "\n");
  }
  return table;
}

std::string FormatTable(const std::vector<Row>& rows, Columns columns) {
  std::vector<std::vector<std::string>> cells = {
      {"row", "floor", "ours", "unit", "value", "goal", "verdict"}};
  if (columns == Columns::kAll) {
    cells[0].insert(cells[0].end(), {"half of the rounds", "CPU us: floor",
                                     "ours", "value", ""});
  }
  for (const Row& row : rows) {
    cells.push_back({row.what, FormatFigure(row.floor), FormatFigure(row.ours),
                     row.unit, FormatFigure(row.value), GoalText(row.goal),
                     VerdictText(Judge(row))});
    if (columns == Columns::kFew) continue;
    std::string half;
    if (!std::isnan(row.low)) {
      half = absl::StrCat(FormatFigure(row.low), "..", FormatFigure(row.high));
    }
    cells.back().insert(
        cells.back().end(),
        {half, FormatFigure(row.floor_cpu), FormatFigure(row.ours_cpu),
         FormatFigure(row.cpu_value), row.note});
  }
  return FormatColumns(cells, {1, 2, 4, 5, 8, 9, 10});
}

std::string FormatJson(const Facts& facts, const std::vector<Row>& rows) {
  std::string json = "{\n";
  for (const auto& fact : facts) {
    absl::StrAppend(&json, "  ", JsonString(fact.first), ": ",
                    JsonString(fact.second), ",\n");
  }
  absl::StrAppend(&json, "  \"rows\": [");
  const char* separator = "\n";
  for (const Row& row : rows) {
    const char* const kinds[] = {"none", "at least", "at most"};
    absl::StrAppend(&json, separator, "    {\"name\": ", JsonString(row.name),
                    ", \"what\": ", JsonString(row.what),
                    ", \"unit\": ", JsonString(row.unit),
                    ", \"floor\": ", JsonNumber(row.floor),
                    ", \"ours\": ", JsonNumber(row.ours),
                    ", \"value\": ", JsonNumber(row.value),
                    ", \"low\": ", JsonNumber(row.low));
    absl::StrAppend(
        &json, ", \"high\": ", JsonNumber(row.high),
        ", \"floor_cpu_us\": ", JsonNumber(row.floor_cpu),
        ", \"ours_cpu_us\": ", JsonNumber(row.ours_cpu),
        ", \"cpu_value\": ", JsonNumber(row.cpu_value),
        ", \"goal\": ", JsonString(kinds[row.goal.kind]), ", \"bound\": ",
        JsonNumber(row.goal.kind == Goal::kNone ? kNoFigure : row.goal.bound),
        ", \"verdict\": ", JsonString(VerdictText(Judge(row))),
        ", \"note\": ", JsonString(row.note), "}");
    separator = ",\n";
  }
  absl::StrAppend(&json, "\n  ]\n}\n");
  return json;
}

}  // namespace benchmarks
}  // namespace le
