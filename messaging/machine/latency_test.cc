// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#include "messaging/machine/latency.h"

#include "gtest/gtest.h"

namespace le {
namespace messaging {
namespace {

TEST(LatencyTest, TheBoundsOfBucketsArePowersOfTwo) {
  EXPECT_EQ(Latency::BucketOf(0), 0u);
  EXPECT_EQ(Latency::BucketOf(1), 0u);
  for (size_t i = 1; i < Latency::kBuckets; ++i) {
    EXPECT_EQ(Latency::BucketOf((uint64_t{1} << i) - 1), i - 1);
    EXPECT_EQ(Latency::BucketOf(uint64_t{1} << i), i);
  }
  EXPECT_EQ(Latency::BucketOf(uint64_t{1} << 32), 31u);
  EXPECT_EQ(Latency::BucketOf(UINT64_MAX), 31u);
}

// The sum of all buckets is the number of requests, although only some requests
// are timed.
TEST(LatencyTest, EachFastRequestIsCountedButFewAreTimed) {
  Latency latency;
  int timed = 0;
  for (uint32_t i = 0; i < 1 + 10 * Latency::kInterval; ++i) {
    const uint32_t requests = latency.OnRequest();
    if (requests == 0) continue;
    ++timed;
    latency.OnResponse(requests, Latency::kSlowNs - 1);
  }
  EXPECT_EQ(timed, 11);
  const size_t bucket = Latency::BucketOf(Latency::kSlowNs - 1);
  EXPECT_EQ(latency.bucket(bucket), 1 + 10 * Latency::kInterval);
  EXPECT_EQ(latency.sum_ns(),
            (1 + 10 * Latency::kInterval) * (Latency::kSlowNs - 1));
}

TEST(LatencyTest, EachSlowRequestIsTimed) {
  Latency latency;
  for (int i = 0; i < 100; ++i) {
    EXPECT_EQ(latency.OnRequest(), 1u);
    latency.OnResponse(1, Latency::kSlowNs);
  }
  latency.OnRequest();
  latency.OnResponse(1, Latency::kSlowNs - 1);
  EXPECT_EQ(latency.OnRequest(), 0u);
}

}  // namespace
}  // namespace messaging
}  // namespace le
