// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#include "tests/faults/sweep.h"

#include <cstdlib>
#include <cstring>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "event/os_process.h"
#include "gtest/gtest.h"

namespace le {
namespace faults {
namespace {

// The program `sweep` tries all failures. This test tries only one in kEvery,
// so that it takes seconds. The list of failures repeats a pattern for calls of
// the same kind: each errno, with each number of calls that fail. kEvery is a
// prime number, so that the test does not always pick the same place of the
// pattern.
constexpr int kEvery = 23;
constexpr int kPairs = 20;

class SweepTest : public ::testing::TestWithParam<size_t> {};

TEST_P(SweepTest, EachFailureIsSurvived) {
  const Scenario& scenario = Scenarios()[GetParam()];
  Options options;
  options.every = kEvery;
  options.offset = static_cast<int>(GetParam());
  options.pairs = kPairs;
  const Result result = Sweep(scenario, options);
  EXPECT_GT(result.injected, result.runs / 2) << "few runs had a failure";
  EXPECT_TRUE(result.failures.empty()) << absl::StrJoin(result.failures, "\n");
}

INSTANTIATE_TEST_SUITE_P(Scenarios, SweepTest,
                         ::testing::Range<size_t>(0, Scenarios().size()),
                         [](const auto& info) {
                           return Scenarios()[info.param].name;
                         });

// Makes every call of one name fail.
class FailAll final : public event::sys::Interceptor {
 public:
  FailAll(const char* call, int error) : call_(call), error_(error) {
    event::sys::SetInterceptor(this);
  }
  ~FailAll() override { event::sys::SetInterceptor(nullptr); }
  int FailCall(const event::sys::Call& call) override {
    return std::strcmp(call.name, call_) == 0 ? error_ : 0;
  }

 private:
  const char* const call_;
  const int error_;
};

TEST(FatalCallsTest, EndTheProcessWithAReason) {
  for (const FatalCall& fatal : FatalCalls()) {
    for (int error : fatal.errnos) {
      EXPECT_EXIT(
          {
            const FailAll fail(fatal.call, error);
            event::OsProcess::Get()->CreateLoop()->GetFd();
          },
          ::testing::ExitedWithCode(EXIT_FAILURE),
          absl::StrCat("an event loop cannot be made: .*", strerror(error)))
          << fatal.call << " " << ErrnoName(error) << ": " << fatal.why;
    }
  }
}

}  // namespace
}  // namespace faults
}  // namespace le
