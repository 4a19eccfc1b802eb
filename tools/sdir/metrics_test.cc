// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#include "tools/sdir/metrics.h"

#include <set>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace le {
namespace sdir {
namespace {

using ::testing::ContainsRegex;
using ::testing::HasSubstr;
using ::testing::Not;

class MetricsTest : public ::testing::Test {
 protected:
  void Add(const std::string& name, const Snapshot& snapshot) {
    list_.add_services()->set_service(name);
    list_.mutable_services(list_.services_size() - 1)->set_pid(7);
    snapshots_.push_back(snapshot);
  }

  directory::proto::ListPart list_;
  std::vector<Snapshot> snapshots_;
};

TEST_F(MetricsTest, HasEachServiceAndWhetherItAnswers) {
  Snapshot good;
  good.service.mutable_ended()->set_requests(2);
  good.sessions.emplace_back();
  good.sessions.back().mutable_counts()->set_requests(40);
  Add("<a>.good", good);
  Snapshot silent;
  silent.problem = "does not answer";
  Add("<a>.silent", silent);
  const std::string text = Metrics(list_, snapshots_);
  EXPECT_THAT(text, HasSubstr("\nle_messaging_service_answers{"
                              "service=\"<a>.good\",pid=\"7\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("\nle_messaging_service_answers{"
                              "service=\"<a>.silent\",pid=\"7\"} 0\n"));
  EXPECT_THAT(text, HasSubstr("\nle_messaging_requests_total{"
                              "service=\"<a>.good\",pid=\"7\"} 42\n"));
  EXPECT_THAT(text, Not(HasSubstr("le_messaging_requests_total{"
                                  "service=\"<a>.silent\"")));
}

TEST_F(MetricsTest, BucketsAreCumulative) {
  Snapshot snapshot;
  for (const uint64_t count : {1, 2, 4}) snapshot.service.add_latency(count);
  snapshot.service.set_latency_sum_ns(1'500'000'000);
  Add("<a>.s", snapshot);
  EXPECT_THAT(
      Metrics(list_, snapshots_),
      HasSubstr("_seconds_bucket{service=\"<a>.s\",pid=\"7\",le=\"2e-09\"} 1\n"
                "le_messaging_response_seconds_bucket{service=\"<a>.s\",pid="
                "\"7\",le=\"4e-09\"} 3\n"
                "le_messaging_response_seconds_bucket{service=\"<a>.s\",pid="
                "\"7\",le=\"+Inf\"} 7\n"
                "le_messaging_response_seconds_count{service=\"<a>.s\",pid="
                "\"7\"} 7\n"
                "le_messaging_response_seconds_sum{service=\"<a>.s\",pid="
                "\"7\"} 1.500000000\n"));
}

// A process may offer a service twice.
TEST_F(MetricsTest, LabelsDiffer) {
  Add("<a>.s", Snapshot());
  Add("<a>.s", Snapshot());
  const std::string text = Metrics(list_, snapshots_);
  const size_t first = text.find("service_answers{");
  EXPECT_NE(first, std::string::npos);
  EXPECT_EQ(text.find("service_answers{", first + 1), std::string::npos);
}

TEST_F(MetricsTest, HasTheBusyTimeInSeconds) {
  Snapshot snapshot;
  snapshot.service.mutable_ended()->set_busy_ns(2'500'000'000);
  Add("<a>.s", snapshot);
  EXPECT_THAT(Metrics(list_, snapshots_),
              ContainsRegex("busy_seconds_total\\{[^}]*\\} 2.500000000\n"));
}

TEST_F(MetricsTest, BucketsDoNotDecreaseIfACountLies) {
  Snapshot snapshot;
  for (int i = 0; i < 3; ++i) snapshot.service.add_latency(UINT64_MAX - 1);
  Add("<a>.s", snapshot);
  EXPECT_THAT(Metrics(list_, snapshots_),
              HasSubstr("le=\"+Inf\"} 18446744073709551615\n"));
}

// Checks the rules of the format that a text could break.
TEST_F(MetricsTest, NoTextBreaksTheFormat) {
  Add("<a>.\"} 1\n# EOF\nx{y=\"\\", Snapshot());
  list_.add_refusals()->set_count(3);
  list_.add_resources()->set_name("a \"b\"");
  const std::string text = Metrics(list_, snapshots_);
  std::vector<std::string> lines = absl::StrSplit(text, '\n');
  ASSERT_GE(lines.size(), 2u);
  EXPECT_EQ(lines.back(), "");
  lines.pop_back();
  EXPECT_EQ(lines.back(), "# EOF");
  lines.pop_back();
  std::string metric;
  std::set<std::string> metrics;
  for (const std::string& line : lines) {
    EXPECT_NE(line, "# EOF");
    if (absl::StartsWith(line, "# TYPE ")) {
      metric = std::vector<std::string>(absl::StrSplit(line, ' '))[2];
      EXPECT_TRUE(metrics.insert(metric).second) << metric << " again";
    }
    if (absl::StartsWith(line, "# ")) continue;
    EXPECT_TRUE(absl::StartsWith(line, metric)) << line;
    const size_t end = line.rfind("} ");
    ASSERT_NE(end, std::string::npos) << line;
    double value;
    EXPECT_TRUE(absl::SimpleAtod(line.substr(end + 2), &value)) << line;
    // All quotes in a label's value are escaped.
    bool is_quoted = false;
    for (size_t i = line.find('{'); i < end; ++i) {
      if (is_quoted && line[i] == '\\') {
        ++i;
      } else if (line[i] == '"') {
        is_quoted = !is_quoted;
      }
    }
    EXPECT_FALSE(is_quoted) << line;
  }
}

}  // namespace
}  // namespace sdir
}  // namespace le
