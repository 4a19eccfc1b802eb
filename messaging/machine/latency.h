// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef LE_MESSAGING_MESSAGING_MACHINE_LATENCY_H_
#define LE_MESSAGING_MESSAGING_MACHINE_LATENCY_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <utility>

namespace le {
namespace messaging {

// A histogram of the time from a service's receipt of a request to its
// response.
//
// Reading the clock twice takes 50 to 80 ns. So only each kInterval-th request
// is timed. A timed request also counts for the requests since the last timed
// one. kInterval is 17 and not a power of two. If 16 clients sent in strict
// rotation, an interval of 16 would time the requests of one client only. While
// responses take kSlowNs or longer, every request is timed. If a timed request
// gets no response, no bucket has it, nor the requests that it counts for.
class Latency {
 public:
  // Bucket i counts times from 2^i ns to below 2^(i+1) ns. The first bucket
  // also counts 0 ns, and the last one all longer times.
  static constexpr size_t kBuckets = 32;
  static constexpr uint32_t kInterval = 17;
  static constexpr uint64_t kSlowNs = 50'000;

  static size_t BucketOf(uint64_t ns) {
    size_t bucket = 0;
    while (bucket + 1 < kBuckets && ns >> (bucket + 1) != 0) ++bucket;
    return bucket;
  }

  // The owner's thread only. Returns the number of requests for which this
  // request counts. 0: this request is not timed.
  uint32_t OnRequest() {
    if (++waiting_ < interval_.load(std::memory_order_relaxed)) return 0;
    return std::exchange(waiting_, 0);
  }
  // Any thread. The response to a timed request was sent. `requests` is the
  // result of OnRequest().
  void OnResponse(uint32_t requests, uint64_t ns) {
    buckets_[BucketOf(ns)].fetch_add(requests, std::memory_order_relaxed);
    sum_ns_.fetch_add(requests * ns, std::memory_order_relaxed);
    interval_.store(ns < kSlowNs ? kInterval : 1, std::memory_order_relaxed);
  }

  // Any thread.
  uint64_t bucket(size_t i) const {
    return buckets_[i].load(std::memory_order_relaxed);
  }
  uint64_t sum_ns() const { return sum_ns_.load(std::memory_order_relaxed); }

 private:
  uint32_t waiting_ = 0;  // requests since the last one that was timed
  std::atomic<uint32_t> interval_{1};
  std::atomic<uint64_t> buckets_[kBuckets] = {};
  std::atomic<uint64_t> sum_ns_{0};
};

}  // namespace messaging
}  // namespace le

#endif  // LE_MESSAGING_MESSAGING_MACHINE_LATENCY_H_
