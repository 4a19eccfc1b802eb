// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#include "gtest/gtest.h"
#include "tests/benchmarks/figures.h"

namespace le {
namespace benchmarks {
namespace {

Row NewRow(double value, Goal goal) {
  Row row;
  row.name = "name";
  row.what = "what";
  row.value = value;
  row.goal = goal;
  return row;
}

TEST(QuantileTest, IsBetweenItsNeighbours) {
  EXPECT_EQ(2, Median({3, 1, 2}));
  EXPECT_EQ(2.5, Median({4, 1, 2, 3}));
  EXPECT_EQ(1, Quantile({3, 1, 2}, 0));
  EXPECT_EQ(3, Quantile({3, 1, 2}, 1));
  EXPECT_EQ(1.5, Quantile({3, 1, 2}, 0.25));
  EXPECT_EQ(7, Median({7}));
}

TEST(QuantileTest, LeavesOutWhatIsNoFigure) {
  EXPECT_EQ(2, Median({kNoFigure, 2, kNoFigure}));
  EXPECT_NE(Median({}), Median({}));
  EXPECT_NE(Median({kNoFigure}), Median({kNoFigure}));
}

TEST(RatiosTest, AreOfTheSameRound) {
  // A disturbance of the third round affects both sides equally.
  EXPECT_EQ(2, Median(Ratios({2, 4, 200}, {1, 2, 100})));
  EXPECT_EQ((std::vector<double>{1, 2}), Differences({3, 4}, {2, 2}));
  EXPECT_EQ(3, Median(Ratios({1, 3}, {0, 1})));
}

TEST(JudgeTest, GoalsIncludeTheirBound) {
  EXPECT_EQ(Verdict::kOk, Judge(NewRow(0.85, AtLeast(0.85))));
  EXPECT_EQ(Verdict::kShort, Judge(NewRow(0.849, AtLeast(0.85))));
  EXPECT_EQ(Verdict::kOk, Judge(NewRow(0, AtMost(0))));
  EXPECT_EQ(Verdict::kShort, Judge(NewRow(0.001, AtMost(0))));
  EXPECT_EQ(Verdict::kNoGoal, Judge(NewRow(1, Goal())));
  EXPECT_EQ(Verdict::kNotMeasured, Judge(NewRow(kNoFigure, AtMost(1))));
}

TEST(SetValueTest, HasMedianAndQuartiles) {
  Row row;
  EXPECT_FALSE(row.measured());
  SetValue(&row, {5, 1, 3, 2, 4});
  EXPECT_TRUE(row.measured());
  EXPECT_EQ(3, row.value);
  EXPECT_EQ(2, row.low);
  EXPECT_EQ(4, row.high);
}

TEST(FormatFigureTest, ShowsWhatCounts) {
  EXPECT_EQ("-", FormatFigure(kNoFigure));
  EXPECT_EQ("0", FormatFigure(0));
  EXPECT_EQ("0+", FormatFigure(0.00001));
  EXPECT_EQ("0.0012", FormatFigure(0.00123));
  EXPECT_EQ("0.912", FormatFigure(0.9123));
  EXPECT_EQ("1.00", FormatFigure(0.99999));
  EXPECT_EQ("7.35", FormatFigure(7.351));
  EXPECT_EQ("12.4", FormatFigure(12.41));
  EXPECT_EQ("100", FormatFigure(99.96));
  EXPECT_EQ("301,457", FormatFigure(301457.2));
  EXPECT_EQ("-1,234,567", FormatFigure(-1234567));
}

TEST(FormatTableTest, HasALineForEachRow) {
  Row good = NewRow(0.9, AtLeast(0.85));
  good.floor = 7.35;
  good.ours = 8.1;
  good.unit = "us";
  good.low = 0.89;
  good.high = 0.91;
  good.floor_cpu = 7.7;
  Row missing = NewRow(kNoFigure, AtMost(1));
  missing.note = "it hangs";
  const std::string table = FormatTable({good, missing});
  EXPECT_EQ(
      "row   floor  ours  unit  value      goal  verdict       "
      "half of the rounds  CPU us: floor  ours  value\n"
      "what   7.35  8.10  us    0.900  >= 0.850  ok            "
      "0.890..0.910                 7.70     -      -\n"
      "what      -     -            -   <= 1.00  not measured  "
      "                                -     -      -  it hangs\n",
      table);
  EXPECT_EQ(
      "row   floor  ours  unit  value      goal  verdict\n"
      "what   7.35  8.10  us    0.900  >= 0.850  ok\n"
      "what      -     -            -   <= 1.00  not measured\n",
      FormatTable({good, missing}, Columns::kFew));
}

TEST(FormatJsonTest, QuotesAndHasNullForNoFigure) {
  Row row = NewRow(kNoFigure, AtMost(2));
  row.note = "a \"quote\"\\\n";
  row.ours = 1.5;
  EXPECT_EQ(
      "{\n"
      "  \"system\": \"Linux\",\n"
      "  \"rows\": [\n"
      "    {\"name\": \"name\", \"what\": \"what\", \"unit\": \"\", "
      "\"floor\": null, \"ours\": 1.5, \"value\": null, \"low\": null, "
      "\"high\": null, \"floor_cpu_us\": null, \"ours_cpu_us\": null, "
      "\"cpu_value\": null, \"goal\": \"at most\", "
      "\"bound\": 2, \"verdict\": \"not measured\", "
      "\"note\": \"a \\\"quote\\\"\\\\\\u000a\"}\n"
      "  ]\n}\n",
      FormatJson({{"system", "Linux"}}, {row}));
}

}  // namespace
}  // namespace benchmarks
}  // namespace le
