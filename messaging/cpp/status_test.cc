// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#include "le/status.h"

#include <algorithm>
#include <set>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "le/client.h"

namespace le {
namespace {

using absl::StatusCode;

struct Row {
  le_result_t result;
  StatusCode code;
};

constexpr Row kRows[] = {
    {LE_OK, StatusCode::kOk},
    {LE_NOT_FOUND, StatusCode::kNotFound},
    {LE_NOT_POSSIBLE, StatusCode::kFailedPrecondition},
    {LE_OUT_OF_RANGE, StatusCode::kOutOfRange},
    {LE_NO_MEMORY, StatusCode::kResourceExhausted},
    {LE_NOT_PERMITTED, StatusCode::kPermissionDenied},
    {LE_FAULT, StatusCode::kInternal},
    {LE_COMM_ERROR, StatusCode::kUnavailable},
    {LE_TIMEOUT, StatusCode::kDeadlineExceeded},
    {LE_OVERFLOW, StatusCode::kOutOfRange},
    {LE_UNDERFLOW, StatusCode::kOutOfRange},
    {LE_WOULD_BLOCK, StatusCode::kResourceExhausted},
    {LE_DEADLOCK, StatusCode::kFailedPrecondition},
    {LE_FORMAT_ERROR, StatusCode::kInvalidArgument},
    {LE_DUPLICATE, StatusCode::kAlreadyExists},
    {LE_BAD_PARAMETER, StatusCode::kInvalidArgument},
    {LE_CLOSED, StatusCode::kUnavailable},
    {LE_BUSY, StatusCode::kResourceExhausted},
    {LE_UNSUPPORTED, StatusCode::kUnimplemented},
    {LE_IO_ERROR, StatusCode::kInternal},
    {LE_NOT_IMPLEMENTED, StatusCode::kUnimplemented},
    {LE_UNAVAILABLE, StatusCode::kAborted},
    {LE_TERMINATED, StatusCode::kCancelled},
    {LE_IN_PROGRESS, StatusCode::kFailedPrecondition},
    {LE_SUSPENDED, StatusCode::kFailedPrecondition},
};

TEST(StatusTest, EachResultHasItsCode) {
  std::set<int> seen;
  for (const Row& row : kRows) {
    EXPECT_EQ(ToStatusCode(row.result), row.code) << LE_RESULT_TXT(row.result);
    EXPECT_EQ(ToStatus(row.result, "x").code(), row.code);
    seen.insert(row.result);
  }
  for (int result = LE_SUSPENDED; result <= LE_OK; ++result) {
    EXPECT_EQ(seen.count(result), 1U) << result << " is not in the table";
  }
}

TEST(StatusTest, AResultOfALaterVersionIsUnknown) {
  EXPECT_EQ(ToStatusCode(static_cast<le_result_t>(-31)), StatusCode::kUnknown);
}

TEST(StatusTest, TheTextNamesTheFailedOperation) {
  EXPECT_EQ(ToStatus(LE_TIMEOUT, "no answer").message(),
            "no answer: LE_TIMEOUT");
}

TEST(StatusTest, TimeoutsAreRoundedUpAndBounded) {
  using internal::ToMilliseconds;
  EXPECT_EQ(ToMilliseconds(absl::InfiniteDuration()), LE_MSG_NO_TIMEOUT);
  EXPECT_EQ(ToMilliseconds(-absl::InfiniteDuration()), 0U);
  EXPECT_EQ(ToMilliseconds(absl::ZeroDuration()), 0U);
  EXPECT_EQ(ToMilliseconds(absl::Nanoseconds(1)), 1U);
  EXPECT_EQ(ToMilliseconds(absl::Milliseconds(7)), 7U);
  EXPECT_EQ(ToMilliseconds(absl::Milliseconds(LE_MSG_NO_TIMEOUT)),
            LE_MSG_NO_TIMEOUT - 1);
  EXPECT_EQ(ToMilliseconds(absl::Hours(24 * 365 * 1000)),
            LE_MSG_NO_TIMEOUT - 1);
}

// No closure gets the refusal.
TEST(CallTest, ADetachedRefusalIsLogged) {
  ::testing::internal::CaptureStderr();
  Call(absl::OutOfRangeError("too large")).Detach();
  Call().Detach();
  const std::string log = ::testing::internal::GetCapturedStderr();
  EXPECT_THAT(log,
              ::testing::HasSubstr(
                  "a detached request was refused: OUT_OF_RANGE: too large"));
  EXPECT_EQ(std::count(log.begin(), log.end(), '\n'), 1) << log;
}

}  // namespace
}  // namespace le
