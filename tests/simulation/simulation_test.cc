// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// Runs a few hundred seeds. A seed must give the same run each time, and a
// failing plan must shrink.

#include <string>
#include <vector>

#include "absl/strings/str_split.h"
#include "event/base/log.h"
#include "gtest/gtest.h"
#include "tests/simulation/runner.h"
#include "tests/simulation/world.h"

namespace le {
namespace simulation {
namespace {

class SimulationTest : public ::testing::Test {
 protected:
  void SetUp() override {
    event::SetLogSink([](event::LogLevel, absl::string_view) {});
  }
  void TearDown() override { event::SetLogSink(nullptr); }
};

TEST_F(SimulationTest, NothingIsLost) {
  constexpr uint64_t kSeeds = 300;
  for (uint64_t seed = 1; seed <= kSeeds; ++seed) {
    const Plan plan = Plan::Draw(seed);
    const Result result = RunPlan(plan, /*trace=*/false);
    ASSERT_EQ(result.failure, "")
        << "replay: bazel run -c opt //tests/simulation -- " << plan.ToFlags()
        << " --trace";
  }
}

TEST_F(SimulationTest, NothingIsLostOnTheSimulatedKernel) {
  constexpr uint64_t kSeeds = 60;
  for (uint64_t seed = 1; seed <= kSeeds; ++seed) {
    Plan plan = Plan::Draw(seed);
    plan.kernel = true;
    const Result result = RunPlan(plan, /*trace=*/false);
    ASSERT_EQ(result.failure, "")
        << "replay: bazel run -c opt //tests/simulation -- " << plan.ToFlags()
        << " --trace";
  }
}

TEST_F(SimulationTest, ASeedRepeatsToTheByteOnTheSimulatedKernel) {
  // The first run in a real process fills caches, and takes locks for that. So
  // the first run differs from later runs.
  Plan first = Plan::Draw(1);
  first.kernel = true;
  RunPlan(first, /*trace=*/false);
  for (uint64_t seed = 1; seed <= 5; ++seed) {
    Plan plan = Plan::Draw(seed);
    plan.kernel = true;
    const Result one = RunPlan(plan, /*trace=*/true);
    const Result two = RunPlan(plan, /*trace=*/true);
    EXPECT_FALSE(one.trace.empty());
    EXPECT_TRUE(one.trace == two.trace) << "seed " << seed;
  }
}

TEST_F(SimulationTest, ASeedRepeatsToTheByte) {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    const Plan plan = Plan::Draw(seed);
    const Result first = RunPlan(plan, /*trace=*/true);
    const Result second = RunPlan(plan, /*trace=*/true);
    EXPECT_FALSE(first.trace.empty());
    EXPECT_EQ(first.trace, second.trace) << "seed " << seed;
    EXPECT_EQ(first.faults, second.faults);
  }
}

TEST_F(SimulationTest, SeedsDiffer) {
  EXPECT_NE(RunPlan(Plan::Draw(1), true).trace,
            RunPlan(Plan::Draw(2), true).trace);
}

TEST_F(SimulationTest, AFailureShrinksToWhatItNeeds) {
  Plan plan = Plan::Draw(7);
  plan.clients = 4;
  plan.servers = 3;
  plan.operations = 50;
  plan.blows = 12;
  plan.kill_clients = plan.rebind = plan.threads = plan.misbehave = true;
  const Plan small = Shrink(plan, [](const Plan& candidate) {
    return candidate.clients >= 2 && candidate.operations >= 11 &&
           candidate.rebind;
  });
  EXPECT_EQ(small.clients, 2);
  EXPECT_EQ(small.servers, 1);
  EXPECT_EQ(small.operations, 11);
  EXPECT_EQ(small.blows, 0);
  EXPECT_TRUE(small.rebind);
  EXPECT_FALSE(small.kill_clients || small.threads || small.misbehave);
}

TEST_F(SimulationTest, APlanIsReplayedFromItsFlags) {
  for (uint64_t seed = 1; seed <= 50; ++seed) {
    Plan plan = Plan::Draw(seed);
    plan.operations += 3;
    std::vector<std::string> words = {"simulation"};
    for (const auto& word : absl::StrSplit(plan.ToFlags(), ' ')) {
      words.emplace_back(word);
    }
    std::vector<char*> argv;
    for (std::string& word : words) argv.push_back(&word[0]);
    Options options;
    ASSERT_TRUE(options.Parse(static_cast<int>(argv.size()), argv.data()));
    EXPECT_EQ(options.PlanOf(options.first).ToFlags(), plan.ToFlags());
  }
}

}  // namespace
}  // namespace simulation
}  // namespace le
